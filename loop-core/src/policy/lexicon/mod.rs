//! The words that rules and tool names are made of, as data files with a documented format.

mod concept;
mod inflect;
mod words;

pub use concept::{Concept, Concepts};
pub use words::cut;

pub(super) use concept::lexicon;
pub(super) use inflect::{Form, Reading, closest, is_form_of, read_word};
