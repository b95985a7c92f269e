//! Spans.

use super::{
    New,
    catalog::TRACES,
    given::{Any, at, read, tenant, write},
};
use crate::store::{NewSpan, SpanRow, StoreError};

type Outcome = Result<(), StoreError>;

/// `(group, seconds, id)`; the body says the same.
fn put(store: &Any, rows: &'static [(&'static str, i64, &'static str)]) -> Outcome {
    write(store, move |tx| {
        let bodies: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        let spans: Vec<_> = rows
            .iter()
            .zip(&bodies)
            .map(|((group, seconds, id), body)| NewSpan { group, at: at(*seconds), id, body })
            .collect();
        tx.put_spans(&TRACES, &tenant("t"), &spans)
    })
}

fn names(rows: Vec<SpanRow>) -> Vec<String> {
    rows.into_iter()
        .map(|row| {
            let seconds = row.at.as_micros() / 1_000_000;
            assert_eq!(row.body, format!("{:?}", (row.group.as_str(), seconds, row.id.as_str())));
            format!("{}{seconds}{}", row.group, row.id)
        })
        .collect()
}

/// Everything in a window, page by page.
fn window(store: &Any, from: i64, to: i64, page: u32) -> Result<Vec<String>, StoreError> {
    read(store, move |tx| {
        let mut found: Vec<SpanRow> = Vec::new();
        loop {
            let after = found.last().map(|row| (row.at, row.id.as_str(), row.group.as_str()));
            let next = tx.window(&TRACES, &tenant("t"), at(from), at(to), after, page)?;
            if next.is_empty() {
                return Ok(names(found));
            }
            found.extend(next);
        }
    })
}

/// Everything in a group, page by page.
fn group(store: &Any, group: &'static str, page: u32) -> Result<Vec<String>, StoreError> {
    read(store, move |tx| {
        let mut found: Vec<SpanRow> = Vec::new();
        loop {
            let after = found.last().map(|row| (row.at, row.id.as_str()));
            let next = tx.group(&TRACES, &tenant("t"), group, after, page)?;
            if next.is_empty() {
                return Ok(names(found));
            }
            found.extend(next);
        }
    })
}

pub(super) fn a_span_replaces_its_namesake(new: New<'_>) -> Outcome {
    let store = new();
    put(&store, &[("g", 5, "a"), ("h", 5, "a"), ("g", 1, "b"), ("g", 2, "a")])?;
    assert_eq!(group(&store, "g", 9)?, ["g1b", "g2a"]);
    put(&store, &[("g", 0, "a")])?;
    assert_eq!(group(&store, "g", 9)?, ["g0a", "g1b"]);
    assert_eq!(window(&store, 0, 9, 9)?, ["g0a", "g1b", "h5a"]);
    Ok(())
}

pub(super) fn groups_and_windows_page_when_times_tie(new: New<'_>) -> Outcome {
    let store = new();
    put(&store, &[("h", 1, "a"), ("g", 1, "a"), ("g", 1, "c"), ("h", 1, "b"), ("g", 0, "d"), ("g", 2, "b")])?;
    for page in [1, 2, 9] {
        assert_eq!(group(&store, "g", page)?, ["g0d", "g1a", "g1c", "g2b"]);
        assert_eq!(window(&store, 0, 9, page)?, ["g0d", "g1a", "h1a", "h1b", "g1c", "g2b"]);
        assert_eq!(window(&store, 1, 2, page)?, ["g1a", "h1a", "h1b", "g1c"]);
    }
    assert_eq!(window(&store, 2, 1, 9)?, [""; 0]);
    assert_eq!(group(&store, "none", 9)?, [""; 0]);
    Ok(())
}

pub(super) fn the_oldest_spans_go_first(new: New<'_>) -> Outcome {
    let store = new();
    put(&store, &[("g", 3, "a"), ("h", 1, "b"), ("g", 1, "a"), ("g", 1, "c"), ("g", 2, "d")])?;
    let drop_spans = |before, limit| write(&store, move |tx| tx.drop_spans(&TRACES, &tenant("t"), at(before), limit));
    // `g1a` replaced `g3a`.
    assert_eq!(drop_spans(1, 9)?, 0);
    assert_eq!(drop_spans(2, 2)?, 2);
    assert_eq!(window(&store, 0, 9, 9)?, ["g1c", "g2d"]);
    assert_eq!(drop_spans(9, 0)?, 0);
    assert_eq!(drop_spans(9, 9)?, 2);
    assert_eq!(group(&store, "g", 9)?, [""; 0]);
    Ok(())
}
