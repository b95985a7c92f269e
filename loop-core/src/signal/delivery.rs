//! A webhook that comes again: providers repeat what was not answered in time, and whoever saw one may send it anew. It
//! is taken in once, and every repetition is told what came of it the first time.

use sha2::{Digest, Sha256};

use super::{NewSignal, Provider, Signal, SignalError, reading::Reading, record};
use crate::{
    access::Ctx,
    base::{id::SignalId, secret::hex},
    store::{Entity, Repo, StoreError, Stored, Table, Tx, Value},
    work::Issue,
};

/// A webhook that was taken in.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Delivery {
    /// The hash of what is the same whenever it is repeated.
    name: String,
    provider: Provider,
    signal_id: SignalId,
    /// The issue as it was made, without the payload, which the signal holds.
    issue: Issue,
}

/// Where they are kept.
pub static DELIVERIES: Table = Table { name: "webhook_deliveries", columns: &[] };

impl Entity for Delivery {
    const TABLE: &'static Table = &DELIVERIES;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// What came of a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The signal.
    pub signal: Signal,
    /// The issue, as it was made.
    pub issue: Issue,
    /// Whether it came for the first time.
    pub first: bool,
}

/// Takes a verified webhook in, unless it was before.
///
/// # Errors
/// Storage failures.
pub fn take_in(tx: &mut dyn Tx, cx: &Ctx, provider: Provider, reading: &Reading) -> Result<Taken, SignalError> {
    let name = hex(&Sha256::digest(format!("{} {}", provider.as_str(), reading.key)));
    let before: Option<Stored<Delivery>> = Repo::new(tx, cx.tenant()).get(&name)?;
    if let Some(before) = before {
        return again(tx, cx, before.value);
    }
    let new: &NewSignal = &reading.signal;
    let (signal, issue) = record::take_in(tx, cx, new)?;
    let kept = Issue { signal_payload: None, ..issue.clone() };
    Repo::new(tx, cx.tenant()).insert(&Delivery { name, provider, signal_id: signal.id, issue: kept }, cx.now)?;
    Ok(Taken { signal, issue, first: true })
}

fn again(tx: &mut dyn Tx, cx: &Ctx, before: Delivery) -> Result<Taken, SignalError> {
    let found: Option<Stored<Signal>> = Repo::new(tx, cx.tenant()).get(before.signal_id.as_str())?;
    let signal = found
        .map(|stored| stored.value)
        .ok_or_else(|| StoreError::Corrupt(format!("the signal `{}` of a delivery is missing", before.signal_id)))?;
    let issue = Issue { signal_payload: Some(signal.payload.clone()), ..before.issue };
    Ok(Taken { signal, issue, first: false })
}
