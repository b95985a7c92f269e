//! The operations of a transaction on a copy of the root.

use super::{reach::declared, space::Root, stream::Stream};
use crate::{
    base::{TenantId, Time},
    store::{
        Access, Balance, BlockQuery, Blocks, Catalog, Claim, Cond, Entry, Head, Hold, Journal, JournalQuery, Ledger,
        Lent, LentBlock, Mark, NewBlock, NewEntry, NewSpan, Place, Queue, QueueItem, Record, RecordQuery, SpanRow,
        Spans, StoreError, Table, Terms, Tx, Value,
    },
};

pub(super) type Answer<T> = Result<T, StoreError>;

/// A transaction: a copy of the root to work on.
pub(super) struct MemoryTx<'c> {
    pub(super) catalog: &'c Catalog,
    pub(super) root: Root,
    pub(super) access: Access,
}

impl<'c> MemoryTx<'c> {
    pub(super) const fn new(catalog: &'c Catalog, root: Root, access: Access) -> Self {
        Self { catalog, root, access }
    }

    pub(super) fn into_root(self) -> Root {
        self.root
    }
}

impl Tx for MemoryTx<'_> {
    fn epoch(&mut self, tenant: &TenantId) -> Answer<u64> {
        Ok(self.root.epochs.get(tenant).copied().unwrap_or(0))
    }

    fn bump_epoch(&mut self, tenant: &TenantId) -> Answer<u64> {
        self.check_write()?;
        let next = self.root.next_epoch();
        self.root.epochs.insert(tenant.clone(), next);
        Ok(next)
    }

    fn epochs_after(&mut self, after: u64, limit: u32) -> Answer<Vec<(TenantId, u64)>> {
        let mut later: Vec<_> =
            self.root.epochs.iter().filter(|(_, epoch)| **epoch > after).map(|(t, e)| (t.clone(), *e)).collect();
        later.sort_by_key(|(_, epoch)| *epoch);
        later.truncate(limit as usize);
        Ok(later)
    }

    fn get(&mut self, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<Option<Record>> {
        Ok(self.rows(table, tenant)?.and_then(|rows| rows.get(id)))
    }

    fn find(
        &mut self,
        table: &'static Table,
        tenant: &TenantId,
        column: &str,
        value: &Value,
    ) -> Answer<Option<Record>> {
        let at = table.unique(column, value)?;
        Ok(self.rows(table, tenant)?.and_then(|rows| rows.find(at, value)))
    }

    fn insert(&mut self, table: &'static Table, tenant: &TenantId, record: &Record) -> Answer<()> {
        let rows = self.rows_mut(table, tenant)?;
        table.check_values(&record.columns)?;
        rows.insert(table, record)
    }

    fn update(&mut self, table: &'static Table, tenant: &TenantId, record: &Record) -> Answer<bool> {
        let rows = self.rows_mut(table, tenant)?;
        table.check_values(&record.columns)?;
        rows.update(table, record)
    }

    fn delete(&mut self, table: &'static Table, tenant: &TenantId, id: &str) -> Answer<bool> {
        Ok(self.rows_mut(table, tenant)?.delete(table, id))
    }

    fn list(&mut self, table: &'static Table, tenant: &TenantId, query: &RecordQuery) -> Answer<Vec<Record>> {
        table.check_query(query)?;
        Ok(self.rows(table, tenant)?.map(|rows| rows.list(table, query)).unwrap_or_default())
    }

    fn count(&mut self, table: &'static Table, tenant: &TenantId, conds: &[Cond]) -> Answer<u64> {
        table.check_conds(conds)?;
        Ok(self.rows(table, tenant)?.map_or(0, |rows| rows.count(table, conds)))
    }

    fn head(&mut self, journal: &'static Journal, tenant: &TenantId, stream: &str) -> Answer<Option<Head>> {
        Ok(self.stream(journal, tenant, stream)?.and_then(Stream::head))
    }

    fn append(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        entry: &NewEntry<'_>,
    ) -> Answer<()> {
        let stream = self.stream_mut(journal, tenant, stream)?;
        journal.check_values(&entry.columns)?;
        stream.append(journal, entry)
    }

    fn scan(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
    ) -> Answer<Vec<Entry>> {
        journal.check_query(query)?;
        Ok(self.stream(journal, tenant, stream)?.map(|stream| stream.scan(journal, query)).unwrap_or_default())
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
        journal.check_query(query)?;
        let columns = journal.text_columns(columns)?;
        if let Some(stream) = self.stream(journal, tenant, stream)? {
            stream.walk(journal, query, &columns, each);
        }
        Ok(())
    }

    fn tally(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        query: &JournalQuery,
    ) -> Answer<u64> {
        journal.check_query(query)?;
        Ok(self.stream(journal, tenant, stream)?.map_or(0, |stream| stream.tally(journal, query)))
    }

    fn redact(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        seq: u64,
        columns: &[&str],
    ) -> Answer<bool> {
        let stream = self.stream_mut(journal, tenant, stream)?;
        journal.check_names(columns)?;
        Ok(stream.redact(journal, seq, columns))
    }

    fn trim(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
        through: u64,
        limit: u32,
    ) -> Answer<u64> {
        Ok(self.stream_mut(journal, tenant, stream)?.trim(through, limit))
    }

    fn streams(&mut self, journal: &'static Journal, tenant: &TenantId) -> Answer<Vec<String>> {
        declared(self.catalog.journals.contains(&journal), journal.name)?;
        let Some(space) = self.space(tenant) else { return Ok(Vec::new()) };
        let named = space.streams.iter().filter(|((name, _), stream)| *name == journal.name && stream.head().is_some());
        Ok(named.map(|((_, stream), _)| stream.clone()).collect())
    }

    fn push(&mut self, queue: &'static Queue, tenant: &TenantId, key: &[u8], id: &str) -> Answer<()> {
        self.line_mut(queue, tenant)?.push(key, id);
        Ok(())
    }

    fn remove(&mut self, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<bool> {
        Ok(self.line_mut(queue, tenant)?.remove(id))
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
        Ok(self.line_mut(queue, tenant)?.claim(up_to, until, holder, limit))
    }

    fn extend(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        id: &str,
        holder: &[u8; 16],
        until: Time,
    ) -> Answer<bool> {
        Ok(self.line_mut(queue, tenant)?.extend(id, holder, until))
    }

    fn settle(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        id: &str,
        holder: &[u8; 16],
        again: Option<&[u8]>,
    ) -> Answer<bool> {
        Ok(self.line_mut(queue, tenant)?.settle(id, holder, again))
    }

    fn reclaim(&mut self, queue: &'static Queue, tenant: &TenantId, now: Time, limit: u32) -> Answer<Vec<QueueItem>> {
        Ok(self.line_mut(queue, tenant)?.reclaim(now, limit))
    }

    fn ready(
        &mut self,
        queue: &'static Queue,
        tenant: &TenantId,
        after: Option<(&[u8], &str)>,
        limit: u32,
    ) -> Answer<Vec<QueueItem>> {
        Ok(self.line(queue, tenant)?.map(|line| line.ready(after, limit)).unwrap_or_default())
    }

    fn lease(&mut self, queue: &'static Queue, tenant: &TenantId, id: &str) -> Answer<Option<Claim>> {
        Ok(self.line(queue, tenant)?.and_then(|line| line.lease(id)))
    }

    fn put_spans(&mut self, spans: &'static Spans, tenant: &TenantId, rows: &[NewSpan<'_>]) -> Answer<()> {
        self.timeline_mut(spans, tenant)?.put(rows);
        Ok(())
    }

    fn group(
        &mut self,
        spans: &'static Spans,
        tenant: &TenantId,
        group: &str,
        after: Option<(Time, &str)>,
        limit: u32,
    ) -> Answer<Vec<SpanRow>> {
        Ok(self.timeline(spans, tenant)?.map(|line| line.group(group, after, limit)).unwrap_or_default())
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
        Ok(self.timeline(spans, tenant)?.map(|line| line.window(from, to, after, limit)).unwrap_or_default())
    }

    fn drop_spans(&mut self, spans: &'static Spans, tenant: &TenantId, before: Time, limit: u32) -> Answer<u64> {
        Ok(self.timeline_mut(spans, tenant)?.remove(before, limit))
    }

    fn add_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        block: &NewBlock<'_>,
    ) -> Answer<u64> {
        self.check_write()?;
        blocks.check(block)?;
        Ok(self.heap_mut(blocks, tenant, group)?.add(block))
    }

    fn drop_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        no: u64,
        marks: &[&[u8]],
    ) -> Answer<bool> {
        Ok(self.heap_mut(blocks, tenant, group)?.drop_block(no, marks))
    }

    fn walk_blocks(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        query: &BlockQuery,
        each: &mut dyn FnMut(&LentBlock<'_>) -> bool,
    ) -> Answer<()> {
        if let Some(heap) = self.heap(blocks, tenant, group)? {
            heap.walk(query, each);
        }
        Ok(())
    }

    fn look_at_block(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        no: u64,
        each: &mut dyn FnMut(&LentBlock<'_>),
    ) -> Answer<bool> {
        Ok(self.heap(blocks, tenant, group)?.is_some_and(|heap| heap.look_at(no, each)))
    }

    fn parts(
        &mut self,
        blocks: &'static Blocks,
        tenant: &TenantId,
        group: &str,
        places: &[Place],
    ) -> Answer<Vec<Option<Vec<u8>>>> {
        let heap = self.heap(blocks, tenant, group)?;
        Ok(places.iter().map(|place| heap.and_then(|heap| heap.part(*place))).collect())
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
        Ok(self.heap(blocks, tenant, group)?.map(|heap| heap.marked(mark, after, limit)).unwrap_or_default())
    }

    fn add(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        account: &str,
        amount: i64,
        floor: Option<i64>,
    ) -> Answer<Option<Balance>> {
        self.accounts_mut(ledger, tenant)?.add(ledger, account, amount, floor)
    }

    fn balances(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        prefix: &str,
        limit: u32,
    ) -> Answer<Vec<(String, Balance)>> {
        Ok(self.accounts(ledger, tenant)?.map(|accounts| accounts.list(prefix, limit)).unwrap_or_default())
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
        self.accounts_mut(ledger, tenant)?.hold(ledger, account, id, amount, until)
    }

    fn release(&mut self, ledger: &'static Ledger, tenant: &TenantId, id: &str, take: i64) -> Answer<Option<Hold>> {
        self.accounts_mut(ledger, tenant)?.release(ledger, id, take)
    }

    fn expired_holds(
        &mut self,
        ledger: &'static Ledger,
        tenant: &TenantId,
        now: Time,
        limit: u32,
    ) -> Answer<Vec<Hold>> {
        Ok(self.accounts(ledger, tenant)?.map(|accounts| accounts.expired(now, limit)).unwrap_or_default())
    }

    fn put_terms(&mut self, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<()> {
        self.sets_mut(terms, tenant)?.put(id, words);
        Ok(())
    }

    fn drop_terms(&mut self, terms: &'static Terms, tenant: &TenantId, id: &str, words: &[&str]) -> Answer<usize> {
        Ok(self.sets_mut(terms, tenant)?.remove(id, words))
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
        Ok(self.sets(terms, tenant)?.map(|sets| sets.holders(term, after, limit, offset)).unwrap_or_default())
    }

    fn count_holders(&mut self, terms: &'static Terms, tenant: &TenantId, term: &str) -> Answer<u64> {
        Ok(self.sets(terms, tenant)?.map_or(0, |sets| sets.count(term)))
    }

    fn holders_under(
        &mut self,
        terms: &'static Terms,
        tenant: &TenantId,
        prefix: &str,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Answer<Vec<(String, String)>> {
        Ok(self.sets(terms, tenant)?.map(|sets| sets.under(prefix, after, limit)).unwrap_or_default())
    }
}
