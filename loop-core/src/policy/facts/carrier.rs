//! What the arguments of a call say it does, where the name alone does not: SQL text, shell commands, an operation
//! chosen by an argument, a table or resource named by one.

use super::{
    command::{addressed, commands, holds_secrets, method_does},
    keys::{self, Roles},
    leaf::{Leaf, leaves},
    sql,
};
use crate::{
    base::json::{Kind, View},
    policy::{
        deed::{Class, classify, known, pure_deeds},
        lexicon::{Concepts, lexicon, read_word},
        name,
    },
    tool::name::tokens,
};

/// What arguments say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said {
    /// What is done.
    pub does: Concepts,
    /// What it is done to.
    pub things: Concepts,
}

/// The longest value that names a kind, in bytes.
const KIND_MAX: usize = 64;
/// The longest text of SQL or shell that is read, in bytes; a longer one does everything.
const TEXT_MAX: usize = 64 * 1024;
/// Words of names of tools that do what an argument says.
const MANY_SIDED: &[&str] = &["editor", "tool", "client", "manager", "api", "operation", "action", "control"];

/// What the arguments say beyond the tool's name.
#[must_use]
pub fn said(arguments: View<'_>, class: &Class) -> Said {
    let mut all = Said::default();
    leaves(arguments, &mut |leaf| all.add(leaf, class));
    all
}

/// Roles of arguments that may say what is done.
pub const SPEAKS: Roles = Roles::SQL
    .with(Roles::SHELL)
    .with(Roles::TABLE)
    .with(Roles::COLLECTION)
    .with(Roles::KIND)
    .with(Roles::MODE)
    .with(Roles::ADMIN)
    .with(Roles::RANK)
    .with(Roles::SPOKEN)
    .with(Roles::PATH)
    .with(Roles::URL)
    .with(Roles::COLUMN)
    .with(Roles::PERSONAL)
    .with(Roles::SWITCH);

impl Said {
    /// Adds what else is said.
    pub(super) fn add_all(&mut self, other: Self) {
        self.does = self.does.with(other.does);
        self.things = self.things.with(other.things);
    }

    /// Adds what one argument says.
    #[inline]
    pub(super) fn add(&mut self, leaf: Leaf<'_, '_>, class: &Class) {
        if leaf.roles.any(SPEAKS) {
            let said = of_leaf(leaf, class);
            self.does = self.does.with(said.does);
            self.things = self.things.with(said.things);
        }
    }
}

/// Whether an argument of this name says in its value what kind of thing is worked on.
#[must_use]
pub fn tells_kind(key: &str) -> bool {
    let words = tokens(key);
    let kind = |word: &str| matches!(word, "resource" | "kind" | "object" | "entity" | "table" | "collection");
    words.iter().any(kind) && words.iter().all(|word| kind(word) || matches!(word, "type" | "name" | "db" | "target"))
}

/// Whether a text is one to three plain words, as kinds are named, and neither an id nor a name with a place.
#[must_use]
pub fn is_plain_kind(text: &str) -> bool {
    let letters = |c: char| c.is_alphabetic() || matches!(c, '_' | '-' | ' ');
    !text.is_empty() && text.len() <= KIND_MAX && text.chars().all(letters) && tokens(text).len() <= 3
}

/// The most names that are looked at within one text.
const NAMES_MAX: usize = 512;

/// Whether an argument holds a program or a place rather than a name: SQL, a command, a path.
#[must_use]
pub fn carries(key: &str, text: &str) -> bool {
    let roles = keys::roles(key);
    let spoken = roles.any(Roles::SQL.with(Roles::SHELL)) && text.contains(char::is_whitespace);
    spoken || (roles.any(Roles::PATH.with(Roles::PLACE_PATH)) && text.contains(['/', '\\', '.']))
}

/// Calls `each` with the names within such an argument: words of SQL outside strings, words of commands, the last
/// two segments of paths without their ending. False when there are more than are looked at.
pub fn each_name_within(key: &str, text: &str, each: &mut dyn FnMut(&str)) -> bool {
    if text.len() > TEXT_MAX {
        return false;
    }
    if !keys::roles(key).any(Roles::SQL.with(Roles::SHELL)) {
        of_path(text, each);
        return true;
    }
    // An escaped quote may end a string or not, so then the strings are looked at too.
    let strings = !sql::looks_like(text) || text.contains("\\'");
    let breaks = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '\\' | ':'));
    let pieces = text.split('\'').enumerate().filter(|(at, _)| strings || at % 2 == 0);
    let words = pieces.flat_map(|(_, piece)| piece.split(breaks)).filter(|word| word.contains(char::is_alphabetic));
    let mut seen = 0;
    for word in words {
        seen += 1;
        if seen > NAMES_MAX {
            return false;
        }
        match word.contains(['/', '\\']) {
            true => of_path(word, each),
            // `hr.timesheets`, `t.timesheet_id`
            false => word.split(['.', ':']).for_each(&mut *each),
        }
    }
    true
}

