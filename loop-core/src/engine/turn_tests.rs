//! Whole turns on the memory store: what goes out together, and what is withheld with its turn.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use proptest::prelude::*;

use super::{
    Call, DecideError, Keep, MAX_CALLS, Turn, TurnInput, Unreadable,
    fault_tests::{World, block},
};
use crate::{
    access::{AccessError, Caller},
    approval::{self, Answer, Approval, ApprovalError, State},
    audit::{self, AuditEntry, Filter, Status},
    base::{TenantId, json::Doc},
    policy::{Action, Outcome, ReasonCode},
    store::{Lane, StoreError, wait},
};

/// A call of a tool with arguments, both as text.
pub(super) type Said<'a> = (&'a str, &'a str);

pub(super) const READ: Said<'static> = ("read_file", r#"{"path":"a"}"#);
pub(super) const PAY: Said<'static> = ("wire_transfer", r#"{"amount":5000,"to":"acme"}"#);
pub(super) const PAY_MORE: Said<'static> = ("wire_transfer", r#"{"amount":9000,"to":"acme"}"#);
/// Stopped by the kill switch.
pub(super) const WIPE: Said<'static> = ("wipe_disk", "{}");

const JOB: &str = "turn.record";

impl World {
    /// A world in which [`PAY`] needs approval and [`WIPE`] is blocked.
    pub(super) fn ruled() -> Self {
        let world = Self::new();
        world.rule("Any wire transfer over £1,000 needs approval").unwrap();
        block(&world.engine, &world.caller, WIPE.0).unwrap();
        world
    }

