//! Making a project, and finding it again by its name.

use serde_json::json;

use crate::{
    access::{
        AccessError, Caller, Ctx, Scope,
        tenant::{self, Tenant},
    },
    audit::{self, Event},
    base::{TenantId, Time},
    prompt,
    store::{Repo, Stored, Tx},
};

use super::{
    OnboardingError, keep,
    project::{self, MAX_NAME, MAX_OPERATOR, MAX_PROJECTS, PLAN, Pair, Project},
};

/// How often an id is drawn anew when it is taken: four random bytes may meet.
const DRAWS: usize = 8;

/// What the operator of the server grants to projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// The tenant of projects that are made without a tenant's key.
    pub sandbox: TenantId,
    /// How many of them there may be; 0 switches making them off.
    pub most: u64,
    /// How many spans one of them may send.
    pub quota_spans: u64,
    /// How long one of them lives, in seconds.
    pub life: i64,
    /// Whether they are permanent at once when provisioned.
    pub graduates: bool,
    /// How many spans a project of a tenant's own may send; `None` for any number.
    pub tenant_quota: Option<u64>,
}

/// What a project shall be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Its name, 1 to [`MAX_NAME`] characters; whoever provisions one must name it.
    pub name: Option<String>,
    /// Under whom the name is its own, 1 to [`MAX_OPERATOR`] characters.
    pub operator: Option<String>,
    /// Whether what a diagnosis finds becomes a signal also when nobody asks for it.
    pub auto_signal: bool,
}

impl Grants {
    /// Whether a project that ends by itself becomes permanent when it is provisioned again.
    #[must_use]
    pub fn may_graduate(&self, project: &Project) -> bool {
        self.graduates && project.tenant == self.sandbox && project.expires_at.is_some()
    }
}

impl Wanted {
    /// What its name is found by.
    fn claim(&self) -> Option<String> {
        self.name.as_deref().map(|name| project::claim(self.operator.as_deref(), name))
    }

    /// Refuses texts out of bounds.
    ///
    /// # Errors
    /// [`OnboardingError::Length`].
    pub fn check(&self) -> Result<(), OnboardingError> {
        let length = |field, text: &Option<String>, max| {
            let fits = |text: &String| !text.trim().is_empty() && text.chars().count() <= max;
            if text.as_ref().is_none_or(fits) { Ok(()) } else { Err(OnboardingError::Length { field, max }) }
        };
        length("project_name", &self.name, MAX_NAME)?;
        length("operator", &self.operator, MAX_OPERATOR)
    }
}

/// How a project is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Once for its name, by which it is found again.
    Provisioned,
    /// Anew with every call; it ends by itself until it is upgraded.
    SignedUp,
}

/// Who provisions, in the tenant of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// Somebody without a key, in the sandbox.
    Stranger,
    /// A project's own key.
    Member(Box<str>),
    /// A tenant's key that may make projects.
    Tenant,
}

impl Asker {
    /// Who a caller is here.
    ///
    /// # Errors
    /// [`AccessError::Scope`] for a tenant's key that may not make projects, [`AccessError::Suspended`].
    pub fn of(caller: Option<&Caller>) -> Result<Self, AccessError> {
        let Some(caller) = caller else { return Ok(Self::Stranger) };
        if let Some(project) = &caller.project {
            return Ok(Self::Member(project.clone()));
        }
        caller.require(Scope::ProjectsWrite)?;
        caller.awake()?;
        Ok(Self::Tenant)
    }
}

/// A project that was asked for.
#[derive(Debug)]
pub enum Provisioned {
    /// It was there. Its keys stay what they are.
    Resumed(Project),
    /// It is new, and these are its keys.
    Made(Project, Pair),
}

/// The project of this name, when the asker may resume it; `None` when the name is free for the asker.
///
/// # Errors
/// [`OnboardingError::Owned`] and [`OnboardingError::Foreign`] when it is somebody else's, storage failures.
pub fn look(
    tx: &mut dyn Tx,
    cx: &Ctx,
    grants: &Grants,
    asker: &Asker,
    wanted: &Wanted,
) -> Result<Option<Stored<Project>>, OnboardingError> {
    let Some(claim) = wanted.claim() else { return Ok(None) };
    let living = |found: Option<Stored<Project>>| found.filter(|stored| !stored.value.over(cx.now));
    let Some(stored) = living(claimed(tx, cx.tenant(), &claim)?) else {
        // A name that a stranger holds is that stranger's, also for those who have a tenant of their own.
        let elsewhere = *cx.tenant() != grants.sandbox && living(claimed(tx, &grants.sandbox, &claim)?).is_some();
        return if elsewhere { Err(OnboardingError::Foreign) } else { Ok(None) };
    };
    match asker {
        Asker::Stranger => Err(OnboardingError::Owned),
        Asker::Member(own) if *own != stored.value.id => Err(OnboardingError::Foreign),
        Asker::Member(_) | Asker::Tenant => Ok(Some(stored)),
    }
}

