//! Messages, contracts, tasks and transactions on the memory store.
//!
//! That no history of them raises a loop's own trust is shown in `tests/own_trust`.

mod messages;
mod tasks;
mod transactions;
mod world;
