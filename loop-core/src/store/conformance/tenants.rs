//! Tenants do not see each other.

use super::{
    New,
    catalog::{CREDITS, EVENTS, JOBS, THINGS, TRACES, WORDS},
    given::{at, read, tenant, thing, with, write},
};
use crate::{
    base::TenantId,
    store::{Balance, JournalQuery, NewEntry, NewSpan, RecordQuery, StoreError, Tx, Value},
};

type Outcome = Result<(), StoreError>;

/// One of everything, under the same names for every tenant.
fn furnish(tx: &mut dyn Tx, tenant: &TenantId) -> Outcome {
    let body = tenant.as_str();
    let mut record = with(with(with(thing("id"), "slug", "slug"), "number", 1), "group", "g");
    record.body = body.to_owned();
    tx.insert(&THINGS, tenant, &record)?;
    let columns = [Value::from("kind"), Value::from(1), Value::Null, Value::Null];
    tx.append(&EVENTS, tenant, "stream", &NewEntry { seq: 1, at: at(1), columns: columns.into(), body })?;
    tx.push(&JOBS, tenant, b"key", "ready")?;
    tx.push(&JOBS, tenant, b"a", "leased")?;
    tx.claim(&JOBS, tenant, Some(b"a"), at(5), &[1; 16], 1)?;
    tx.put_spans(&TRACES, tenant, &[NewSpan { group: "g", at: at(1), id: "id", body }])?;
    tx.add(&CREDITS, tenant, "account", 10, None)?;
    tx.hold(&CREDITS, tenant, "account", "hold", 4, at(5))?;
    tx.put_terms(&WORDS, tenant, "id", &["word"])?;
    tx.bump_epoch(tenant).map(drop)
}

/// What a tenant sees, all of it as text.
fn view(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
    let all = RecordQuery { limit: 9, ..Default::default() };
    let entries = JournalQuery { limit: 9, ..Default::default() };
    Ok(vec![
        format!("{:?}", tx.get(&THINGS, tenant, "id")?),
        format!("{:?}", tx.find(&THINGS, tenant, "slug", &"slug".into())?),
        format!("{:?}", tx.list(&THINGS, tenant, &all)?),
        format!("{:?}", tx.list(&THINGS, tenant, &RecordQuery { by: Some("group"), ..all.clone() })?),
        format!("{:?}", tx.count(&THINGS, tenant, &[])?),
        format!("{:?}", tx.head(&EVENTS, tenant, "stream")?),
        format!("{:?}", tx.scan(&EVENTS, tenant, "stream", &entries)?),
        format!("{:?}", tx.tally(&EVENTS, tenant, "stream", &entries)?),
        format!("{:?}", tx.streams(&EVENTS, tenant)?),
        format!("{:?}", tx.ready(&JOBS, tenant, None, 9)?),
        format!("{:?}", tx.lease(&JOBS, tenant, "leased")?),
        format!("{:?}", tx.group(&TRACES, tenant, "g", None, 9)?),
        format!("{:?}", tx.window(&TRACES, tenant, at(0), at(9), None, 9)?),
        format!("{:?}", tx.balances(&CREDITS, tenant, "", 9)?),
        format!("{:?}", tx.expired_holds(&CREDITS, tenant, at(9), 9)?),
        format!("{:?}", tx.holders(&WORDS, tenant, "word", None, 9, 0)?),
        format!("{:?}", tx.count_holders(&WORDS, tenant, "word")?),
        format!("{:?}", tx.holders_under(&WORDS, tenant, "", None, 9)?),
    ])
}

pub(super) fn the_same_names_in_two_tenants_are_two_things(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| {
        furnish(tx, &tenant("one"))?;
        furnish(tx, &tenant("two"))?;
        furnish(tx, &TenantId::directory())
    })?;
    read(&store, |tx| {
        for name in ["one", "two", "_directory"] {
            let tenant = tenant(name);
            assert_eq!(tx.get(&THINGS, &tenant, "id")?.map(|record| record.body).as_deref(), Some(name));
            let found = tx.find(&THINGS, &tenant, "number", &1.into())?;
            assert_eq!(found.map(|record| record.body).as_deref(), Some(name));
            assert_eq!(tx.count(&THINGS, &tenant, &[])?, 1);
            let entries = tx.scan(&EVENTS, &tenant, "stream", &JournalQuery { limit: 9, ..Default::default() })?;
            assert_eq!(entries.iter().filter_map(|entry| entry.body.as_deref()).collect::<Vec<_>>(), [name]);
            let spans = tx.window(&TRACES, &tenant, at(0), at(9), None, 9)?;
            assert_eq!(spans.iter().map(|span| span.body.as_str()).collect::<Vec<_>>(), [name]);
        }
        Ok(())
    })
}

pub(super) fn nothing_of_one_tenant_is_listed_for_another(new: New<'_>) -> Outcome {
    let store = new();
    let empty = read(&store, |tx| view(tx, &tenant("one")))?;
    write(&store, |tx| furnish(tx, &tenant("two")))?;
    // Names beside "two" in every order.
    for name in ["one", "tw", "twoo", "two-", "uwo"] {
        assert_eq!(read(&store, move |tx| view(tx, &tenant(name)))?, empty, "tenant `{name}`");
    }
    assert_eq!(read(&store, |tx| tx.epoch(&tenant("one")))?, 0);
    Ok(())
}

pub(super) fn one_tenant_cannot_touch_what_another_has(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| furnish(tx, &tenant("two")))?;
    let before = read(&store, |tx| view(tx, &tenant("two")))?;
    write(&store, |tx| {
        let t = tenant("one");
        assert!(!tx.update(&THINGS, &t, &thing("id"))?);
        assert!(!tx.delete(&THINGS, &t, "id")?);
        assert!(!tx.redact(&EVENTS, &t, "stream", 1, &["kind"])?);
        assert_eq!(tx.trim(&EVENTS, &t, "stream", 9, 9)?, 0);
        assert!(!tx.remove(&JOBS, &t, "ready")?);
        assert_eq!(tx.claim(&JOBS, &t, None, at(9), &[1; 16], 9)?, []);
        assert!(!tx.extend(&JOBS, &t, "leased", &[1; 16], at(9))?);
        assert!(!tx.settle(&JOBS, &t, "leased", &[1; 16], None)?);
        assert_eq!(tx.reclaim(&JOBS, &t, at(9), 9)?, []);
        assert_eq!(tx.drop_spans(&TRACES, &t, at(9), 9)?, 0);
        assert_eq!(tx.release(&CREDITS, &t, "hold", 4)?, None);
        assert_eq!(tx.add(&CREDITS, &t, "account", -1, Some(0))?, None);
        assert_eq!(tx.add(&CREDITS, &t, "account", 1, None)?, Some(Balance { total: 1, held: 0 }));
        tx.drop_terms(&WORDS, &t, "id", &["word"])?;
        tx.insert(&THINGS, &t, &with(thing("other"), "slug", "slug"))
    })?;
    assert_eq!(read(&store, |tx| view(tx, &tenant("two")))?, before);
    Ok(())
}