/// Makes the project of a name that was free, or resumes it when its own key or its tenant's came first. A project that
/// ends by itself becomes permanent on the way where the operator says so.
///
/// # Errors
/// [`OnboardingError::Claimed`] when somebody else was faster; as [`mint`].
pub fn provision(
    tx: &mut dyn Tx,
    cx: &Ctx,
    grants: &Grants,
    asker: &Asker,
    wanted: &Wanted,
) -> Result<Provisioned, OnboardingError> {
    match look(tx, cx, grants, asker, wanted) {
        Ok(Some(stored)) if grants.may_graduate(&stored.value) => {
            keep::make_permanent(tx, cx, &stored).map(Provisioned::Resumed)
        }
        Ok(Some(stored)) => Ok(Provisioned::Resumed(stored.value)),
        Ok(None) => mint(tx, cx, grants, asker, wanted, Way::Provisioned)
            .map(|(project, pair)| Provisioned::Made(project, pair)),
        Err(OnboardingError::Owned | OnboardingError::Foreign) => Err(OnboardingError::Claimed),
        Err(error) => Err(error),
    }
}

/// Makes a project and its keys. A name that is to find it again must be free: [`look`] tells.
///
/// # Errors
/// [`OnboardingError::Closed`], [`OnboardingError::TooMany`], [`OnboardingError::Foreign`] for the key of a project that
/// is a tenant's own, storage failures.
pub fn mint(
    tx: &mut dyn Tx,
    cx: &Ctx,
    grants: &Grants,
    asker: &Asker,
    wanted: &Wanted,
    way: Way,
) -> Result<(Project, Pair), OnboardingError> {
    wanted.check()?;
    let home = cx.tenant();
    let strange = *home == grants.sandbox;
    match asker {
        Asker::Tenant => {}
        Asker::Stranger | Asker::Member(_) if !strange => return Err(OnboardingError::Foreign),
        Asker::Stranger | Asker::Member(_) if grants.most == 0 => return Err(OnboardingError::Closed),
        Asker::Stranger | Asker::Member(_) => {}
    }
    let most = if strange { grants.most.min(MAX_PROJECTS) } else { MAX_PROJECTS };
    if Repo::<'_, Project>::new(tx, home).count(&[])? >= most {
        return Err(OnboardingError::TooMany(most));
    }
    ensure_tenant(tx, home, cx.now)?;
    let claim = wanted.claim().filter(|_| way == Way::Provisioned);
    if let Some(claim) = &claim {
        let_go(tx, home, claim, cx.now)?;
    }
    let mut seed = cx.seed();
    let mut id = project::draw(wanted.name.as_deref(), &mut seed);
    for _ in 0..DRAWS {
        if Repo::<'_, Project>::new(tx, home).get(&id)?.is_none() {
            break;
        }
        id = project::draw(wanted.name.as_deref(), &mut seed);
    }
    let ends = strange && !(grants.graduates && way == Way::Provisioned);
    let expires_at = ends.then(|| cx.now.plus_seconds(grants.life));
    let (pair, producer, agent) = project::mint_pair(tx, home, &id, expires_at, cx.now, &mut seed)?;
    let project = Project {
        id,
        tenant: home.clone(),
        name: wanted.name.clone(),
        operator: wanted.operator.clone(),
        claim,
        producer,
        agent,
        quota_spans: if strange { Some(grants.quota_spans) } else { grants.tenant_quota },
        spans: 0,
        expires_at,
        plan: ends.then(|| PLAN.to_owned()),
        auto_signal: wanted.auto_signal,
    };
    Repo::new(tx, home).insert(&project, cx.now)?;
    write_down(tx, cx, "telemetry_project.create", &project)?;
    Ok((project, pair))
}

fn claimed(tx: &mut dyn Tx, tenant: &TenantId, claim: &str) -> Result<Option<Stored<Project>>, OnboardingError> {
    Ok(Repo::new(tx, tenant).find("claim", &claim.into())?)
}

/// Takes a name from a project whose time is over.
fn let_go(tx: &mut dyn Tx, tenant: &TenantId, claim: &str, now: Time) -> Result<(), OnboardingError> {
    if let Some(stored) = claimed(tx, tenant, claim)?.filter(|stored| stored.value.over(now)) {
        let nameless = Project { claim: None, ..stored.value.clone() };
        Repo::new(tx, tenant).update(&stored, &nameless, now)?;
    }
    Ok(())
}

/// Makes the sandbox when the first stranger comes.
fn ensure_tenant(tx: &mut dyn Tx, id: &TenantId, now: Time) -> Result<(), OnboardingError> {
    if tenant::get(tx, id)?.is_none() {
        let new = Tenant { id: id.clone(), email: None, name: None, company: None };
        Repo::new(tx, &TenantId::directory()).insert(&new, now)?;
        prompt::defaults::plant(tx, id, now)?;
    }
    Ok(())
}

/// Puts a change of a project into its tenant's log.
pub(super) fn write_down(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    project: &Project,
) -> Result<(), OnboardingError> {
    let body = json!({
        "project_id": project.id,
        "quota_spans": project.quota_spans,
        "expires_at": project.expires_at,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}