fn of_path(path: &str, each: &mut dyn FnMut(&str)) {
    let segments = path.rsplit(['/', '\\']).filter(|segment| !segment.is_empty());
    segments.take(2).for_each(|segment| each(segment.split_once('.').map_or(segment, |(stem, _)| stem)));
}

fn of_leaf(leaf: Leaf<'_, '_>, class: &Class) -> Said {
    let mut said = Said::default();
    let roles = leaf.roles;
    if leaf.value.as_bool() == Some(true) && roles.any(Roles::ADMIN) {
        // `is_admin: true` makes an administrator, whatever the tool is called.
        return Said { does: Concepts::named(&["grant"]), things: Concepts::named(&["admin", "role"]) };
    }
    if roles.any(Roles::SWITCH) {
        said.does = switched(leaf, class);
        if !said.does.is_empty() {
            // `mfa_enabled`: what is switched.
            let rest: String = tokens(leaf.key).iter().filter(|word| !is_switch(word)).collect::<Vec<_>>().join("_");
            said.things = name::named(&rest);
        }
    }
    if roles.any(Roles::PERSONAL) && hands_over(class) {
        said.things = said.things.with(spoken_of(leaf.key));
    }
    let Kind::String(text) = leaf.value.kind() else { return said };
    if roles.any(Roles::COLUMN) && text.len() <= KIND_MAX && hands_over(class) {
        said.things = said.things.with(spoken_of(text));
    }
    if roles.any(Roles::TABLE.with(Roles::COLLECTION)) && !text.is_empty() {
        // A row of `customers` is a customer.
        let named = if text.len() <= KIND_MAX { name::named(text) } else { Concepts::NONE };
        said.things = said.things.with(Concepts::named(&["table"])).with(named);
    }
    if roles.any(Roles::KIND) && text.len() <= KIND_MAX {
        // `roles/owner`, `customer-list`
        let named = name::named(text);
        let other = named.is_empty() && tells_kind(leaf.key) && is_plain_kind(text);
        said.things = said.things.with(if other { known().other } else { named });
    }
    if roles.any(Roles::RANK) && text.len() <= KIND_MAX {
        said.things = said.things.with(rank(text));
    }
    if roles.any(Roles::PATH) && holds_secrets(text) {
        said.things = said.things.with(Concepts::named(&["secret"]));
    }
    if roles.any(Roles::URL) && text.len() <= TEXT_MAX && class.words.iter().any(|word| is_web(word)) {
        said.things = said.things.with(addressed(text));
    }
    if text.len() > TEXT_MAX && roles.any(Roles::SQL.with(Roles::SHELL)) {
        return Said { does: Concepts::ALL, things: said.things };
    }
    let runs = class.things.meets(known().shell) || class.does.meets(known().execute);
    // A search for "create vendor" is no statement.
    let searches = class.only_looks() && !class.things.meets(known().database);
    let mode = roles.any(Roles::MODE) && !text.contains(char::is_whitespace);
    let stores = class.things.meets(known().database);
    let stated = roles.any(Roles::SQL) || (roles.any(Roles::SHELL) && stores);
    if (stated && sql::looks_like(text) && (!searches || sql::is_statement(text)))
        || (roles.any(Roles::SPOKEN) && stores && text.len() <= TEXT_MAX && sql::is_statement(text))
    {
        sql::statements(text, &mut |statement| {
            said.does = said.does.with(statement.does);
            said.things = said.things.with(statement.things);
        });
    } else if stores
        && roles.any(Roles::SQL.with(Roles::SHELL).with(Roles::SPOKEN))
        && text.contains(".")
        && text.contains('(')
    {
        methods(text, &mut said);
    } else if roles.any(Roles::SHELL) && (runs || !mode) {
        commands(text, &mut said);
    } else if mode {
        said.does = said.does.with(match method_does(text) {
            does if does.is_empty() || !is_method(leaf.key, text) => moded(text),
            does => does,
        });
    }
    said
}

/// What a word for a way of working does; files are opened by letters.
fn moded(text: &str) -> Concepts {
    match text {
        "r" | "rb" | "rt" => Concepts::named(&["read"]),
        "w" | "wb" | "wt" | "a" | "ab" | "x" | "r+" | "w+" | "a+" | "rw" => Concepts::named(&["write", "update"]),
        word => classify(word).does,
    }
}

