//! Keys made anew, and a project made permanent.

use crate::{
    access::{Ctx, key},
    base::secret::Secret,
    store::{Repo, Stored, Tx},
};

use super::{
    OnboardingError,
    code::{self, Purpose},
    project::{self, Pair, Project},
    provision::write_down,
};

/// Makes new keys for a project whose keys are lost, in the place of the old ones, which stop in the same transaction:
/// one pair works, however many ask. Only the sandbox knows codes: the context must be the sandbox's.
///
/// # Errors
/// [`OnboardingError::NoSecret`], [`OnboardingError::RecoveryCode`] (also for projects that are not there, so that
/// nobody without a code learns which are), [`OnboardingError::NoProject`], storage failures.
pub fn recover(
    tx: &mut dyn Tx,
    cx: &Ctx,
    secret: Option<&Secret>,
    id: &str,
    told: &str,
) -> Result<(Project, Pair), OnboardingError> {
    let secret = secret.ok_or(OnboardingError::NoSecret)?;
    if !code::verifies(secret, Purpose::Recover, id, told) {
        return Err(OnboardingError::RecoveryCode);
    }
    let stored = project::find(tx, cx.tenant(), id, cx.now)?;
    let Project { producer, agent, expires_at, .. } = stored.value;
    for old in [producer, agent] {
        key::remove(tx, cx.tenant(), old)?;
    }
    tx.bump_epoch(cx.tenant())?;
    let (pair, producer, agent) = project::mint_pair(tx, cx.tenant(), id, expires_at, cx.now, &mut cx.seed())?;
    let project = Project { producer, agent, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(&stored, &project, cx.now)?;
    write_down(tx, cx, "telemetry_project.recover", &project)?;
    Ok((project, pair))
}

/// Makes the project of the caller's key permanent; how many spans it may send stays as it is. The context must be the
/// sandbox's.
///
/// # Errors
/// [`OnboardingError::UpgradeCode`] without a code of this very project, storage failures.
pub fn upgrade(tx: &mut dyn Tx, cx: &Ctx, secret: Option<&Secret>, told: &str) -> Result<Project, OnboardingError> {
    let own = cx.caller.project.as_deref().ok_or(OnboardingError::UpgradeCode)?;
    let right = secret.is_some_and(|secret| code::verifies(secret, Purpose::Upgrade, own, told));
    if !right {
        return Err(OnboardingError::UpgradeCode);
    }
    let stored = project::find(tx, cx.tenant(), own, cx.now)?;
    if stored.value.expires_at.is_none() {
        return Ok(stored.value);
    }
    make_permanent(tx, cx, &stored)
}

/// Takes the end from a project and from its keys.
pub(super) fn make_permanent(tx: &mut dyn Tx, cx: &Ctx, stored: &Stored<Project>) -> Result<Project, OnboardingError> {
    for id in [stored.value.producer, stored.value.agent] {
        key::make_endless(tx, cx.tenant(), id, cx.now)?;
    }
    // What is remembered of the keys elsewhere still tells of their end.
    tx.bump_epoch(cx.tenant())?;
    let project = Project { expires_at: None, plan: None, ..stored.value.clone() };
    Repo::new(tx, cx.tenant()).update(stored, &project, cx.now)?;
    write_down(tx, cx, "telemetry_project.upgrade", &project)?;
    Ok(project)
}
