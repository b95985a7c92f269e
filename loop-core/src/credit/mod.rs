//! Credits: whole units that calls cost. A wallet belongs to a loop at the root of its line; loops below it spend from
//! it.
//!
//! - [`wallet`]: reading, granting, reserving, and what becomes of a reservation.

mod error;
mod wallet;

pub use error::CreditError;
pub use wallet::{
    CREDITS, MAX_BALANCE, MAX_GRANT, RESERVED_SECONDS, Wallet, balance, commit, expire, grant, release, reserve,
};
