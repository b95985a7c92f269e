//! The words that rules and tool names are made of, as data files with a documented format.

mod concept;
mod inflect;
mod slips;
mod words;

pub use concept::{Concept, Concepts};
pub use slips::Slips;
pub use words::cut;

pub(super) use concept::{Entry, lexicon};
pub(super) use inflect::{Form, Reading, american, is_form_of, read_word, same};
