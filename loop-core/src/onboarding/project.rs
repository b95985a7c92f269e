//! A project of telemetry: whose spans stand apart from all others'.

use crate::{
    access::{
        Scope, Scopes,
        key::{self, Form, NewKey},
    },
    base::{
        Seed, TenantId, Time,
        id::KeyId,
        secret::{Secret, TokenHash, hex},
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, Stored, Table, Tx, Value},
};

use super::OnboardingError;

/// The project of a tenant's own keys when they name none. It needs no record.
pub const DEFAULT: &str = "default";
/// The longest name of a project, in characters.
pub const MAX_NAME: usize = 200;
/// The longest name of an operator, in characters.
pub const MAX_OPERATOR: usize = 100;
/// The most projects that a tenant may have, besides [`DEFAULT`].
pub const MAX_PROJECTS: u64 = 10_000;
/// How much of a name its id shows, in characters.
const SLUG: usize = 40;
/// The plan of projects that end by themselves.
pub const PLAN: &str = "sandbox";

/// A project as stored, with its tenant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Project {
    /// Its id: its name in letters, digits and hyphens, and eight hexadecimal digits.
    pub id: Box<str>,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it was called when it was made.
    pub name: Option<String>,
    /// Under whom its name is its own.
    pub operator: Option<String>,
    /// What it is found by when its name is said again; `None` when it is not.
    pub claim: Option<String>,
    /// The key that sends its spans.
    pub producer: KeyId,
    /// The key that reads them.
    pub agent: KeyId,
    /// How many spans it may send in all; `None` for any number.
    pub quota_spans: Option<u64>,
    /// How many it sent, each counted once. Not counted without a quota.
    pub spans: u64,
    /// When it ends, with its keys and its spans; `None` when it is permanent.
    pub expires_at: Option<Time>,
    /// [`PLAN`] as long as it ends by itself.
    pub plan: Option<String>,
    /// Whether what a diagnosis finds becomes a signal also when nobody asks for it.
    #[serde(default)]
    pub auto_signal: bool,
}

/// Where projects are kept.
pub static PROJECTS: Table = Table {
    name: "telemetry_projects",
    columns: &[Column::unique("claim", Kind::Text), Column::indexed("expires_at", Kind::Int)],
};

impl Entity for Project {
    const TABLE: &'static Table = &PROJECTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.claim.as_deref().into(), self.expires_at.into()]
    }
}

