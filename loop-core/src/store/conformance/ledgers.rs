//! Ledgers.

use super::{
    New,
    catalog::{CREDITS, QUOTAS},
    given::{Any, at, read, tenant, write},
};
use crate::store::{Balance, Hold, Lane, StoreError, StoreExt, Ticket};

type Outcome = Result<(), StoreError>;

fn add(store: &Any, amount: i64, floor: Option<i64>) -> Result<Option<Balance>, StoreError> {
    write(store, move |tx| tx.add(&CREDITS, &tenant("t"), "a", amount, floor))
}

fn hold(store: &Any, id: &'static str, amount: i64, until: i64) -> Result<bool, StoreError> {
    write(store, move |tx| tx.hold(&CREDITS, &tenant("t"), "a", id, amount, at(until)))
}

fn release(store: &Any, id: &'static str, take: i64) -> Result<Option<i64>, StoreError> {
    write(store, move |tx| Ok(tx.release(&CREDITS, &tenant("t"), id, take)?.map(|hold| hold.amount)))
}

fn balance(store: &Any) -> Result<Option<Balance>, StoreError> {
    let found = read(store, |tx| tx.balances(&CREDITS, &tenant("t"), "a", 1))?;
    Ok(found.into_iter().next().map(|(_, balance)| balance))
}

const fn of(total: i64, held: i64) -> Balance {
    Balance { total, held }
}

pub(super) fn floors_refuse_without_change(new: New<'_>) -> Outcome {
    let store = new();
    assert_eq!(add(&store, -1, Some(0))?, None);
    assert_eq!(balance(&store)?, None, "a refused change made an account");
    assert_eq!(add(&store, 10, Some(0))?, Some(of(10, 0)));
    assert_eq!(add(&store, -10, Some(0))?, Some(of(0, 0)));
    assert_eq!(add(&store, 5, Some(6))?, None);
    assert_eq!(add(&store, -5, Some(-5))?, Some(of(-5, 0)));
    assert_eq!(add(&store, -1, Some(-5))?, None);
    assert_eq!(balance(&store)?, Some(of(-5, 0)));
    Ok(())
}

pub(super) fn an_account_may_go_below_zero_without_floor(new: New<'_>) -> Outcome {
    let store = new();
    assert_eq!(add(&store, -3, None)?, Some(of(-3, 0)));
    assert_eq!(add(&store, 0, None)?, Some(of(-3, 0)));
    assert_eq!(balance(&store)?, Some(of(-3, 0)));
    Ok(())
}

pub(super) fn overflow_changes_nothing(new: New<'_>) -> Outcome {
    let store = new();
    add(&store, i64::MAX, None)?;
    assert!(matches!(add(&store, 1, None), Err(StoreError::Misuse(_))));
    assert!(matches!(add(&store, 1, Some(0)), Err(StoreError::Misuse(_))));
    assert_eq!(balance(&store)?, Some(of(i64::MAX, 0)));
    assert_eq!(add(&store, i64::MIN, None)?, Some(of(-1, 0)));
    assert!(matches!(add(&store, i64::MIN, None), Err(StoreError::Misuse(_))));
    assert!(matches!(hold(&store, "h", -1, 9), Err(StoreError::Misuse(_))));
    assert_eq!(balance(&store)?, Some(of(-1, 0)));
    Ok(())
}

pub(super) fn holds_reserve_and_release(new: New<'_>) -> Outcome {
    let store = new();
    assert!(!hold(&store, "early", 1, 9)?);
    add(&store, 10, None)?;
    assert!(hold(&store, "h1", 6, 9)?);
    assert!(!hold(&store, "h2", 5, 9)?);
    assert!(hold(&store, "h2", 4, 9)?);
    assert_eq!(hold(&store, "h2", 0, 9), Err(StoreError::Duplicate { what: "credits_holds.id".to_owned() }));
    assert_eq!(add(&store, -1, Some(0))?, None, "held credit was spent");
    assert_eq!(balance(&store)?, Some(of(10, 10)));
    assert_eq!(release(&store, "h1", 99)?, Some(6));
    assert_eq!(balance(&store)?, Some(of(4, 4)));
    assert_eq!(release(&store, "h1", 1)?, None);
    assert_eq!(release(&store, "h2", -1)?, Some(4));
    assert_eq!(balance(&store)?, Some(of(4, 0)));
    assert!(hold(&store, "h1", 4, 9)?);
    assert_eq!(release(&store, "h1", 3)?, Some(4));
    assert_eq!(balance(&store)?, Some(of(1, 0)));
    Ok(())
}

