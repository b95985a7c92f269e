//! The best ready issue, claimed.

use super::{
    DispatchError,
    queue::{self, Among, missing},
};
use crate::{
    access::{
        Ctx,
        claim_key::{self, Claimed},
    },
    base::secret::MasterKey,
    prompt::{self, Chosen, Surroundings},
    store::{Repo, Stored, Tx},
    work::{
        Issue, IssueStatus,
        claim::{self, Claim, MAX_LEASE, MAX_NAME, MIN_LEASE, Terms, Token},
        history::Changes,
        issue,
    },
};

/// An issue that was handed out.
#[derive(Debug, Clone)]
pub struct Dispatched {
    /// The issue, in progress.
    pub issue: Issue,
    /// Its claim.
    pub claim: Claim,
    /// What the claim is held by, when it has a lease.
    pub token: Option<Token>,
    /// The prompt for it, when a template fits, with what it is filled in with.
    pub prompt: Option<(Chosen, serde_json::Value)>,
}

/// What a claim is made with besides its terms.
#[derive(Debug, Clone, Copy)]
pub struct Means<'m> {
    /// The key that claim keys are derived from.
    pub master: &'m MasterKey,
    /// Where Loop is reached, without a slash at the end, as prompts tell it.
    pub loop_url: &'m str,
}

/// Refuses terms that are out of bounds.
///
/// # Errors
/// [`DispatchError::Invalid`].
pub fn check(terms: &Terms) -> Result<(), DispatchError> {
    terms.lease_seconds.map_or(Ok(()), check_lease)?;
    for (field, text) in [("agent", &terms.agent), ("sessionId", &terms.session)] {
        if text.as_ref().is_some_and(|text| text.is_empty() || text.chars().nth(MAX_NAME).is_some()) {
            return Err(DispatchError::Invalid { field, message: format!("must have 1 to {MAX_NAME} characters") });
        }
    }
    Ok(())
}

/// Refuses a lease that is too short or too long.
///
/// # Errors
/// [`DispatchError::Invalid`].
pub(super) fn check_lease(seconds: u32) -> Result<(), DispatchError> {
    if (MIN_LEASE..=MAX_LEASE).contains(&seconds) {
        return Ok(());
    }
    let message = format!("must be a whole number of seconds from {MIN_LEASE} to {MAX_LEASE}");
    Err(DispatchError::Invalid { field: "leaseSeconds", message })
}

/// Claims the best ready issue, when there is one: it is in progress, its prompt is chosen and counted, and nobody else is
/// handed it, all in this transaction. The prompt is filled in afterwards, with exactly what is answered here.
///
/// # Errors
/// [`DispatchError::Invalid`], storage failures.
pub fn next(
    tx: &mut dyn Tx,
    cx: &Ctx,
    among: Among,
    terms: &Terms,
    means: Means<'_>,
) -> Result<Option<Dispatched>, DispatchError> {
    check(terms)?;
    cx.caller.awake()?;
    let Some(id) = queue::best(tx, cx.tenant(), among)? else { return Ok(None) };
    let old: Stored<Issue> = Repo::new(tx, cx.tenant()).get(&id)?.ok_or_else(|| missing(&id))?;
    let session = terms.session.clone().or_else(|| old.value.agent_session_id.clone());
    let wanted = Issue { status: IssueStatus::InProgress, agent_session_id: session, ..old.value.clone() };
    let mut noted = Changes::new();
    noted.text("agent", None, terms.agent.as_deref());
    let issue = issue::save_noting(tx, cx, "dispatch.claim", &old, wanted, noted)?;
    let chosen = prompt::choose(tx, cx.tenant(), &issue)?;
    let version_id = chosen.as_ref().map(|chosen| chosen.version.id);
    let (claim, token) = claim::take(tx, cx, &issue.id, terms, version_id)?;
    let prompt = match chosen {
        Some(chosen) => {
            prompt::count_use(tx, cx.tenant(), chosen.version.id)?;
            let claimed = Claimed { issue: issue.id, number: claim.number };
            let loop_token = claim_key::mint(means.master, &cx.caller, claimed, cx.now);
            let around = Surroundings { loop_url: means.loop_url.to_owned(), loop_token };
            let context = prompt::context(tx, cx.tenant(), &issue, &chosen, &around)?;
            Some((chosen, context))
        }
        None => None,
    };
    Ok(Some(Dispatched { issue, claim, token, prompt }))
}
