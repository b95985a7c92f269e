//! Policy epochs.

use super::{
    New,
    given::{read, tenant, write, wrong},
};
use crate::store::StoreError;

type Outcome = Result<(), StoreError>;

pub(super) fn every_epoch_is_new_across_tenants(new: New<'_>) -> Outcome {
    let store = new();
    let mut last = 0;
    for name in ["a", "b", "a", "c", "b", "b"] {
        let given = write(&store, move |tx| {
            let epoch = tx.bump_epoch(&tenant(name))?;
            assert_eq!(tx.epoch(&tenant(name))?, epoch);
            Ok(epoch)
        })?;
        assert!(given > last, "`{name}` got {given} after {last}");
        last = given;
    }
    assert_eq!(read(&store, |tx| tx.epoch(&tenant("nobody")))?, 0);
    Ok(())
}

pub(super) fn epochs_are_listed_in_their_order(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| {
        for name in ["c", "a", "b", "c"] {
            tx.bump_epoch(&tenant(name))?;
        }
        Ok(())
    })?;
    read(&store, |tx| {
        let names = |epochs: Vec<(crate::base::TenantId, u64)>| -> Vec<String> {
            epochs.into_iter().map(|(tenant, _)| tenant.to_string()).collect()
        };
        assert_eq!(names(tx.epochs_after(0, 9)?), ["a", "b", "c"]);
        assert_eq!(names(tx.epochs_after(0, 2)?), ["a", "b"]);
        let seen = tx.epoch(&tenant("a"))?;
        assert_eq!(names(tx.epochs_after(seen, 9)?), ["b", "c"]);
        assert_eq!(names(tx.epochs_after(u64::MAX, 9)?), [""; 0]);
        assert_eq!(names(tx.epochs_after(0, 0)?), [""; 0]);
        Ok(())
    })
}

pub(super) fn an_undone_epoch_was_never_given(new: New<'_>) -> Outcome {
    let store = new();
    let first = write(&store, |tx| tx.bump_epoch(&tenant("t")))?;
    let undone: Result<(), _> = write(&store, |tx| {
        tx.bump_epoch(&tenant("t"))?;
        Err(wrong("on purpose"))
    });
    assert!(undone.is_err());
    assert_eq!(read(&store, |tx| tx.epoch(&tenant("t")))?, first);
    assert!(write(&store, |tx| tx.bump_epoch(&tenant("t")))? > first);
    Ok(())
}
