//! Loops: the identities that act. A root loop is a person's, a developer's or a business's; a sub-loop stands
//! under another and never may do more than it.
//!
//! Every change raises the tenant's policy epoch, so that callers and compiled policies see it at once.

use super::{AccessError, Ctx, Plan, Scopes, lineage, word::words};
use crate::{
    base::{Risk, TenantId, Time, id::LoopId},
    store::{Column, Cond, Entity, Kind, Order, RecordQuery, Repo, Stored, Table, Tx, Value},
};

/// The most loops of a tenant.
pub const MAX_LOOPS: u64 = 100_000;
/// The most loops that one loop, and all that came of it, may have made.
pub const MAX_LOOPS_BY_LOOP: u64 = 1_000;
/// The longest tag, in characters.
pub const MAX_TAG: usize = 64;
/// The longest owner's name, in characters.
pub const MAX_OWNER: usize = 128;
/// The most skills of a loop.
pub const MAX_SKILLS: usize = 64;
/// The longest skill, in characters.
pub const MAX_SKILL: usize = 64;
/// The most signing keys of a loop.
pub const MAX_SIGNING_KEYS: usize = 16;
/// The highest spending limit, in credits.
pub const MAX_SPEND: u64 = 1 << 53;

words! {
    /// What a loop is.
    LoopKind {
        /// A person's.
        Personal = "personal",
        /// A developer's: keys, manifests, logs.
        Developer = "developer",
        /// A business's.
        Business = "business",
        /// One that stands under another loop.
        Sub = "sub",
    }
}

words! {
    /// Whether a loop may act.
    LoopStatus {
        /// It may.
        Active = "active",
        /// It may not, and no loop under it.
        Suspended = "suspended",
    }
}

/// A public key that a loop signs with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SigningKey {
    /// Ed25519, 32 bytes in lower-case hexadecimal.
    pub public_key: String,
    /// When it was registered.
    pub added_at: Time,
}

/// A loop as stored. What holds for it is [`super::Effective`] over its whole line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Loop {
    /// Its id.
    pub id: LoopId,
    /// Its public name, as it was given; found whatever the case.
    pub tag: String,
    /// What it is.
    pub kind: LoopKind,
    /// Whether it may act.
    pub status: LoopStatus,
    /// Whose it is. Loops of one owner cannot vouch for each other.
    pub owner_id: String,
    /// The loop it stands under; sub-loops only.
    pub parent: Option<LoopId>,
    /// The loop on whose account it was made: the one that the tenant made, and whose key made this loop or the loop that
    /// did. `None` when the tenant made it.
    #[serde(default)]
    pub sponsor: Option<LoopId>,
    /// Whether the operator vouches for it. Never set by a claim.
    pub verified: bool,
    /// What it can do, in words of its own.
    pub skills: Vec<String>,
    /// The most that its keys may do.
    pub permissions: Scopes,
    /// Its plan.
    pub plan: Plan,
    /// The highest risk it may take.
    pub risk_ceiling: Option<Risk>,
    /// The most credits one call may cost.
    pub spend_limit: Option<u64>,
    /// What it signs with.
    pub signing_keys: Vec<SigningKey>,
    /// The policy epoch of its last change.
    pub epoch: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// Where loops are kept.
pub static LOOPS: Table = Table {
    name: "loops",
    columns: &[
        Column::unique("tag", Kind::Text),
        Column::indexed("parent", Kind::Text),
        Column::indexed("epoch", Kind::Int),
        Column::indexed("sponsor", Kind::Text),
    ],
};

impl Entity for Loop {
    const TABLE: &'static Table = &LOOPS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let parent = self.parent.map(|parent| parent.to_string());
        let epoch = Value::Int(i64::try_from(self.epoch).unwrap_or(i64::MAX));
        let sponsor = self.sponsor.map(|sponsor| sponsor.to_string());
        vec![folded(&self.tag).into(), parent.into(), epoch, sponsor.into()]
    }
}

/// What a new loop shall be.
#[derive(Debug, Clone)]
pub struct NewLoop {
    /// Its public name: a letter, then letters, digits, `_` and `-`, 2 to [`MAX_TAG`] characters. Drawn when absent.
    pub tag: Option<String>,
    /// What it is.
    pub kind: LoopKind,
    /// Whose it is; the tenant's own when absent. A sub-loop is its parent's owner's.
    pub owner_id: Option<String>,
    /// The loop it stands under; for sub-loops and only for them.
    pub parent: Option<LoopId>,
    /// What it can do.
    pub skills: Vec<String>,
    /// The most that its keys may do; everything that the loops above it may when absent.
    pub permissions: Option<Scopes>,
    /// Its plan; its parent's, or the free one, when absent.
    pub plan: Option<Plan>,
    /// The highest risk it may take.
    pub risk_ceiling: Option<Risk>,
    /// The most credits one call may cost.
    pub spend_limit: Option<u64>,
}

