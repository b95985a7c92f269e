//! Just enough SQL to tell what a text does: its statements' verbs and whether a WHERE bounds them.

use crate::policy::{lexicon::Concepts, name};

/// A statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// What it does; [`Concepts::ALL`] when the verb is unknown.
    pub does: Concepts,
    /// What it does it to.
    pub things: Concepts,
    /// A WHERE clause stands in it.
    pub bounded: bool,
}

/// Verbs: whether the word opens a statement, and what it does.
struct Verb {
    word: &'static str,
    does: &'static str,
    thing: &'static str,
}

const VERBS: &[Verb] = &[
    Verb { word: "select", does: "read", thing: "database" },
    Verb { word: "show", does: "read", thing: "database" },
    Verb { word: "describe", does: "read", thing: "database" },
    Verb { word: "desc", does: "read", thing: "database" },
    Verb { word: "pragma", does: "", thing: "database" },
    Verb { word: "values", does: "read", thing: "database" },
    Verb { word: "insert", does: "create", thing: "row" },
    Verb { word: "copy", does: "", thing: "row" },
    Verb { word: "replace", does: "update", thing: "row" },
    Verb { word: "upsert", does: "update", thing: "row" },
    Verb { word: "merge", does: "update", thing: "row" },
    Verb { word: "update", does: "update", thing: "row" },
    Verb { word: "delete", does: "delete", thing: "row" },
    Verb { word: "truncate", does: "delete", thing: "table" },
    Verb { word: "drop", does: "delete", thing: "" },
    Verb { word: "create", does: "create", thing: "" },
    Verb { word: "alter", does: "update", thing: "" },
    Verb { word: "rename", does: "rename", thing: "table" },
    Verb { word: "grant", does: "grant", thing: "role" },
    Verb { word: "revoke", does: "revoke", thing: "role" },
];

/// Words before the verb that tell nothing, and words of a session that change no data.
const PASSED: &[&str] = &["explain", "analyze", "verbose"];
const SILENT: &[&str] = &["begin", "commit", "end", "start", "set", "use", "rollback", "savepoint"];

/// Things behind `DROP`, `CREATE` and `ALTER`.
const OBJECTS: &[(&str, &str)] = &[
    ("table", "table"),
    ("view", "table"),
    ("index", "schema"),
    ("schema", "schema"),
    ("database", "database"),
    ("column", "column"),
    ("user", "user"),
    ("role", "role"),
    ("collection", "table"),
];

/// Words in front of the name of a table.
const NAMING: &[&str] = &["from", "into", "update", "table", "join", "exists", "only", "truncate", "view"];
/// The longest name of a table that is read, in bytes.
const NAME_MAX: usize = 64;

/// The most statements that are read; a text with more does everything.
const STATEMENTS_MAX: usize = 64;

/// Whether a text opens like SQL.
#[must_use]
pub fn looks_like(text: &str) -> bool {
    let mut words = Words::new(text);
    let first = words.next();
    first.is_some_and(|word| {
        let known = |list: &[&str]| list.iter().any(|other| other.eq_ignore_ascii_case(word));
        VERBS.iter().any(|verb| verb.word.eq_ignore_ascii_case(word))
            || known(PASSED)
            || known(SILENT)
            || word.eq_ignore_ascii_case("with")
    })
}

/// Whether a text that opens like SQL goes on like it: `delete from`, `drop table`, `select … from`.
#[must_use]
pub fn is_statement(text: &str) -> bool {
    let mut words = Words::new(text).filter(|word| *word != "(");
    let is = |word: &str, other: &[&str]| other.iter().any(|other| word.eq_ignore_ascii_case(other));
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let object = OBJECTS.iter().any(|(name, _)| second.eq_ignore_ascii_case(name));
    let mut later = |wanted: &[&str]| is(second, wanted) || words.any(|word| is(word, wanted));
    match () {
        () if is(first, &["delete", "insert", "merge", "replace", "upsert"]) => is(second, &["from", "into"]),
        () if is(first, &["drop", "create", "alter", "truncate", "rename"]) => {
            object || is(second, &["or", "unique", "temporary", "temp", "if", "materialized"])
        }
        () if is(first, &["update"]) => later(&["set"]),
        () if is(first, &["grant", "revoke"]) => later(&["on", "to"]),
        () if is(first, &["select", "show", "describe", "desc", "values", "copy"]) => true,
        () => later(&["from", "into", "set", "table", "as"]),
    }
}

