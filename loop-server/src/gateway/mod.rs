//! The proxy before language models: an agent's client speaks to us as to its provider, and every call of a tool that
//! the model proposes is decided before the agent sees it.
//!
//! - [`rows`]: the routes.
//! - [`proxy`]: the way of one turn: resume, ask, read, decide, answer.
//! - [`whole`], [`events`]: answers in one piece, and streams.
//! - [`turn`]: what is decided, and how the client is told.
//! - [`upstream`]: asking the providers; [`headers`]: what travels.
//! - [`wire`]: the providers' wire forms, whole and streamed, pure; on [`sse`] (events, byte for byte); [`coding`]
//!   opens compressed answers.
//! - [`models`]: the list of models; [`pass`]: answers that are handed on.

pub mod coding;
mod headers;
mod models;
mod pass;
mod rows;
pub mod sse;
pub mod upstream;
pub mod wire;

pub use rows::ROWS;
pub use upstream::Upstreams;
