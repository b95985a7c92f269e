//! Listing sessions, the most recent first.
//!
//! Blocks are walked from the latest backwards. A session that was not seen yet ended no later than the next block's latest
//! span, so the walk ends as soon as enough sessions are known to end later; how many there are in all does not matter.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{
    TelemetryError,
    head::Head,
    keep::{SPANS, damaged},
    row::Field,
    session::{self, Sessions, Summary},
    window::{At, STRIDE, Window},
};
use crate::{
    base::{TenantId, Time},
    store::{BlockQuery, Order, Tx},
};

/// The most sessions of a list.
pub const SESSIONS_MAX: usize = 500;

/// A list under way. Each [`Listing::step`] is meant for a transaction of its own.
#[derive(Debug)]
pub struct Listing {
    window: Window,
    environment: Option<String>,
    limit: usize,
    after: Option<At>,
    /// When each session ended, as far as it was seen.
    ends: HashMap<String, Time, RandomState>,
    sessions: Sessions,
}

impl Listing {
    /// A list of at most `limit` sessions with a span that ended in the window, in the environment if one is given.
    #[must_use]
    pub fn new(window: Window, environment: Option<String>, limit: usize) -> Self {
        let limit = limit.min(SESSIONS_MAX);
        Self { window, environment, limit, after: None, ends: HashMap::default(), sessions: Sessions::default() }
    }

    /// Goes on; answers whether the list is known.
    ///
    /// # Errors
    /// Storage failures.
    pub fn step(&mut self, tx: &mut dyn Tx, tenant: &TenantId, project: &str) -> Result<bool, TelemetryError> {
        let query =
            BlockQuery { since: Some(self.window.from), order: Order::Descending, after: self.after, limit: STRIDE };
        let (mut seen, mut rows, mut failed, mut enough) = (0_u32, Vec::new(), None, false);
        let (window, environment) = (self.window, self.environment.as_deref());
        let mut latest_unseen = self.window.to;
        tx.walk_blocks(&SPANS, tenant, project, &query, &mut |block| {
            seen += 1;
            latest_unseen = block.last;
            self.after = Some((block.last, block.no));
            failed = Self::rows(block.head, window, environment, &mut rows).err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        self.name(tx, tenant, project, rows)?;
        if self.ends.len() >= self.limit {
            let mut ends: Vec<Time> = self.ends.values().copied().collect();
            ends.sort_unstable_by(|a, b| b.cmp(a));
            enough = ends.get(self.limit.saturating_sub(1)).is_some_and(|end| *end > latest_unseen);
        }
        Ok(enough || seen < STRIDE)
    }

    /// What is needed of the rows of a block: of each trace and each session named in it the latest end.
    fn rows(
        head: &[u8],
        window: Window,
        environment: Option<&str>,
        rows: &mut Vec<([u8; 16], Option<String>, Time)>,
    ) -> Result<(), TelemetryError> {
        let head = Head::read(head).ok_or_else(damaged)?;
        for trace in head.traces() {
            let first = rows.len();
            for row in head.rows(trace) {
                let row = row.ok_or_else(damaged)?;
                if !window.holds(&row) || environment.is_some_and(|wanted| row.text(Field::Environment) != Some(wanted))
                {
                    continue;
                }
                let session = row.text(Field::Session);
                let known = rows.iter_mut().skip(first).find(|(_, named, _)| named.as_deref() == session);
                match known {
                    Some((_, _, end)) => *end = row.end.max(*end),
                    None => rows.push((trace.id, session.map(str::to_owned), row.end)),
                }
            }
        }
        Ok(())
    }

    /// Finds the session of each row and notes when it ended.
    fn name(
        &mut self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        project: &str,
        rows: Vec<([u8; 16], Option<String>, Time)>,
    ) -> Result<(), TelemetryError> {
        for (trace, named, end) in rows {
            let session = match named {
                Some(named) => named,
                None => self.sessions.of_trace(tx, tenant, project, trace)?,
            };
            let latest = self.ends.entry(session).or_insert(end);
            *latest = end.max(*latest);
        }
        Ok(())
    }

    /// The ids of the sessions of the list, the most recent first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<(&String, Time)> = self.ends.iter().map(|(id, end)| (id, *end)).collect();
        ids.sort_unstable_by(|(a, earlier), (b, later)| later.cmp(earlier).then_with(|| a.cmp(b)));
        ids.into_iter().take(self.limit).map(|(id, _)| id.clone()).collect()
    }

    /// The summaries of some of [`Listing::ids`].
    ///
    /// # Errors
    /// Storage failures.
    pub fn summaries(
        &self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        project: &str,
        ids: &[String],
    ) -> Result<Vec<Summary>, TelemetryError> {
        let summary = |id: &String| session::summary(tx, tenant, project, id, self.window).transpose();
        ids.iter().filter_map(summary).collect()
    }
}