/// Changes to a loop; what is absent stays. The inner `None` of a limit takes it away.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// See [`Loop::status`].
    pub status: Option<LoopStatus>,
    /// See [`Loop::skills`].
    pub skills: Option<Vec<String>>,
    /// See [`Loop::permissions`].
    pub permissions: Option<Scopes>,
    /// See [`Loop::plan`].
    pub plan: Option<Plan>,
    /// See [`Loop::risk_ceiling`].
    pub risk_ceiling: Option<Option<Risk>>,
    /// See [`Loop::spend_limit`].
    pub spend_limit: Option<Option<u64>>,
    /// See [`Loop::verified`]. Only the tenant's own keys may say it.
    pub verified: Option<bool>,
}

/// Makes a loop. A caller that is bound to a loop makes sub-loops of its own and of those under it, and further loops
/// of its own owner, which it does not command.
///
/// # Errors
/// Texts out of bounds, a taken tag, an unknown parent, a line that gets too long, too many loops.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewLoop) -> Result<Loop, AccessError> {
    let drawn;
    let tag = match &new.tag {
        Some(tag) => tag.strip_prefix('@').unwrap_or(tag),
        None => {
            drawn = crate::base::secret::short_token("l", &mut cx.seed());
            drawn.expose().get(..17).unwrap_or_default()
        }
    };
    if cx.caller.sandboxed {
        return Err(AccessError::Sandboxed);
    }
    check_tag(tag)?;
    check_skills(&new.skills)?;
    check_spend(new.spend_limit)?;
    let line = match (new.kind, new.parent) {
        (LoopKind::Sub, Some(parent)) => lineage(tx, cx.tenant(), parent)?,
        (LoopKind::Sub, None) => {
            return Err(AccessError::Invalid("`parentLoopId` is missing: a sub-loop stands under a loop"));
        }
        (_, Some(_)) => return Err(AccessError::Invalid("`parentLoopId` is for loops of the kind `sub`")),
        (_, None) => Vec::new(),
    };
    if line.len() >= lineage::MAX_LINE {
        return Err(AccessError::TooDeep);
    }
    // Whom the new loop belongs to when nobody says so, and whom alone it may belong to.
    let own = match cx.caller.loop_id {
        Some(own) if line.is_empty() => {
            let makers = lineage(tx, cx.tenant(), own)?;
            let plan = super::Effective::of(&makers).plan;
            if new.plan.is_some_and(|wanted| wanted > plan) {
                return Err(AccessError::Invalid("`plan` is above that of the loop whose key this is"));
            }
            Some(makers.first().ok_or(AccessError::NoLoop)?.owner_id.clone())
        }
        _ => {
            cx.caller.commands(&line)?;
            None
        }
    };
    let parent = line.first();
    let owner_id = match (parent, &new.owner_id) {
        (None, claimed) if own.is_some() => {
            if claimed.is_some() && *claimed != own {
                return Err(AccessError::Invalid("`ownerId` is that of the loop whose key this is"));
            }
            own.unwrap_or_default()
        }
        (Some(parent), Some(owner)) if parent.owner_id != *owner => {
            return Err(AccessError::Invalid("`ownerId` of a sub-loop is its parent's"));
        }
        (Some(parent), _) => parent.owner_id.clone(),
        (None, Some(owner)) => {
            length("ownerId", owner, MAX_OWNER)?;
            owner.clone()
        }
        (None, None) => cx.tenant().to_string(),
    };
    let mut repo: Repo<'_, Loop> = Repo::new(tx, cx.tenant());
    if repo.count(&[])? >= MAX_LOOPS {
        return Err(AccessError::TooManyLoops(MAX_LOOPS));
    }
    if let Some(sponsor) = cx.caller.sponsor
        && repo.count(&[Cond::Eq("sponsor", sponsor.to_string().into())])? >= MAX_LOOPS_BY_LOOP
    {
        return Err(AccessError::TooManyLoopsByLoop(MAX_LOOPS_BY_LOOP));
    }
    if repo.find("tag", &folded(tag).into())?.is_some() {
        return Err(AccessError::TagTaken);
    }
    let made = Loop {
        id: LoopId::draw(cx.now, &mut cx.seed()),
        tag: tag.to_owned(),
        kind: new.kind,
        status: LoopStatus::Active,
        owner_id,
        parent: new.parent,
        sponsor: cx.caller.sponsor,
        verified: false,
        skills: new.skills.clone(),
        permissions: new.permissions.unwrap_or_else(Scopes::all),
        plan: new.plan.or_else(|| parent.map(|parent| parent.plan)).unwrap_or(Plan::Free),
        risk_ceiling: new.risk_ceiling,
        spend_limit: new.spend_limit,
        signing_keys: Vec::new(),
        epoch: tx.bump_epoch(cx.tenant())?,
        created_at: cx.now,
        updated_at: cx.now,
    };
    Repo::new(tx, cx.tenant()).insert(&made, cx.now)?;
    Ok(made)
}

