//! The contract as stored.

use super::{Party, State};
use crate::{
    base::{
        TenantId, Time,
        id::{ContractId, LoopId, MessageId},
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
};

/// What was said last, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Standing {
    /// The message.
    pub message: MessageId,
    /// Who sent it.
    pub by: Party,
    /// When it ends. It counts while something is proposed.
    pub expires_at: Time,
}

/// A contract between a buyer and a seller.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contract {
    /// Its id.
    pub id: ContractId,
    /// Who asked for the work and pays for it.
    pub buyer: LoopId,
    /// Who does it.
    pub seller: LoopId,
    /// The thread it belongs to.
    pub correlation_id: String,
    /// The name of the task.
    pub task: String,
    /// Where it stands.
    pub state: State,
    /// The last message that moved it.
    pub standing: Standing,
    /// What the seller asked to be paid, in minor units.
    pub amount_cents: Option<u64>,
    /// Its currency.
    pub currency: Option<String>,
    /// Whether it was opened with a sandbox key.
    pub simulated: bool,
    /// When it was opened.
    pub created_at: Time,
    /// When it last moved.
    pub updated_at: Time,
}

/// Where contracts are kept.
pub static CONTRACTS: Table = Table { name: "contracts", columns: &[Column::indexed("thread", Kind::Text)] };

impl Entity for Contract {
    const TABLE: &'static Table = &CONTRACTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.correlation_id.as_str().into()]
    }
}

impl Contract {
    /// Which side a loop is on; `None` for a stranger.
    #[must_use]
    pub fn side(&self, of: LoopId) -> Option<Party> {
        if of == self.buyer {
            Some(Party::Buyer)
        } else if of == self.seller {
            Some(Party::Seller)
        } else {
            None
        }
    }

    /// The loop on a side.
    #[must_use]
    pub const fn party(&self, side: Party) -> LoopId {
        match side {
            Party::Buyer => self.buyer,
            Party::Seller => self.seller,
        }
    }

    /// Whether what was proposed last is past its time at `now`.
    #[must_use]
    pub fn lapsed(&self, now: Time) -> bool {
        self.state.proposed() && self.standing.expires_at <= now
    }
}

/// One contract of the tenant.
///
/// # Errors
/// Storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Option<Stored<Contract>>, StoreError> {
    match ContractId::parse(id) {
        Some(id) => Repo::new(tx, tenant).get(&id.to_string()),
        None => Ok(None),
    }
}

/// The contracts of a thread, oldest first, `limit` at most.
///
/// # Errors
/// Storage failures.
pub fn of_thread(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    correlation_id: &str,
    limit: u32,
) -> Result<Vec<Contract>, StoreError> {
    let query = RecordQuery { conds: vec![Cond::Eq("thread", correlation_id.into())], limit, ..RecordQuery::default() };
    let rows: Vec<Stored<Contract>> = Repo::new(tx, tenant).list(&query)?;
    Ok(rows.into_iter().map(|stored| stored.value).collect())
}