impl Project {
    /// Whether its time is over.
    #[must_use]
    pub fn over(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// The keys of a project, shown this once.
#[derive(Debug)]
pub struct Pair {
    /// The key that sends its spans.
    pub producer: Secret,
    /// The key that reads them and has them diagnosed.
    pub agent: Secret,
}

/// What the producer's key may do.
#[must_use]
pub fn producer_scopes() -> Scopes {
    [Scope::TelemetryWrite].into_iter().collect()
}

/// What the agent's key may do.
#[must_use]
pub fn agent_scopes() -> Scopes {
    [Scope::RunsWrite, Scope::TelemetryRead, Scope::DashboardRead, Scope::ReportsRead].into_iter().collect()
}

/// The project with this id, unless its time is over.
///
/// # Errors
/// [`OnboardingError::NoProject`], storage failures.
pub fn find(tx: &mut dyn Tx, tenant: &TenantId, id: &str, now: Time) -> Result<Stored<Project>, OnboardingError> {
    let found: Option<Stored<Project>> = Repo::new(tx, tenant).get(id)?;
    found.filter(|stored| !stored.value.over(now)).ok_or(OnboardingError::NoProject)
}

/// Refuses a project that the tenant does not have; [`DEFAULT`] it always has.
///
/// # Errors
/// As [`find`].
pub fn check(tx: &mut dyn Tx, tenant: &TenantId, id: &str, now: Time) -> Result<(), OnboardingError> {
    if id == DEFAULT { Ok(()) } else { find(tx, tenant, id, now).map(|_| ()) }
}

/// The tenant's projects after `after`, by id, `limit` at most; those whose time is over included, [`DEFAULT`] not.
///
/// # Errors
/// Storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Stored<Project>>, OnboardingError> {
    let after = after.map(|id| (Value::Null, id.to_owned()));
    Ok(Repo::new(tx, tenant).list(&RecordQuery { after, limit, ..RecordQuery::default() })?)
}

/// Those of the tenant's projects whose time is over at `now`, `limit` at most.
///
/// # Errors
/// Storage failures.
pub fn over(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    now: Time,
    limit: u32,
) -> Result<Vec<Stored<Project>>, OnboardingError> {
    let conds = vec![Cond::Below("expires_at", now.plus_micros(1).into())];
    Ok(Repo::new(tx, tenant).list(&RecordQuery { conds, limit, ..RecordQuery::default() })?)
}

/// What the project of a name is found by. Names under different operators never meet.
pub(super) fn claim(operator: Option<&str>, name: &str) -> String {
    let under = operator.map_or_else(|| "-".to_owned(), |operator| format!("{}:{operator}", operator.len()));
    TokenHash::of(&format!("{under}\n{name}")).to_hex()
}

/// A fresh id for a project of this name.
pub(super) fn draw(name: Option<&str>, seed: &mut Seed) -> Box<str> {
    let digits = hex(seed.draw().first_chunk::<4>().map_or(&[][..], |four| four));
    format!("{}-{digits}", slug(name.unwrap_or_default())).into()
}

/// A name in lower-case letters, digits and single hyphens; `project` when nothing is left of it.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if out.len() >= SLUG {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            out.push(letter.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "project".to_owned() } else { out.to_owned() }
}

/// Makes the two keys of a project.
pub(super) fn mint_pair(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: &str,
    expires_at: Option<Time>,
    now: Time,
    seed: &mut Seed,
) -> Result<(Pair, KeyId, KeyId), OnboardingError> {
    let mut mint = |part: &str, scopes, form| {
        let new = NewKey {
            name: format!("{id} {part}"),
            scopes,
            expires_at,
            loop_id: None,
            form,
            sponsor: None,
            project: Some(id.into()),
        };
        key::mint(tx, tenant, &new, now, seed)
    };
    let producer = mint("producer", producer_scopes(), Form::Ingest)?;
    let agent = mint("agent", agent_scopes(), Form::Agent)?;
    Ok((Pair { producer: producer.token, agent: agent.token }, producer.key.id, agent.key.id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{claim, draw, slug};
    use crate::base::Seed;

    #[test]
    fn an_id_shows_the_name_in_letters_digits_and_hyphens() {
        assert_eq!(slug("My App 3"), "my-app-3");
        assert_eq!(slug("  --a__b--  "), "a-b");
        assert_eq!(slug("项目 🚀"), "project");
        assert_eq!(slug(&"n".repeat(1_000)).len(), 40);
    }

    #[test]
    fn names_of_different_operators_never_meet() {
        let claims = [
            claim(None, "a"),
            claim(Some("a"), ""),
            claim(Some(""), "a"),
            claim(Some("a"), "a"),
            claim(Some("a\na"), ""),
            claim(None, "A"),
        ];
        let distinct: std::collections::HashSet<_> = claims.iter().collect();
        assert_eq!(distinct.len(), claims.len());
        assert_eq!(claim(Some("x"), "y"), claim(Some("x"), "y"));
    }

    proptest! {
        #[test]
        fn every_name_makes_a_well_formed_id(name in ".{0,120}") {
            let id = draw(Some(&name), &mut Seed::new([1; 32]));
            let (slug, digits) = id.rsplit_once('-').unwrap();
            prop_assert!(digits.len() == 8 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            prop_assert!(id.len() <= 49 && slug.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            }), "{}", id);
        }
    }
}
