//! Spans, grouped and ordered by time.

use imbl::OrdMap;

use crate::{
    base::Time,
    store::{NewSpan, SpanRow},
};

/// One tenant's spans of one table.
#[derive(Clone, Default)]
pub(super) struct Timeline {
    /// By `(time, id, group)`.
    by_time: OrdMap<(Time, String, String), String>,
    /// The time of each, by `(group, id)`.
    times: OrdMap<(String, String), Time>,
}

impl Timeline {
    pub(super) fn put(&mut self, rows: &[NewSpan<'_>]) {
        for row in rows {
            let (group, id) = (row.group.to_owned(), row.id.to_owned());
            if let Some(at) = self.times.insert((group.clone(), id.clone()), row.at) {
                self.by_time.remove(&(at, id.clone(), group.clone()));
            }
            self.by_time.insert((row.at, id, group), row.body.to_owned());
        }
    }

    pub(super) fn group(&self, group: &str, after: Option<(Time, &str)>, limit: u32) -> Vec<SpanRow> {
        self.rows()
            .filter(|row| row.group == group && after.is_none_or(|after| (row.at, row.id.as_str()) > after))
            .take(limit as usize)
            .collect()
    }

    pub(super) fn window(&self, from: Time, to: Time, after: Option<(Time, &str, &str)>, limit: u32) -> Vec<SpanRow> {
        self.rows()
            .filter(|row| from <= row.at && row.at < to)
            .filter(|row| after.is_none_or(|after| (row.at, row.id.as_str(), row.group.as_str()) > after))
            .take(limit as usize)
            .collect()
    }

    pub(super) fn remove(&mut self, before: Time, limit: u32) -> u64 {
        let old: Vec<_> =
            self.by_time.keys().take_while(|(at, _, _)| *at < before).take(limit as usize).cloned().collect();
        let count = old.len() as u64;
        for (at, id, group) in old {
            self.by_time.remove(&(at, id.clone(), group.clone()));
            self.times.remove(&(group, id));
        }
        count
    }

    fn rows(&self) -> impl Iterator<Item = SpanRow> {
        self.by_time.iter().map(|((at, id, group), body)| SpanRow {
            group: group.clone(),
            at: *at,
            id: id.clone(),
            body: body.clone(),
        })
    }
}
