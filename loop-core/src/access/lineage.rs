//! What a loop may do beneath the loops it stands under: never more than any of them.

use super::{AccessError, Loop, LoopStatus, Plan, Scopes, loops};
use crate::{
    base::{Risk, TenantId, id::LoopId},
    store::{StoreError, Tx},
};

/// The most loops from a loop up to its root, both included.
pub const MAX_LINE: usize = 5;

/// What holds for a loop once every loop above it has been heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The scopes that every loop of the line holds.
    pub permissions: Scopes,
    /// Whether any loop of the line is suspended.
    pub suspended: bool,
    /// The least plan of the line.
    pub plan: Plan,
    /// The lowest ceiling of the line: above it everything is denied.
    pub risk_ceiling: Option<Risk>,
    /// The lowest spending limit of the line, in credits per call.
    pub spend_limit: Option<u64>,
    /// The skills that every loop of the line has; a loop that names none is not narrowed by it. `None`: no loop of
    /// the line names any.
    pub skills: Option<Vec<String>>,
}

impl Effective {
    /// Folds a line, the loop itself first, its root last. Of no loop at all nothing may be done.
    #[must_use]
    pub fn of(line: &[Loop]) -> Self {
        let mut all = Self {
            permissions: if line.is_empty() { Scopes::NONE } else { Scopes::all() },
            suspended: line.is_empty(),
            plan: if line.is_empty() { Plan::Free } else { Plan::Business },
            risk_ceiling: None,
            spend_limit: None,
            skills: None,
        };
        for one in line.iter().rev() {
            all.permissions = one.permissions.within(all.permissions);
            all.suspended |= one.status == LoopStatus::Suspended;
            all.plan = all.plan.min(one.plan);
            all.risk_ceiling = least(all.risk_ceiling, one.risk_ceiling);
            all.spend_limit = least(all.spend_limit, one.spend_limit);
            if !one.skills.is_empty() {
                match &mut all.skills {
                    Some(skills) => skills.retain(|skill| one.skills.contains(skill)),
                    None => all.skills = Some(one.skills.clone()),
                }
            }
        }
        all
    }
}

/// The smaller of two limits; none is no limit.
fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The loop and every loop above it: itself first, its root last, [`MAX_LINE`] at most.
///
/// # Errors
/// [`AccessError::NoLoop`] when there is no such loop; a line that is broken or too long, which no use case makes.
pub(super) fn read(tx: &mut dyn Tx, tenant: &TenantId, id: LoopId) -> Result<Vec<Loop>, AccessError> {
    let first = loops::get(tx, tenant, id)?.ok_or(AccessError::NoLoop)?;
    let mut above = first.parent;
    let mut line = vec![first];
    while let Some(id) = above {
        if line.len() >= MAX_LINE {
            return Err(StoreError::Corrupt(format!("`loops.{id}` stands in a line of more than {MAX_LINE}")).into());
        }
        let Some(next) = loops::get(tx, tenant, id)? else {
            return Err(StoreError::Corrupt(format!("`loops.{id}` is missing above another")).into());
        };
        above = next.parent;
        line.push(next);
    }
    Ok(line)
}
