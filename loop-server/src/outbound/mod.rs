//! What leaves this process: guarded HTTP calls and notices to people.
//!
//! - [`address`]: which addresses are public.
//! - [`target`]: reading a URL.
//! - [`connect`]: resolving, checking and dialling.
//! - [`client`]: requests within limits of time and size, no redirects.
//! - [`forward`]: an allowed call handed on to its `forward_to`.
//! - [`show`]: text from agents made fit for human eyes.
//! - [`channel`]: notices as messages for Slack, Teams, Discord and e-mail.
//! - [`post`]: sending those messages.
//! - [`provider`]: tools that others provide.

pub mod address;
pub mod channel;
pub mod client;
pub mod connect;
mod error;
pub mod forward;
#[cfg(test)]
mod guard_tests;
pub mod post;
#[cfg(test)]
mod post_tests;
pub mod provider;
pub mod show;
#[cfg(test)]
pub(crate) mod sink;
mod target;

pub use client::{Answer, Client, Limits};
pub use error::Error;
pub use target::Target;
