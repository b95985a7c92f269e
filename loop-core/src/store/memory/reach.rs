//! Reaching the shapes of a tenant, to read or to write: a table has to be declared, and a read job writes nothing.

use super::{
    accounts::Accounts,
    heap::Heap,
    line::Line,
    rows::Rows,
    sets::Sets,
    space::Space,
    stream::Stream,
    timeline::Timeline,
    tx::{Answer, MemoryTx},
};
use crate::{
    base::TenantId,
    store::{Access, Blocks, Journal, Ledger, Queue, Spans, StoreError, Table, Terms},
};

impl MemoryTx<'_> {
    pub(super) fn space(&self, tenant: &TenantId) -> Option<&Space> {
        self.root.spaces.get(tenant)
    }

    /// The tenant's space to write to.
    pub(super) fn space_mut(&mut self, tenant: &TenantId) -> &mut Space {
        self.root.spaces.entry(tenant.clone()).or_default()
    }

    pub(super) fn check_write(&self) -> Answer<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(StoreError::Misuse("a write in a read job".to_owned())),
        }
    }

    pub(super) fn rows(&self, table: &Table, tenant: &TenantId) -> Answer<Option<&Rows>> {
        declared(self.catalog.tables.contains(&table), table.name)?;
        Ok(self.space(tenant).and_then(|space| space.rows.get(table.name)))
    }

    pub(super) fn rows_mut(&mut self, table: &'static Table, tenant: &TenantId) -> Answer<&mut Rows> {
        self.check_write()?;
        declared(self.catalog.tables.contains(&table), table.name)?;
        Ok(self.space_mut(tenant).rows.entry(table.name).or_default())
    }

    pub(super) fn stream(&self, journal: &'static Journal, tenant: &TenantId, stream: &str) -> Answer<Option<&Stream>> {
        declared(self.catalog.journals.contains(&journal), journal.name)?;
        Ok(self.space(tenant).and_then(|space| space.streams.get(&(journal.name, stream.to_owned()))))
    }

    pub(super) fn stream_mut(
        &mut self,
        journal: &'static Journal,
        tenant: &TenantId,
        stream: &str,
    ) -> Answer<&mut Stream> {
        self.check_write()?;
        declared(self.catalog.journals.contains(&journal), journal.name)?;
        Ok(self.space_mut(tenant).streams.entry((journal.name, stream.to_owned())).or_default())
    }

    pub(super) fn line(&self, queue: &Queue, tenant: &TenantId) -> Answer<Option<&Line>> {
        declared(self.catalog.queues.contains(&queue), queue.name)?;
        Ok(self.space(tenant).and_then(|space| space.lines.get(queue.name)))
    }

    pub(super) fn line_mut(&mut self, queue: &'static Queue, tenant: &TenantId) -> Answer<&mut Line> {
        self.check_write()?;
        declared(self.catalog.queues.contains(&queue), queue.name)?;
        Ok(self.space_mut(tenant).lines.entry(queue.name).or_default())
    }

    pub(super) fn timeline(&self, spans: &Spans, tenant: &TenantId) -> Answer<Option<&Timeline>> {
        declared(self.catalog.spans.contains(&spans), spans.name)?;
        Ok(self.space(tenant).and_then(|space| space.timelines.get(spans.name)))
    }

    pub(super) fn timeline_mut(&mut self, spans: &'static Spans, tenant: &TenantId) -> Answer<&mut Timeline> {
        self.check_write()?;
        declared(self.catalog.spans.contains(&spans), spans.name)?;
        Ok(self.space_mut(tenant).timelines.entry(spans.name).or_default())
    }

    pub(super) fn heap(&self, blocks: &'static Blocks, tenant: &TenantId, group: &str) -> Answer<Option<&Heap>> {
        declared(self.catalog.blocks.contains(&blocks), blocks.name)?;
        Ok(self.space(tenant).and_then(|space| space.heaps.get(&(blocks.name, group.to_owned()))))
    }

    pub(super) fn heap_mut(&mut self, blocks: &'static Blocks, tenant: &TenantId, group: &str) -> Answer<&mut Heap> {
        self.check_write()?;
        declared(self.catalog.blocks.contains(&blocks), blocks.name)?;
        Ok(self.space_mut(tenant).heaps.entry((blocks.name, group.to_owned())).or_default())
    }

    pub(super) fn accounts(&self, ledger: &Ledger, tenant: &TenantId) -> Answer<Option<&Accounts>> {
        declared(self.catalog.ledgers.contains(&ledger), ledger.name)?;
        Ok(self.space(tenant).and_then(|space| space.accounts.get(ledger.name)))
    }

    pub(super) fn accounts_mut(&mut self, ledger: &'static Ledger, tenant: &TenantId) -> Answer<&mut Accounts> {
        self.check_write()?;
        declared(self.catalog.ledgers.contains(&ledger), ledger.name)?;
        Ok(self.space_mut(tenant).accounts.entry(ledger.name).or_default())
    }

    pub(super) fn sets(&self, terms: &Terms, tenant: &TenantId) -> Answer<Option<&Sets>> {
        declared(self.catalog.terms.contains(&terms), terms.name)?;
        Ok(self.space(tenant).and_then(|space| space.sets.get(terms.name)))
    }

    pub(super) fn sets_mut(&mut self, terms: &'static Terms, tenant: &TenantId) -> Answer<&mut Sets> {
        self.check_write()?;
        declared(self.catalog.terms.contains(&terms), terms.name)?;
        Ok(self.space_mut(tenant).sets.entry(terms.name).or_default())
    }
}

pub(super) fn declared(known: bool, name: &str) -> Answer<()> {
    if known { Ok(()) } else { Err(StoreError::Misuse(format!("no table `{name}`"))) }
}
