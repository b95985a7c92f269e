//! From phrases to deeds: which kinds of doing, to which kinds of things.

use super::event::{Event, Link, Run};
use crate::policy::{
    condition::{Condition, Deed},
    lexicon::{Concepts, lexicon},
};

/// What one event says.
#[derive(Debug, Default, Clone)]
pub struct Done {
    /// One of these is done.
    pub deeds: Vec<Deed>,
    /// Conditions from words that say more of a thing: `gift card purchases`.
    pub more: Vec<Condition>,
}

/// Concepts that this module speaks of.
struct Known {
    told: Concepts,
    money: Concepts,
    ware: Concepts,
    persons: Concepts,
    admin: Concepts,
    granting: Concepts,
    containers: Concepts,
    changing: Concepts,
    void: Concepts,
    delete: Concepts,
    thinglike: Concepts,
    sharing: Concepts,
    files: Concepts,
    moving: Concepts,
    funds: Concepts,
    transfer: Concepts,
    making: Concepts,
    accounts: Concepts,
    process: Concepts,
    grant: Concepts,
    database: Concepts,
    inviting: Concepts,
    meetings: Concepts,
}

fn known() -> &'static Known {
    static KNOWN: std::sync::LazyLock<Known> = std::sync::LazyLock::new(|| Known {
        told: Concepts::named(&["send", "message", "post", "email", "sms", "share", "call", "comment"]).with_children(),
        money: Concepts::named(&["pay", "transfer", "refund", "charge", "discount"]),
        ware: Concepts::named(&["buy", "booking", "sell", "trade", "invest", "spend"]),
        persons: Concepts::named(&[
            "customer",
            "user",
            "employee",
            "patient",
            "contact",
            "supplier",
            "candidate",
            "student",
            "bank_account",
            "payment_method",
            "funds",
            "account",
            "invoice",
            "claim",
            "buy",
            "team",
            "product",
            "record",
        ]),
        admin: Concepts::named(&["admin", "role"]),
        granting: Concepts::named(&["grant", "create", "update", "assign", "invite"]),
        containers: Concepts::named(&[
            "ticket",
            "channel",
            "page",
            "project",
            "pull_request",
            "todo",
            "deal",
            "document",
            "event",
            "message",
            "repository",
        ]),
        changing: Concepts::named(&["write"]).with_children().with(Concepts::named(&["read", "export", "upload"])),
        void: Concepts::named(&["void"]),
        delete: Concepts::named(&["delete"]),
        sharing: Concepts::named(&["share"]),
        files: Concepts::named(&["file"]).with_children(),
        moving: Concepts::named(&["move"]),
        funds: Concepts::named(&["funds"]),
        transfer: Concepts::named(&["transfer"]),
        thinglike: Concepts::named(&["invoice", "subscription", "claim", "prescription", "booking", "credit_note"]),
        making: Concepts::named(&["post", "send", "message"]),
        accounts: Concepts::named(&["account"]),
        process: Concepts::named(&["process"]),
        grant: Concepts::named(&["grant"]),
        database: Concepts::named(&["database"]).with_children(),
        inviting: Concepts::named(&["invite"]),
        meetings: Concepts::named(&["event"]),
    });
    &KNOWN
}

fn deed(does: Concepts, things: Concepts) -> Deed {
    Deed::of(does.with_children(), things.with_children())
}

/// The things of one event.
#[derive(Default)]
struct Things {
    /// Kinds.
    kinds: Concepts,
    /// Words that the lexicon lacks.
    nouns: Vec<String>,
    /// Nouns of doing among the objects.
    acts: Concepts,
    /// What is granted.
    admin: Concepts,
    /// What is written into.
    into: Concepts,
}

