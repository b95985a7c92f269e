//! What a call does, read from the tool's name: kinds of doing, kinds of things, and the words themselves.
//!
//! - [`concepts`]: the concepts that the code itself speaks of.
//! - [`doing`](mod@doing): the verbs of a name and what they come to.

mod concepts;
mod doing;

use smallvec::SmallVec;

use super::facts::{Said, is_many_sided, many_sided};
use super::lexicon::{Concepts, Form, lexicon};
use super::name::{self, Part, Token, tokens};
use concepts::nouned;
pub(super) use concepts::{known, pure_deeds};
use doing::{doing, strong_verbs};

/// What is known of a call's doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// What it does. Empty when no word tells: then it does something unknown. [`Concepts::ALL`] when it does
    /// something that could not be read (SQL that is none, say).
    pub does: Concepts,
    /// All things that are spoken of: what it does it to, its modifiers and what it belongs to.
    pub things: Concepts,
    /// What it does it to. `other_thing` when that surely is something that the lexicon lacks.
    pub heads: Concepts,
    /// The name itself says what it works on.
    pub told: bool,
    /// The name has a verb of its own that says more than to run or perform something.
    pub firm: bool,
    /// The words of the name in lower case.
    pub words: SmallVec<[String; 6]>,
    /// What each word stands for.
    pub parts: SmallVec<[Part; 6]>,
}

impl Class {
    /// Whether the call only looks. A draft is not sent and a masked text not shown: both only look.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        let known = known();
        !self.does.is_empty() && self.does.without(known.read.with(known.draft)).is_empty()
    }

    /// The class of a name without a verb that the lexicon has, where a word of it is a verb all the same.
    #[must_use]
    pub fn led_by(&self, is_verb: &dyn Fn(&str) -> bool) -> Option<Self> {
        if self.parts.contains(&Part::Verb) {
            return None;
        }
        let mut tokens = tokens(&self.words.join("_"));
        let at = tokens.iter().position(|token| token.words.iter().any(|word| is_verb(word)))?;
        name::part(&mut tokens, &[at]);
        let heads = name::heads(&tokens);
        let mut class = Self { heads, told: is_told(heads), parts: SmallVec::new(), ..self.clone() };
        for token in &tokens {
            class.parts.extend(std::iter::repeat_n(token.part, token.words.len()));
        }
        Some(class)
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
        class.heads = class.heads.with(things);
        // To run `get pods` runs no pod.
        let told = !does.is_empty() && !does.meets(known().execute);
        let done = if told { class.does.without(known().execute) } else { class.does };
        class.does = class.does.with(implied(done, class.heads));
        class
    }
}

/// Reads a tool's name. Reading words win over nouns and participles (`get_deleted_users` looks,
/// `refund_status` looks), never over a verb in its base form (`get_or_create_user` creates).
#[must_use]
pub fn classify(tool: &str) -> Class {
    // `mcp__server__tool`: the server's name tells about things, not about doing.
    let (server, name) = match tool.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, name)) => (server, name),
        None => ("", tool),
    };
    let mut tokens = tokens(server);
    let served = tokens.len();
    let mut own = name::tokens(name);
    let mut done = doing(&mut own);
    if done.is_empty() {
        done = doing(&mut tokens);
    } else if !own.iter().any(|token| matches!(token.part, Part::Head | Part::Soft)) {
        // `mcp__cards__freeze`: what the server is for.
        name::part(&mut tokens, &[]);
        tokens.iter_mut().for_each(|token| token.sure = false);
    }
    if served > 0 && own.iter().any(|token| matches!(token.part, Part::Head | Part::Soft)) {
        tokens.iter_mut().for_each(|token| token.part = Part::Whole);
    }
    tokens.extend(own);
    let mut heads = name::heads(&tokens);
    let mut things = heads;
    let mut asides = Concepts::NONE;
    for token in &tokens {
        let Some(reading) = token.reading else { continue };
        things = things.with(reading.entry.names);
        if token.part == Part::Aside {
            asides = asides.with(reading.entry.names);
        }
        // Doing by a word that also names (to email, to wire) is doing that thing.
        if reading.form == Form::Base && token.part == Part::Verb {
            heads = heads.with(reading.entry.does.common(lexicon().deeds).common(nouned()).without(known().process));
        }
    }
    heads = heads.with(within(&tokens, heads, things)).with(acted_on(&tokens, done));
    things = things.with(heads);
    let does = if done.is_empty() && things.meets(known().shell) { known().execute } else { done };
    // To transfer a ticket moves no money.
    let what =
        name::heads(&tokens).without(known().transfer.with(lexicon().generic).with(pure_deeds()).with(known().other));
    let moves = does.meets(known().transfer) && !what.is_empty() && !what.meets(known().worth);
    let does = if moves { does.without(known().transfer).with(known().moved) } else { does };
    let does = implied(does, heads.with(asides));
    let what = heads.without(lexicon().generic.with(lexicon().deeds));
    let opens = tokens.iter().any(|token| token.part == Part::Verb && token.word() == "open");
    let looks = opens && !what.is_empty() && what.without(known().opened).is_empty();
    let does = if looks { does.without(known().create).with(known().read) } else { does };
    // `gmail.sendMessage`: what it is sent with.
    let mails = does.meets(known().telling) && things.meets(known().email);
    let does = if mails { does.with(known().email) } else { does };
    let strong = |at: usize| tokens.get(at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    // `replace_editor` replaces and more, `delete_client` deletes.
    let agent =
        |at: usize| at > 0 && at + 2 == tokens.len() && tokens.last().is_some_and(|last| is_many_sided(last.word()));
    let says = |at: usize| !strong(at).without(known().execute.with(known().process)).is_empty() && !agent(at);
    let firm = strong_verbs(&tokens).into_iter().any(says);
    let mut words = SmallVec::new();
    let mut parts = SmallVec::new();
    for token in tokens {
        parts.extend(std::iter::repeat_n(token.part, token.words.len()));
        words.extend(token.words);
    }
    let told = is_told(heads);
    Class { does, things, heads, told, firm, words, parts }
}