/// Whether dialects disagree on where strings and comments end, so that one may hide a statement from this reader.
fn ambiguous(text: &str) -> bool {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        let unclear = match c {
            '\\' => matches!(next, '\'' | '"' | '\\' | '`'),
            '$' => next == '$' || next.is_alphabetic() || next == '_',
            '#' => true,
            '-' => before == '-' && !next.is_whitespace(),
            _ => false,
        };
        if unclear {
            return true;
        }
        before = c;
    }
    text.matches("/*").count() > text.matches("*/").count()
}

/// Reads the statements of a text; unknown verbs do everything.
pub fn statements(text: &str, each: &mut dyn FnMut(Statement)) {
    if ambiguous(text) {
        each(Statement { does: Concepts::ALL, things: Concepts::named(&["database"]), bounded: false });
    }
    let mut words = Words::new(text).peekable();
    let mut seen = 0;
    while words.peek().is_some() {
        seen += 1;
        let statement = if seen > STATEMENTS_MAX {
            words.by_ref().for_each(drop);
            Some(Statement { does: Concepts::ALL, things: Concepts::named(&["database"]), bounded: false })
        } else {
            statement(&mut words)
        };
        if let Some(statement) = statement {
            each(statement);
        }
    }
}

fn statement<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Statement> {
    let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
    let mut does = Concepts::NONE;
    let mut things = Concepts::named(&["database"]);
    let (mut bounded, mut opened, mut named) = (false, false, false);
    let mut explained = false;
    let mut with = false;
    let mut before = "";
    for word in words {
        if word == ";" {
            break;
        }
        if is(word, "where") {
            bounded = true;
        }
        if NAMING.iter().any(|naming| is(before, naming)) && word.len() <= NAME_MAX {
            // What stands in a table of that name.
            things = things.with(name::named(word));
        }
        let verb = VERBS.iter().find(|verb| is(word, verb.word));
        if !opened {
            if PASSED.iter().any(|passed| is(word, passed)) {
                explained = true;
            } else if is(word, "with") {
                (with, opened) = (true, true);
            } else if let Some(verb) = verb {
                opened = true;
                does = does.with(done(verb));
                things = things.with(Concepts::named(&[verb.thing]));
                named = !verb.thing.is_empty();
            } else if SILENT.iter().any(|silent| is(word, silent)) {
                opened = true;
                (does, named) = (Concepts::named(&["read"]), true);
            } else if word != "(" {
                (does, opened) = (Concepts::ALL, true);
            }
        } else if !named
            && !with
            && let Some((_, thing)) = OBJECTS.iter().find(|(name, _)| is(word, name))
        {
            things = things.with(Concepts::named(&[thing]));
            named = true;
        } else if with || matches!(before, "(" | "as" | "AS" | "As") {
            // A verb behind `WITH … AS (…)`, or within parentheses, is done as well.
            if let Some(verb) =
                verb.filter(|verb| !matches!(verb.word, "replace" | "values" | "set" | "show" | "desc" | "copy"))
            {
                does = does.with(done(verb));
                things = things.with(Concepts::named(&[verb.thing]));
            }
        } else if is(word, "into") && does == Concepts::named(&["read"]) {
            // `SELECT … INTO table` writes.
            does = does.with(Concepts::named(&["create"]));
        }
        before = word;
    }
    if !opened {
        return None;
    }
    let read = Concepts::named(&["read"]);
    // Reading beside writing is no reading; a plan that is only explained still may run (`EXPLAIN ANALYZE`).
    let does = if does != Concepts::ALL && does.without(read) != Concepts::NONE { does.without(read) } else { does };
    let does = if does.is_empty() { if explained { read } else { Concepts::ALL } } else { does };
    Some(Statement { does, things, bounded })
}

