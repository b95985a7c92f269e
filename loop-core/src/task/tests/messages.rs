//! Messages, and the contracts that they move.

use serde_json::{Value as Json, json};

use super::{
    super::{
        TaskError,
        contract::{self, Contract, Party, State},
        exchange::Sent,
        transaction::Deal,
    },
    world::{START, World},
};
use crate::{
    base::{Code, Time, id::LoopId},
    message::{self, InboxQuery, Kind, MessageError, Seen, Status},
};

const DAY: i64 = 86_400;

#[test]
fn a_deal_goes_from_request_to_payment_and_every_answer_marks_what_it_answers() {
    let world = World::new();
    let team = world.team();
    use Party::{Buyer, Seller};
    let path = [
        (Seller, Kind::TaskOffer),
        (Buyer, Kind::CounterOffer),
        (Seller, Kind::TaskOffer),
        (Buyer, Kind::TaskAccept),
        (Seller, Kind::TaskExecute),
        (Seller, Kind::TaskComplete),
        (Seller, Kind::PaymentRequest),
        (Buyer, Kind::PaymentConfirm),
    ];
    let done = world.contract_after(&team, &path);
    assert_eq!((done.state, done.amount_cents, done.currency.as_deref()), (State::Paid, Some(9000), Some("USD")));
    let correlation = done.correlation_id.clone();
    let viewer = Some(team.seller);
    let thread = world
        .run(world.cx(None), move |tx, cx| message::thread(tx, cx.tenant(), viewer, &correlation, None, 100))
        .unwrap();
    let seen: Vec<_> = thread.messages.iter().map(|message| (message.kind, message.status)).collect();
    assert_eq!(
        seen,
        [
            (Kind::TaskRequest, Status::Replied),
            (Kind::TaskOffer, Status::Replied),
            (Kind::CounterOffer, Status::Replied),
            (Kind::TaskOffer, Status::Replied),
            (Kind::TaskAccept, Status::Replied),
            (Kind::TaskExecute, Status::Queued),
            (Kind::TaskComplete, Status::Queued),
            (Kind::PaymentRequest, Status::Replied),
            (Kind::PaymentConfirm, Status::Queued),
        ]
    );
}

#[test]
fn strangers_cannot_tell_a_contract_from_none_and_parties_are_told_why() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team);
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::TaskRequest) {
        for to in [team.buyer, team.seller] {
            assert_eq!(world.say(team.sibling, to, kind, &contract).unwrap_err(), TaskError::NoContract, "{kind}");
        }
    }
    let wrong = world.say(team.buyer, team.seller, Kind::TaskOffer, &contract).unwrap_err();
    assert_eq!((wrong.clone(), wrong.code()), (TaskError::Party(Party::Seller), Code::PolicyDenied));
    let early = world.say(team.buyer, team.seller, Kind::PaymentConfirm, &contract).unwrap_err();
    assert_eq!(early.code(), Code::InvalidTransition);
    let away = world.say(team.seller, team.sibling, Kind::TaskOffer, &contract).unwrap_err();
    assert_eq!(away.code(), Code::InvalidRequest);
}

#[test]
fn refused_messages_leave_nothing_behind() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team);
    world.say(team.buyer, team.seller, Kind::TaskAccept, &contract).unwrap_err();
    world.send(team.buyer, json!({"type": "TASK_REQUEST", "to": "@nobody", "task": "t"})).unwrap_err();
    assert_eq!(world.inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() }).messages.len(), 1);
    let id = contract.id.to_string();
    let read = world.run(world.cx(None), move |tx, cx| contract::get(tx, cx.tenant(), &id)).unwrap().unwrap();
    assert_eq!((read.value, read.version), (contract, 1));
}

#[test]
fn a_loop_writes_to_itself_to_no_purpose_and_a_suspended_one_not_at_all() {
    let world = World::new();
    let team = world.team();
    let ask = |to: &str| json!({"type": "TASK_REQUEST", "to": to, "task": "t"});
    assert_eq!(world.send(team.buyer, ask("@buyer")).unwrap_err().code(), Code::PolicyDenied);
    assert!(world.send(team.buyer, ask("@child")).is_ok(), "work is handed down to a sub-loop");
    assert_eq!(world.send_with(world.cx(None), ask("@seller")).unwrap_err().code(), Code::InvalidRequest);
    world.suspend(team.buyer);
    for of in [team.buyer, team.child] {
        assert_eq!(world.send(of, ask("@seller")).unwrap_err().code(), Code::LoopSuspended);
    }
    assert_eq!(world.send(team.seller, ask("@child")).unwrap_err(), TaskError::OtherSuspended);
}

