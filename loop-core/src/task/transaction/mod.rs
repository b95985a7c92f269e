//! An amount held in escrow between a buyer and a seller.
//!
//! - [`state`]: the machine.
//! - [`escrow`]: the transaction as stored, and what is done with it.

mod escrow;
mod state;

pub use escrow::{
    Deal, Dispute, DisputeReason, MAX_CENTS, NewTransaction, PROOFS_SHOWN, TRANSACTIONS, Transaction, act, create, get,
    settlement, settles,
};
pub use state::{Act, Actor, Escrow, Refusal, TransactionStatus};
