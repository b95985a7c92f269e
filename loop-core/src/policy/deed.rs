//! What a call does, read from the tool's name: kinds of doing, kinds of things, and the words themselves.

use smallvec::SmallVec;

use super::facts::{Said, many_sided};
use super::lexicon::{Concepts, Form, Reading, cut, lexicon, read_word};

/// What is known of a call's doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// What it does. Empty when no word tells: then it does something unknown. [`Concepts::ALL`] when it does
    /// something that could not be read (SQL that is none, say).
    pub does: Concepts,
    /// What it does it to.
    pub things: Concepts,
    /// The words of the name, in base form where the lexicon has one.
    pub words: SmallVec<[String; 6]>,
}

/// Concepts that the code itself speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub read: Concepts,
    pub draft: Concepts,
    pub execute: Concepts,
    pub shell: Concepts,
    pub database: Concepts,
    pub money: Concepts,
    pub send: Concepts,
    pub files: Concepts,
    pub implied: [(Concepts, Concepts, Concepts); 9],
}

/// Those concepts, looked up once.
pub(super) fn known() -> &'static Known {
    static KNOWN: std::sync::LazyLock<Known> = std::sync::LazyLock::new(|| Known {
        read: Concepts::named(&["read"]),
        draft: Concepts::named(&["draft"]),
        execute: Concepts::named(&["execute"]),
        shell: Concepts::named(&["shell"]),
        database: Concepts::named(&["database"]).with_children(),
        money: Concepts::named(&["spend", "refund", "charge", "discount", "credit_note", "invoice"]).with_children(),
        send: Concepts::named(&["send", "export", "upload", "share", "commit", "log", "print", "download"])
            .with_children(),
        files: Concepts::named(&["file", "shell"]).with_children(),
        implied: [
            (
                Concepts::named(&["execute"]),
                Concepts::named(&["instance", "pod", "cluster"]),
                Concepts::named(&["start", "create"]),
            ),
            (Concepts::named(&["create", "update"]), Concepts::named(&["admin"]), Concepts::named(&["grant"])),
            (Concepts::named(&["update"]), Concepts::named(&["secret"]), Concepts::named(&["reset"])),
            (Concepts::named(&["move"]), Concepts::named(&["funds"]), Concepts::named(&["transfer"])),
            (Concepts::named(&["delete"]), Concepts::named(&["admin", "role"]), Concepts::named(&["revoke"])),
            (Concepts::named(&["create"]), Concepts::named(&["employee"]), Concepts::named(&["hire"])),
            (Concepts::named(&["delete", "stop"]), Concepts::named(&["employee"]), Concepts::named(&["dismiss"])),
            (
                Concepts::named(&["create", "execute"]),
                Concepts::named(&["migration_thing"]),
                Concepts::named(&["migrate"]),
            ),
            (
                Concepts::named(&["disable", "delete"]),
                Concepts::named(&["mfa"]),
                Concepts::named(&["disable", "delete"]),
            ),
        ],
    });
    &KNOWN
}

impl Class {
    /// Whether the call only looks. A draft is not sent and a masked text not shown: both only look.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        let known = known();
        !self.does.is_empty() && self.does.without(known.read.with(known.draft)).is_empty()
    }

    /// The class with what the arguments add: what is done replaces the bare running of a statement or command.
    #[must_use]
    pub fn with(&self, does: Concepts, things: Concepts) -> Self {
        let mut class = self.clone();
        if !does.is_empty() {
            let known = known();
            let carried = known.read.with(known.execute);
            // What the name says beyond "run" and "query" stands; what the text says comes on top.
            class.does = class.does.without(carried).with(does);
            if class.words.iter().any(|word| lexicon().entry(word).is_some_and(|e| e.does.meets(known.execute))) {
                class.does = class.does.with(known.execute);
            }
        }
        class.things = class.things.with(things);
        class.does = implied(class.does, class.things);
        class
    }
}

/// A word or phrase of a name with its meaning.
struct Token {
    word: String,
    reading: Option<Reading>,
}

/// Reading nouns that may as well be what is sent.
const CONTENT: &[&str] = &["summary", "overview", "preview", "info"];

