//! What a tool is, read from its name and arguments: name tokens, risk, sensitive data and its masking.

pub mod manifest;
pub mod name;
pub mod redact;
pub mod risk;
pub mod sensitive;

pub use name::{Tokens, tokens};
pub use risk::Risk;
