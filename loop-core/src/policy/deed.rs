//! What a call does, read from the tool's name: kinds of doing, kinds of things, and the words themselves.

use smallvec::SmallVec;

use super::facts::{Said, is_many_sided, many_sided};
use super::lexicon::{Concepts, Form, Reading, lexicon};
use super::name::{self, Part, Token, tokens};

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
    pub refund: Concepts,
    pub papers: Concepts,
    pub campaign: Concepts,
    pub partly: Concepts,
    pub holders: Concepts,
    pub message: Concepts,
    pub row: Concepts,
    pub push: Concepts,
    pub force_push: Concepts,
    pub stores: Concepts,
    pub process: Concepts,
    pub update: Concepts,
    pub enable: Concepts,
    pub disable: Concepts,
    pub other: Concepts,
    pub implied: [(Concepts, Concepts, Concepts); 11],
    pub worth: Concepts,
    pub telling: Concepts,
    pub email: Concepts,
    pub making: Concepts,
    pub transfer: Concepts,
    pub moved: Concepts,
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
        refund: Concepts::named(&["refund"]),
        // What business is done about: `order_refund`, `invoice_payment`.
        papers: Concepts::named(&["buy", "booking", "invoice", "subscription", "claim", "sell"]),
        campaign: Concepts::named(&["campaign"]),
        process: Concepts::named(&["process"]),
        stores: Concepts::named(&["database"]).with_children(),
        message: Concepts::named(&["message"]),
        row: Concepts::named(&["row", "column"]),
        push: Concepts::named(&["push"]),
        force_push: Concepts::named(&["force_push"]),
        // Of these one may hold many.
        holders: Concepts::named(&[
            "database",
            "folder",
            "bucket",
            "queue",
            "channel",
            "team",
            "project",
            "campaign",
            "segment",
            "mailing_list",
            "cache",
            "backup",
            "volume",
            "namespace",
            "cluster",
            "report",
            "file",
            "shell",
            "calendar",
            "page",
        ])
        .with_children()
        .without(Concepts::named(&["row", "column"])),
        update: Concepts::named(&["update"]),
        enable: Concepts::named(&["enable"]),
        disable: Concepts::named(&["disable"]),
        other: Concepts::named(&["other_thing"]),
        // What transfers of money are about.
        worth: Concepts::named(&[
            "spend",
            "deposit",
            "refund",
            "charge",
            "invoice",
            "funds",
            "bank_account",
            "account",
            "payment_method",
            "crypto",
            "stock_share",
            "salary",
            "budget",
            "loan",
            "gift_card",
            "price",
            "rent",
            "sell",
            "tax",
            "claim",
        ])
        .with_children(),
        transfer: Concepts::named(&["transfer"]),
        telling: Concepts::named(&["send", "message", "reply"]),
        email: Concepts::named(&["email"]),
        making: Concepts::named(&["create", "update", "write", "process"]),
        moved: Concepts::named(&["move", "export"]),
        // To do this to a part of something is to do it to that thing.
        partly: Concepts::named(&[
            "read", "update", "restore", "export", "download", "upload", "share", "print", "log", "move", "migrate",
            "sync", "deploy", "import", "send",
        ])
        .with(Concepts::named(&["send"]).with_children()),
        implied: [
            (
                Concepts::named(&["execute"]),
                Concepts::named(&["instance", "pod", "cluster"]),
                Concepts::named(&["start", "create"]),
            ),
            (Concepts::named(&["create", "update"]), Concepts::named(&["admin"]), Concepts::named(&["grant"])),
            (Concepts::named(&["update"]), Concepts::named(&["secret"]), Concepts::named(&["reset"])),
            (Concepts::named(&["approve"]), Concepts::named(&["firewall"]), Concepts::named(&["create", "update"])),
            (Concepts::named(&["create"]), Concepts::named(&["event"]), Concepts::named(&["invite"])),
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
        class.does = implied(class.does, class.heads);
        class
    }
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
            heads = heads.with(reading.entry.does.common(lexicon().deeds).common(nouned()));
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

/// Concepts that have both a doing and a naming word.
fn nouned() -> Concepts {
    static NOUNED: std::sync::LazyLock<Concepts> = std::sync::LazyLock::new(|| {
        Concepts::ALL.iter().filter(|concept| concept.verb().is_some() && concept.noun().is_some()).collect()
    });
    *NOUNED
}

fn is_read(reading: Reading) -> bool {
    let read = known().read;
    (reading.entry.does.meets(read) && reading.form == Form::Base) || reading.entry.names.meets(read)
}

/// Where the verbs of a name are that name nothing but themselves; behind a reading verb they are nouns
/// (`get_export`), and so they are between two others (`send_password_reset_email`).
fn strong_verbs(tokens: &[Token]) -> SmallVec<[usize; 4]> {
    let looks = tokens.iter().filter_map(|token| token.reading).any(is_read);
    let mut verbs: SmallVec<[usize; 4]> = SmallVec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(reading) = token.reading else { continue };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let named = before.and_then(|token| token.reading).is_some_and(is_read) && !reading.entry.names.is_empty();
        // `restore_from_trash`: where, not what is done.
        let behind = before.map(Token::word).unwrap_or_default();
        let named = named || matches!(behind, "from" | "in" | "of" | "by" | "with" | "on" | "for");
        let pure = !reading.entry.does.is_empty() && reading.entry.names.without(pure_deeds()).is_empty() && !named;
        let plural = !looks && verbs.is_empty() && reading.form == Form::Plural;
        let base = reading.form == Form::Base || plural || (!looks && reading.form == Form::Gerund);
        if !pure || !base || is_read(reading) {
            continue;
        }
        let stands = |at: usize| tokens.get(at).is_some_and(|token| !token.is_small());
        let enclosed = verbs.last().is_some_and(|verb| (verb + 1..at).any(stands) && !verbs.contains(&(at - 1)))
            && stands(at + 1)
            && !tokens
                .get(verbs.last().map_or(0, |verb| *verb)..at)
                .is_some_and(|between| between.iter().any(Token::joins));
        if !enclosed {
            verbs.push(at);
        }
    }
    verbs
}

