//! The developer surface. So far it evaluates policies; see [`evaluate`].

mod evaluate;

pub use evaluate::ROWS;
