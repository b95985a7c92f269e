//! Patterns of `*` (any text) and `?` (one character), without regard to ASCII case.

/// Whether the whole text fits. Time is bounded by the product of both lengths.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the part behind the last `*` does not fit here.
    let mut again: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut next_pattern, mut next_text) = (pattern.clone(), text.clone());
        match (next_pattern.next(), next_text.next()) {
            (Some('*'), _) => {
                again = Some((next_pattern.clone(), text.clone()));
                pattern = next_pattern;
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted.eq_ignore_ascii_case(&found) => {
                (pattern, text) = (next_pattern, next_text);
            }
            (None, None) => return true,
            _ => {
                let Some((behind, from)) = again.as_mut() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (behind.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text) in [
            ("*.tf", "main.tf"),
            ("feature/*", "feature/a/b"),
            ("a?c", "aBc"),
            ("*", ""),
            ("**x", "yx"),
            ("a*b*c", "aXbYbZc"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("*.tf", "main.tf.md"), ("feature/*", "old-feature/x"), ("?", ""), ("a", "ab"), ("", "a")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
        assert!(!fits(&"*a".repeat(30), &format!("{}b", "a".repeat(2000))));
    }
}