/// What a name says is done; its tokens learn what they stand for.
fn doing(tokens: &mut [Token]) -> Concepts {
    let known = known();
    let mut verbs = strong_verbs(tokens);
    let readings = || tokens.iter().filter_map(|token| token.reading);
    let deed = |at: &usize| tokens.get(*at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    let strong = verbs.iter().map(deed).fold(Concepts::NONE, Concepts::with);
    // A draft of something is not that thing done, unless it is sent.
    let drafts = readings().any(|reading| reading.entry.names.meets(known.draft));
    if drafts && !strong.meets(known.send) && strong.without(known.making).is_empty() {
        name::part(tokens, &verbs);
        return known.draft;
    }
    if !strong.is_empty() {
        name::part(tokens, &verbs);
        let performed = if strong.meets(lexicon().perform) { performed(tokens, strong) } else { Concepts::NONE };
        return strong.with(performed.without(known.read.with(known.draft)));
    }
    let looks = readings().any(is_read);
    // `email_summary` sends one, `email_history` shows it.
    let content = |token: &Token| CONTENT.contains(&token.word());
    let opens = tokens.first().and_then(|token| token.reading).filter(|reading| reading.form == Form::Base);
    let told = opens.is_some_and(|reading| reading.entry.does.meets(known.send)) && tokens.last().is_some_and(content);
    if looks && !told {
        let reads =
            |token: &Token| token.reading.is_some_and(|r| r.entry.does.meets(known.read) && r.form == Form::Base);
        let first: SmallVec<[usize; 4]> = tokens.iter().position(reads).into_iter().collect();
        name::part(tokens, &first);
        return known.read;
    }
    // Words that are verb and noun in one do something when nothing else does: `refund_payment`, `email_customer`.
    let dual: SmallVec<[usize; 4]> = (0..tokens.len())
        .filter(|at| {
            tokens
                .get(*at)
                .and_then(|token| token.reading)
                .is_some_and(|reading| reading.form == Form::Base && !reading.entry.does.is_empty())
        })
        .collect();
    verbs.extend(leading(&dual, tokens));
    let deed = |at: &usize| tokens.get(*at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    let done = verbs.iter().map(deed).fold(Concepts::NONE, Concepts::with);
    name::part(tokens, &verbs);
    let names = || tokens.iter().filter_map(|token| token.reading).map(|reading| reading.entry.names);
    let told = names().fold(Concepts::NONE, Concepts::with).common(lexicon().deeds);
    let told = told.without(known.read.with(known.draft));
    match () {
        () if done.is_empty() || done.meets(lexicon().perform) => done.with(told),
        // `reply_to_email`
        () if done.meets(known.send) => done.with(told.common(known.send)),
        () => done,
    }
}

/// Of words that are verb and noun in one, those that are verbs: the first, but in `order_refund` a refund is made of
/// an order.
fn leading(dual: &[usize], tokens: &[Token]) -> SmallVec<[usize; 4]> {
    let does = |at: &usize| tokens.get(*at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    let refund = dual.iter().find(|at| does(at).meets(known().refund));
    let first = dual.first().copied();
    let papers = first.is_some_and(|at| does(&at).meets(known().papers));
    match (refund, first) {
        (Some(at), _) => SmallVec::from_slice(&[*at]),
        (None, Some(_)) if papers => {
            let sent = dual.iter().rev().find(|at| does(at).meets(known().send));
            sent.map_or_else(|| SmallVec::from_slice(dual), |at| SmallVec::from_slice(&[*at]))
        }
        (None, Some(first)) => {
            // `charge_and_email`: each of them.
            let joined = |at: usize| at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(Token::joins);
            dual.iter().copied().filter(|at| *at == first || joined(*at)).collect()
        }
        (None, None) => SmallVec::new(),
    }
}

/// What a verb like *make* or *send* comes to by its object: to make a payment is to pay. It hangs on the head
/// (`create_order_note` orders nothing), but that a word which nobody lists stands for what is before it.
fn performed(tokens: &[Token], strong: Concepts) -> Concepts {
    let known = known();
    let names = |token: &Token| token.reading.map_or(Concepts::NONE, |reading| reading.entry.names);
    let head = tokens.iter().rev().find(|token| token.part == Part::Head);
    let deeds = |part: Part| {
        let own = tokens.iter().filter(|token| token.part == part).map(names);
        own.fold(Concepts::NONE, Concepts::with).common(lexicon().deeds)
    };
    let of_head = deeds(Part::Head).with(deeds(Part::Verb));
    let Some(head) = head else { return of_head.with(deeds(Part::Whole)) };
    let listed = !names(head).is_empty();
    let sends = strong.meets(known.send) || names(head).meets(known.campaign);
    match () {
        () if !listed => of_head.with(deeds(Part::Modifier)),
        // `send_sms_message`, `launch_email_campaign`; but `send_refund_email` refunds nothing.
        () if sends => of_head.with(deeds(Part::Modifier).common(known.send)),
        // `create_payment_order`
        () if names(head).meets(known.papers) => of_head.with(deeds(Part::Modifier)),
        () => of_head,
    }
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