/// Changes a loop. A caller that is bound to a loop changes loops under its own only, never its own.
///
/// # Errors
/// [`AccessError::NoLoop`], texts out of bounds, a loop that is not the caller's to change.
pub fn patch(tx: &mut dyn Tx, cx: &Ctx, id: LoopId, patch: &Patch) -> Result<Loop, AccessError> {
    if cx.caller.sandboxed {
        return Err(AccessError::Sandboxed);
    }
    let line = lineage(tx, cx.tenant(), id)?;
    cx.caller.commands(line.get(1..).unwrap_or_default())?;
    if patch.verified.is_some() && cx.caller.loop_id.is_some() {
        return Err(AccessError::Foreign);
    }
    if let Some(skills) = &patch.skills {
        check_skills(skills)?;
    }
    check_spend(patch.spend_limit.flatten())?;
    change(tx, cx, id, |old| {
        old.status = patch.status.unwrap_or(old.status);
        if let Some(skills) = &patch.skills {
            old.skills.clone_from(skills);
        }
        old.permissions = patch.permissions.unwrap_or(old.permissions);
        old.plan = patch.plan.unwrap_or(old.plan);
        old.risk_ceiling = patch.risk_ceiling.unwrap_or(old.risk_ceiling);
        old.spend_limit = patch.spend_limit.unwrap_or(old.spend_limit);
        old.verified = patch.verified.unwrap_or(old.verified);
        Ok(())
    })
}

/// Registers a public key that the loop signs with. A caller that is bound to a loop does so for its own and those
/// under it. The same key again changes nothing.
///
/// # Errors
/// [`AccessError::NoLoop`], too many keys, a loop that is not the caller's.
pub fn add_signing_key(tx: &mut dyn Tx, cx: &Ctx, id: LoopId, public_key: &[u8; 32]) -> Result<Loop, AccessError> {
    let line = lineage(tx, cx.tenant(), id)?;
    cx.caller.commands(&line)?;
    let public_key = crate::base::secret::hex(public_key);
    let known = line.first().filter(|own| own.signing_keys.iter().any(|key| key.public_key == public_key));
    if let Some(own) = known {
        return Ok(own.clone());
    }
    change(tx, cx, id, |old| {
        if old.signing_keys.len() >= MAX_SIGNING_KEYS {
            return Err(AccessError::TooManySigningKeys(MAX_SIGNING_KEYS));
        }
        old.signing_keys.push(SigningKey { public_key: public_key.clone(), added_at: cx.now });
        Ok(())
    })
}

fn change(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: LoopId,
    edit: impl FnOnce(&mut Loop) -> Result<(), AccessError>,
) -> Result<Loop, AccessError> {
    let stored: Stored<Loop> = Repo::new(tx, cx.tenant()).get(&id.to_string())?.ok_or(AccessError::NoLoop)?;
    let mut new = stored.value.clone();
    edit(&mut new)?;
    new.updated_at = cx.now;
    new.epoch = tx.bump_epoch(cx.tenant())?;
    Repo::new(tx, cx.tenant()).update(&stored, &new, cx.now)?;
    Ok(new)
}

/// The loop with this id.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: LoopId) -> Result<Option<Loop>, AccessError> {
    Ok(Repo::<Loop>::new(tx, tenant).get(&id.to_string())?.map(|stored| stored.value))
}

/// The loop with this tag, whatever its case, with or without `@`.
///
/// # Errors
/// Storage failures.
pub fn find_tag(tx: &mut dyn Tx, tenant: &TenantId, tag: &str) -> Result<Option<Loop>, AccessError> {
    let tag = tag.strip_prefix('@').unwrap_or(tag);
    if check_tag(tag).is_err() {
        return Ok(None);
    }
    Ok(Repo::<Loop>::new(tx, tenant).find("tag", &folded(tag).into())?.map(|stored| stored.value))
}

