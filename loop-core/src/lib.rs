//! The pure core of Loop, the governance layer for AI agents.
//!
//! Every action an agent proposes is decided against a compiled policy, approved by a human where a rule
//! asks for it, and written to a tamper-evident log. This crate does no I/O, starts no thread and reads no
//! clock: storage, time and randomness come in from outside.
//!
//! The rooms below are listed in reading order; a room uses only the rooms above it.
//! [`engine`] is the facade an embedder holds and the only file that sees every room.

pub mod base;
pub mod store;

pub mod access;
pub mod tool;

pub mod audit;
pub mod policy;

pub mod outbox;

pub mod approval;
pub mod kept;

pub mod proof;
pub mod trust;

pub mod credit;

pub mod message;
pub mod task;

pub mod invoke;

pub mod work;

pub mod signal;

pub mod prompt;

pub mod dispatch;

pub mod telemetry;

pub mod onboarding;

pub mod diagnosis;

pub mod engine;