/// Reads a tool's name. Reading words win over nouns and participles (`get_deleted_users` looks,
/// `refund_status` looks), never over a verb in its base form (`get_or_create_user` creates).
#[must_use]
pub fn classify(tool: &str) -> Class {
    // `mcp__server__tool`: the server's name tells about things, not about doing.
    let (server, name) = match tool.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, name)) => (server, name),
        None => ("", tool),
    };
    let mut words: SmallVec<[String; 6]> = SmallVec::new();
    let server_tokens = tokens(server, &mut words);
    let name_tokens = tokens(name, &mut words);
    let does = doing(&name_tokens);
    let does = if does.is_empty() { doing(&server_tokens) } else { does };
    let mut things = Concepts::NONE;
    for token in server_tokens.iter().chain(&name_tokens) {
        let Some(reading) = token.reading else { continue };
        let part = reading.entry.names.meets(lexicon().part);
        // A part comes behind its whole: `project_comment` is a comment.
        things = if part { reading.entry.names } else { things.with(reading.entry.names) };
        // Doing by a word that also names (to email, to wire) is doing that thing.
        if reading.form == Form::Base {
            things = things.with(reading.entry.does.common(lexicon().deeds).common(nouned()));
        }
    }
    let does = if does.is_empty() && things.meets(known().shell) { known().execute } else { does };
    let does = implied(does, things);

    Class { does, things, words }
}

/// To run a machine is to start one; to make an administrator is to grant.
fn implied(does: Concepts, things: Concepts) -> Concepts {
    known().implied.into_iter().fold(does, |done, (doing, thing, also)| {
        if does.meets(doing) && things.meets(thing) { done.with(also) } else { done }
    })
}

/// Concepts that have both a doing and a naming word.
fn nouned() -> Concepts {
    static NOUNED: std::sync::LazyLock<Concepts> = std::sync::LazyLock::new(|| {
        Concepts::ALL.iter().filter(|concept| concept.verb().is_some() && concept.noun().is_some()).collect()
    });
    *NOUNED
}

fn tokens(name: &str, words: &mut SmallVec<[String; 6]>) -> SmallVec<[Token; 8]> {
    let cut = cut(name);
    let mut tokens = SmallVec::new();
    let mut at = 0;
    while at < cut.len() {
        let (reading, used) = longest(cut.get(at..).unwrap_or_default());
        words.extend(cut.get(at..at + used).into_iter().flatten().cloned());
        tokens.push(Token { word: cut.get(at).cloned().unwrap_or_default(), reading });
        at += used.max(1);
    }
    tokens
}

/// The longest phrase at the front that the lexicon lists, and how many words it takes.
fn longest(words: &[String]) -> (Option<Reading>, usize) {
    for length in (2..=lexicon().longest.min(words.len())).rev() {
        let phrase = words.get(..length).unwrap_or_default().join("_");
        if let Some(reading) = read_word(&phrase) {
            return (Some(reading), length);
        }
    }
    let bare = words.first().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    (words.first().and_then(|word| read_word(word)).or_else(|| bare.and_then(read_word)), 1)
}

fn doing(tokens: &[Token]) -> Concepts {
    let known = known();
    let readings = || tokens.iter().filter_map(|token| token.reading);
    let is_read = |reading: Reading| {
        (reading.entry.does.meets(known.read) && reading.form == Form::Base) || reading.entry.names.meets(known.read)
    };
    // A draft of something is not that thing done, unless it is sent.
    let drafts = readings().any(|reading| reading.entry.names.meets(known.draft));
    let looks = readings().any(is_read);
    // Verbs that name nothing but themselves; behind a reading verb they are nouns (`get_export`).
    let mut strong = Concepts::NONE;
    for (at, token) in tokens.iter().enumerate() {
        let Some(reading) = token.reading else { continue };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at)).and_then(|token| token.reading);
        let named = before.is_some_and(is_read) && !reading.entry.names.is_empty();
        // `restore_from_trash`: where, not what is done.
        let behind =
            at.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.word.as_str()).unwrap_or_default();
        let named = named || matches!(behind, "from" | "in" | "of" | "by" | "with" | "on" | "for");

        let pure = !reading.entry.does.is_empty() && reading.entry.names.without(pure_deeds()).is_empty() && !named;
        let base = reading.form == Form::Base || (!looks && matches!(reading.form, Form::Plural | Form::Gerund));
        if pure && base && !is_read(reading) {
            strong = strong.with(reading.entry.does);
        }
    }
    if drafts && !strong.meets(known.send) {
        return known.draft;
    }
    let nouns = || readings().map(|reading| reading.entry.names.common(lexicon().deeds));
    if !strong.is_empty() {
        let performed =
            if strong.meets(lexicon().perform) { nouns().fold(Concepts::NONE, Concepts::with) } else { Concepts::NONE };
        return strong.with(performed.without(known.read.with(known.draft)));
    }
    // `email_summary` sends one, `email_history` shows it.
    let content = |token: &Token| CONTENT.contains(&token.word.as_str());
    let opens = tokens.first().and_then(|token| token.reading).filter(|reading| reading.form == Form::Base);
    let told = opens.is_some_and(|reading| reading.entry.does.meets(known.send)) && tokens.last().is_some_and(content);
    if looks && !told {
        return known.read;
    }
    // Words that are verb and noun in one do something when nothing else does: `refund_payment`, `email_customer`.
    let dual = readings()
        .filter(|reading| reading.form == Form::Base)
        .fold(Concepts::NONE, |does, reading| does.with(reading.entry.does));
    let told = nouns().fold(Concepts::NONE, Concepts::with).without(known.read.with(known.draft));
    if dual.is_empty() || dual.meets(lexicon().perform) { dual.with(told) } else { dual }
}

