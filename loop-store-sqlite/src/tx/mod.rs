//! The operations of a transaction. Each shape has its file; here every operation passes the same gates.

mod blocks;
mod epochs;
mod journals;
mod ledgers;
mod queues;
mod records;
mod spans;
mod terms;

use loop_core::{
    base::{TenantId, Time},
    store::{
        Access, Balance, BlockQuery, Blocks, Claim, Cond, Entry, Head, Hold, Journal, JournalQuery, Ledger, Lent,
        LentBlock, Mark, NewBlock, NewEntry, NewSpan, Place, Queue, QueueItem, Record, RecordQuery, SpanRow, Spans,
        StoreError, Table, Terms, Tx, Value,
    },
};
use rusqlite::Connection;

use crate::{cache::Cache, fault::is_refusal, schema::Statements};

pub(crate) use ledgers::flush;

type Answer<T> = Result<T, StoreError>;

/// One run of a job within a transaction of SQLite.
pub(crate) struct SqlTx<'c> {
    conn: &'c Connection,
    statements: &'c Statements,
    cache: &'c mut Cache,
    access: Access,
    /// The first failure of the storage itself. SQLite may have undone the transaction with it, after which every
    /// further statement would be a transaction of its own; so nothing runs any more.
    fault: Option<StoreError>,
    /// Whether a balance changed that only the cache knows.
    touched: bool,
}

impl<'c> SqlTx<'c> {
    pub(crate) const fn new(
        conn: &'c Connection,
        statements: &'c Statements,
        cache: &'c mut Cache,
        access: Access,
    ) -> Self {
        Self { conn, statements, cache, access, fault: None, touched: false }
    }

    /// The failure of the storage during the run, and whether balances changed in the cache.
    pub(crate) fn end(self) -> (Option<StoreError>, bool) {
        (self.fault, self.touched)
    }

    fn read<T>(&mut self, work: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let answer = work(self);
        if let Err(error) = &answer
            && !is_refusal(error)
        {
            self.fault = Some(error.clone());
        }
        answer
    }

    fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        match self.access {
            Access::Write => self.read(work),
            Access::Read => Err(StoreError::Misuse("a write in a read job".to_owned())),
        }
    }
}

/// The statements of a declared table.
fn declared<T>(known: Option<T>, name: &str) -> Answer<T> {
    known.ok_or_else(|| StoreError::Misuse(format!("no table `{name}`")))
}

