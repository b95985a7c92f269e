//! How many spans a project may send.

use crate::{
    access::Ctx,
    store::{Repo, Tx},
};

use super::{
    OnboardingError,
    project::{self, DEFAULT, Project},
};

/// How long whoever is over the quota is asked to wait, in seconds. Only the operator can give more.
pub const RETRY_AFTER: u32 = 3_600;

/// Counts spans that were not there before, in the transaction that stores them. Those that would be more than the
/// project may send are refused whole: the transaction must fail with this error.
///
/// # Errors
/// [`OnboardingError::Quota`], [`OnboardingError::NoProject`] when it is gone or its time is over, storage failures.
pub fn take(tx: &mut dyn Tx, cx: &Ctx, project: &str, new_spans: u64) -> Result<(), OnboardingError> {
    if project == DEFAULT {
        return Ok(());
    }
    let stored = project::find(tx, cx.tenant(), project, cx.now)?;
    let Some(quota) = stored.value.quota_spans else { return Ok(()) };
    if new_spans == 0 {
        return Ok(());
    }
    let spans = stored.value.spans.saturating_add(new_spans);
    if spans > quota {
        return Err(OnboardingError::Quota(quota));
    }
    let counted = Project { spans, ..stored.value.clone() };
    Ok(Repo::new(tx, cx.tenant()).update(&stored, &counted, cx.now)?)
}
