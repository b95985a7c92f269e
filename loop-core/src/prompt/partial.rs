//! The partials that every template may include.

use std::sync::LazyLock;

use super::{program::Program, syntax};

/// Their names.
pub(super) static NAMES: [&str; 5] =
    ["api_reference", "review_instructions", "parent_context", "sibling_context", "project_and_goal_context"];

/// Their texts, in the order of their names.
static TEXTS: [&str; 5] = [
    include_str!("texts/partials/api_reference.hbs"),
    include_str!("texts/partials/review_instructions.hbs"),
    include_str!("texts/partials/parent_context.hbs"),
    include_str!("texts/partials/sibling_context.hbs"),
    include_str!("texts/partials/project_and_goal_context.hbs"),
];

static PROGRAMS: LazyLock<[Option<Program>; 5]> = LazyLock::new(|| TEXTS.map(|text| syntax::compile(text).ok()));

/// A partial by its place; `None` for a place that there is not.
pub(super) fn program(part: usize) -> Option<&'static Program> {
    PROGRAMS.get(part)?.as_ref()
}

#[cfg(test)]
mod tests {
    use super::{NAMES, TEXTS, program};

    #[test]
    fn each_partial_compiles_and_includes_no_other() {
        for (part, name) in NAMES.iter().enumerate() {
            assert!(program(part).is_some(), "{name}");
            assert!(!TEXTS[part].contains("{{>"), "{name}");
        }
        assert!(program(NAMES.len()).is_none());
    }
}
