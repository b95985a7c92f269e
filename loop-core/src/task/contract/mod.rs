//! What two loops agreed on. Only messages of its parties move it; see [`super::exchange`].
//!
//! - [`state`]: the machine.
//! - [`agreement`]: the contract as stored.

mod agreement;
mod state;

pub use agreement::{CONTRACTS, Contract, Standing, get, of_thread};
pub use state::{Misstep, Party, State};
