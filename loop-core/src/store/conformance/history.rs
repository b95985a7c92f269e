//! Random histories: operations over few names and values, so that they meet often.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    catalog::{BALES, BARE, CREDITS, DIARY, EVENTS, JOBS, MARKS, PACKS, QUOTAS, THINGS, TIMERS, TRACES, WORDS},
    dump::walked,
    given::{at, tenant},
};
use crate::store::{
    BlockQuery, Blocks, Cond, Journal, JournalQuery, Kind, Ledger, NewBlock, NewEntry, NewMark, NewSpan, Order, Place,
    Queue, Record, RecordQuery, StoreError, Table, Terms, Tx, Value,
};

/// One operation. Numbers that depend on what is stored are kept as distances from it.
#[derive(Debug, Clone)]
pub enum Op {
    Epoch(Who),
    Bump(Who),
    EpochsAfter(u64, u32),
    Get(&'static Table, Who, Name),
    Find(Who, &'static str, Value),
    Insert(&'static Table, Who, Name, Vec<Value>),
    /// The distance of the version from the stored one.
    Update(&'static Table, Who, Name, Vec<Value>, u64),
    Delete(&'static Table, Who, Name),
    List(Who, RecordQuery),
    Count(Who, Vec<Cond>),
    Head(&'static Journal, Who, Name),
    /// The distance of the number from the last one.
    Append(&'static Journal, Who, Name, u64, Vec<Value>),
    Scan(Who, Name, JournalQuery),
    Tally(Who, Name, JournalQuery),
    Redact(Who, Name, u64, Vec<&'static str>),
    Trim(&'static Journal, Who, Name, u64, u32),
    Streams(&'static Journal, Who),
    Push(&'static Queue, Who, Vec<u8>, Name),
    Remove(&'static Queue, Who, Name),
    Claim(&'static Queue, Who, Option<Vec<u8>>, i64, u8, u32),
    Extend(&'static Queue, Who, Name, u8, i64),
    Settle(&'static Queue, Who, Name, u8, Option<Vec<u8>>),
    Reclaim(&'static Queue, Who, i64, u32),
    Ready(&'static Queue, Who, Option<(Vec<u8>, Name)>, u32),
    Lease(&'static Queue, Who, Name),
    PutSpans(Who, Vec<(Name, i64, Name)>),
    Group(Who, Name, Option<(i64, Name)>, u32),
    Window(Who, i64, i64, Option<(i64, Name, Name)>, u32),
    DropSpans(Who, i64, u32),
    /// Times, and of each part its marks with their notes.
    AddBlock(&'static Blocks, Who, Name, (i64, i64), Vec<Vec<(Name, Name)>>),
    /// All marks that the name stands for in a history go with it.
    DropBlock(&'static Blocks, Who, Name, u64),
    WalkBlocks(&'static Blocks, Who, Name, (Option<i64>, Order, Option<(i64, u64)>, u32)),
    Parts(&'static Blocks, Who, Name, Vec<(u64, u32)>),
    Marked(&'static Blocks, Who, Name, Name, Option<(u64, u32)>, u32),
    Add(&'static Ledger, Who, Name, i64, Option<i64>),
    Balances(&'static Ledger, Who, Name, u32),
    Hold(&'static Ledger, Who, Name, Name, i64, i64),
    Release(&'static Ledger, Who, Name, i64),
    ExpiredHolds(&'static Ledger, Who, i64, u32),
    PutTerms(&'static Terms, Who, Name, Vec<Name>),
    DropTerms(&'static Terms, Who, Name, Vec<Name>),
    Holders(&'static Terms, Who, Name, Option<Name>, u32, u32),
    CountHolders(&'static Terms, Who, Name),
    HoldersUnder(&'static Terms, Who, Name, Option<(Name, Name)>, u32),
}

type Who = &'static str;
type Name = &'static str;

/// Every name of a history.
pub(super) const NAMES: [Name; 5] = ["", "a", "ab", "b", "ü"];

/// How a transaction ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// It is kept.
    Commit,
    /// It is undone.
    Rollback,
    /// It is undone by a panic.
    Panic,
    /// It asks to be run again so many times, and is then kept.
    Retry(u32),
}

/// Operations that belong together.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// In their order.
    pub ops: Vec<Op>,
    /// How it ends.
    pub end: End,
    /// Whether it runs in a read job.
    pub reads: bool,
}

/// Transactions submitted together, group after group.
pub fn history() -> impl Strategy<Value = Vec<Vec<Transaction>>> {
    let end = prop_oneof![
        8 => Just(End::Commit),
        2 => Just(End::Rollback),
        1 => Just(End::Panic),
        1 => (1..3_u32).prop_map(End::Retry),
    ];
    let transaction = (vec(op(), 1..7), end, prop::bool::weighted(0.1));
    let transaction = transaction.prop_map(|(ops, end, reads)| Transaction { ops, end, reads });
    vec(vec(transaction, 1..8), 1..6)
}

fn who() -> impl Strategy<Value = Who> {
    select(&["t", "u", "_directory"][..])
}

fn name() -> impl Strategy<Value = Name> {
    select(&NAMES[..])
}

fn limit() -> impl Strategy<Value = u32> {
    select(&[0, 1, 2, 3, 50][..])
}

fn seconds() -> impl Strategy<Value = i64> {
    0..5_i64
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&[0_u8, 1, 255][..]), 0..3)
}

fn holder() -> impl Strategy<Value = u8> {
    0..2_u8
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![12 => -3..8_i64, 1 => select(&[i64::MIN, i64::MAX, i64::MAX - 3][..])]
}

fn table() -> impl Strategy<Value = &'static Table> {
    select(vec![&THINGS, &THINGS, &BARE])
}

fn journal() -> impl Strategy<Value = &'static Journal> {
    select(vec![&EVENTS, &EVENTS, &DIARY])
}

fn queue() -> impl Strategy<Value = &'static Queue> {
    select(vec![&JOBS, &JOBS, &TIMERS])
}

fn ledger() -> impl Strategy<Value = &'static Ledger> {
    select(vec![&CREDITS, &CREDITS, &QUOTAS])
}

fn packs() -> impl Strategy<Value = &'static Blocks> {
    select(vec![&PACKS, &PACKS, &BALES])
}

fn sets() -> impl Strategy<Value = &'static Terms> {
    select(vec![&WORDS, &WORDS, &MARKS])
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let value = match kind {
        Kind::Int => (-1..3_i64).prop_map(Value::Int).boxed(),
        Kind::Text => name().prop_map(Value::from).boxed(),
        Kind::Bytes => key().prop_map(Value::Bytes).boxed(),
    };
    prop_oneof![3 => value, 1 => Just(Value::Null)].boxed()
}

fn any_value() -> impl Strategy<Value = Value> {
    select(&[Kind::Int, Kind::Text, Kind::Bytes][..]).prop_flat_map(value)
}

/// Values for a table's columns; now and then one of the wrong kind.
fn values(columns: &'static [crate::store::Column]) -> BoxedStrategy<Vec<Value>> {
    let fitting: Vec<_> =
        columns.iter().map(|column| prop_oneof![60 => value(column.kind), 1 => any_value()].boxed()).collect();
    fitting.boxed()
}

fn row() -> impl Strategy<Value = (&'static Table, Vec<Value>)> {
    table().prop_flat_map(|table| (Just(table), values(table.columns)))
}

fn cond(columns: &'static [crate::store::Column]) -> impl Strategy<Value = Cond> {
    let columns = select(columns);
    columns.prop_flat_map(|column| (Just(column.name), value(column.kind), 0..3_u8)).prop_map(|(name, value, how)| {
        match how {
            0 => Cond::Eq(name, value),
            1 => Cond::AtLeast(name, value),
            _ => Cond::Below(name, value),
        }
    })
}

fn order() -> impl Strategy<Value = Order> {
    select(&[Order::Ascending, Order::Descending][..])
}

fn record_query() -> impl Strategy<Value = RecordQuery> {
    let by = option::of(select(THINGS.columns));
    let place = by.prop_flat_map(|by| {
        let value = by.map_or_else(|| Just(Value::Null).boxed(), |column| value(column.kind));
        (Just(by.map(|column| column.name)), option::of((value, name().prop_map(str::to_owned))))
    });
    (vec(cond(THINGS.columns), 0..3), place, order(), limit(), 0..3_u32)
        .prop_map(|(conds, (by, after), order, limit, offset)| RecordQuery { conds, by, order, after, limit, offset })
}

fn journal_query() -> impl Strategy<Value = JournalQuery> {
    let bounds = (option::of(seconds()), option::of(seconds()), option::of(0..6_u64), option::of(0..6_u64));
    (vec(cond(EVENTS.columns), 0..3), bounds, order(), limit(), 0..3_u32).prop_map(
        |(conds, (since, until, above, below), order, limit, offset)| JournalQuery {
            conds,
            since: since.map(at),
            until: until.map(at),
            above,
            below,
            order,
            limit,
            offset,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    // The version or number that fits is distance 1; others are refused.
    let distance = || prop_oneof![12 => Just(1_u64), 1 => Just(0), 1 => Just(2)];
    let entry = journal().prop_flat_map(|journal| (Just(journal), values(journal.columns)));
    let epochs = prop_oneof![
        2 => who().prop_map(Op::Epoch),
        2 => who().prop_map(Op::Bump),
        1 => (0..4_u64, limit()).prop_map(|(after, limit)| Op::EpochsAfter(after, limit)),
    ];
    let unique = select(THINGS.columns).prop_flat_map(|column| (Just(column.name), value(column.kind)));
    let records = prop_oneof![
        1 => (table(), who(), name()).prop_map(|(t, w, n)| Op::Get(t, w, n)),
        1 => (who(), unique).prop_map(|(w, (c, v))| Op::Find(w, c, v)),
        4 => (row(), who(), name()).prop_map(|((t, v), w, n)| Op::Insert(t, w, n, v)),
        3 => (row(), who(), name(), distance()).prop_map(|((t, v), w, n, d)| Op::Update(t, w, n, v, d)),
        1 => (table(), who(), name()).prop_map(|(t, w, n)| Op::Delete(t, w, n)),
        3 => (who(), record_query()).prop_map(|(w, q)| Op::List(w, q)),
        1 => (who(), vec(cond(THINGS.columns), 0..3)).prop_map(|(w, c)| Op::Count(w, c)),
    ];
    let journals = prop_oneof![
        2 => (journal(), who(), name()).prop_map(|(j, w, s)| Op::Head(j, w, s)),
        8 => (entry, who(), name(), distance()).prop_map(|((j, v), w, s, d)| Op::Append(j, w, s, d, v)),
        2 => (who(), name(), journal_query()).prop_map(|(w, s, q)| Op::Scan(w, s, q)),
        1 => (who(), name(), journal_query()).prop_map(|(w, s, q)| Op::Tally(w, s, q)),
        1 => (who(), name(), 0..5_u64, vec(select(&["kind", "weight", "hash", "seq"][..]), 0..3))
            .prop_map(|(w, s, n, c)| Op::Redact(w, s, n, c)),
        1 => (journal(), who(), name(), 0..5_u64, limit()).prop_map(|(j, w, s, n, l)| Op::Trim(j, w, s, n, l)),
        1 => (journal(), who()).prop_map(|(j, w)| Op::Streams(j, w)),
    ];
    let queues = prop_oneof![
        4 => (queue(), who(), key(), name()).prop_map(|(q, w, k, n)| Op::Push(q, w, k, n)),
        1 => (queue(), who(), name()).prop_map(|(q, w, n)| Op::Remove(q, w, n)),
        3 => (queue(), who(), option::of(key()), seconds(), holder(), limit())
            .prop_map(|(q, w, k, t, h, l)| Op::Claim(q, w, k, t, h, l)),
        1 => (queue(), who(), name(), holder(), seconds()).prop_map(|(q, w, n, h, t)| Op::Extend(q, w, n, h, t)),
        2 => (queue(), who(), name(), holder(), option::of(key())).prop_map(|(q, w, n, h, k)| Op::Settle(q, w, n, h, k)),
        1 => (queue(), who(), seconds(), limit()).prop_map(|(q, w, t, l)| Op::Reclaim(q, w, t, l)),
        1 => (queue(), who(), option::of((key(), name())), limit()).prop_map(|(q, w, a, l)| Op::Ready(q, w, a, l)),
        1 => (queue(), who(), name()).prop_map(|(q, w, n)| Op::Lease(q, w, n)),
    ];
    let spans = prop_oneof![
        3 => (who(), vec((name(), seconds(), name()), 0..5)).prop_map(|(w, r)| Op::PutSpans(w, r)),
        1 => (who(), name(), option::of((seconds(), name())), limit()).prop_map(|(w, g, a, l)| Op::Group(w, g, a, l)),
        1 => (who(), seconds(), seconds(), option::of((seconds(), name(), name())), limit())
            .prop_map(|(w, f, t, a, l)| Op::Window(w, f, t, a, l)),
        1 => (who(), seconds(), limit()).prop_map(|(w, t, l)| Op::DropSpans(w, t, l)),
    ];
    let place = || (0..4_u64, 0..3_u32);
    let walk = (option::of(seconds()), order(), option::of((seconds(), 0..4_u64)), limit());
    let blocks = prop_oneof![
        4 => (packs(), who(), name(), (seconds(), seconds()), vec(vec((name(), name()), 0..3), 0..3))
            .prop_map(|(b, w, g, t, p)| Op::AddBlock(b, w, g, t, p)),
        2 => (packs(), who(), name(), 0..4_u64).prop_map(|(b, w, g, n)| Op::DropBlock(b, w, g, n)),
        2 => (packs(), who(), name(), walk).prop_map(|(b, w, g, q)| Op::WalkBlocks(b, w, g, q)),
        1 => (packs(), who(), name(), vec(place(), 0..4)).prop_map(|(b, w, g, p)| Op::Parts(b, w, g, p)),
        2 => (packs(), who(), name(), name(), option::of(place()), limit())
            .prop_map(|(b, w, g, m, a, l)| Op::Marked(b, w, g, m, a, l)),
    ];
    let ledgers = prop_oneof![
        6 => (ledger(), who(), name(), amount(), option::of(-2..3_i64)).prop_map(|(l, w, n, a, f)| Op::Add(l, w, n, a, f)),
        2 => (ledger(), who(), name(), limit()).prop_map(|(l, w, n, m)| Op::Balances(l, w, n, m)),
        3 => (ledger(), who(), name(), name(), amount(), seconds())
            .prop_map(|(l, w, n, i, a, t)| Op::Hold(l, w, n, i, a, t)),
        2 => (ledger(), who(), name(), amount()).prop_map(|(l, w, n, a)| Op::Release(l, w, n, a)),
        1 => (ledger(), who(), seconds(), limit()).prop_map(|(l, w, t, m)| Op::ExpiredHolds(l, w, t, m)),
    ];
    let terms = prop_oneof![
        4 => (sets(), who(), name(), vec(name(), 0..4)).prop_map(|(s, w, n, t)| Op::PutTerms(s, w, n, t)),
        2 => (sets(), who(), name(), vec(name(), 0..4)).prop_map(|(s, w, n, t)| Op::DropTerms(s, w, n, t)),
        1 => (sets(), who(), name(), option::of(name()), limit(), 0..3_u32)
            .prop_map(|(s, w, t, a, l, o)| Op::Holders(s, w, t, a, l, o)),
        1 => (sets(), who(), name()).prop_map(|(s, w, t)| Op::CountHolders(s, w, t)),
        1 => (sets(), who(), name(), option::of((name(), name())), limit())
            .prop_map(|(s, w, p, a, l)| Op::HoldersUnder(s, w, p, a, l)),
    ];
    prop_oneof![1 => epochs, 4 => records, 4 => journals, 3 => queues, 2 => spans, 3 => blocks, 4 => ledgers, 2 => terms]
}

impl Op {
    /// Does it and answers what it answered, as text.
    pub fn apply(&self, tx: &mut dyn Tx) -> String {
        let answer = match self {
            Self::Epoch(w) => text(tx.epoch(&tenant(w))),
            Self::Bump(w) => text(tx.bump_epoch(&tenant(w))),
            Self::EpochsAfter(after, limit) => text(tx.epochs_after(*after, *limit)),
            Self::Get(t, w, n) => text(tx.get(t, &tenant(w), n)),
            Self::Find(w, c, v) => text(tx.find(&THINGS, &tenant(w), c, v)),
            Self::Insert(t, w, n, v) => text(tx.insert(t, &tenant(w), &record(n, v, 0))),
            Self::Update(t, w, n, v, distance) => tx.get(t, &tenant(w), n).and_then(|stored| {
                let version = (stored.map_or(0, |stored| stored.version) + distance).saturating_sub(1);
                text(tx.update(t, &tenant(w), &record(n, v, version)))
            }),
            Self::Delete(t, w, n) => text(tx.delete(t, &tenant(w), n)),
            Self::List(w, q) => text(tx.list(&THINGS, &tenant(w), q)),
            Self::Count(w, c) => text(tx.count(&THINGS, &tenant(w), c)),
            Self::Head(j, w, s) => text(tx.head(j, &tenant(w), s)),
            Self::Append(j, w, s, distance, v) => tx.head(j, &tenant(w), s).and_then(|head| {
                let seq = head.map_or(0, |head| head.seq) + distance;
                let body = format!("{s}{seq}");
                text(tx.append(
                    j,
                    &tenant(w),
                    s,
                    &NewEntry { seq, at: at(seq as i64), columns: v.as_slice().into(), body: &body },
                ))
            }),
            Self::Scan(w, s, q) => text(tx.scan(&EVENTS, &tenant(w), s, q)),
            Self::Tally(w, s, q) => text(tx.tally(&EVENTS, &tenant(w), s, q)),
            Self::Redact(w, s, n, c) => text(tx.redact(&EVENTS, &tenant(w), s, *n, c)),
            Self::Trim(j, w, s, n, l) => text(tx.trim(j, &tenant(w), s, *n, *l)),
            Self::Streams(j, w) => text(tx.streams(j, &tenant(w))),
            Self::Push(q, w, k, n) => text(tx.push(q, &tenant(w), k, n)),
            Self::Remove(q, w, n) => text(tx.remove(q, &tenant(w), n)),
            Self::Claim(q, w, k, t, h, l) => text(tx.claim(q, &tenant(w), k.as_deref(), at(*t), &[*h; 16], *l)),
            Self::Extend(q, w, n, h, t) => text(tx.extend(q, &tenant(w), n, &[*h; 16], at(*t))),
            Self::Settle(q, w, n, h, k) => text(tx.settle(q, &tenant(w), n, &[*h; 16], k.as_deref())),
            Self::Reclaim(q, w, t, l) => text(tx.reclaim(q, &tenant(w), at(*t), *l)),
            Self::Ready(q, w, after, l) => {
                text(tx.ready(q, &tenant(w), after.as_ref().map(|(key, name)| (key.as_slice(), *name)), *l))
            }
            Self::Lease(q, w, n) => text(tx.lease(q, &tenant(w), n)),
            Self::PutSpans(w, rows) => {
                let bodies: Vec<String> = rows.iter().enumerate().map(|row| format!("{row:?}")).collect();
                let rows = rows.iter().zip(&bodies);
                let spans: Vec<_> =
                    rows.map(|((group, seconds, id), body)| NewSpan { group, at: at(*seconds), id, body }).collect();
                text(tx.put_spans(&TRACES, &tenant(w), &spans))
            }
            Self::Group(w, g, after, l) => {
                text(tx.group(&TRACES, &tenant(w), g, after.map(|(seconds, id)| (at(seconds), id)), *l))
            }
            Self::Window(w, from, to, after, l) => {
                let after = after.map(|(seconds, id, group)| (at(seconds), id, group));
                text(tx.window(&TRACES, &tenant(w), at(*from), at(*to), after, *l))
            }
            Self::DropSpans(w, t, l) => text(tx.drop_spans(&TRACES, &tenant(w), at(*t), *l)),
            Self::AddBlock(b, w, g, (first, last), parts) => {
                let head = format!("{first} {last}");
                let bodies: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
                let marks: Vec<NewMark<'_>> = (0..)
                    .zip(parts)
                    .flat_map(|(part, marks)| {
                        let new = move |(mark, note): &(Name, Name)| NewMark {
                            mark: mark.as_bytes(),
                            part,
                            note: note.as_bytes(),
                        };
                        marks.iter().map(new)
                    })
                    .collect();
                let parts: Vec<&[u8]> = bodies.iter().map(String::as_bytes).collect();
                let (first, last) = (at(*first), at(*last));
                let block = NewBlock { first, last, head: head.as_bytes(), parts: &parts, marks: &marks };
                text(tx.add_block(b, &tenant(w), g, &block))
            }
            Self::DropBlock(b, w, g, n) => text(tx.drop_block(b, &tenant(w), g, *n, &NAMES.map(str::as_bytes))),
            Self::WalkBlocks(b, w, g, (since, order, after, limit)) => {
                let after = after.map(|(last, no)| (at(last), no));
                let query = BlockQuery { since: since.map(at), order: *order, after, limit: *limit };
                text(walked(tx, b, &tenant(w), g, &query))
            }
            Self::Parts(b, w, g, places) => {
                let places: Vec<_> = places.iter().map(|(block, part)| Place { block: *block, part: *part }).collect();
                text(tx.parts(b, &tenant(w), g, &places))
            }
            Self::Marked(b, w, g, m, after, l) => {
                let after = after.map(|(block, part)| Place { block, part });
                text(tx.marked(b, &tenant(w), g, m.as_bytes(), after, *l))
            }
            Self::Add(l, w, n, a, f) => text(tx.add(l, &tenant(w), n, *a, *f)),
            Self::Balances(l, w, n, m) => text(tx.balances(l, &tenant(w), n, *m)),
            Self::Hold(l, w, n, i, a, t) => text(tx.hold(l, &tenant(w), n, i, *a, at(*t))),
            Self::Release(l, w, n, a) => text(tx.release(l, &tenant(w), n, *a)),
            Self::ExpiredHolds(l, w, t, m) => text(tx.expired_holds(l, &tenant(w), at(*t), *m)),
            Self::PutTerms(s, w, n, t) => text(tx.put_terms(s, &tenant(w), n, t)),
            Self::DropTerms(s, w, n, t) => text(tx.drop_terms(s, &tenant(w), n, t)),
            Self::Holders(s, w, t, a, l, o) => text(tx.holders(s, &tenant(w), t, *a, *l, *o)),
            Self::CountHolders(s, w, t) => text(tx.count_holders(s, &tenant(w), t)),
            Self::HoldersUnder(s, w, p, a, l) => text(tx.holders_under(s, &tenant(w), p, *a, *l)),
        };
        match answer {
            Ok(answer) => answer,
            Err(error) => format!("refused: {error:?}"),
        }
    }
}

fn text<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> Result<String, StoreError> {
    answer.map(|answer| format!("{answer:?}"))
}

fn record(name: &str, values: &[Value], version: u64) -> Record {
    Record {
        id: name.to_owned(),
        version,
        created_at: at(version as i64),
        updated_at: at(version as i64 + 1),
        columns: values.to_vec(),
        body: format!("{values:?}"),
    }
}
