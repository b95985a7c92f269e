//! Amounts in escrow.

use super::{
    super::{
        TaskError,
        contract::{self, Party, State},
        transaction::{self, Act, Deal, Escrow, NewTransaction, Transaction, TransactionStatus},
    },
    world::{START, World},
};
use crate::{
    access::Mode,
    base::{Code, id::LoopId},
    message::Kind,
    proof::Level,
};

#[test]
fn escrow_goes_to_the_seller_by_the_buyers_word_alone() {
    let world = World::new();
    let team = world.team();
    let held = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Sandbox, None).unwrap();
    assert_eq!((held.status, held.status.escrow()), (TransactionStatus::Pending, Escrow::Pending));
    assert_eq!(world.act(Some(team.seller), &held, Act::Release).unwrap_err(), TaskError::Party(Party::Buyer));
    assert_eq!(world.act(Some(team.buyer), &held, Act::Refund).unwrap_err(), TaskError::Party(Party::Seller));
    for stranger in [team.sibling, team.child] {
        for act in Act::ALL {
            assert_eq!(world.act(Some(stranger), &held, act).unwrap_err(), TaskError::NoTransaction);
        }
    }
    let paid = world.act(Some(team.buyer), &held, Act::Release).unwrap();
    assert_eq!((paid.status.escrow(), paid.ended_at), (Escrow::Released, Some(START)));
    for (by, act) in [(team.buyer, Act::Release), (team.seller, Act::Refund), (team.buyer, Act::Dispute)] {
        assert_eq!(world.act(Some(by), &paid, act).unwrap_err().code(), Code::InvalidTransition);
    }
}

#[test]
fn nobody_deals_with_themselves_or_in_anothers_name() {
    let world = World::new();
    let team = world.team();
    let by = |of: LoopId, seller: &str| world.pay(world.cx(Some(of)), seller, Deal::Real, None).map(|_| ());
    assert_eq!(by(team.buyer, "@buyer"), Err(TaskError::OwnDeal));
    assert_eq!(by(team.buyer, "@child"), Err(TaskError::OwnDeal));
    assert_eq!(by(team.child, "@buyer"), Err(TaskError::OwnDeal));
    assert_eq!(by(team.sibling, "@buyer"), Ok(()));
    let named = NewTransaction {
        buyer: Some("@buyer".into()),
        seller: "@seller".into(),
        amount_cents: 1,
        currency: "USD".into(),
        kind: Deal::Sandbox,
        contract: None,
    };
    let claimed = named.clone();
    let claim = world.run(world.cx(Some(team.sibling)), move |tx, cx| transaction::create(tx, cx, &claimed));
    assert_eq!(claim.unwrap_err(), TaskError::Party(Party::Buyer));
    let made = world.run(world.cx(None), move |tx, cx| transaction::create(tx, cx, &named)).unwrap();
    assert_eq!(made.buyer, team.buyer);
}

#[test]
fn a_released_real_amount_settles_the_sellers_proofs_and_no_others() {
    let world = World::new();
    let team = world.team();
    let prove = |of: LoopId, deal: &Transaction| {
        let task = world.task(of, Mode::Guided, Vec::new());
        world.prove(of, &task, Some(deal), false)
    };
    let deal = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, None).unwrap();
    let (sold, bought) = (prove(team.seller, &deal), prove(team.buyer, &deal));
    world.act(Some(team.buyer), &deal, Act::Release).unwrap();
    assert_eq!((world.level(&sold), world.level(&bought)), (Level::V5, Level::V0));
    assert_eq!((world.score(team.seller), world.score(team.buyer)), (58, 50));

    let play = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Sandbox, None).unwrap();
    let sold = prove(team.seller, &play);
    world.act(Some(team.buyer), &play, Act::Release).unwrap();
    assert_eq!((world.level(&sold), world.score(team.seller)), (Level::V0, 58));

    let within = world.pay(world.cx(Some(team.buyer)), "@sibling", Deal::Real, None).unwrap();
    let sold = prove(team.sibling, &within);
    world.act(Some(team.buyer), &within, Act::Release).unwrap();
    assert_eq!((world.level(&sold), world.score(team.sibling)), (Level::V0, 50), "one owner on both sides");
}

#[test]
fn a_dispute_costs_the_side_that_the_administrator_decides_against_and_ends_the_contracts() {
    let world = World::new();
    let team = world.team();
    let path = [(Party::Seller, Kind::TaskOffer), (Party::Buyer, Kind::TaskAccept), (Party::Seller, Kind::TaskExecute)];
    for (act, by, scores, state) in [
        (Act::Refund, None, (50, 45), State::Cancelled),
        (Act::Release, None, (45, 45), State::Completed),
        (Act::Refund, Some(team.seller), (45, 45), State::Disputed),
    ] {
        let contract = world.contract_after(&team, &path);
        let deal = world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, Some(contract.id.to_string())).unwrap();
        world.say(team.buyer, team.seller, Kind::DisputeOpen, &contract).unwrap();
        let open = world.act(Some(team.buyer), &deal, Act::Dispute).unwrap();
        assert_eq!(open.dispute.unwrap().opened_by, Some(Party::Buyer));
        assert_eq!(world.act(Some(team.seller), &deal, Act::Dispute).unwrap_err().code(), Code::InvalidTransition);
        world.act(by, &deal, act).unwrap();
        let id = contract.id.to_string();
        let read = world.run(world.cx(None), move |tx, cx| contract::get(tx, cx.tenant(), &id)).unwrap().unwrap();
        assert_eq!((world.score(team.buyer), world.score(team.seller)), scores);
        assert_eq!(read.value.state, state);
    }
}

#[test]
fn a_transaction_pays_only_for_a_contract_of_the_same_two() {
    let world = World::new();
    let team = world.team();
    let contract = world.request(&team).id.to_string();
    assert!(world.pay(world.cx(Some(team.buyer)), "@seller", Deal::Real, Some(contract.clone())).is_ok());
    for (of, seller, contract) in
        [(team.sibling, "@seller", &contract), (team.seller, "@buyer", &contract), (team.buyer, "@seller", &"x".into())]
    {
        let refused = world.pay(world.cx(Some(of)), seller, Deal::Real, Some(contract.clone()));
        assert_eq!(refused.unwrap_err(), TaskError::NoContract);
    }
}
