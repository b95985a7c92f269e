//! Journals.

use super::{
    New,
    catalog::{DIARY, EVENTS},
    given::{Any, at, read, tenant, write},
};
use crate::store::{Cond, Entry, Head, JournalQuery, NewEntry, Order, StoreError, Tx, Value};

type Outcome = Result<(), StoreError>;

fn columns(seq: u64) -> Vec<Value> {
    let kind = if seq.is_multiple_of(2) { "even" } else { "odd" };
    let weight = if seq.is_multiple_of(3) { Value::Null } else { Value::Int(seq as i64) };
    vec![kind.into(), weight, Value::Bytes(vec![seq as u8]), Value::Bytes(vec![7; 32])]
}

fn append(tx: &mut dyn Tx, stream: &str, seq: u64) -> Outcome {
    let (columns, body) = (columns(seq), format!("entry {seq}"));
    let entry = NewEntry { seq, at: at(seq as i64), columns: columns.into(), body: &body };
    tx.append(&EVENTS, &tenant("t"), stream, &entry)
}

fn entry(seq: u64) -> Entry {
    Entry { seq, at: at(seq as i64), columns: columns(seq), body: Some(format!("entry {seq}")) }
}

/// A stream `s` of ten entries, and a shorter one beside it.
fn ten(store: &Any) -> Outcome {
    write(store, |tx| {
        (1..=10).try_for_each(|seq| append(tx, "s", seq))?;
        (1..=2).try_for_each(|seq| append(tx, "s2", seq))
    })
}

fn scan(store: &Any, query: JournalQuery) -> Result<Vec<u64>, StoreError> {
    read(store, move |tx| {
        let entries = tx.scan(&EVENTS, &tenant("t"), "s", &query)?;
        let whole = JournalQuery { limit: u32::MAX, offset: 0, ..query.clone() };
        let all = tx.scan(&EVENTS, &tenant("t"), "s", &whole)?;
        assert_eq!(tx.tally(&EVENTS, &tenant("t"), "s", &query)?, all.len() as u64, "tally of {query:?}");
        walks_as_it_scans(tx, &query, &entries)?;
        Ok(entries.into_iter().map(|entry| entry.seq).collect())
    })
}

fn walks_as_it_scans(tx: &mut dyn Tx, query: &JournalQuery, entries: &[Entry]) -> Outcome {
    for most in [usize::MAX, 2] {
        let mut walked = Vec::new();
        tx.walk(&EVENTS, &tenant("t"), "s", query, &["kind"], &mut |lent| {
            let kind = lent.texts.first().copied().flatten().map(str::to_owned);
            walked.push((lent.seq, lent.at, kind, lent.body.map(str::to_owned)));
            walked.len() < most
        })?;
        let scanned = entries.iter().take(most).map(|entry| {
            let kind = entry.columns.first().and_then(Value::as_text).map(str::to_owned);
            (entry.seq, entry.at, kind, entry.body.clone())
        });
        assert_eq!(walked, scanned.collect::<Vec<_>>(), "walk of {query:?}");
    }
    Ok(())
}

pub(super) fn an_empty_stream_has_no_head(new: New<'_>) -> Outcome {
    let store = new();
    read(&store, |tx| {
        let t = tenant("t");
        assert_eq!(tx.head(&EVENTS, &t, "s")?, None);
        assert_eq!(tx.scan(&EVENTS, &t, "s", &JournalQuery { limit: 9, ..Default::default() })?, []);
        assert_eq!(tx.tally(&EVENTS, &t, "s", &JournalQuery::default())?, 0);
        Ok(())
    })?;
    write(&store, |tx| {
        assert_eq!(tx.trim(&EVENTS, &tenant("t"), "s", 9, 9)?, 0);
        assert!(!tx.redact(&EVENTS, &tenant("t"), "s", 1, &[])?);
        append(tx, "s", 1)?;
        let head = Head { seq: 1, at: at(1), columns: columns(1).into() };
        assert_eq!(tx.head(&EVENTS, &tenant("t"), "s")?, Some(head));
        Ok(())
    })
}

