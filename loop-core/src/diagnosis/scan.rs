//! Reading a window, stride by stride. Twice at most: what failed, then what lies between failures of one trace.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{Findings, failing::AllFailing, findings, tally::Tally, traces::Traces};
use crate::{
    base::TenantId,
    store::{StoreError, Tx},
    telemetry::{
        TelemetryError,
        dialect::Class,
        head::Head,
        window::{self, At, Window},
    },
};

/// A window that is being read. Each [`Scan::step`] is meant for a transaction of its own.
#[derive(Debug)]
pub struct Scan {
    window: Window,
    pass: Pass,
    after: Option<At>,
    tally: Tally,
    traces: Traces,
    failing: AllFailing,
}

#[derive(Debug)]
enum Pass {
    /// Every row.
    All,
    /// The rows of these traces that did not fail.
    Between(HashMap<[u8; 16], u32, RandomState>),
    Done,
}

impl Scan {
    /// A window to read.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            window,
            pass: Pass::All,
            after: None,
            tally: Tally::of(window),
            traces: Traces::default(),
            failing: AllFailing::default(),
        }
    }

    /// Keeps count of a tool, or of spans of one name, however many others there are.
    pub fn watch(&mut self, class: Class, name: &str) {
        self.tally.watch(class, name);
    }

    /// Goes on; answers whether all is read.
    ///
    /// # Errors
    /// Storage failures.
    pub fn step(&mut self, tx: &mut dyn Tx, tenant: &TenantId, project: &str) -> Result<bool, TelemetryError> {
        let Self { window, pass, after, tally, traces, failing } = self;
        let window = *window;
        let mut each = |head: &Head<'_>| match pass {
            Pass::All => all(head, window, tally, traces, failing),
            Pass::Between(wanted) => between(head, window, wanted, failing),
            Pass::Done => Ok(()),
        };
        *after = window::walk(tx, tenant, project, window, *after, &mut each)?;
        if after.is_none() {
            *pass = match pass {
                Pass::All => {
                    Some(failing.wanted()).filter(|wanted| !wanted.is_empty()).map_or(Pass::Done, Pass::Between)
                }
                Pass::Between(_) | Pass::Done => Pass::Done,
            };
        }
        Ok(matches!(pass, Pass::Done))
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Findings {
        findings::find(self.window, self.tally, self.traces, self.failing)
    }
}

fn all(
    head: &Head<'_>,
    window: Window,
    tally: &mut Tally,
    traces: &mut Traces,
    failing: &mut AllFailing,
) -> Result<(), TelemetryError> {
    for trace in head.traces() {
        let hash = traces.hash(&trace.id);
        for row in head.rows(trace) {
            let row = row.ok_or_else(damaged)?;
            if !window.holds(&row) {
                continue;
            }
            tally.note(&row);
            let session = traces.session(&row);
            let known = traces.note(hash, session, &row);
            if row.failed() {
                match known {
                    Some(known) => failing.note(trace.id, hash, known, session, &row),
                    None => failing.truncated = true,
                }
            }
        }
    }
    Ok(())
}

fn between(
    head: &Head<'_>,
    window: Window,
    wanted: &HashMap<[u8; 16], u32, RandomState>,
    failing: &mut AllFailing,
) -> Result<(), TelemetryError> {
    for trace in head.traces() {
        let Some(number) = wanted.get(&trace.id) else { continue };
        for row in head.rows(trace) {
            let row = row.ok_or_else(damaged)?;
            if window.holds(&row) {
                failing.link(*number, &row);
            }
        }
    }
    Ok(())
}

fn damaged() -> TelemetryError {
    TelemetryError::Store(StoreError::Corrupt("a block of telemetry is damaged".to_owned()))
}
