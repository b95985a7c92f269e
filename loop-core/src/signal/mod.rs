//! What was noticed outside: each signal makes an issue, whoever sends it.
//!
//! - [`record`]: signals, and taking one in.
//! - [`provider`]: who sends webhooks, and how each proves that it is them.
//! - [`reading`]: what a webhook says, in the terms of a signal.
//! - [`delivery`]: a webhook that comes again and is taken in once.
//! - [`settings`]: the secrets of a tenant's webhooks.

pub mod delivery;
mod error;
pub mod provider;
pub mod reading;
pub mod record;
pub mod settings;

pub use delivery::DELIVERIES;
pub use error::SignalError;
pub use provider::Provider;
pub use record::{NewSignal, SIGNALS, Severity, Signal};
pub use settings::WEBHOOK_SETTINGS;