pub(super) fn holds_end_at_their_time(new: New<'_>) -> Outcome {
    let store = new();
    add(&store, 100, None)?;
    for (id, until) in [("c", 5), ("a", 7), ("b", 5), ("d", 9)] {
        assert!(hold(&store, id, 1, until)?);
    }
    let expired = |now, limit| -> Result<Vec<String>, StoreError> {
        let holds: Vec<Hold> = read(&store, move |tx| tx.expired_holds(&CREDITS, &tenant("t"), at(now), limit))?;
        Ok(holds.into_iter().map(|hold| hold.id).collect())
    };
    assert_eq!(expired(4, 9)?, [""; 0]);
    assert_eq!(expired(5, 9)?, ["b", "c"]);
    assert_eq!(expired(8, 2)?, ["a", "b"]);
    release(&store, "b", 0)?;
    assert_eq!(expired(99, 9)?, ["a", "c", "d"]);
    Ok(())
}

pub(super) fn balances_are_found_by_prefix(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| {
        for name in ["b", "a/%", "a", "a/1", "a0", "a/", "\u{10ffff}x"] {
            tx.add(&CREDITS, &tenant("t"), name, 1, None)?;
        }
        tx.add(&QUOTAS, &tenant("t"), "a/2", 1, None).map(drop)
    })?;
    let names = |prefix: &'static str, limit| -> Result<Vec<String>, StoreError> {
        let found = read(&store, move |tx| tx.balances(&CREDITS, &tenant("t"), prefix, limit))?;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    };
    assert_eq!(names("a/", 9)?, ["a/", "a/%", "a/1"]);
    assert_eq!(names("a/", 2)?, ["a/", "a/%"]);
    assert_eq!(names("", 9)?, ["a", "a/", "a/%", "a/1", "a0", "b", "\u{10ffff}x"]);
    assert_eq!(names("\u{10ffff}", 9)?, ["\u{10ffff}x"]);
    assert_eq!(names("c", 9)?, [""; 0]);
    assert_eq!(names("a", 0)?, [""; 0]);
    Ok(())
}

pub(super) fn additions_of_a_batch_add_up(new: New<'_>) -> Outcome {
    let store = new();
    let tickets: Vec<Ticket<Outcome>> = (1..=60_i64)
        .map(|number| {
            store.transact("conformance.add", Lane::Normal, move |tx| {
                tx.add(&CREDITS, &tenant("t"), "a", number, None)?;
                tx.add(&CREDITS, &tenant("t"), &format!("b{}", number % 3), -1, None)?;
                if number % 20 == 0 {
                    // Reads in the middle of a batch see everything before them.
                    let seen = tx.balances(&CREDITS, &tenant("t"), "", 9)?;
                    assert_eq!(seen.len(), 4);
                    return Err(StoreError::Misuse("on purpose".to_owned()));
                }
                Ok(())
            })
        })
        .collect();
    let kept = tickets.into_iter().map(Ticket::wait).filter(Result::is_ok).count();
    assert_eq!(kept, 57);
    let found = read(&store, |tx| tx.balances(&CREDITS, &tenant("t"), "", 9))?;
    let totals: Vec<(&str, i64)> = found.iter().map(|(name, balance)| (name.as_str(), balance.total)).collect();
    assert_eq!(totals, [("a", 1830 - 20 - 40 - 60), ("b0", -19), ("b1", -19), ("b2", -19)]);
    Ok(())
}