#[test]
fn what_was_proposed_ends_with_its_message() {
    let world = World::new();
    let team = world.team();
    let until = START.plus_seconds(60).to_string();
    let body = json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "expiresAt": until});
    let (message, contract) = world.send(team.buyer, body.clone()).unwrap();
    let (_, other) = world.send(team.buyer, body).unwrap();
    world.now.set(START.plus_seconds(60));
    assert_eq!(message.status_at(world.now.get()), Status::Expired);
    let late = world.say(team.seller, team.buyer, Kind::TaskOffer, &contract).unwrap_err();
    assert_eq!((late.clone(), late.code()), (TaskError::Expired, Code::MessageExpired));
    assert_eq!(world.say(team.seller, team.buyer, Kind::TaskReject, &contract).unwrap().state, State::Rejected);
    assert_eq!(world.say(team.buyer, team.seller, Kind::TaskCancel, &other).unwrap().state, State::Cancelled);
}

#[test]
fn work_under_way_outlasts_the_messages_about_it() {
    let world = World::new();
    let team = world.team();
    let path = [(Party::Seller, Kind::TaskOffer), (Party::Buyer, Kind::TaskAccept), (Party::Seller, Kind::TaskExecute)];
    let contract = world.contract_after(&team, &path);
    world.now.set(START.plus_seconds(60 * DAY));
    assert_eq!(world.say(team.seller, team.buyer, Kind::TaskComplete, &contract).unwrap().state, State::Delivered);
}

#[test]
fn a_message_lasts_seven_days_unless_told_and_thirty_at_most() {
    let world = World::new();
    let team = world.team();
    let ask = |at: i64| {
        let at = START.plus_seconds(at).to_string();
        json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "expiresAt": at})
    };
    let plain = world.send(team.buyer, json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t"})).unwrap().0;
    assert_eq!(plain.expires_at, START.plus_seconds(7 * DAY));
    assert_eq!(world.send(team.buyer, ask(30 * DAY)).unwrap().0.expires_at, START.plus_seconds(30 * DAY));
    assert_eq!(world.send(team.buyer, ask(30 * DAY + 1)).unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(world.send(team.buyer, ask(0)).unwrap_err().code(), Code::MessageExpired);
}

#[test]
fn the_same_message_again_is_the_same_message_and_another_under_its_name_is_refused() {
    let world = World::new();
    let team = world.team();
    let body = |n: i64, extra: Json| {
        let mut body = json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "inputs": {"n": n}});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let first = world.send(team.buyer, body(1, json!({"id": "m1"}))).unwrap().0;
    let again = world.send(team.buyer, body(1, json!({"id": "m1"}))).unwrap().0;
    assert_eq!(first.id, again.id);
    let other = world.send(team.buyer, body(2, json!({"id": "m1"}))).unwrap_err();
    assert_eq!((other.clone(), other.code()), (TaskError::IdTaken, Code::IdempotencyConflict));
    let theirs = world.send(team.sibling, body(2, json!({"id": "m1"}))).unwrap().0;
    assert_ne!(theirs.id, first.id);
    assert_eq!(world.inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() }).messages.len(), 2);
    assert_eq!(world.score(team.buyer), 50);
}

#[test]
fn a_nonce_used_for_another_message_sends_nothing_and_costs_trust_each_time() {
    let world = World::new();
    let team = world.team();
    let body =
        |n: i64| json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t", "nonce": "n1", "inputs": {"n": n}});
    let first = world.send(team.buyer, body(1)).unwrap().0;
    assert_eq!(world.send(team.buyer, body(1)).unwrap().0.id, first.id);
    assert_eq!(world.score(team.buyer), 50);
    for score in [48, 46] {
        assert!(matches!(world.send_with(world.cx(Some(team.buyer)), body(2)), Ok(Sent::Replayed)));
        assert_eq!(world.score(team.buyer), score);
    }
    assert!(world.send(team.sibling, body(2)).is_ok(), "a nonce is its sender's own");
    assert_eq!(world.score(team.sibling), 50);
    assert_eq!(world.inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() }).messages.len(), 2);
}

#[test]
fn a_thread_is_between_two_loops_and_its_name_lets_nobody_else_in() {
    let world = World::new();
    let team = world.team();
    let ask = |to: &str| json!({"type": "TASK_REQUEST", "to": to, "task": "t", "correlationId": "corr_shared"});
    world.send(team.buyer, ask("@seller")).unwrap();
    world.send(team.seller, ask("@buyer")).unwrap();
    assert_eq!(world.send(team.sibling, ask("@seller")).unwrap_err(), TaskError::ThreadTaken);
    let look = |viewer: Option<LoopId>, name: &'static str| {
        world.run(world.cx(None), move |tx, cx| message::thread(tx, cx.tenant(), viewer, name, None, 100))
    };
    assert_eq!(look(Some(team.seller), "corr_shared").unwrap().messages.len(), 2);
    assert_eq!(look(None, "corr_shared").unwrap().messages.len(), 2);
    for (viewer, name) in [(team.sibling, "corr_shared"), (team.buyer, "corr_none"), (team.buyer, "corr_shared/")] {
        assert_eq!(look(Some(viewer), name).unwrap_err(), MessageError::NoThread);
    }
}