/// The loop that a text names: `loop_…` by its id, `@…` by its tag.
///
/// # Errors
/// [`AccessError::NoLoop`] for anything else too.
pub fn resolve(tx: &mut dyn Tx, tenant: &TenantId, name: &str) -> Result<Loop, AccessError> {
    let found = if name.starts_with('@') {
        find_tag(tx, tenant, name)?
    } else {
        match LoopId::parse(name) {
            Some(id) => get(tx, tenant, id)?,
            None => None,
        }
    };
    found.ok_or(AccessError::NoLoop)
}

/// The loop and every loop above it: itself first, its root last, [`lineage::MAX_LINE`] at most.
///
/// # Errors
/// [`AccessError::NoLoop`], storage failures.
pub fn lineage(tx: &mut dyn Tx, tenant: &TenantId, id: LoopId) -> Result<Vec<Loop>, AccessError> {
    lineage::read(tx, tenant, id)
}

/// Whether two loops are different owners', so that one can vouch for the other.
///
/// # Errors
/// Storage failures.
pub fn apart(tx: &mut dyn Tx, tenant: &TenantId, one: LoopId, other: LoopId) -> Result<bool, AccessError> {
    let owners = (get(tx, tenant, one)?, get(tx, tenant, other)?);
    Ok(matches!(owners, (Some(one), Some(other)) if one.owner_id != other.owner_id))
}

/// The loop at the top of a loop's line, whose wallet pays.
///
/// # Errors
/// [`AccessError::NoLoop`], storage failures.
pub fn root(tx: &mut dyn Tx, tenant: &TenantId, id: LoopId) -> Result<Loop, AccessError> {
    lineage(tx, tenant, id)?.pop().ok_or(AccessError::NoLoop)
}

/// Loops after `after`, newest first: all of the tenant, or those directly under `parent`.
///
/// # Errors
/// Storage failures.
pub fn list(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    parent: Option<LoopId>,
    after: Option<LoopId>,
    limit: u32,
) -> Result<Vec<Loop>, AccessError> {
    let query = RecordQuery {
        conds: parent.map(|parent| Cond::Eq("parent", parent.to_string().into())).into_iter().collect(),
        order: Order::Descending,
        after: after.map(|id| (Value::Null, id.to_string())),
        limit,
        ..RecordQuery::default()
    };
    let rows: Vec<Stored<Loop>> = Repo::new(tx, tenant).list(&query)?;
    Ok(rows.into_iter().map(|stored| stored.value).collect())
}

/// Every loop that changed after `epoch`; all of them for 0.
///
/// # Errors
/// Storage failures.
pub fn changed_after(tx: &mut dyn Tx, tenant: &TenantId, epoch: u64) -> Result<Vec<Loop>, AccessError> {
    const CHUNK: u32 = 2_000;
    let since = Value::Int(i64::try_from(epoch.saturating_add(1)).unwrap_or(i64::MAX));
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = RecordQuery {
            conds: vec![Cond::AtLeast("epoch", since.clone())],
            by: Some("epoch"),
            after,
            limit: CHUNK,
            ..RecordQuery::default()
        };
        let page: Vec<Stored<Loop>> = Repo::new(tx, tenant).list(&query)?;
        let full = page.len() == CHUNK as usize;
        after = page
            .last()
            .map(|last| (Value::Int(i64::try_from(last.value.epoch).unwrap_or(i64::MAX)), last.value.id.to_string()));
        all.extend(page.into_iter().map(|stored| stored.value));
        if !full {
            return Ok(all);
        }
    }
}

/// Tags are one name whatever their case; they are ASCII.
fn folded(tag: &str) -> String {
    tag.to_ascii_lowercase()
}

fn check_tag(tag: &str) -> Result<(), AccessError> {
    let plain = tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let begins = tag.starts_with(|first: char| first.is_ascii_alphabetic());
    let fits = (2..=MAX_TAG).contains(&tag.len());
    if plain && begins && fits { Ok(()) } else { Err(AccessError::Tag) }
}

fn check_skills(skills: &[String]) -> Result<(), AccessError> {
    if skills.len() > MAX_SKILLS {
        return Err(AccessError::TooManySkills(MAX_SKILLS));
    }
    skills.iter().try_for_each(|skill| length("skills", skill, MAX_SKILL))
}

const fn check_spend(limit: Option<u64>) -> Result<(), AccessError> {
    match limit {
        Some(credits) if credits > MAX_SPEND => Err(AccessError::Invalid("`spendLimit` is too high")),
        _ => Ok(()),
    }
}

fn length(field: &'static str, text: &str, max: usize) -> Result<(), AccessError> {
    let fits = (1..=max).contains(&text.chars().count());
    if fits { Ok(()) } else { Err(AccessError::Length { field, max }) }
}
