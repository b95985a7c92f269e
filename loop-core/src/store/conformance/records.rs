//! Records.

use super::{
    New,
    catalog::{BARE, THINGS},
    given::{Any, at, ids, read, tenant, thing, with, write},
};
use crate::store::{Column, Cond, Kind, Order, Record, RecordQuery, StoreError, Table, Value};

type Outcome = Result<(), StoreError>;

fn insert(store: &Any, record: Record) -> Outcome {
    write(store, move |tx| tx.insert(&THINGS, &tenant("t"), &record))
}

fn get(store: &Any, id: &'static str) -> Result<Option<Record>, StoreError> {
    read(store, move |tx| tx.get(&THINGS, &tenant("t"), id))
}

fn list(store: &Any, query: &RecordQuery) -> Result<Vec<Record>, StoreError> {
    let query = query.clone();
    read(store, move |tx| tx.list(&THINGS, &tenant("t"), &query))
}

fn duplicate(what: &str) -> Outcome {
    Err(StoreError::Duplicate { what: what.to_owned() })
}

/// A record with a value in every column.
fn full(id: &str) -> Record {
    let record =
        with(with(with(thing(id), "rank", i64::MIN), "group", "Grüße\0\u{10ffff}"), "mark", Value::Bytes(vec![0, 255]));
    let record = with(with(record, "slug", id), "number", i64::MAX);
    with(with(record, "digest", Value::Bytes(Vec::new())), "note", "")
}

pub(super) fn a_record_comes_back_whole(new: New<'_>) -> Outcome {
    let store = new();
    let record = Record { version: 77, body: "{\"quote\":\"'\\\"\"}".to_owned(), ..full("a'b\"c") };
    insert(&store, record.clone())?;
    let stored = Some(Record { version: 1, ..record });
    assert_eq!(get(&store, "a'b\"c")?, stored);
    let (slug, number, digest) = (Value::from("a'b\"c"), Value::Int(i64::MAX), Value::Bytes(Vec::new()));
    for (column, value) in [("slug", slug), ("number", number), ("digest", digest)] {
        let found = read(&store, move |tx| tx.find(&THINGS, &tenant("t"), column, &value))?;
        assert_eq!(found, stored, "by `{column}`");
    }
    assert_eq!(get(&store, "a")?, None);
    let bare = Record { id: String::new(), columns: Vec::new(), ..thing("") };
    let kept = bare.clone();
    write(&store, move |tx| tx.insert(&BARE, &tenant("t"), &kept))?;
    assert_eq!(read(&store, |tx| tx.get(&BARE, &tenant("t"), ""))?, Some(bare));
    Ok(())
}

pub(super) fn a_taken_id_is_a_duplicate(new: New<'_>) -> Outcome {
    let store = new();
    insert(&store, thing("a"))?;
    assert_eq!(insert(&store, Record { body: "other".to_owned(), ..thing("a") }), duplicate("things.id"));
    assert_eq!(get(&store, "a")?, Some(thing("a")));
    Ok(())
}

pub(super) fn a_taken_unique_value_is_a_duplicate(new: New<'_>) -> Outcome {
    let store = new();
    let first = with(with(thing("a"), "slug", "s"), "number", 7);
    insert(&store, first.clone())?;
    assert_eq!(insert(&store, with(thing("b"), "slug", "s")), duplicate("things.slug"));
    assert_eq!(insert(&store, with(with(thing("b"), "slug", "s"), "number", 7)), duplicate("things.slug"));
    insert(&store, with(thing("b"), "slug", "other"))?;
    let clash = with(with(thing("b"), "slug", "other"), "number", 7);
    let moved = clash.clone();
    let refused = write(&store, move |tx| tx.update(&THINGS, &tenant("t"), &moved).map(drop));
    assert_eq!(refused, duplicate("things.number"));
    // A stale update is told so before its values are looked at.
    let stale = Record { version: 9, ..clash };
    assert!(!write(&store, move |tx| tx.update(&THINGS, &tenant("t"), &stale))?);
    // A record may keep its own values, and a freed value can be taken.
    let kept = Record { updated_at: at(2), ..first };
    assert!(write(&store, move |tx| tx.update(&THINGS, &tenant("t"), &kept))?);
    assert!(write(&store, |tx| tx.delete(&THINGS, &tenant("t"), "a"))?);
    insert(&store, with(with(thing("c"), "slug", "s"), "number", 7))
}

pub(super) fn nulls_are_never_duplicates(new: New<'_>) -> Outcome {
    let store = new();
    insert(&store, thing("a"))?;
    insert(&store, thing("b"))?;
    assert_eq!(read(&store, |tx| tx.find(&THINGS, &tenant("t"), "slug", &Value::Null))?, None);
    Ok(())
}

