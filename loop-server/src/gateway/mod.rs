//! The door before language models: an agent's client speaks to us as to its provider, and every call of a tool that
//! the model proposes is decided before the agent sees it.
//!
//! - [`rows`]: the routes.
//! - [`proxy`]: the way of one turn: resume, ask, read, decide, answer.
//! - [`whole`], [`events`]: answers in one piece, and streams; [`resume`], [`completion`]: answers that were kept.
//! - [`turn`]: what is decided, and how the client is told; [`note`]: what the log tells of the rest; [`watch`]: also
//!   when the client goes.
//! - [`upstream`]: asking the providers; [`headers`]: what travels; [`own_keys`]: what must not; [`media`]: what kind of
//!   answer comes.
//! - [`models`]: the list of models; [`pass`]: answers that are handed on.
//! - [`wire`]: the providers' wire forms, whole and streamed; pure, over bytes.
//! - [`sse`]: server-sent events, cut where they end, byte for byte.
//! - [`coding`]: compressed answers, opened piece by piece within bounds.
//! - [`aside`]: long work, done where nobody waits behind it.

mod aside;
pub mod coding;
mod completion;
mod events;
mod headers;
mod media;
mod models;
mod note;
mod own_keys;
mod pass;
mod proxy;
mod resume;
mod rows;
pub mod sse;
mod turn;
pub mod upstream;
mod watch;
mod whole;
pub mod wire;

pub use rows::ROWS;
pub use upstream::Upstreams;
