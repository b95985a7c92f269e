//! The decision itself.

use smallvec::SmallVec;

use super::{Action, Outcome, PolicySnapshot, Verdict};
use crate::{base::Time, tool::Risk};

/// Decides one action. Pure: same snapshot, action and time, same verdict. Reads no storage, cannot fail:
/// whatever cannot be judged tightens the verdict.
#[must_use]
pub fn evaluate(_snapshot: &PolicySnapshot, _action: &Action<'_>, _now: Time) -> Verdict {
    Verdict { outcome: Outcome::RequireApproval, risk: Risk::Medium, reasons: SmallVec::new(), shadow: SmallVec::new() }
}
