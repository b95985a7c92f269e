//! No loop raises its own trust: whatever the loops of one owner send, claim, sign, acknowledge, hold and release, alone
//! or together, a score only rises by what the gateway itself saw of a call or by an act of somebody else.
//!
//! - [`step`]: what may be tried.
//! - [`world`]: the real use cases on the memory store, and trying a step.
//! - [`vouched`]: what others did for an outcome, kept beside the store; every paid point is held against it.

#![cfg(test)]

mod step;
mod vouched;
mod world;

use std::{cell::RefCell, collections::BTreeMap};

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::{step::Step, world::World};

const CASES: u32 = 96;

#[test]
fn a_score_rises_only_by_what_the_gateway_saw_or_another_owner_did() {
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let reached: RefCell<BTreeMap<String, u32>> = RefCell::default();
    let outcome = runner.run(&step::histories(), |history| {
        let mut world = World::new();
        for step in &history {
            world.attempt(step);
            world.check().map_err(|why| TestCaseError::fail(format!("{step:?}: {why}")))?;
        }
        for (place, times) in world.reached {
            *reached.borrow_mut().entry(place).or_default() += times;
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let reached = reached.into_inner();
    // A history that never gets anywhere shows nothing.
    for place in [
        "contract within accepted",
        "contract within executing",
        "contract within paid",
        "contract across accepted",
        "contract across executing",
        "contract across paid",
        "contract across disputed",
        "deal within completed",
        "deal across completed",
        "paid V1",
        "paid V2",
        "paid V3",
        "paid V4",
        "paid V5",
        "refused acknowledge",
        "acknowledged by message",
        "refused acknowledge by message",
        "refused audit",
        "refused release",
        "refused loop of another",
        "refused key for another",
        "forged receipt",
        "forged signature",
        "replayed",
    ] {
        assert!(reached.get(place).is_some_and(|times| *times >= 3), "`{place}` was hardly reached: {reached:#?}");
    }
}

/// The ways that count, one after the other: what the property compares against is itself right.
#[test]
fn what_another_owner_does_is_paid_for_and_what_the_own_loops_do_is_not() {
    let mut world = World::new();
    let (ann, twin, bob) = (world::ANN, world::TWIN, world::BOB);
    world.attempt(&Step::Call { by: ann, tool: 0, capture: true, fails: false });
    assert_eq!(world.score(ann), 52);
    for (by, score) in [(ann, 52), (twin, 52), (bob, 56), (bob, 56)] {
        world.attempt(&Step::Acknowledge { by, proof: 0, sandbox: false });
        assert_eq!((world.score(ann), world.check()), (score, Ok(())), "acknowledged by {by}");
    }
    for (buyer, score) in [(twin, 56), (bob, 64)] {
        world.attempt(&Step::Task { by: ann, sandbox: false });
        world.attempt(&Step::Hold { by: buyer, seller: ann, real: true, contract: None });
        let (task, deal) = (world.outcomes() - 1, world.deals() - 1);
        world.attempt(&Step::Claim(step::Claim { by: ann, of: task, deal: Some(deal), ..step::Claim::default() }));
        world.attempt(&Step::Act { by: Some(buyer), act: step::RELEASE, deal });
        assert_eq!((world.score(ann), world.check()), (score, Ok(())), "bought by {buyer}");
    }
}