/// Reads an event. `inherited` are the deeds of what stands before, for `them`; `coordinated` when several things stand
/// beside each other; `made` when the text says that it is made or issued.
#[must_use]
pub fn read(event: &Event, inherited: &[Deed], coordinated: bool, made: bool) -> Done {
    // `clear the history`: what is looked at is a thing here.
    let read = Concepts::named(&["read"]).with(lexicon().generic);
    let mut done = Done::default();
    let nouns_of_doing = event
        .runs
        .iter()
        .filter(|run| run.is_doing() && (event.is_silent() || !run.head.without(read).is_empty()))
        .fold(Concepts::NONE, |all, run| all.with(run.head.common(lexicon().deeds)));
    let verbs = event.verbs.with(nouns_of_doing);
    let silent = verbs.is_empty() && event.words.is_empty();
    let mut things = things(event, verbs, nouns_of_doing, silent, &mut done);
    let mut said = event.said;
    if things.kinds.is_empty() && things.nouns.is_empty() && !inherited.is_empty() {
        things.kinds = inherited.iter().fold(Concepts::NONE, |all, deed| all.with(deed.things));
        things.nouns = inherited.iter().flat_map(|deed| deed.nouns.iter().cloned()).collect();
        said = true;
    }
    if silent {
        of_nouns(things, coordinated, &mut done);
    } else {
        of_verbs(event, verbs, things, said, coordinated, made, &mut done);
    }
    done.deeds.iter_mut().for_each(|deed| deed.nouns.dedup());
    done
}

/// Which of the nouns it is done to.
fn things(event: &Event, verbs: Concepts, nouns_of_doing: Concepts, silent: bool, done: &mut Done) -> Things {
    let (known, lexicon) = (known(), lexicon());
    let direct = event.runs.iter().any(|run| run.link == Link::Object && !run.is_doing());
    let modified = event.runs.iter().any(|run| run.is_doing() && (!run.before.is_empty() || !run.also.is_empty()));
    let first = !direct && !modified;
    let mut things = Things::default();
    for run in &event.runs {
        if run.is_doing() {
            // `file deletions`: what stands before the doing is its object; `router config changes`: which of them.
            let before = run.before.without(lexicon.generic);
            if run.also.is_empty() {
                things.kinds = things.kinds.with(before);
            } else if before.is_empty() {
                things.nouns.push(run.also.join("_"));
            } else {
                things.nouns.push(run.words.split_last().map_or(String::new(), |(_, rest)| rest.join("_")));
            }
            continue;
        }
        let counts = match run.link {
            Link::Object => true,
            // `deletion of files`, but not `price of a product`.
            Link::Of => first || !nouns_of_doing.is_empty() && !direct,
            Link::Side | Link::Where => {
                let whole = run.head.with(run.before);
                if verbs.meets(known.granting) && whole.meets(known.admin) {
                    things.admin = things.admin.with(whole.common(known.admin));
                }
                if verbs.meets(known.told) {
                    things.into = things.into.with(run.head.common(known.containers));
                }
                first
                    && (silent
                        || verbs.without(known.changing).is_empty()
                        || (run.link == Link::Where && !verbs.meets(known.told)))
            }
        };
        if counts
            && matches!(run.link, Link::Where | Link::Side)
            && !run.head.is_empty()
            && run.head.without(known.database).is_empty()
            && nouns_of_doing.is_empty()
        {
            // `into a table`: what is in it.
            things.kinds = things.kinds.with(known.database);
        } else if counts {
            object(run, silent, &mut things, done);
        }
    }
    things
}

/// One noun that it is done to.
fn object(run: &Run, silent: bool, things: &mut Things, done: &mut Done) {
    let (known, lexicon) = (known(), lexicon());
    if run.word.is_some() {
        things.nouns.push(run.phrase());
        return;
    }
    let head = run.head.without(lexicon.generic);
    if head.is_empty() {
        things.kinds = things.kinds.with(run.before.without(lexicon.generic));
        if run.before.without(lexicon.generic).is_empty() {
            things.nouns.extend(run.also.last().cloned());
        }
        return;
    }
    let acts = head.common(lexicon.deeds);
    if !acts.is_empty() {
        things.acts = things.acts.with(acts);
        // `gift card purchases`: what is bought says something, `vendor payments` does not.
        let wares = run.before.without(known.persons).without(lexicon.generic).without(lexicon.deeds);
        if silent && head.meets(known.ware) && !wares.is_empty() {
            done.more.push(Condition::Deed(Deed::of(Concepts::NONE, wares.with_children())));
        } else if silent && !run.also.is_empty() && !head.meets(known.money.with(known.told)) {
            done.more.push(Condition::Mentions(run.also.clone()));
        }
    } else if !run.also.is_empty() {
        // `wholesale prices`, `exam papers`: which of them.
        things.nouns.push(run.phrase());
        return;
    }
    things.kinds = things.kinds.with(head);
}