/// Doings whose nouns name nothing but the doing: `deletion`, `export`.
#[must_use]
pub(super) fn pure_deeds() -> Concepts {
    static PURE: std::sync::LazyLock<Concepts> = std::sync::LazyLock::new(|| {
        let also = Concepts::named(&["read", "export", "download", "upload", "execute", "mask", "send"]);
        Concepts::named(&["write"]).with_children().with(also).without(Concepts::named(&["deploy"]))
    });
    *PURE
}

/// A class with what the arguments say. A tool that does what it is told (an editor, a client) does only that.
#[must_use]
pub fn combined(class: &Class, said: Said) -> Class {
    if many_sided(class) && !said.does.is_empty() {
        return Class { does: said.does, things: class.things.with(said.things), words: class.words.clone() };
    }
    class.with(said.does, said.things)
}

#[cfg(test)]
mod tests {
    use super::{Class, classify};
    use crate::policy::lexicon::Concepts;

    fn does(tool: &str, concept: &str) -> bool {
        let Class { does, .. } = classify(tool);
        does.meets(Concepts::named(&[concept]))
    }

    fn to(tool: &str, concept: &str) -> bool {
        classify(tool).things.meets(Concepts::named(&[concept]))
    }

    #[test]
    fn looking_is_not_doing() {
        for tool in [
            "get_deleted_users",
            "list_refunds",
            "refund_status",
            "payment_history",
            "searchInvoices",
            "kubectl_get",
            "bank.readTransferStatus",
            "email_history",
            "order_lookup",
            "get_upload_status",
            "mcp__crm__find_deleted_rows",
            "preview_email_draft",
        ] {
            assert!(classify(tool).only_looks(), "{tool}: {:?}", classify(tool));
        }
        for tool in [
            "get_or_create_user",
            "search_and_replace",
            "frobnicate",
            "write_query",
            "delete_history",
            "update_status",
            "email_summary",
            "x",
        ] {
            assert!(!classify(tool).only_looks(), "{tool}: {:?}", classify(tool));
        }
    }

    #[test]
    fn doing_is_found_in_every_style() {
        for (tool, concept) in [
            ("deleteUser", "delete"),
            ("users.remove", "delete"),
            ("mcp__crm__erase-user", "delete"),
            ("create_refund", "refund"),
            ("refund_order", "refund"),
            ("shop.refunds.create", "refund"),
            ("email-user", "email"),
            ("sendPayout", "pay"),
            ("supplier_payment", "pay"),
            ("wire_money", "transfer"),
            ("make_transfer", "transfer"),
            ("bash", "execute"),
            ("data_export", "export"),
        ] {
            assert!(does(tool, concept), "{tool}: {:?}", classify(tool));
        }
        assert!(!does("cancel_payment", "pay"));
        assert!(!does("create_email_draft", "email"));
        assert!(!does("delete_email", "email"));
    }

    #[test]
    fn a_part_is_not_its_whole() {
        assert!(to("delete_project_comment", "comment"));
        assert!(!to("delete_project_comment", "project"));
        assert!(to("delete_file", "file"));
        assert!(to("insert_row", "row"));
        assert!(to("mysql_do", "database"));
    }
}
