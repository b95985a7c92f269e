//! One stream of a journal.

use imbl::OrdMap;

use super::rows::holds;
use crate::store::{Entry, Head, Journal, JournalQuery, Lent, NewEntry, Order, StoreError, Value};

/// The entries of one stream by their number. They have no gap: entries go only from the start.
#[derive(Clone, Default)]
pub(super) struct Stream {
    entries: OrdMap<u64, Entry>,
}

impl Stream {
    pub(super) fn head(&self) -> Option<Head> {
        let (_, last) = self.entries.get_max()?;
        Some(Head { seq: last.seq, at: last.at, columns: last.columns.as_slice().into() })
    }

    pub(super) fn append(&mut self, journal: &Journal, entry: &NewEntry<'_>) -> Result<(), StoreError> {
        let next = self.entries.get_max().map_or(1, |(seq, _)| seq.saturating_add(1));
        if entry.seq != next {
            return Err(StoreError::Duplicate { what: format!("{}.seq", journal.name) });
        }
        let entry =
            Entry { seq: entry.seq, at: entry.at, columns: entry.columns.to_vec(), body: Some(entry.body.to_owned()) };
        self.entries.insert(next, entry);
        Ok(())
    }

    pub(super) fn scan(&self, journal: &Journal, query: &JournalQuery) -> Vec<Entry> {
        self.page(journal, query, &mut |page| page.cloned().collect())
    }

    pub(super) fn walk(
        &self,
        journal: &Journal,
        query: &JournalQuery,
        columns: &[usize],
        each: &mut dyn FnMut(&Lent<'_>) -> bool,
    ) {
        self.page(journal, query, &mut |mut page| {
            Iterator::all(&mut page, |entry| {
                let text = |at: &usize| entry.columns.get(*at).and_then(Value::as_text);
                let texts: Vec<Option<&str>> = columns.iter().map(text).collect();
                each(&Lent { seq: entry.seq, at: entry.at, texts: &texts, body: entry.body.as_deref() })
            })
        });
    }

    fn page<T>(
        &self,
        journal: &Journal,
        query: &JournalQuery,
        read: &mut dyn FnMut(&mut dyn Iterator<Item = &Entry>) -> T,
    ) -> T {
        let first = query.above.map_or(0, |above| above.saturating_add(1));
        let matching =
            self.entries.range(first..).map(|(_, entry)| entry).filter(|entry| matches(journal, entry, query));
        let mut page = |entries: &mut dyn Iterator<Item = &Entry>| {
            read(&mut entries.skip(query.offset as usize).take(query.limit as usize))
        };
        match query.order {
            Order::Ascending => page(&mut { matching }),
            Order::Descending => page(&mut matching.rev()),
        }
    }

    pub(super) fn tally(&self, journal: &Journal, query: &JournalQuery) -> u64 {
        self.entries.values().filter(|entry| matches(journal, entry, query)).count() as u64
    }

    pub(super) fn redact(&mut self, journal: &Journal, seq: u64, columns: &[&str]) -> bool {
        let Some(entry) = self.entries.get_mut(&seq) else { return false };
        entry.body = None;
        for (column, value) in journal.columns.iter().zip(&mut entry.columns) {
            if columns.contains(&column.name) {
                *value = Value::Null;
            }
        }
        true
    }

    pub(super) fn trim(&mut self, through: u64, limit: u32) -> u64 {
        let Some(&(head, _)) = self.entries.get_max() else { return 0 };
        let gone: Vec<u64> = self
            .entries
            .keys()
            .copied()
            .take_while(|seq| *seq <= through && *seq < head)
            .take(limit as usize)
            .collect();
        for seq in &gone {
            self.entries.remove(seq);
        }
        gone.len() as u64
    }
}

fn matches(journal: &Journal, entry: &Entry, query: &JournalQuery) -> bool {
    query.since.is_none_or(|since| entry.at >= since)
        && query.until.is_none_or(|until| entry.at < until)
        && query.above.is_none_or(|above| entry.seq > above)
        && query.below.is_none_or(|below| entry.seq < below)
        && query.conds.iter().all(|cond| {
            let at = journal.columns.iter().position(|column| column.name == cond.column());
            at.and_then(|at| entry.columns.get(at)).is_some_and(|held| holds(cond, held))
        })
}