impl Tx for SqlTx<'_> {
    fn epoch(&mut self, tenant: &TenantId) -> Answer<u64> {
        self.read(|tx| epochs::get(tx, tenant))
    }

    fn bump_epoch(&mut self, tenant: &TenantId) -> Answer<u64> {
        self.write(|tx| epochs::bump(tx, tenant))
    }

    fn epochs_after(&mut self, after: u64, limit: u32) -> Answer<Vec<(TenantId, u64)>> {
        self.read(|tx| epochs::after(tx, after, limit))
    }

    fn get(&mut self, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<Option<Record>> {
        self.read(|tx| records::get(tx, table, tenant, id))
    }

    fn find(
        &mut self,
        table: &'static Table,
        tenant: &TenantId,
        column: &str,
        value: &Value,
    ) -> Answer<Option<Record>> {
        self.read(|tx| records::find(tx, table, tenant, column, value))
    }

    fn insert(&mut self, table: &'static Table, tenant: &TenantId, record: &Record) -> Answer<()> {
        self.write(|tx| records::insert(tx, table, tenant, record))
    }

    fn update(&mut self, table: &'static Table, tenant: &TenantId, record: &Record) -> Answer<bool> {
        self.write(|tx| records::update(tx, table, tenant, record))
    }

    fn delete(&mut self, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<bool> {
        self.write(|tx| records::delete(tx, table, tenant, id))
    }

    fn list(&mut self, table: &'static Table, tenant: &TenantId, query: &RecordQuery) -> Answer<Vec<Record>> {
        self.read(|tx| records::list(tx, table, tenant, query))
    }

    fn count(&mut self, table: &'static Table, tenant: &TenantId, conds: &[Cond]) -> Answer<u64> {
        self.read(|tx| records::count(tx, table, tenant, conds))
    }

    fn head(&mut self, journal: &'static Journal, tenant: &TenantId, stream: &str) -> Answer<Option<Head>> {
        self.read(|tx| journals::head(tx, journal, tenant, stream))
    }

    fn append(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        entry: &NewEntry<'_>,
    ) -> Answer<()> {
        self.write(|tx| journals::append(tx, journal, tenant, stream, entry))
    }

    fn scan(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
    ) -> Answer<Vec<Entry>> {
        self.read(|tx| journals::scan(tx, journal, tenant, stream, query))
    }

    fn walk(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
        columns: &[&str],
        each: &mut dyn FnMut(&Lent<'_>) -> bool,
    ) -> Answer<()> {
        self.read(|tx| journals::walk(tx, journal, tenant, stream, query, columns, each))
    }

    fn tally(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
    ) -> Answer<u64> {
        self.read(|tx| journals::tally(tx, journal, tenant, stream, query))
    }

    fn redact(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        seq: u64,
        columns: &[&str],
    ) -> Answer<bool> {
        self.write(|tx| journals::redact(tx, journal, tenant, stream, seq, columns))
    }

    fn trim(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        through: u64,
        limit: u32,
    ) -> Answer<u64> {
        self.write(|tx| journals::trim(tx, journal, tenant, stream, through, limit))
    }

    fn streams(&mut self, journal: &'static Journal, tenant: &TenantId) -> Answer<Vec<String>> {
        self.read(|tx| journals::streams(tx, journal, tenant))
    }

    fn push(&mut self, queue: &'static Queue, tenant: &TenantId, key: &[u8], id: &str) -> Answer<()> {
        self.write(|tx| queues::push(tx, queue, tenant, key, id))
    }

    fn remove(&mut self, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<bool> {
        self.write(|tx| queues::remove(tx, queue, tenant, id))
    }

    fn claim(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        up_to: Option<&[u8]>,
        until: Time,
        holder: &[u8; 16],
        limit: u32,
    ) -> Answer<Vec<QueueItem>> {
        self.write(|tx| queues::claim(tx, queue, tenant, up_to, until, holder, limit))
    }

    fn extend(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        id: &str,
        holder: &[u8; 16],
        until: Time,
    ) -> Answer<bool> {
        self.write(|tx| queues::extend(tx, queue, tenant, id, holder, until))
    }

    fn settle(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        id: &str,
        holder: &[u8; 16],
        again: Option<&[u8]>,
    ) -> Answer<bool> {
        self.write(|tx| queues::settle(tx, queue, tenant, id, holder, again))
    }

    fn reclaim(&mut self, queue: &'static Queue, tenant: &TenantId, now: Time, limit: u32) -> Answer<Vec<QueueItem>> {
        self.write(|tx| queues::reclaim(tx, queue, tenant, now, limit))
    }

    fn ready(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        after: Option<(&[u8], &str)>,
        limit: u32,
    ) -> Answer<Vec<QueueItem>> {
        self.read(|tx| queues::ready(tx, queue, tenant, after, limit))
    }

    fn lease(&mut self, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<Option<Claim>> {
        self.read(|tx| queues::lease(tx, queue, tenant, id))
    }

    fn put_spans(&mut self, spans: &'static Spans, tenant: &TenantId, rows: &[NewSpan<'_>]) -> Answer<()> {
        self.write(|tx| spans::put(tx, spans, tenant, rows))
    }

    fn group(
        &mut self,
        spans: &'static Spans,
        tenant: &TenantId,
        group: &str,
        after: Option<(Time, &str)>,
        limit: u32,
    ) -> Answer<Vec<SpanRow>> {
        self.read(|tx| spans::group(tx, spans, tenant, group, after, limit))
    }

    fn window(
        &mut self,
        spans: &'static Spans,
        tenant: &TenantId,
        from: Time,
        to: Time,
        after: Option<(Time, &str, &str)>,
        limit: u32,
    ) -> Answer<Vec<SpanRow>> {
        self.read(|tx| spans::window(tx, spans, tenant, from, to, after, limit))
    }

    fn drop_spans(&mut self, spans: &'static Spans, tenant: &TenantId, before: Time, limit: u32) -> Answer<u64> {
        self.write(|tx| spans::remove(tx, spans, tenant, before, limit))
    }

    fn add_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        block: &NewBlock<'_>,
    ) -> Answer<u64> {
        self.write(|tx| blocks::add(tx, blocks, tenant, group, block))
    }

    fn drop_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        no: u64,
        marks: &[&[u8]],
    ) -> Answer<bool> {
        self.write(|tx| blocks::remove(tx, blocks, tenant, group, no, marks))
    }

    fn walk_blocks(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        query: &BlockQuery,
        each: &mut dyn FnMut(&LentBlock<'_>) -> bool,
    ) -> Answer<()> {
        self.read(|tx| blocks::walk(tx, blocks, tenant, group, query, each))
    }

    fn look_at_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        no: u64,
        each: &mut dyn FnMut(&LentBlock<'_>),
    ) -> Answer<bool> {
        self.read(|tx| blocks::look_at(tx, blocks, tenant, group, no, each))
    }

    fn parts(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        places: &[Place],
    ) -> Answer<Vec<Option<Vec<u8>>>> {
        self.read(|tx| blocks::parts(tx, blocks, tenant, group, places))
    }

    fn marked(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        mark: &[u8],
        after: Option<Place>,
        limit: u32,
    ) -> Answer<Vec<Mark>> {
        self.read(|tx| blocks::marked(tx, blocks, tenant, group, mark, after, limit))
    }

    fn add(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        account: &str,
        amount: i64,
        floor: Option<i64>,
    ) -> Answer<Option<Balance>> {
        self.write(|tx| ledgers::add(tx, ledger, tenant, account, amount, floor))
    }

    fn balances(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        prefix: &str,
        limit: u32,
    ) -> Answer<Vec<(String, Balance)>> {
        self.read(|tx| ledgers::balances(tx, ledger, tenant, prefix, limit))
    }

    fn hold(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        account: &str,
        id: &str,
        amount: i64,
        until: Time,
    ) -> Answer<bool> {
        self.write(|tx| ledgers::hold(tx, ledger, tenant, account, id, amount, until))
    }

    fn release(&mut self, ledger: &'static Ledger, tenant: &TenantId, id: &str, take: i64) -> Answer<Option<Hold>> {
        self.write(|tx| ledgers::release(tx, ledger, tenant, id, take))
    }

    fn expired_holds(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        now: Time,
        limit: u32,
    ) -> Answer<Vec<Hold>> {
        self.read(|tx| ledgers::expired(tx, ledger, tenant, now, limit))
    }

    fn put_terms(&mut self, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<()> {
        self.write(|tx| terms::put(tx, terms, tenant, id, words))
    }

    fn drop_terms(&mut self, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<usize> {
        self.write(|tx| terms::remove(tx, terms, tenant, id, words))
    }

    fn holders(
        &mut self,
        terms: &'static Terms,
        tenant: &TenantId,
        term: &str,
        after: Option<&str>,
        limit: u32,
        offset: u32,
    ) -> Answer<Vec<String>> {
        self.read(|tx| terms::holders(tx, terms, tenant, term, after, limit, offset))
    }

    fn count_holders(&mut self, terms: &'static Terms, tenant: &TenantId, term: &str) -> Answer<u64> {
        self.read(|tx| terms::count(tx, terms, tenant, term))
    }

    fn holders_under(
        &mut self,
        terms: &'static Terms,
        tenant: &TenantId,
        prefix: &str,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Answer<Vec<(String, String)>> {
        self.read(|tx| terms::under(tx, terms, tenant, prefix, after, limit))
    }
}
