//! A tiny client and a running server.

pub mod client;
pub mod fixture;
pub mod held;
pub mod own;
pub mod process;

pub use client::Answer;
pub use fixture::Fixture;
