//! A tool call that a model proposes.

use loop_core::policy::kill_switch::MAX_TOOL_NAME;

use super::{CALLS_MAX, Unreadable};

/// The name of a call that has no usable one.
const NAMELESS: &str = "unknown";

/// A tool call that a model proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// What is to be called: never empty, at most as long as a tool's name may be.
    pub name: String,
    /// With what, as the text of one JSON object; an error denies the call.
    pub arguments: Result<String, Unreadable>,
    /// Which alternative of the answer it stands in, from 0.
    pub choice: u32,
}

impl Proposed {
    /// A call; without a usable name it can only be denied.
    pub(super) fn new(name: &str, arguments: Result<String, Unreadable>, choice: u32) -> Self {
        if name.is_empty() || name.len() > MAX_TOOL_NAME {
            return Self { name: NAMELESS.to_owned(), arguments: Err(Unreadable::Name), choice };
        }
        Self { name: name.to_owned(), arguments, choice }
    }

    /// A call that can only be denied.
    pub(super) fn refused(name: &str, why: Unreadable, choice: u32) -> Self {
        Self::new(name, Err(why), choice)
    }
}

/// Adds a call to those of an answer.
///
/// # Errors
/// [`Unreadable::TooLarge`]: too many.
pub(super) fn push(calls: &mut Vec<Proposed>, call: Proposed) -> Result<(), Unreadable> {
    if calls.len() >= CALLS_MAX {
        return Err(Unreadable::TooLarge);
    }
    calls.push(call);
    Ok(())
}
