//! Tenants: isolated spaces, each with its own keys, policy, approvals and log.

use super::{AccessError, Scopes, key};
use crate::{
    base::{Seed, TenantId, Time},
    store::{Entity, Repo, Stored, Table, Tx, Value},
};

/// The longest e-mail address, name or company, in characters.
const MAX_TEXT: usize = 254;

/// A tenant, kept in the directory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The address it signed up with.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// The company's name.
    pub company: Option<String>,
}

/// Where tenants are kept.
pub static TENANTS: Table = Table { name: "tenants", columns: &[] };

impl Entity for Tenant {
    const TABLE: &'static Table = &TENANTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Who signs up.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// An e-mail address.
    pub email: String,
    /// The person's name.
    pub name: Option<String>,
    /// The company's name.
    pub company: Option<String>,
}

/// Makes sure that the single-user tenant exists; answers whether it is new.
///
/// # Errors
/// Storage failures.
pub fn ensure_default(tx: &mut dyn Tx, now: Time) -> Result<bool, AccessError> {
    let id = TenantId::default_tenant();
    let directory = TenantId::directory();
    let mut tenants: Repo<'_, Tenant> = Repo::new(tx, &directory);
    if tenants.get(id.as_str())?.is_some() {
        return Ok(false);
    }
    tenants.insert(&Tenant { id, email: None, name: None, company: None }, now)?;
    Ok(true)
}

/// Makes a tenant of its own and its first key, which holds every scope.
///
/// # Errors
/// Texts that are empty or too long, an address without `@`, storage failures.
pub fn sign_up(
    tx: &mut dyn Tx,
    input: &SignUp,
    now: Time,
    seed: &mut Seed,
) -> Result<(Tenant, key::Minted), AccessError> {
    let length = |field, text: &str| {
        let fits = (1..=MAX_TEXT).contains(&text.chars().count());
        if fits { Ok(()) } else { Err(AccessError::Length { field, max: MAX_TEXT }) }
    };
    length(
        "email",
        input.email.split_once('@').map_or("", |(_, domain)| if domain.is_empty() { "" } else { &input.email }),
    )?;
    for (field, text) in [("name", &input.name), ("company", &input.company)] {
        text.as_deref().map_or(Ok(()), |text| length(field, text))?;
    }
    let tenant = Tenant {
        id: TenantId::draw(now, seed),
        email: Some(input.email.clone()),
        name: input.name.clone(),
        company: input.company.clone(),
    };
    Repo::new(tx, &TenantId::directory()).insert(&tenant, now)?;
    let first = key::NewKey::operator("first", Scopes::all());
    let minted = key::mint(tx, &tenant.id, &first, now, seed)?;
    Ok((tenant, minted))
}

/// A tenant; `None` when there is none of this id.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, id: &TenantId) -> Result<Option<Stored<Tenant>>, AccessError> {
    Ok(Repo::new(tx, &TenantId::directory()).get(id.as_str())?)
}

/// The tenants after `after`, by id, `limit` at most.
///
/// # Errors
/// Storage failures.
pub fn page(tx: &mut dyn Tx, after: Option<&TenantId>, limit: u32) -> Result<Vec<Stored<Tenant>>, AccessError> {
    let query = crate::store::RecordQuery {
        after: after.map(|id| (Value::Null, id.to_string())),
        limit,
        ..crate::store::RecordQuery::default()
    };
    Ok(Repo::new(tx, &TenantId::directory()).list(&query)?)
}
