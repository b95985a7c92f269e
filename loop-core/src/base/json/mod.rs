//! JSON as agents send it: read once into a flat, borrowed tape that keeps every number's exact digits and
//! refuses duplicate keys, so that what is decided, bound and stored is one and the same thing.
//!
//! Everything else (settings, rules, stored bodies) goes through `serde_json`; `docs/adr` says why
//! arguments do not.

mod canonical;
mod jcs;
mod object;
mod parse;
#[cfg(test)]
mod parse_tests;
mod special;
mod view;
mod write;

pub use canonical::{canonical, canonical_into};
pub use jcs::{jcs, jcs_without};
pub(crate) use object::Object;
pub use parse::{Error, Limits};
pub use view::{Doc, Items, Kind, Members, View};
pub use write::{write, write_string};