pub(super) fn gaps_and_repeats_are_refused(new: New<'_>) -> Outcome {
    let store = new();
    let refusal = Err(StoreError::Duplicate { what: "events.seq".to_owned() });
    for (seq, fits) in [(0, false), (2, false), (1, true), (1, false), (3, false), (u64::MAX, false), (2, true)] {
        let outcome = write(&store, move |tx| append(tx, "s", seq));
        assert_eq!(outcome, if fits { Ok(()) } else { refusal.clone() }, "at {seq}");
    }
    assert_eq!(scan(&store, JournalQuery { limit: 9, ..Default::default() })?, [1, 2]);
    Ok(())
}

pub(super) fn queries_narrow_and_page(new: New<'_>) -> Outcome {
    let store = new();
    ten(&store)?;
    let all = JournalQuery { limit: 99, ..Default::default() };
    let odd = vec![Cond::Eq("kind", "odd".into())];
    let cases: [(JournalQuery, &[u64]); 12] = [
        (all.clone(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (JournalQuery { limit: 0, ..all.clone() }, &[]),
        (JournalQuery { limit: 3, offset: 8, ..all.clone() }, &[9, 10]),
        (JournalQuery { order: Order::Descending, limit: 3, offset: 1, ..all.clone() }, &[9, 8, 7]),
        (JournalQuery { above: Some(3), below: Some(6), ..all.clone() }, &[4, 5]),
        (JournalQuery { above: Some(u64::MAX), ..all.clone() }, &[]),
        (JournalQuery { below: Some(u64::MAX), above: Some(9), ..all.clone() }, &[10]),
        (JournalQuery { since: Some(at(4)), until: Some(at(6)), ..all.clone() }, &[4, 5]),
        (JournalQuery { conds: odd.clone(), order: Order::Descending, ..all.clone() }, &[9, 7, 5, 3, 1]),
        (JournalQuery { conds: odd, above: Some(2), limit: 2, ..all.clone() }, &[3, 5]),
        (JournalQuery { conds: vec![Cond::AtLeast("weight", 3.into())], ..all.clone() }, &[4, 5, 7, 8, 10]),
        (JournalQuery { conds: vec![Cond::Eq("mark", Value::Bytes(vec![6]))], ..all }, &[6]),
    ];
    for (query, expected) in cases {
        let text = format!("{query:?}");
        assert_eq!(scan(&store, query)?, expected, "{text}");
    }
    Ok(())
}

pub(super) fn redaction_leaves_the_place(new: New<'_>) -> Outcome {
    let store = new();
    ten(&store)?;
    let redact = |seq| write(&store, move |tx| tx.redact(&EVENTS, &tenant("t"), "s", seq, &["mark", "kind", "mark"]));
    assert!(redact(4)?);
    assert!(redact(10)?);
    assert!(!redact(11)?);
    assert!(!redact(u64::MAX)?);
    read(&store, |tx| {
        let bare = |seq| {
            let mut entry = Entry { body: None, ..entry(seq) };
            entry.columns = entry
                .columns
                .into_iter()
                .enumerate()
                .map(|(at, value)| if at % 2 == 0 { Value::Null } else { value })
                .collect();
            // The columns 0 and 2 are `kind` and `mark`.
            entry
        };
        let query = JournalQuery { above: Some(2), limit: 3, ..Default::default() };
        let three = [entry(3), bare(4), entry(5)];
        assert_eq!(tx.scan(&EVENTS, &tenant("t"), "s", &query)?, three);
        walks_as_it_scans(tx, &query, &three)?;
        for column in ["weight", "mark", "none"] {
            let refused = tx.walk(&EVENTS, &tenant("t"), "s", &query, &[column], &mut |_| true);
            assert!(matches!(refused, Err(StoreError::Misuse(_))), "{column} holds no text");
        }
        let head = tx.head(&EVENTS, &tenant("t"), "s")?.map(|head| (head.seq, head.columns));
        assert_eq!(head, Some((10, bare(10).columns.into())));
        Ok(())
    })?;
    write(&store, |tx| {
        // Within one transaction, too, the head shows what was redacted.
        append(tx, "s", 11)?;
        assert!(tx.redact(&EVENTS, &tenant("t"), "s", 11, &["weight"])?);
        let head = tx.head(&EVENTS, &tenant("t"), "s")?;
        assert_eq!(head.and_then(|head| head.columns.get(1).cloned()), Some(Value::Null));
        append(tx, "s", 12)
    })
}

pub(super) fn trimming_keeps_the_head(new: New<'_>) -> Outcome {
    let store = new();
    ten(&store)?;
    let trim = |through, limit| write(&store, move |tx| tx.trim(&EVENTS, &tenant("t"), "s", through, limit));
    let all = JournalQuery { limit: 99, ..Default::default() };
    assert_eq!(trim(0, 9)?, 0);
    assert_eq!(trim(5, 0)?, 0);
    assert_eq!(trim(5, 3)?, 3);
    assert_eq!(trim(5, 3)?, 2);
    assert_eq!(trim(5, 3)?, 0);
    assert_eq!(scan(&store, all.clone())?, [6, 7, 8, 9, 10]);
    assert_eq!(trim(u64::MAX, u32::MAX)?, 4);
    assert_eq!(trim(u64::MAX, u32::MAX)?, 0);
    assert_eq!(scan(&store, all.clone())?, [10]);
    assert!(write(&store, |tx| append(tx, "s", 10)).is_err());
    write(&store, |tx| append(tx, "s", 11))?;
    assert_eq!(scan(&store, all)?, [10, 11]);
    assert_eq!(read(&store, |tx| tx.tally(&EVENTS, &tenant("t"), "s2", &JournalQuery::default()))?, 2);
    Ok(())
}

pub(super) fn streams_are_listed_once(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| {
        for stream in ["b", "", "ab", "a"] {
            append(tx, stream, 1)?;
            append(tx, stream, 2)?;
        }
        tx.append(&DIARY, &tenant("t"), "elsewhere", &NewEntry { seq: 1, at: at(1), columns: [].into(), body: "" })
    })?;
    assert_eq!(read(&store, |tx| tx.streams(&EVENTS, &tenant("t")))?, ["", "a", "ab", "b"]);
    assert_eq!(read(&store, |tx| tx.streams(&DIARY, &tenant("t")))?, ["elsewhere"]);
    Ok(())
}

pub(super) fn misuse_of_a_journal_is_refused(new: New<'_>) -> Outcome {
    let store = new();
    let passed = write(&store, |tx| {
        let t = tenant("t");
        let mut wrong = columns(1);
        wrong.reverse();
        let cond = |cond| JournalQuery { conds: vec![cond], limit: 1, ..Default::default() };
        let answers = [
            tx.append(&EVENTS, &t, "s", &NewEntry { seq: 1, at: at(1), columns: [].into(), body: "" }),
            tx.append(&EVENTS, &t, "s", &NewEntry { seq: 1, at: at(1), columns: wrong.clone().into(), body: "" }),
            tx.scan(&EVENTS, &t, "s", &cond(Cond::Eq("hash", Value::Bytes(vec![])))).map(drop),
            tx.scan(&EVENTS, &t, "s", &cond(Cond::Eq("missing", 1.into()))).map(drop),
            tx.tally(&EVENTS, &t, "s", &cond(Cond::Eq("kind", 1.into()))).map(drop),
            tx.redact(&EVENTS, &t, "s", 1, &["seq"]).map(drop),
        ];
        Ok(answers.iter().position(|answer| !matches!(answer, Err(StoreError::Misuse(_)))))
    })?;
    assert_eq!(passed, None, "the position of a misuse that passed");
    Ok(())
}
