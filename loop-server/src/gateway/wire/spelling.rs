//! Names that a lenient reader would take for others: in another case (Go matches keys so, with the long s and the
//! Kelvin sign), or without their underscores.

use loop_core::base::json::View;

use super::Unreadable;

/// Every member of `object` that reads like one of `names` must be spelled so.
///
/// # Errors
/// [`Unreadable::Structure`].
pub(super) fn exact(object: View<'_>, names: &[&str]) -> Result<(), Unreadable> {
    let astray = |key: &str| !plain(key) && names.iter().any(|name| alike(key, name));
    if object.members().any(|member| astray(member.key())) { Err(Unreadable::Structure) } else { Ok(()) }
}

/// Whether a name is `known`, one of the forms' own, or reads like it.
#[inline]
pub(super) fn reads(name: &str, known: &str) -> bool {
    name == known || (!plain(name) && alike(name, known))
}

/// Whether two names are the same to a lenient reader.
pub(super) fn alike(a: &str, b: &str) -> bool {
    folded(a).eq(folded(b))
}

/// Whether a name is in lower case, as the forms' own are: it can be taken for no other one.
#[inline]
pub(super) fn plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
}

fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(|c| {
        let c = match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c,
        };
        c.to_lowercase()
    })
}

/// Whether a value says anything: `null` and empty containers, which some upstreams send for "none", do not.
#[inline]
pub(super) fn says(value: View<'_>) -> bool {
    !value.is_null() && (!value.is_container() || !value.is_empty())
}

/// A whole number of at most `u32::MAX`.
#[inline]
pub(super) fn whole(value: View<'_>) -> Option<u32> {
    value.as_number()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn case_underscores_and_folding_letters_do_not_make_another_name() {
        for other in ["Tool_Calls", "toolCalls", "tool-calls", "TOOL_CALLS", "tool_call\u{17f}", "tool_calls"] {
            assert!(alike(other, "tool_calls"), "{other}");
        }
        assert!(!alike("tool_call", "tool_calls"));
    }
}