/// Whether a word is a method of HTTP: `POST` publishes nothing.
fn is_method(key: &str, text: &str) -> bool {
    tokens(key).iter().any(|word| matches!(word, "method" | "verb"))
        || text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Words of names of tools that speak HTTP.
fn is_web(word: &str) -> bool {
    matches!(word, "http" | "https" | "rest" | "api" | "request" | "fetch" | "curl" | "call" | "web")
}

/// Whether a call hands over something that its name does not tell: a file, data.
fn hands_over(class: &Class) -> bool {
    let says_little = known().files.with(known().acts).with(lexicon().generic).with(pure_deeds()).with(known().handing);
    class.does.meets(known().handing) && class.heads.without(says_little).is_empty()
}

/// What the name of a column or field is about.
fn spoken_of(name: &str) -> Concepts {
    let words = tokens(name);
    let things = words.iter().filter_map(read_word).map(|reading| reading.entry.names);
    things.fold(Concepts::NONE, Concepts::with).without(lexicon().generic.with(lexicon().deeds))
}

/// Which rights a group, role or permission of that name gives: those of an administrator, or less.
fn rank(text: &str) -> Concepts {
    let own = Concepts::named(&["admin"]);
    let named = name::named(text).common(own);
    let words = tokens(text);
    if named.is_empty() && !words.is_empty() && words.iter().all(|word| keys::roles(word).any(Roles::LESSER)) {
        return Concepts::named(&["lesser_role"]);
    }
    named
}

/// The most methods that are read of one text; one with more does everything.
const METHODS_MAX: usize = 64;

/// `db.orders.deleteMany({…})`: what the methods do.
fn methods(text: &str, said: &mut Said) {
    let calls = text.match_indices('(').map(|(at, _)| text.get(..at).unwrap_or_default());
    for (count, before) in calls.enumerate() {
        if count >= METHODS_MAX || text.len() > TEXT_MAX {
            said.does = Concepts::ALL;
            return;
        }
        let whole =
            before.rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '$'))).next().unwrap_or_default();
        let Some((owner, method)) = whole.rsplit_once('.').filter(|(_, method)| !method.is_empty()) else { continue };
        let class = classify(method);
        let of_owner = owner.rsplit('.').next().map_or(Concepts::NONE, name::named);
        let thing = if owner.contains('.') { "table" } else { "database" };
        said.add_all(Said { does: class.does, things: of_owner.with(class.heads).with(Concepts::named(&[thing])) });
    }
}

fn is_switch(word: &str) -> bool {
    keys::roles(word).any(Roles::SWITCH)
}

/// `enabled: false` of something that is changed switches it off.
fn switched(leaf: Leaf<'_, '_>, class: &Class) -> Concepts {
    if leaf.key.contains("force") {
        let forced = leaf.value.as_bool() == Some(true) && class.does.meets(known().push);
        return if forced { known().force_push } else { Concepts::NONE };
    }
    if !class.does.meets(known().update) {
        return Concepts::NONE;
    }
    let inverse = tokens(leaf.key).iter().any(|word| word.starts_with("disable"));
    let on = match leaf.value.kind() {
        Kind::Bool(on) => on,
        Kind::String("true" | "on" | "enabled" | "enable" | "yes") => true,
        Kind::String("false" | "off" | "disabled" | "disable" | "no") => false,
        _ => return Concepts::NONE,
    };
    if on == inverse { known().disable } else { known().enable }
}

/// Whether a tool does what an argument says rather than what its name says: it has no verb of its own.
#[must_use]
pub fn many_sided(class: &Class) -> bool {
    !class.firm && class.words.iter().any(|word| is_many_sided(word))
}

/// Whether a word of a tool's name says that its arguments choose what it does.
#[must_use]
pub fn is_many_sided(word: &str) -> bool {
    MANY_SIDED.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::{Said, said};
    use crate::{
        base::json::Doc,
        policy::{deed::classify, lexicon::Concepts},
    };

    fn of(tool: &str, arguments: &str) -> Said {
        said(Doc::parse(arguments.as_bytes()).unwrap().root(), &classify(tool))
    }

    #[test]
    fn statements_and_commands_say_what_is_done() {
        for (tool, arguments, does, thing) in [
            ("execute", r#"{"sql":"DROP TABLE users"}"#, "delete", "table"),
            ("anything", r#"{"query":"insert into t values (1)"}"#, "create", "row"),
            ("bash", r#"{"command":"cd /x && rm -rf y"}"#, "delete", "file"),
            ("terminal", r#"{"cmd":"kubectl -n a delete namespace b"}"#, "delete", "namespace"),
            ("shell", r#"{"cmd":"git fetch; git push --tags"}"#, "push", ""),
            ("run", r#"{"command":"aws iam delete-user --user-name x"}"#, "delete", "user"),
            ("text_editor", r#"{"command":"view","path":"x"}"#, "read", ""),
            ("kube", r#"{"resource":"namespaces"}"#, "", "namespace"),
        ] {
            let said = of(tool, arguments);
            assert!(does.is_empty() || said.does.meets(Concepts::named(&[does])), "{tool} {arguments}: {said:?}");
            assert!(thing.is_empty() || said.things.meets(Concepts::named(&[thing])), "{tool} {arguments}: {said:?}");
        }
        assert_eq!(of("search", r#"{"query":"how to drop a table"}"#), Said::default());
        assert!(
            !of("bash", r#"{"command":"kubectl get ns --selector a=deleting"}"#)
                .does
                .meets(Concepts::named(&["delete"]))
        );
    }
}