pub(super) fn an_update_needs_the_stored_version(new: New<'_>) -> Outcome {
    let store = new();
    insert(&store, thing("a"))?;
    let update = |record: Record| write(&store, move |tx| tx.update(&THINGS, &tenant("t"), &record));
    let change = Record { updated_at: at(5), body: "changed".to_owned(), ..with(thing("a"), "rank", 3) };
    assert!(update(change.clone())?);
    assert!(!update(change.clone())?, "the old version was taken twice");
    assert!(!update(Record { version: 0, ..change.clone() })?);
    assert!(!update(Record { version: u64::MAX, ..change.clone() })?);
    assert!(!update(Record { id: "b".to_owned(), ..change.clone() })?);
    assert!(update(Record { version: 2, ..change })?);
    assert_eq!(get(&store, "a")?.map(|record| (record.version, record.body)), Some((3, "changed".to_owned())));
    Ok(())
}

pub(super) fn an_update_keeps_the_creation_time(new: New<'_>) -> Outcome {
    let store = new();
    insert(&store, thing("a"))?;
    let change = Record { created_at: at(99), updated_at: at(99), ..thing("a") };
    assert!(write(&store, move |tx| tx.update(&THINGS, &tenant("t"), &change))?);
    assert_eq!(get(&store, "a")?.map(|record| (record.created_at, record.updated_at)), Some((at(1), at(99))));
    Ok(())
}

pub(super) fn a_deleted_record_is_gone(new: New<'_>) -> Outcome {
    let store = new();
    insert(&store, full("a"))?;
    let delete = || write(&store, |tx| tx.delete(&THINGS, &tenant("t"), "a"));
    assert!(delete()?);
    assert!(!delete()?);
    assert_eq!(get(&store, "a")?, None);
    assert_eq!(list(&store, &RecordQuery { by: Some("rank"), limit: 9, ..Default::default() })?, []);
    insert(&store, full("a"))?;
    assert_eq!(get(&store, "a")?.map(|record| record.version), Some(1));
    Ok(())
}

/// Twelve records, four ranks, every fourth without one.
fn ranked(store: &Any) -> Outcome {
    write(store, |tx| {
        for number in 0..12_i64 {
            let record = with(thing(&format!("r{number:02}")), "group", if number % 2 == 0 { "even" } else { "odd" });
            let record = if number % 4 == 3 { record } else { with(record, "rank", (number * 5) % 3) };
            tx.insert(&THINGS, &tenant("t"), &record)?;
        }
        Ok(())
    })
}

/// All ids, page by page.
fn walk(store: &Any, by: Option<&'static str>, order: Order, page: u32) -> Result<Vec<String>, StoreError> {
    let mut query = RecordQuery { by, order, limit: page, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let records = list(store, &query)?;
        let Some(last) = records.last() else { return Ok(found) };
        let place = THINGS.columns.iter().position(|column| Some(column.name) == by);
        let value = place.and_then(|place| last.columns.get(place)).cloned().unwrap_or(Value::Null);
        query.after = Some((value, last.id.clone()));
        found.extend(records.into_iter().map(|record| record.id));
    }
}

pub(super) fn pages_meet_without_gap_or_overlap_when_values_tie(new: New<'_>) -> Outcome {
    let store = new();
    ranked(&store)?;
    for by in [None, Some("rank"), Some("group")] {
        let whole = walk(&store, by, Order::Ascending, 100)?;
        assert_eq!(whole.len(), if by == Some("rank") { 9 } else { 12 });
        for page in [1, 2, 5] {
            assert_eq!(walk(&store, by, Order::Ascending, page)?, whole, "{by:?} in pages of {page}");
        }
    }
    assert_eq!(
        walk(&store, Some("rank"), Order::Ascending, 4)?,
        ["r00", "r06", "r09", "r02", "r05", "r08", "r01", "r04", "r10"]
    );
    Ok(())
}

pub(super) fn descending_pages_mirror_ascending(new: New<'_>) -> Outcome {
    let store = new();
    ranked(&store)?;
    for by in [None, Some("rank"), Some("group")] {
        let mut whole = walk(&store, by, Order::Ascending, 100)?;
        whole.reverse();
        for page in [1, 3, 100] {
            assert_eq!(walk(&store, by, Order::Descending, page)?, whole, "{by:?} in pages of {page}");
        }
    }
    Ok(())
}