/// What heads are by what they belong to: a message of `mail` is a mail, a row of a `sheet` is in that sheet, and in
/// `expenses.claims` one is an expense claim.
fn within(tokens: &[Token], heads: Concepts, things: Concepts) -> Concepts {
    let known = known();
    let mut more = Concepts::NONE;
    if heads.meets(known.message) {
        more = more.with(things.common(known.message.with_children()));
    }
    if heads.meets(known.row) {
        more = more.with(things);
    }
    let single = |token: &Token| {
        let word = token.words.last().map(String::as_str).unwrap_or_default();
        word.strip_suffix('s').unwrap_or(word).to_owned()
    };
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    for (whole, head) in pairs.filter(|(whole, head)| whole.part != Part::Verb && head.part == Part::Head) {
        let phrase = format!("{}_{}", single(whole), single(head));
        more = more.with(lexicon().entry(&phrase).map_or(Concepts::NONE, |entry| entry.names));
    }
    let spoken = tokens
        .iter()
        .position(|token| token.part == Part::Head)
        .zip(tokens.iter().rposition(|t| t.part == Part::Whole));
    if let Some((at, before)) = spoken.filter(|(at, before)| before < at)
        && let (Some(whole), Some(head)) = (tokens.get(before), tokens.get(at))
    {
        let phrase = format!("{}_{}", single(whole), single(head));
        more = more.with(lexicon().entry(&phrase).map_or(Concepts::NONE, |entry| entry.names));
    }
    more
}

/// To what a doing is done whose noun is the head: `schedule_user_deletion` deletes a user.
fn acted_on(tokens: &[Token], done: Concepts) -> Concepts {
    let act = |token: &Token| {
        let names = token.reading.map_or(Concepts::NONE, |reading| reading.entry.names);
        token.part == Part::Head && token.things().is_empty() && names.without(known().read).meets(lexicon().deeds)
    };
    if !done.meets(lexicon().perform) || !tokens.iter().any(act) {
        return Concepts::NONE;
    }
    let object = tokens.iter().rev().find(|token| token.part == Part::Modifier);
    object.map_or(Concepts::NONE, Token::things)
}

/// Whether heads say what they are.
fn is_told(heads: Concepts) -> bool {
    !heads.without(lexicon().generic.with(pure_deeds())).is_empty()
}

/// To run a machine is to start one; to make an administrator is to grant.
fn implied(does: Concepts, things: Concepts) -> Concepts {
    known().implied.into_iter().fold(does, |done, (doing, thing, also)| {
        if does.meets(doing) && things.meets(thing) { done.with(also) } else { done }
    })
}

/// A class with what the arguments say. A tool that does what it is told (an editor, a client) does only that.
#[must_use]
pub fn combined(class: &Class, said: Said) -> Class {
    if many_sided(class) && !said.does.is_empty() {
        return Class { does: said.does, ..class.with(Concepts::NONE, said.things) };
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
        classify(tool).heads.meets(Concepts::named(&[concept]))
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
