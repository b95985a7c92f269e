//! The operations of a transaction, cut by shape of access.

use std::sync::Arc;

use super::{
    Balance, BlockQuery, Blocks, Journal, Ledger, LentBlock, Mark, NewBlock, Place, Queue, Spans, StoreError, Table,
    Terms, Value,
};
use crate::base::{TenantId, Time};

type Answer<T> = Result<T, StoreError>;

/// A transaction. Reads see its own writes. Every operation names its tenant; none crosses tenants.
pub trait Tx {
    // ---- Policy epochs -------------------------------------------------------------------------------

    /// The tenant's policy epoch; 0 when its policy never changed. Adapters read it at most once per batch.
    fn epoch(&mut self, tenant: &TenantId) -> Answer<u64>;
    /// Gives the tenant a new epoch, greater than every epoch of every tenant so far.
    fn bump_epoch(&mut self, tenant: &TenantId) -> Answer<u64>;
    /// Tenants whose epoch is greater than `after`, in the order of their epochs, `limit` at most.
    fn epochs_after(&mut self, after: u64, limit: u32) -> Answer<Vec<(TenantId, u64)>>;

    // ---- Records -------------------------------------------------------------------------------------

    /// The record with this id.
    fn get(&mut self, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<Option<Record>>;
    /// The record whose unique column `column` holds `value`.
    fn find(&mut self, table: &'static Table, tenant: &TenantId, column: &str, value: &Value)
    -> Answer<Option<Record>>;
    /// Adds a record (its `version` is stored as 1). A taken id or unique value is [`StoreError::Duplicate`].
    fn insert(&mut self, table: &'static Table, tenant: &TenantId, record: &Record) -> Answer<()>;
    /// Replaces the record with the same id if its stored version is `record.version`, storing version + 1;
    /// `false` when it is missing or has another version. `created_at` is kept.
    fn update(&mut self, table: &'static Table, tenant: &TenantId, record: &Record) -> Answer<bool>;
    /// Removes a record; `false` when there is none.
    fn delete(&mut self, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<bool>;
    /// A page of records.
    fn list(&mut self, table: &'static Table, tenant: &TenantId, query: &RecordQuery) -> Answer<Vec<Record>>;
    /// How many records satisfy all conditions.
    fn count(&mut self, table: &'static Table, tenant: &TenantId, conds: &[Cond]) -> Answer<u64>;

    // ---- Journals ------------------------------------------------------------------------------------

    /// The last entry's position and columns, `None` for an empty stream.
    fn head(&mut self, journal: &'static Journal, tenant: &TenantId, stream: &str) -> Answer<Option<Head>>;
    /// Appends at `entry.seq`, which must be the head's + 1 (1 in an empty stream), else [`StoreError::Duplicate`].
    fn append(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        entry: &NewEntry<'_>,
    ) -> Answer<()>;
    /// Entries of one stream, by sequence number.
    fn scan(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
    ) -> Answer<Vec<Entry>>;
    /// As [`Tx::scan`], for reading very many: each entry is lent to `each` with the named text columns, in the order
    /// of `columns`, instead of being copied. It ends early when `each` answers `false`.
    fn walk(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
        columns: &[&str],
        each: &mut dyn FnMut(&Lent<'_>) -> bool,
    ) -> Answer<()>;
    /// How many entries satisfy the query, its limit and offset apart.
    fn tally(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
    ) -> Answer<u64>;
    /// Drops the body of one entry and sets the named columns to null; `false` when there is no such entry.
    fn redact(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        seq: u64,
        columns: &[&str],
    ) -> Answer<bool>;
    /// Removes at most `limit` entries from the start of the stream up to and including `through`; answers how many.
    /// The head always stays.
    fn trim(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        through: u64,
        limit: u32,
    ) -> Answer<u64>;
    /// The streams of a tenant's journal, in order.
    fn streams(&mut self, journal: &'static Journal, tenant: &TenantId) -> Answer<Vec<String>>;

    // ---- Queues --------------------------------------------------------------------------------------

    /// Puts an item in, or moves it: an item is ready at most once, and pushing a leased item ends its lease.
    fn push(&mut self, queue: &'static Queue, tenant: &TenantId, key: &[u8], id: &str) -> Answer<()>;
    /// Takes an item out, ready or leased; `false` when it is neither.
    fn remove(&mut self, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<bool>;
    /// Leases the first ready items (by key, then id) whose key is at most `up_to`, `limit` at most, to `holder`.
    fn claim(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        up_to: Option<&[u8]>,
        until: Time,
        holder: &[u8; 16],
        limit: u32,
    ) -> Answer<Vec<QueueItem>>;
    /// Lengthens a lease held by `holder`, also one that ended but was not reclaimed; `false` when it holds none.
    fn extend(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        id: &str,
        holder: &[u8; 16],
        until: Time,
    ) -> Answer<bool>;
    /// Ends a lease held by `holder`: with a key the item is ready again under it, without one it is gone.
    /// `false` (and nothing happens) when `holder` holds no lease on it.
    fn settle(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        id: &str,
        holder: &[u8; 16],
        again: Option<&[u8]>,
    ) -> Answer<bool>;
    /// Makes items whose lease ended at or before `now` ready again under their old key; answers them by the end
    /// of their lease, then by id, `limit` at most.
    fn reclaim(&mut self, queue: &'static Queue, tenant: &TenantId, now: Time, limit: u32) -> Answer<Vec<QueueItem>>;
    /// Ready items after the given position, by key, then id.
    fn ready(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        after: Option<(&[u8], &str)>,
        limit: u32,
    ) -> Answer<Vec<QueueItem>>;
    /// The lease on an item, if there is one.
    fn lease(&mut self, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<Option<Claim>>;

    // ---- Spans ---------------------------------------------------------------------------------------

    /// Writes spans; one with the same group and id replaces the old one.
    fn put_spans(&mut self, spans: &'static Spans, tenant: &TenantId, rows: &[NewSpan<'_>]) -> Answer<()>;
    /// Spans of one group after `(at, id)`, by time, then id.
    fn group(
        &mut self,
        spans: &'static Spans,
        tenant: &TenantId,
        group: &str,
        after: Option<(Time, &str)>,
        limit: u32,
    ) -> Answer<Vec<SpanRow>>;
    /// Spans of all groups with `from <= at < to` after `(at, id, group)`, by time, then id, then group.
    fn window(
        &mut self,
        spans: &'static Spans,
        tenant: &TenantId,
        from: Time,
        to: Time,
        after: Option<(Time, &str, &str)>,
        limit: u32,
    ) -> Answer<Vec<SpanRow>>;
    /// Removes at most `limit` spans older than `before`, in the order of [`Tx::window`]; answers how many.
    fn drop_spans(&mut self, spans: &'static Spans, tenant: &TenantId, before: Time, limit: u32) -> Answer<u64>;

    // ---- Blocks --------------------------------------------------------------------------------------

    /// Adds a block to a group; answers its number, one more than the group's greatest (1 in an empty one).
    fn add_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        block: &NewBlock<'_>,
    ) -> Answer<u64>;
    /// Removes a block, its parts, and of its marks those named; `false` when there is no such block. Whoever wrote the
    /// block knows its marks; one that is not named stays and points at nothing.
    fn drop_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        no: u64,
        marks: &[&[u8]],
    ) -> Answer<bool>;
    /// Lends the blocks of a group to `each`, one after the other, until it answers `false`.
    fn walk_blocks(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        query: &BlockQuery,
        each: &mut dyn FnMut(&LentBlock<'_>) -> bool,
    ) -> Answer<()>;
    /// Lends one block to `each`; `false` when there is none of this number.
    fn look_at_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        no: u64,
        each: &mut dyn FnMut(&LentBlock<'_>),
    ) -> Answer<bool>;
    /// The parts at these places, in their order; `None` for one that is not there.
    fn parts(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        places: &[Place],
    ) -> Answer<Vec<Option<Vec<u8>>>>;
    /// What a mark marks behind `after`, by place, `limit` at most.
    fn marked(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        mark: &[u8],
        after: Option<Place>,
        limit: u32,
    ) -> Answer<Vec<Mark>>;

    // ---- Ledgers -------------------------------------------------------------------------------------

    /// Adds `amount` (negative to take) to an account, which starts at 0. With a `floor`, a change that would
    /// leave `total - held` below it changes nothing and answers `None`. A total beyond 64 bits changes nothing
    /// and is [`StoreError::Misuse`].
    fn add(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        account: &str,
        amount: i64,
        floor: Option<i64>,
    ) -> Answer<Option<Balance>>;
    /// The accounts whose name starts with `prefix`, by name.
    fn balances(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        prefix: &str,
        limit: u32,
    ) -> Answer<Vec<(String, Balance)>>;
    /// Holds `amount` (≥ 0) back until `until` under `id`; `false` when `total - held` is less (an unknown
    /// account has 0). A taken id is [`StoreError::Duplicate`].
    fn hold(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        account: &str,
        id: &str,
        amount: i64,
        until: Time,
    ) -> Answer<bool>;
    /// Ends a hold, taking `take` (clamped to 0..=amount) from the total; answers the hold, `None` when unknown.
    fn release(&mut self, ledger: &'static Ledger, tenant: &TenantId, id: &str, take: i64) -> Answer<Option<Hold>>;
    /// Holds that ended at or before `now`, `limit` at most, by id.
    fn expired_holds(&mut self, ledger: &'static Ledger, tenant: &TenantId, now: Time, limit: u32)
    -> Answer<Vec<Hold>>;

    // ---- Terms ---------------------------------------------------------------------------------------

    /// Puts an id into the set of each term; where it is already, nothing happens.
    fn put_terms(&mut self, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<()>;
    /// Takes an id out of the set of each term; answers out of how many. Where it is not, nothing happens.
    fn drop_terms(&mut self, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<usize>;
    /// The ids in a term's set after `after`, in order: `offset` are skipped, then `limit` at most answered.
    fn holders(
        &mut self,
        terms: &'static Terms,
        tenant: &TenantId,
        term: &str,
        after: Option<&str>,
        limit: u32,
        offset: u32,
    ) -> Answer<Vec<String>>;
    /// How many ids a term's set has.
    fn count_holders(&mut self, terms: &'static Terms, tenant: &TenantId, term: &str) -> Answer<u64>;
    /// The `(term, id)` whose term starts with `prefix`, after the given one, by term, then id.
    fn holders_under(
        &mut self,
        terms: &'static Terms,
        tenant: &TenantId,
        prefix: &str,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Answer<Vec<(String, String)>>;
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id, unique within tenant and table; ids sort by bytes.
    pub id: String,
    /// 1 when new, + 1 on every update.
    pub version: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// The declared columns, in declared order.
    pub columns: Vec<Value>,
    /// The whole thing as JSON.
    pub body: String,
}

/// A condition on a declared, indexed column. Nothing satisfies a condition on a null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cond {
    /// The column equals the value.
    Eq(&'static str, Value),
    /// The column is at least the value.
    AtLeast(&'static str, Value),
    /// The column is less than the value.
    Below(&'static str, Value),
}

/// Which way a page runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordQuery {
    /// All must hold.
    pub conds: Vec<Cond>,
    /// The indexed column to order by, then by id; `None` orders by id. Records with a null there are left out.
    pub by: Option<&'static str>,
    /// The way the page runs, for the column and the id alike.
    pub order: Order,
    /// Continue after this `(column value, id)`; the value is ignored when ordered by id.
    pub after: Option<(Value, String)>,
    /// At most so many records.
    pub limit: u32,
    /// Skip so many first.
    pub offset: u32,
}

/// The last entry of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// When it was appended.
    pub at: Time,
    /// Its declared columns, in declared order; shared, because a busy stream asks for its head with every entry.
    pub columns: Arc<[Value]>,
}

/// An entry to append.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// Its number.
    pub seq: u64,
    /// When it is appended.
    pub at: Time,
    /// The declared columns, in declared order.
    pub columns: Arc<[Value]>,
    /// The payload.
    pub body: &'a str,
}

/// An entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// When it was appended.
    pub at: Time,
    /// The declared columns, in declared order.
    pub columns: Vec<Value>,
    /// The payload; `None` once redacted.
    pub body: Option<String>,
}

/// An entry of a journal while it is walked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lent<'a> {
    /// Its number.
    pub seq: u64,
    /// When it was appended.
    pub at: Time,
    /// The wanted text columns; `None` where a column is null.
    pub texts: &'a [Option<&'a str>],
    /// The payload; `None` once redacted.
    pub body: Option<&'a str>,
}

/// A page of journal entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalQuery {
    /// All must hold.
    pub conds: Vec<Cond>,
    /// Entries at or after this time.
    pub since: Option<Time>,
    /// Entries before this time.
    pub until: Option<Time>,
    /// Entries with a number in `above+1 ..`.
    pub above: Option<u64>,
    /// Entries with a number below this.
    pub below: Option<u64>,
    /// The way the page runs.
    pub order: Order,
    /// At most so many entries.
    pub limit: u32,
    /// Skip so many first.
    pub offset: u32,
}

/// A ready or newly leased queue item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueItem {
    /// Its sort key.
    pub key: Vec<u8>,
    /// Its id.
    pub id: String,
}

/// A lease on a queue item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The item.
    pub item: QueueItem,
    /// When the lease ends.
    pub until: Time,
    /// Who holds it.
    pub holder: [u8; 16],
}

/// A span to write.
#[derive(Debug, Clone)]
pub struct NewSpan<'a> {
    /// Its group.
    pub group: &'a str,
    /// When it started.
    pub at: Time,
    /// Its id within the group.
    pub id: &'a str,
    /// The span as JSON.
    pub body: &'a str,
}

/// A stored span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanRow {
    /// Its group.
    pub group: String,
    /// When it started.
    pub at: Time,
    /// Its id within the group.
    pub id: String,
    /// The span as JSON.
    pub body: String,
}

/// An amount held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// The account.
    pub account: String,
    /// The amount.
    pub amount: i64,
    /// When it ends by itself.
    pub until: Time,
}