/// Nouns alone: `refunds`, `wire transfers`, `contracts`.
fn of_nouns(things: Things, coordinated: bool, done: &mut Done) {
    let (known, lexicon) = (known(), lexicon());
    let looks = Concepts::named(&["read"]);
    let acts = if coordinated { things.acts.without(looks) } else { things.acts };
    if !acts.is_empty() {
        done.deeds.push(deed(acts, Concepts::NONE));
    }
    // `invoices over 500`: to write one, and to pay one.
    let both = things.acts.common(known.thinglike);
    if !both.is_empty() {
        done.deeds.push(deed(Concepts::NONE, both));
    }
    // A thing beside a doing only says more of it (`customer refunds`), unless both stand in a list.
    let plain = things.kinds.without(lexicon.deeds);
    if !plain.is_empty() && (things.acts.is_empty() || coordinated) {
        done.deeds.push(deed(Concepts::NONE, plain));
    }
    if !things.nouns.is_empty() && (things.acts.is_empty() || coordinated) {
        done.deeds.push(Deed { nouns: things.nouns, ..Deed::default() });
    }
}

/// Verbs with their objects.
fn of_verbs(
    event: &Event,
    verbs: Concepts,
    things: Things,
    said: bool,
    coordinated: bool,
    made: bool,
    done: &mut Done,
) {
    let (known, lexicon) = (known(), lexicon());
    let Things { mut kinds, nouns, acts, admin, into } = things;
    let only_persons = kinds.without(known.persons).is_empty();
    if !admin.is_empty() {
        done.deeds.push(deed(Concepts::named(&["grant"]), admin));
        done.deeds.push(Deed::of(known.granting, admin.with_children()));
        if only_persons && nouns.is_empty() && !kinds.meets(known.accounts) {
            return;
        }
    }
    let mut does = verbs;
    if verbs.meets(known.granting) && kinds.meets(known.admin) {
        // To make somebody an administrator is to grant.
        done.deeds.push(Deed::of(known.granting, kinds.common(known.admin).with_children()));
    }
    // To send, post and message are one where no thing tells which.
    if kinds.is_empty() && nouns.is_empty() && verbs.meets(Concepts::named(&["post", "message"])) {
        does = does.with(Concepts::named(&["send"]));
    }
    if verbs.meets(known.void) {
        does = does.with(known.delete);
    }
    if verbs.meets(known.moving) && kinds.meets(known.funds) {
        does = does.with(known.transfer);
        kinds = kinds.without(known.persons);
    }
    // To pay, to refund and to tell somebody: whom and which bill is not named by every tool.
    let aside = verbs.without(known.money.with(known.told)).is_empty()
        && !verbs.meets(Concepts::named(&["send"]))
        && event.words.is_empty();
    let whole = kinds;
    if aside {
        kinds = kinds.without(known.persons);
    }
    if verbs.without(known.sharing).is_empty() && event.words.is_empty() && kinds.without(known.files).is_empty() {
        // What is shared is a file, whether or not a tool says so.
        kinds = Concepts::NONE;
    }
    let unsaid = kinds.is_empty() && !whole.is_empty();
    let nouns = if unsaid || aside { Vec::new() } else { nouns };
    let kinds = kinds.with_children();
    done.deeds.push(Deed { does: does.with_children(), verbs: event.words.clone(), things: kinds, nouns });
    // To issue a refund is to refund; `new prescriptions and dosage changes`: a noun of doing beside another one is
    // done itself.
    let acts = acts.without(verbs);
    let performed = verbs.meets(lexicon.perform) || made || (!said && coordinated);
    if performed && !acts.is_empty() {
        done.deeds.push(deed(acts, Concepts::NONE));
    }
    // To post to a ticket is to write into it.
    let into = into.without(Concepts::named(&["message"]).with_children()).without(lexicon.deeds);
    if verbs.meets(known.making) && !into.is_empty() {
        done.deeds.push(deed(Concepts::named(&["create", "update", "comment"]), into));
    }
    if verbs.meets(known.process) && !whole.is_empty() {
        // To issue store credit is to create or grant it.
        done.deeds.push(deed(lexicon.perform.with(known.grant), whole));
    }
    if verbs.meets(known.inviting) && event.runs.iter().any(|run| run.head.meets(known.meetings)) {
        // To invite to a meeting is to make one with guests.
        done.deeds.push(deed(known.granting.with(lexicon.perform), known.meetings));
    }
}