    pub(super) fn turn_as(&self, caller: &Caller, said: &[Said<'_>], keep: Keep<'_>) -> Result<Turn, DecideError> {
        let docs: Vec<Doc<'_>> = said.iter().map(|(_, arguments)| Doc::parse(arguments.as_bytes()).unwrap()).collect();
        let inputs: Vec<TurnInput<'_>> = said
            .iter()
            .zip(&docs)
            .map(|((tool, _), doc)| {
                let action =
                    Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
                TurnInput::Call(Call { action, reason: None, session: None, door: "proxy.chat" })
            })
            .collect();
        wait(self.engine.intercept_turn(caller, &inputs, keep))
    }

    pub(super) fn turn(&self, said: &[Said<'_>]) -> Turn {
        self.turn_as(&self.caller, said, Keep::Nothing).unwrap()
    }

    pub(super) fn answer(&self, turn: &Turn, at: usize, answer: Answer) {
        let id = turn.calls[at].decision.approval.unwrap().to_string();
        self.decide_as(&self.caller, &id, answer).unwrap();
    }

    /// Every decision in the log, the first first.
    pub(super) fn entries(&self) -> Vec<AuditEntry> {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        let read = self.engine.read(cx, "t", |tx, cx| {
            let mut page = audit::page(tx, cx.tenant(), audit::DECISIONS, &Filter::default(), 1_000, 0)?;
            page.reverse();
            Ok::<_, DecideError>(page)
        });
        wait(read).unwrap()
    }

    /// Every approval.
    pub(super) fn approvals(&self) -> Vec<Approval> {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        let read = self.engine.read(cx, "t", |tx, cx| approval::all(tx, cx.tenant(), 1_000, 0));
        wait(read).unwrap()
    }

    /// Where the approvals stand, in the order of the states' names.
    fn states(&self) -> Vec<State> {
        let mut states: Vec<State> = self.approvals().into_iter().map(|approval| approval.state).collect();
        states.sort_unstable_by_key(|state| state.as_str());
        states
    }

    pub(super) fn statuses(&self) -> Vec<String> {
        self.entries().into_iter().filter_map(|entry| entry.status).collect()
    }
}

/// The status, the call's own, and whether it is withheld, of every call.
fn told(turn: &Turn) -> Vec<(Status, Status, bool)> {
    turn.calls.iter().map(|call| (call.decision.status, call.own, call.withheld)).collect()
}

#[test]
fn a_turn_whose_calls_may_all_go_is_one_transaction_and_one_entry_each() {
    let world = World::ruled();
    world.store.jobs.lock().unwrap().clear();
    let turn = world.turn(&[READ, ("send_mail", "{}"), READ]);
    assert!(turn.allowed());
    assert_eq!(told(&turn), [(Status::Allowed, Status::Allowed, false); 3]);
    assert_eq!((turn.decisive, turn.kept), (0, false));
    assert_eq!(world.store.jobs.lock().unwrap().iter().filter(|job| **job == JOB).count(), 1);
    let entries = world.entries();
    let tools: Vec<_> = entries.iter().map(|entry| entry.tool_name.as_deref().unwrap()).collect();
    assert_eq!(tools, ["read_file", "send_mail", "read_file"]);
    let ids: Vec<_> = turn.calls.iter().map(|call| call.decision.audit_id.clone()).collect();
    assert_eq!(ids, entries.iter().map(AuditEntry::id).collect::<Vec<_>>());
    assert_eq!(world.statuses(), ["ALLOWED"; 3]);
}

#[test]
fn one_blocked_call_withholds_its_turn_and_nobody_is_asked() {
    let world = World::ruled();
    let turn = world.turn(&[READ, PAY, WIPE, READ]);
    assert_eq!((turn.status, turn.decisive), (Status::Blocked, 2));
    assert_eq!(
        told(&turn),
        [
            (Status::Blocked, Status::Allowed, true),
            (Status::Blocked, Status::Pending, true),
            (Status::Blocked, Status::Blocked, false),
            (Status::Blocked, Status::Allowed, true),
        ]
    );
    assert_eq!(turn.calls[0].decision.verdict.outcome, Outcome::Allow, "the own verdict is told beside");
    assert_eq!(turn.calls[0].decision.message, "Withheld with its turn, in which 'wipe_disk' is blocked");
    assert_eq!(turn.calls[2].decision.message, "Tool 'wipe_disk' is blocked by governance policy");
    assert!(turn.calls.iter().all(|call| call.decision.approval.is_none() && !call.decision.allowed()));
    assert_eq!(world.approvals(), []);
    assert_eq!(world.statuses(), ["BLOCKED"; 4]);
    let bodies: Vec<String> = world.entries().into_iter().filter_map(|entry| entry.body).collect();
    assert!(bodies[0].contains(r#""reasons":[{"code":"TURN_WITHHELD"}]"#), "{}", bodies[0]);
    assert!(bodies[1].contains(r#""reasons":[{"code":"TURN_WITHHELD"},{"code":"RULE_ASK""#), "{}", bodies[1]);
    assert!(!bodies[2].contains("TURN_WITHHELD"), "{}", bodies[2]);
}

#[test]
fn a_call_that_waits_withholds_its_turn_which_goes_once_approved() {
    let world = World::ruled();
    let turn = world.turn(&[READ, PAY]);
    assert_eq!((turn.status, turn.decisive), (Status::Pending, 1));
    assert_eq!(told(&turn), [(Status::Blocked, Status::Allowed, true), (Status::Pending, Status::Pending, false)]);
    assert_eq!(turn.calls[0].decision.message, "Withheld with its turn, which waits for approval of 'wire_transfer'");
    assert!(turn.calls[1].decision.expires_at.is_some());
    assert_eq!(world.turn(&[READ, PAY]).calls[1].decision.approval, turn.calls[1].decision.approval);
    world.answer(&turn, 1, Answer::Approve);
    let gone = world.turn(&[READ, PAY]);
    assert_eq!(told(&gone), [(Status::Allowed, Status::Allowed, false); 2]);
    assert_eq!(gone.calls[1].decision.message, "Approved by a human");
    assert_eq!(world.states(), [State::Used]);
    assert_eq!(world.turn(&[READ, PAY]).status, Status::Pending, "a yes lets a turn through once");
    let log = ["BLOCKED", "PENDING", "BLOCKED", "PENDING", "ALLOWED", "ALLOWED", "BLOCKED", "PENDING"];
    assert_eq!(world.statuses(), log);
    assert!(world.log().1.valid);
}

#[test]
fn a_yes_is_not_used_up_while_another_call_of_the_turn_waits_or_is_blocked() {
    let world = World::ruled();
    let asked = world.turn(&[PAY]);
    world.answer(&asked, 0, Answer::Approve);
    let blocked = world.turn(&[PAY, WIPE]);
    assert_eq!(told(&blocked)[0], (Status::Blocked, Status::Allowed, true));
    assert_eq!(world.states(), [State::Approved]);
    let waits = world.turn(&[PAY, PAY_MORE]);
    assert_eq!(told(&waits), [(Status::Blocked, Status::Allowed, true), (Status::Pending, Status::Pending, false)]);
    assert_eq!(world.states(), [State::Approved, State::Pending]);
    world.answer(&waits, 1, Answer::Approve);
    assert!(world.turn(&[PAY, PAY_MORE]).allowed());
    assert_eq!(world.states(), [State::Used, State::Used]);
}

#[test]
fn each_of_two_identical_calls_needs_a_yes_of_its_own() {
    let world = World::ruled();
    let turn = world.turn(&[PAY, PAY]);
    let [first, second] = [0, 1].map(|at: usize| turn.calls[at].decision.approval.unwrap());
    assert_ne!(first, second);
    assert_eq!(world.turn(&[PAY, PAY]).calls[1].decision.approval, Some(second), "asked once, not with every turn");
    world.answer(&turn, 0, Answer::Approve);
    let half = world.turn(&[PAY, PAY]);
    assert_eq!(told(&half), [(Status::Blocked, Status::Allowed, true), (Status::Pending, Status::Pending, false)]);
    world.answer(&turn, 1, Answer::Approve);
    assert!(world.turn(&[PAY, PAY]).allowed());
    assert_eq!(world.states(), [State::Used, State::Used]);
    assert_eq!(told(&world.turn(&[PAY, PAY])), [(Status::Pending, Status::Pending, false); 2]);
}

#[test]
fn a_yes_to_one_of_two_identical_calls_lets_the_call_through_alone() {
    let world = World::ruled();
    let turn = world.turn(&[PAY, PAY]);
    world.answer(&turn, 0, Answer::Approve);
    assert_eq!(world.turn(&[PAY]).status, Status::Allowed);
    // What is left is a question about a second call; it answers for no first one.
    world.answer(&turn, 1, Answer::Approve);
    assert_eq!(world.turn(&[PAY]).status, Status::Pending);
    assert_eq!(world.turn(&[PAY, PAY]).status, Status::Pending);
}

#[test]
fn identical_calls_that_nothing_asks_about_all_go() {
    let world = World::ruled();
    assert!(world.turn(&[READ; MAX_CALLS]).allowed());
    assert_eq!(world.statuses(), ["ALLOWED"; MAX_CALLS]);
}

#[test]
fn a_no_blocks_the_turn_and_leaves_the_other_approvals_as_they_are() {
    let world = World::ruled();
    let asked = world.turn(&[PAY, PAY_MORE]);
    world.answer(&asked, 0, Answer::Approve);
    world.answer(&asked, 1, Answer::Deny);
    let turn = world.turn(&[PAY, PAY_MORE, ("wire_transfer", r#"{"amount":7000}"#)]);
    assert_eq!((turn.status, turn.decisive), (Status::Blocked, 1));
    assert_eq!(turn.calls[1].decision.message, "Denied by a human");
    assert_eq!(turn.calls[1].decision.approval, asked.calls[1].decision.approval);
    assert_eq!(world.states(), [State::Approved, State::Denied], "nobody is asked, nothing is used up");
    assert_eq!(world.turn(&[PAY]).status, Status::Allowed);
}

#[test]
fn a_blocked_turn_tells_which_of_its_calls_is_asked_about_already() {
    let world = World::ruled();
    let asked = world.turn(&[PAY]);
    let blocked = world.turn(&[PAY, WIPE]);
    assert_eq!(blocked.calls[0].decision.approval, asked.calls[0].decision.approval);
    assert_eq!(blocked.calls[0].decision.status, Status::Blocked);
    assert_eq!(world.states(), [State::Pending]);
}

#[test]
fn silence_is_a_no_for_a_turn_as_well() {
    let world = World::ruled();
    let asked = world.turn(&[READ, PAY]);
    world.answer(&asked, 1, Answer::Approve);
    world.host.forward(86_400);
    let anew = world.turn(&[READ, PAY]);
    assert_eq!(anew.status, Status::Pending);
    assert_ne!(anew.calls[1].decision.approval, asked.calls[1].decision.approval);
    world.host.forward(86_400);
    assert_eq!(world.turn(&[PAY, WIPE]).status, Status::Blocked);
    assert_eq!(world.approvals().len(), 2, "a blocked turn asks nobody anew");
}

#[test]
fn a_call_that_could_not_be_read_is_refused_and_nothing_of_it_is_stored() {
    let world = World::ruled();
    let long = "é".repeat(200);
    let unreadable = |tool| {
        let why = "the arguments are no JSON object";
        TurnInput::Unreadable(Unreadable { tool, agent: Some("bot"), session: None, door: "proxy.chat", why })
    };
    let doc = Doc::empty_object();
    let inputs = [Call::new("read_file", doc.root()).into(), unreadable(PAY.0), unreadable(""), unreadable(&long)];
    let turn = wait(world.engine.intercept_turn(&world.caller, &inputs, Keep::Nothing)).unwrap();
    assert_eq!((turn.status, turn.decisive), (Status::Blocked, 1));
    assert!(turn.calls[0].withheld && !turn.calls[1].withheld);
    let refused = &turn.calls[1].decision;
    assert_eq!(refused.message, "The call could not be read: the arguments are no JSON object");
    assert_eq!((refused.verdict.outcome, refused.verdict.reasons[0].code), (Outcome::Deny, ReasonCode::CallUnreadable));
    let entries = world.entries();
    let names: Vec<_> = entries.iter().map(|entry| entry.tool_name.clone().unwrap()).collect();
    assert_eq!(names, ["read_file", "wire_transfer", "(nameless)", &"é".repeat(128)]);
    let body = entries[1].body.as_deref().unwrap();
    assert!(body.contains(r#""arguments":{},"#) && body.contains(r#"{"code":"CALL_UNREADABLE"}"#), "{body}");
    assert_eq!(world.approvals(), []);
    assert_eq!(world.statuses(), ["BLOCKED"; 4]);
}

#[test]
fn a_turn_out_of_bounds_is_refused_whole() {
    let world = World::ruled();
    let long = "x".repeat(257);
    let refused = |said: &[Said<'_>]| world.turn_as(&world.caller, said, Keep::Nothing).unwrap_err();
    assert_eq!(refused(&[]), DecideError::Calls { max: MAX_CALLS });
    assert_eq!(refused(&[READ; MAX_CALLS + 1]), DecideError::Calls { max: MAX_CALLS });
    for name in ["", &long] {
        assert!(matches!(refused(&[READ, (name, "{}")]), DecideError::Length { field: "tool_name", .. }));
    }
    assert_eq!(world.statuses(), [""; 0]);
}

#[test]
fn a_turn_that_would_ask_too_much_is_refused_whole() {
    let world = World::ruled();
    let tenant = world.caller.tenant.clone();
    // As many open approvals as a tenant may have.
    let asked = world.turn(&[PAY]).calls[0].decision.approval.unwrap().to_string();
    let filled = world.engine.write_as_system(&world.caller.tenant, "t", Lane::Normal, move |tx| {
        let record = tx.get(&approval::APPROVALS, &tenant, &asked)?.unwrap();
        for n in 1..10_000 {
            let copy = crate::store::Record { id: format!("copy-{n:05}"), ..record.clone() };
            tx.insert(&approval::APPROVALS, &tenant, &copy)?;
        }
        Ok::<_, StoreError>(())
    });
    wait(filled).unwrap();
    let refused = world.turn_as(&world.caller, &[READ, PAY_MORE], Keep::Nothing).unwrap_err();
    assert_eq!(refused, DecideError::Approval(ApprovalError::TooMany(10_000)));
    assert_eq!(world.statuses(), ["PENDING"], "of a turn that fails, nothing is written down");
}

#[test]
fn a_policy_that_moves_under_a_turn_has_it_decided_again() {
    let world = World::ruled();
    let (other, once) = (world.other.clone(), AtomicBool::new(true));
    let caller = wait(other.authenticate("tl_test")).unwrap();
    world.before(JOB, move || {
        if once.swap(false, Ordering::SeqCst) {
            block(&other, &caller, "read_file").unwrap();
        }
    });
    let turn = world.turn(&[READ, ("send_mail", "{}")]);
    assert_eq!((turn.status, turn.decisive), (Status::Blocked, 0));
    assert_eq!(world.statuses(), ["BLOCKED"; 2]);
}

#[test]
fn a_policy_that_never_stands_still_ends_a_turn_in_an_error() {
    let world = World::ruled();
    let other = world.other.clone();
    world.before(JOB, move || {
        let bumped = wait(other.write_as_system(&TenantId::default_tenant(), "t", Lane::Normal, |tx| {
            tx.bump_epoch(&TenantId::default_tenant())
        }));
        bumped.unwrap();
    });
    assert_eq!(world.turn_as(&world.caller, &[READ], Keep::Nothing).unwrap_err(), DecideError::Moved);
    assert_eq!(world.statuses(), [""; 0]);
}

#[test]
fn a_turn_whose_record_cannot_be_committed_leaves_no_trace() {
    let world = World::ruled();
    let asked = world.turn(&[PAY]);
    world.answer(&asked, 0, Answer::Approve);
    world.fail(Some(JOB));
    for said in [&[READ][..], &[READ, PAY], &[PAY_MORE], &[WIPE]] {
        let failed = world.turn_as(&world.caller, said, Keep::Nothing).unwrap_err();
        assert_eq!(failed, DecideError::Store(StoreError::Full));
    }
    world.fail(None);
    assert_eq!((world.statuses(), world.states()), (vec!["PENDING".to_owned()], vec![State::Approved]));
    assert!(world.turn(&[READ, PAY]).allowed());
}

#[test]
fn a_transaction_that_runs_twice_counts_once() {
    let world = World::ruled();
    *world.store.twice.lock().unwrap() = Some(JOB);
    let turn = world.turn(&[READ, PAY, PAY]);
    assert_eq!(world.states(), [State::Pending; 2]);
    world.answer(&turn, 1, Answer::Approve);
    world.answer(&turn, 2, Answer::Approve);
    assert!(world.turn(&[READ, PAY, PAY]).allowed());
    assert_eq!(world.states(), [State::Used; 2]);
    assert_eq!(world.statuses(), ["BLOCKED", "PENDING", "PENDING", "ALLOWED", "ALLOWED", "ALLOWED"]);
    assert!(world.log().1.valid);
}

#[test]
fn a_revoked_key_decides_no_turn() {
    let world = World::ruled();
    let stale = world.key("ci", crate::access::Scopes::all(), None);
    let (id, tenant, now) = (stale.key.to_string(), stale.tenant.clone(), world.engine.now());
    let revoked = world.other.write_as_system(&stale.tenant, "key.revoke", Lane::Normal, move |tx| {
        crate::access::key::revoke(tx, &tenant, &id, now)
    });
    wait(revoked).unwrap();
    let refused = world.turn_as(&stale, &[READ], Keep::Nothing).unwrap_err();
    assert_eq!(refused, DecideError::Access(AccessError::Unauthenticated));
}

#[test]
fn two_turns_at_once_share_no_yes() {
    let world = World::ruled();
    let asked = world.turn(&[READ, PAY]);
    world.answer(&asked, 1, Answer::Approve);
    let world = Arc::new(world);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let world = Arc::clone(&world);
            std::thread::spawn(move || world.turn(&[READ, PAY]).status)
        })
        .collect();
    let mut statuses: Vec<_> = both.into_iter().map(|thread| thread.join().unwrap().as_str()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["ALLOWED", "PENDING"]);
}

/// What stands behind a call of a random turn.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Free,
    Asked,
    Approved,
    Denied,
    Blocked,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_worst_call_decides_and_approvals_are_used_only_by_a_turn_that_goes(
        kinds in prop::collection::vec(
            prop_oneof![
                4 => Just(Kind::Free), 2 => Just(Kind::Asked), 4 => Just(Kind::Approved), 1 => Just(Kind::Denied),
                1 => Just(Kind::Blocked),
            ],
            1..7,
        ),
    ) {
        let world = World::ruled();
        let said: Vec<(&str, String)> = kinds
            .iter()
            .enumerate()
            .map(|(n, kind)| match kind {
                Kind::Free => ("read_file", format!(r#"{{"n":{n}}}"#)),
                Kind::Blocked => (WIPE.0, format!(r#"{{"n":{n}}}"#)),
                Kind::Asked | Kind::Approved | Kind::Denied => (PAY.0, format!(r#"{{"amount":{}}}"#, 5_000 + n)),
            })
            .collect();
        let said: Vec<Said<'_>> = said.iter().map(|(tool, arguments)| (*tool, arguments.as_str())).collect();
        for (kind, said) in kinds.iter().zip(&said) {
            if let Kind::Approved | Kind::Denied = kind {
                let asked = world.turn(&[*said]);
                world.answer(&asked, 0, if *kind == Kind::Approved { Answer::Approve } else { Answer::Deny });
            }
        }
        let stand = || world.approvals().into_iter().map(|one| (one.id.to_string(), one.state)).collect::<BTreeMap<_, _>>();
        let before = stand();
        let turn = world.turn(&said);
        let alone = |kind: &Kind| match kind {
            Kind::Free | Kind::Approved => Status::Allowed,
            Kind::Asked => Status::Pending,
            Kind::Denied | Kind::Blocked => Status::Blocked,
        };
        let alone: Vec<Status> = kinds.iter().map(alone).collect();
        let worst = [Status::Blocked, Status::Pending].into_iter().find(|worst| alone.contains(worst));
        prop_assert_eq!(turn.status, worst.unwrap_or(Status::Allowed));
        prop_assert_eq!(turn.decisive, alone.iter().position(|status| *status == turn.status).unwrap());
        for (call, alone) in turn.calls.iter().zip(&alone) {
            prop_assert_eq!(call.own, *alone);
            prop_assert_eq!(call.withheld, *alone != call.decision.status);
            prop_assert_eq!(call.decision.allowed(), turn.allowed());
        }
        let after = stand();
        let asked = kinds.iter().filter(|kind| **kind == Kind::Asked).count();
        match turn.status {
            Status::Allowed => prop_assert!(after.values().all(|state| *state == State::Used)),
            Status::Pending => {
                prop_assert!(before.iter().all(|(id, state)| after.get(id) == Some(state)));
                let new = after.iter().filter(|(id, state)| !before.contains_key(*id) && **state == State::Pending);
                prop_assert_eq!((new.count(), after.len()), (asked, before.len() + asked));
            }
            _ => prop_assert_eq!(after, before),
        }
        if turn.allowed() {
            // The same calls one by one now find what they would have found after going one by one.
            for (kind, said) in kinds.iter().zip(&said) {
                let again = world.turn(&[*said]).status;
                prop_assert_eq!(again, if *kind == Kind::Free { Status::Allowed } else { Status::Pending });
            }
        }
        prop_assert!(world.log().1.valid);
    }
}
