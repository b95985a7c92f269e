//! Names cut into lower-case words.

use smallvec::SmallVec;

use crate::tool::name;

/// Cuts a name of a tool or an argument; see [`name`] for where.
#[must_use]
pub fn cut(text: &str) -> SmallVec<[String; 6]> {
    name::tokens(text).iter().map(str::to_owned).collect()
}