#[test]
fn an_answer_names_a_message_that_its_sender_received_in_the_same_thread() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team);
    let other = world.send(team.sibling, json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t"})).unwrap().0;
    let own = contract.standing.message;
    let offer = |from: LoopId, to: LoopId, answers: String| {
        world.send(from, json!({"type": "ACK", "to": to, "contractId": contract.id, "inReplyTo": answers}))
    };
    assert_eq!(offer(team.seller, team.buyer, other.id.to_string()).unwrap_err().code(), Code::NotFound);
    assert_eq!(offer(team.buyer, team.seller, own.to_string()).unwrap_err().code(), Code::NotFound);
    assert_eq!(offer(team.seller, team.buyer, "msg_none".into()).unwrap_err().code(), Code::NotFound);
    let acknowledged = offer(team.seller, team.buyer, own.to_string()).unwrap();
    assert_eq!((acknowledged.0.in_reply_to, acknowledged.1.state), (Some(own), State::Requested));
    let id = own.to_string();
    let read = world.run(world.cx(None), move |tx, cx| message::get(tx, cx.tenant(), &id)).unwrap();
    assert_eq!(read.status, Status::Read);
}

#[test]
fn payment_is_confirmed_as_it_was_asked_for() {
    let world = World::new();
    let team = world.team();
    let path = [
        (Party::Seller, Kind::TaskOffer),
        (Party::Buyer, Kind::TaskAccept),
        (Party::Seller, Kind::TaskExecute),
        (Party::Seller, Kind::TaskComplete),
        (Party::Seller, Kind::PaymentRequest),
    ];
    let contract = world.contract_after(&team, &path);
    let confirm = |cents: u64, currency: &str| {
        world.send(
            team.buyer,
            json!({"type": "PAYMENT_CONFIRM", "to": "@seller", "contractId": contract.id, "amountCents": cents,
                   "currency": currency}),
        )
    };
    assert_eq!(confirm(8999, "USD").unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(confirm(9000, "EUR").unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(confirm(9000, "USD").unwrap().1.state, State::Paid);
}

#[test]
fn a_sandbox_key_moves_simulated_contracts_only() {
    let world = World::new();
    let team = world.team();
    let live = world.request(&team);
    let offer = |contract: &Contract| json!({"type": "TASK_OFFER", "to": "@buyer", "contractId": contract.id});
    let refused = world.send_with(world.sandbox(team.seller), offer(&live)).unwrap_err();
    assert_eq!(refused, TaskError::Sandboxed);
    let body = json!({"type": "TASK_REQUEST", "to": "@seller", "task": "t"});
    let Sent::Now(message, play) = world.send_with(world.sandbox(team.buyer), body).unwrap() else { panic!() };
    assert!(message.simulated && play.simulated);
    assert!(world.send_with(world.sandbox(team.seller), offer(&play)).is_ok());
    assert_eq!(world.pay(world.sandbox(team.buyer), "@seller", Deal::Real, None).unwrap_err(), TaskError::Sandboxed);
    let linked = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, Some(play.id.to_string()));
    assert_eq!(linked.unwrap_err(), TaskError::Sandboxed);
}

#[test]
fn an_inbox_is_paged_without_gap_or_repeat_and_told_apart_from_others() {
    let world = World::new();
    let team = world.team();
    let mut sent: Vec<_> = (0..23).map(|_| world.request(&team).standing.message).collect();
    world.send(team.seller, json!({"type": "TASK_REQUEST", "to": "@buyer", "task": "t"})).unwrap();
    sent.reverse();
    let mut seen = Vec::new();
    let mut before = None;
    for _ in 0..10 {
        let page = world.inbox(team.seller, InboxQuery { before, limit: 5, ..InboxQuery::default() });
        seen.extend(page.messages.iter().map(|message| message.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, sent);
    let times: Vec<Time> = world
        .inbox(team.seller, InboxQuery { limit: 100, ..InboxQuery::default() })
        .messages
        .iter()
        .map(|message| message.created_at)
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "no two messages have one time");
    let since = world.inbox(team.seller, InboxQuery { since: Some(times[3]), limit: 100, ..InboxQuery::default() });
    assert_eq!(since.messages.len(), 3);
    let none = InboxQuery { kinds: vec![Kind::TaskOffer], limit: 5, ..InboxQuery::default() };
    let none = world.inbox(team.seller, none);
    assert!(none.messages.is_empty() && none.next.is_none());
}

#[test]
fn looking_at_messages_is_noted_once_and_only_forward() {
    let world = World::new();
    let team = world.team();
    let id = world.request(&team).standing.message;
    let look = |seen: Seen| {
        world.run(world.cx(Some(team.seller)), move |tx, cx| message::see_all(tx, cx, &[id], seen)).unwrap();
        let id = id.to_string();
        world.run(world.cx(None), move |tx, cx| message::get(tx, cx.tenant(), &id)).unwrap().status
    };
    let seen = [Seen::Fetched, Seen::Fetched, Seen::Opened, Seen::Fetched].map(look);
    assert_eq!(seen, [Status::Delivered, Status::Delivered, Status::Read, Status::Read]);
}
