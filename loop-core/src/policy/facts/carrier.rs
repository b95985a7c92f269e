//! What the arguments of a call say it does, where the name alone does not: SQL text, shell commands, an operation
//! chosen by an argument, a table or resource named by one.

use super::{
    keys::Roles,
    leaf::{Leaf, leaves},
    sql,
};
use crate::{
    base::json::{Kind, View},
    policy::{
        deed::{Class, classify, known},
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
/// The most commands that are read of one line; a longer one does everything.
const COMMANDS_MAX: usize = 64;

/// Programs that only start another one.
const PREFIXES: &[&str] =
    &["sudo", "env", "time", "nohup", "nice", "xargs", "exec", "command", "then", "do", "else", "ionice", "doas"];
/// Programs whose first words say what is done.
const SPEAKING: &[&str] = &[
    "git",
    "kubectl",
    "docker",
    "podman",
    "terraform",
    "aws",
    "gcloud",
    "az",
    "helm",
    "npm",
    "yarn",
    "pnpm",
    "cargo",
    "pip",
    "apt",
    "apt-get",
    "systemctl",
    "gh",
    "heroku",
    "fly",
    "vercel",
    "brew",
    "snap",
    "oc",
    "psql",
    "mysql",
    "redis-cli",
    "gem",
    "poetry",
    "twine",
    "glab",
    "ansible",
    "pulumi",
    "eksctl",
    "gsutil",
];
/// Programs that are spoken to about packages.
const PACKAGES: &[&str] =
    &["npm", "yarn", "pnpm", "cargo", "pip", "apt", "apt-get", "brew", "snap", "gem", "poetry", "twine"];
/// Programs by what they do.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("rm", "delete", "file"),
    ("rmdir", "delete", "folder"),
    ("unlink", "delete", "file"),
    ("shred", "delete", "file"),
    ("mv", "move", "file"),
    ("cp", "create", "file"),
    ("touch", "create", "file"),
    ("mkdir", "create", "folder"),
    ("tee", "write", "file"),
    ("dd", "write", "file"),
    ("chmod", "update", "file"),
    ("chown", "update", "file"),
    ("kill", "stop", "process"),
    ("pkill", "stop", "process"),
    ("killall", "stop", "process"),
    ("shutdown", "stop", "instance"),
    ("reboot", "restart", "instance"),
    ("mail", "email", "email"),
    ("sendmail", "email", "email"),
    ("dropdb", "delete", "database"),
    ("cat", "read", "file"),
    ("less", "read", "file"),
    ("head", "read", "file"),
    ("tail", "read", "file"),
    ("truncate", "delete", "file"),
    ("ln", "create", "file"),
    ("scp", "upload", "file"),
    ("rsync", "upload", "file"),
    ("useradd", "create", "user"),
    ("userdel", "delete", "user"),
    ("passwd", "reset", "secret"),
    ("halt", "stop", "instance"),
    ("poweroff", "stop", "instance"),
];
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
    .with(Roles::SWITCH);

impl Said {
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
    let roles = super::keys::roles(key);
    let spoken = roles.any(Roles::SQL.with(Roles::SHELL)) && text.contains(char::is_whitespace);
    spoken || (roles.any(Roles::PATH.with(Roles::PLACE_PATH)) && text.contains(['/', '\\', '.']))
}

/// Calls `each` with the names within such an argument: words of SQL outside strings, words of commands, the last
/// two segments of paths without their ending. False when there are more than are looked at.
pub fn each_name_within(key: &str, text: &str, each: &mut dyn FnMut(&str)) -> bool {
    if text.len() > TEXT_MAX {
        return false;
    }
    if !super::keys::roles(key).any(Roles::SQL.with(Roles::SHELL)) {
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
    let Kind::String(text) = leaf.value.kind() else { return said };
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
    if text.len() > TEXT_MAX && roles.any(Roles::SQL.with(Roles::SHELL)) {
        return Said { does: Concepts::ALL, things: said.things };
    }
    let runs = class.things.meets(known().shell) || class.does.meets(known().execute);
    // A search for "create vendor" is no statement.
    let searches = class.only_looks() && !class.things.meets(known().database);
    let mode = roles.any(Roles::MODE) && !text.contains(char::is_whitespace);
    if (roles.any(Roles::SQL) || (roles.any(Roles::SHELL) && class.things.meets(known().database)))
        && sql::looks_like(text)
        && (!searches || sql::is_statement(text))
    {
        sql::statements(text, &mut |statement| {
            said.does = said.does.with(statement.does);
            said.things = said.things.with(statement.things);
        });
    } else if roles.any(Roles::SHELL) && (runs || !mode) {
        commands(text, &mut said);
    } else if mode {
        said.does = said.does.with(classify(text).does);
    }
    said
}

fn is_switch(word: &str) -> bool {
    super::keys::roles(word).any(Roles::SWITCH)
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

/// Reads a shell line: each command's program and, where it speaks, its first words.
fn commands(text: &str, said: &mut Said) {
    let mut read = 0;
    let separators = |c: char| matches!(c, ';' | '|' | '&' | '\n' | '(' | ')' | '`' | '{' | '}');
    for command in text.split(separators).filter(|command| !command.trim().is_empty()) {
        read += 1;
        if read > COMMANDS_MAX {
            said.does = Concepts::ALL;
            return;
        }
        let mut words = command
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| matches!(c, '"' | '\'' | '$')))
            .skip_while(|word| PREFIXES.contains(word) || word.contains('=') || word.starts_with('-'));
        let Some(program) = words.next() else { continue };
        let program = program.rsplit('/').next().unwrap_or(program);
        if let Some((_, does, thing)) = PROGRAMS.iter().find(|(name, ..)| *name == program) {
            said.does = said.does.with(Concepts::named(&[does]));
            said.things = said.things.with(Concepts::named(&[thing]));
        } else if program == "find" {
            // What `find` does to what it found.
            for word in words.skip_while(|word| !word.starts_with('-')) {
                let done = match word {
                    "-delete" => Some(("delete", "file")),
                    other => PROGRAMS.iter().find(|(name, ..)| *name == other).map(|(_, does, thing)| (*does, *thing)),
                };
                if let Some((does, thing)) = done {
                    said.does = said.does.with(Concepts::named(&[does]));
                    said.things = said.things.with(Concepts::named(&[thing]));
                }
            }
        } else if SPEAKING.contains(&program) {
            if PACKAGES.contains(&program) {
                said.things = said.things.with(Concepts::named(&["package_thing"]));
            }
            let words: Vec<&str> = words.collect();
            let flag = |flag: &str| words.contains(&flag);
            let forced = words.iter().any(|word| *word == "-f" || word.starts_with("--force"));
            if program == "git" && flag("push") && forced {
                said.does = said.does.with(Concepts::named(&["force_push"]));
            }
            if program == "git" && flag("branch") && (flag("-D") || flag("-d") || flag("--delete")) {
                said.does = said.does.with(Concepts::named(&["delete"]));
                said.things = said.things.with(Concepts::named(&["branch"]));
            }
            if program == "systemctl" && ["reboot", "poweroff", "halt"].iter().any(|what| flag(what)) {
                said.things = said.things.with(Concepts::named(&["instance"]));
            }
            speaking(words.iter().copied(), said);
        }
        if command.contains('>') {
            said.does = said.does.with(Concepts::named(&["write"]));
            said.things = said.things.with(Concepts::named(&["file"]));
        }
    }
}

/// `delete namespace x` behind a program that is spoken to: the first doing word and the first thing behind it.
fn speaking<'a>(words: impl Iterator<Item = &'a str>, said: &mut Said) {
    let mut done = false;
    let mut earlier = Concepts::NONE;
    for word in words.filter(|word| !word.starts_with('-')).take(6) {
        // Cloud programs say `delete-user`.
        for part in word.to_lowercase().split('-') {
            let Some(reading) = read_word(part) else { continue };
            let thing = reading.entry.names.without(lexicon().generic);
            if !done && !reading.entry.does.is_empty() {
                said.does = said.does.with(reading.entry.does);
                done = true;
            } else if done && !thing.is_empty() {
                said.things = said.things.with(thing);
                return;
            } else if !done {
                earlier = earlier.with(thing);
            }
        }
    }
    if done {
        // `pr merge`: to what comes first.
        said.things = said.things.with(earlier);
    }
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
