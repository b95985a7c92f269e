//! The tables the suite works on.

use crate::store::{Blocks, Catalog, Column, Journal, Kind, Ledger, Queue, Spans, Table, Terms};

/// Records with every kind of column and every way to search.
pub static THINGS: Table = Table {
    name: "things",
    columns: &[
        Column::indexed("rank", Kind::Int),
        Column::indexed("group", Kind::Text),
        Column::indexed("mark", Kind::Bytes),
        Column::unique("slug", Kind::Text),
        Column::unique("number", Kind::Int),
        Column::unique("digest", Kind::Bytes),
        Column::plain("note", Kind::Text),
    ],
};

/// Records without columns.
pub static BARE: Table = Table { name: "bare", columns: &[] };

/// A journal with every kind of column.
pub static EVENTS: Journal = Journal {
    name: "events",
    columns: &[
        Column::indexed("kind", Kind::Text),
        Column::indexed("weight", Kind::Int),
        Column::indexed("mark", Kind::Bytes),
        Column::plain("hash", Kind::Bytes),
    ],
};

/// A journal without columns.
pub static DIARY: Journal = Journal { name: "diary", columns: &[] };

/// A queue.
pub static JOBS: Queue = Queue { name: "jobs" };

/// A second queue, to show that the two do not mix.
pub static TIMERS: Queue = Queue { name: "timers" };

/// Spans.
pub static TRACES: Spans = Spans { name: "traces" };

/// Blocks.
pub static PACKS: Blocks = Blocks { name: "packs" };

/// Second blocks, to show that the two do not mix.
pub static BALES: Blocks = Blocks { name: "bales" };

/// A ledger.
pub static CREDITS: Ledger = Ledger { name: "credits" };

/// A second ledger, to show that the two do not mix.
pub static QUOTAS: Ledger = Ledger { name: "quotas" };

/// Sets of ids.
pub static WORDS: Terms = Terms { name: "words" };

/// Second sets of ids, to show that the two do not mix.
pub static MARKS: Terms = Terms { name: "marks" };

/// All of them.
pub const CATALOG: Catalog = Catalog {
    tables: &[&THINGS, &BARE],
    journals: &[&EVENTS, &DIARY],
    queues: &[&JOBS, &TIMERS],
    spans: &[&TRACES],
    blocks: &[&PACKS, &BALES],
    ledgers: &[&CREDITS, &QUOTAS],
    terms: &[&WORDS, &MARKS],
};