fn done(verb: &Verb) -> Concepts {
    if verb.does.is_empty() { Concepts::ALL } else { Concepts::named(&[verb.does]) }
}

/// Words, `;` and `(` of an SQL text; strings, quoted names and comments are skipped.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    fn skip_to(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let mut chars = self.rest.chars();
            let first = chars.next()?;
            let after = chars.as_str();
            match first {
                '\'' | '"' | '`' => {
                    self.rest = after;
                    let mut buffer = [0; 4];
                    self.skip_to(first.encode_utf8(&mut buffer));
                }
                '-' if after.starts_with('-') => self.skip_to("\n"),
                '/' if after.starts_with('*') => {
                    self.rest = after.strip_prefix('*').unwrap_or(after);
                    // MySQL runs what stands in `/*! … */`.
                    if !self.rest.starts_with('!') {
                        self.skip_to("*/");
                    }
                }
                ';' | '(' => {
                    let (word, rest) = self.rest.split_at_checked(1)?;
                    self.rest = rest;
                    return Some(word);
                }
                c if c.is_alphabetic() || c == '_' => {
                    let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
                    let (word, rest) = self.rest.split_at_checked(end)?;
                    self.rest = rest;
                    return Some(word);
                }
                _ => self.rest = after,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Statement, statements};
    use crate::policy::lexicon::Concepts;

    fn read(text: &str) -> Vec<Statement> {
        let mut all = Vec::new();
        statements(text, &mut |statement| all.push(statement));
        all
    }

    fn does(text: &str) -> Concepts {
        read(text).iter().fold(Concepts::NONE, |does, statement| does.with(statement.does))
    }

    #[test]
    fn verbs_are_found_and_strings_are_not_verbs() {
        for (text, concept) in [
            ("SELECT * FROM drops WHERE a = 'delete it'", "read"),
            ("select 1 -- drop table users", "read"),
            ("insert into t values (1)", "create"),
            ("WITH x AS (SELECT 1) DELETE FROM t", "delete"),
            ("with x as (delete from t returning *) select * from x", "delete"),
            ("EXPLAIN SELECT 1", "read"),
            ("Truncate table x", "delete"),
            ("ALTER TABLE t ADD COLUMN x int", "update"),
            ("SELECT update_count FROM log", "read"),
            ("SELECT replace(a, 'x', 'y') FROM t", "read"),
        ] {
            assert_eq!(does(text), Concepts::named(&[concept]), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_does_everything() {
        for text in ["CALL wipe()", "DO $$ begin end $$", "vacuum full", "VACUUM; SELECT 1"] {
            assert_eq!(does(text), Concepts::ALL, "{text}");
        }
        assert!(does("SELECT 1; DROP TABLE users").meets(Concepts::named(&["delete"])));
        assert!(does("EXPLAIN ANALYZE DELETE FROM users").meets(Concepts::named(&["delete"])));
        assert!(does("SELECT * INTO copy FROM users").meets(Concepts::named(&["create"])));
        assert!(does("/*! DROP TABLE users */").meets(Concepts::named(&["delete"])));
        for hidden in [
            r"SELECT '\'' ; DROP TABLE t -- '",
            "SELECT $$'$$; DROP TABLE t; --'",
            "SELECT 1 # 2; DROP TABLE t",
            "SELECT 5--1; DROP TABLE t",
            "/* /* */ ' */ DROP TABLE t --'",
        ] {
            assert!(does(hidden).meets(Concepts::named(&["delete"])), "{hidden}");
        }
    }

    #[test]
    fn where_belongs_to_its_statement() {
        let all = read("DELETE FROM a WHERE id = 1; DELETE FROM b");
        assert_eq!(all.iter().map(|statement| statement.bounded).collect::<Vec<_>>(), [true, false]);
        assert!(read("delete from where_table").iter().all(|statement| !statement.bounded));
        assert!(read("DROP TABLE t")[0].things.meets(Concepts::named(&["table"])));
    }

    proptest! {
        #[test]
        fn never_panics_and_ends(text in "\\PC{0,200}") {
            let _ = read(&text);
        }
    }
}
