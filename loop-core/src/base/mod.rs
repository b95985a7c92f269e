//! Values that every room speaks: ids, time, error codes, secrets and JSON.

pub mod code;
pub mod decimal;
pub mod host;
pub mod id;
pub mod json;
pub mod risk;
pub mod secret;
pub mod signature;
pub mod time;

pub use code::Code;
pub use decimal::Decimal;
pub use host::{Host, Seed};
pub use id::TenantId;
pub use risk::Risk;
pub use time::Time;
