//! The suite every adapter passes: plain functions in one list.
//!
//! - [`catalog`]: the tables it works on, with every shape and kind of column.

pub mod catalog;

pub use catalog::CATALOG;