pub(super) fn conditions_narrow_and_nulls_satisfy_none(new: New<'_>) -> Outcome {
    let store = new();
    ranked(&store)?;
    let cases: [(Vec<Cond>, &[&str]); 8] = [
        (vec![Cond::Eq("rank", 1.into())], &["r02", "r05", "r08"]),
        (vec![Cond::Eq("rank", 1.into()), Cond::Eq("group", "odd".into())], &["r05"]),
        (vec![Cond::AtLeast("rank", 1.into()), Cond::Below("rank", 2.into())], &["r02", "r05", "r08"]),
        (vec![Cond::Below("rank", 0.into())], &[]),
        (
            vec![Cond::AtLeast("rank", i64::MIN.into())],
            &["r00", "r01", "r02", "r04", "r05", "r06", "r08", "r09", "r10"],
        ),
        (vec![Cond::Eq("rank", Value::Null)], &[]),
        (vec![Cond::Eq("rank", 1.into()), Cond::Below("group", Value::Null)], &[]),
        (vec![Cond::Eq("group", "'; DROP TABLE things; --".into())], &[]),
    ];
    for (conds, expected) in cases {
        let found = list(&store, &RecordQuery { conds: conds.clone(), limit: 99, ..Default::default() })?;
        assert_eq!(ids(&found), expected, "{conds:?}");
    }
    let query = RecordQuery {
        conds: vec![Cond::Eq("group", "even".into())],
        by: Some("rank"),
        order: Order::Descending,
        limit: 2,
        offset: 1,
        after: None,
    };
    assert_eq!(ids(&list(&store, &query)?), ["r04", "r08"]);
    assert_eq!(list(&store, &RecordQuery { limit: 0, ..query })?, []);
    Ok(())
}

pub(super) fn counts_agree_with_lists(new: New<'_>) -> Outcome {
    let store = new();
    ranked(&store)?;
    for conds in [vec![], vec![Cond::Eq("rank", 2.into())], vec![Cond::Eq("rank", Value::Null)]] {
        let listed = list(&store, &RecordQuery { conds: conds.clone(), limit: 99, ..Default::default() })?.len() as u64;
        assert_eq!(read(&store, move |tx| tx.count(&THINGS, &tenant("t"), &conds))?, listed);
    }
    Ok(())
}

pub(super) fn texts_sort_by_bytes(new: New<'_>) -> Outcome {
    let store = new();
    let order = ["", "B", "a", "a\0", "a\0b", "aa", "b", "ß", "\u{ffff}", "\u{10000}"];
    write(&store, move |tx| {
        for text in order.iter().rev() {
            tx.insert(&THINGS, &tenant("t"), &with(thing(text), "group", *text))?;
        }
        Ok(())
    })?;
    for by in [None, Some("group")] {
        assert_eq!(ids(&list(&store, &RecordQuery { by, limit: 99, ..Default::default() })?), order);
    }
    Ok(())
}

pub(super) fn misuse_is_refused(new: New<'_>) -> Outcome {
    static STRANGER: Table = Table { name: "stranger", columns: &[] };
    static IMPOSTOR: Table = Table { name: "bare", columns: &[Column::plain("more", Kind::Int)] };
    let store = new();
    let refused = write(&store, |tx| {
        let t = tenant("t");
        let query = |by, after| RecordQuery { by, after, limit: 1, ..Default::default() };
        let short = Record { columns: Vec::new(), ..thing("a") };
        let more = Record { columns: vec![Value::Null], ..thing("a") };
        let wrong = with(thing("a"), "rank", "text");
        let answers = [
            tx.get(&STRANGER, &t, "a").map(drop),
            tx.insert(&IMPOSTOR, &t, &more),
            tx.insert(&THINGS, &t, &short),
            tx.insert(&THINGS, &t, &wrong),
            tx.update(&THINGS, &t, &wrong).map(drop),
            tx.find(&THINGS, &t, "rank", &1.into()).map(drop),
            tx.find(&THINGS, &t, "missing", &1.into()).map(drop),
            tx.find(&THINGS, &t, "number", &"text".into()).map(drop),
            tx.list(&THINGS, &t, &query(Some("note"), None)).map(drop),
            tx.list(&THINGS, &t, &query(Some("body"), None)).map(drop),
            tx.list(&THINGS, &t, &query(Some("rank"), Some((Value::Null, String::new())))).map(drop),
            tx.list(&THINGS, &t, &query(Some("rank"), Some(("text".into(), String::new())))).map(drop),
            tx.count(&THINGS, &t, &[Cond::Eq("note", "x".into())]).map(drop),
            tx.count(&THINGS, &t, &[Cond::Eq("tenant", "x".into())]).map(drop),
            tx.count(&THINGS, &t, &[Cond::Below("rank", "x".into())]).map(drop),
        ];
        let passed = answers.iter().position(|answer| !matches!(answer, Err(StoreError::Misuse(_))));
        Ok(passed)
    })?;
    assert_eq!(refused, None, "the position of a misuse that passed");
    Ok(())
}
