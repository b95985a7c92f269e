//! Messages without what differs from call to call: numbers, hexadecimal and ids become `#`.

/// How much of a message is read, in characters.
const READ: usize = 512;
/// From this length on a word of letters and digits is an id, not a name with a number.
const ID: usize = 8;

/// A message as failures are told apart by it, `most` characters at most.
pub(super) fn mask(message: &str, most: usize) -> String {
    let mut out = String::with_capacity(message.len().min(most));
    let mut word = String::new();
    for letter in message.chars().take(READ) {
        if letter.is_alphanumeric() || matches!(letter, '-' | '_') {
            word.push(letter);
            continue;
        }
        push_word(&word, &mut out);
        word.clear();
        if letter.is_whitespace() || letter.is_control() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(letter);
        }
    }
    push_word(&word, &mut out);
    out.trim().chars().take(most).collect()
}

fn push_word(word: &str, out: &mut String) {
    let has_digit = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    if !has_digit(word) {
        out.push_str(word);
        return;
    }
    let dashes = |letter: char| matches!(letter, '-' | '_');
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if word.split(dashes).all(is_hex) {
        push_mark(out);
        return;
    }
    for piece in word.split_inclusive(dashes) {
        let bare = piece.trim_end_matches(dashes);
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 {
            out.push_str(piece);
            continue;
        }
        if is_hex(bare) || (bare.len() >= ID && digits >= 2) {
            push_mark(out);
        } else {
            for letter in bare.chars() {
                if letter.is_ascii_digit() { push_mark(out) } else { out.push(letter) }
            }
        }
        out.extend(piece.chars().skip(bare.chars().count()));
    }
}

/// Marks that stand next to each other, but for one sign, are one: `3.5`, `12:30` and `1-2` are numbers as well.
fn push_mark(out: &mut String) {
    if out.ends_with('#') {
        return;
    }
    let before = out.strip_suffix(['.', ',', ':', '-', '_', '/']);
    if before.is_some_and(|before| before.ends_with('#')) {
        out.pop();
    } else {
        out.push('#');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::mask;

    #[test]
    fn what_differs_from_call_to_call_is_masked() {
        for (message, masked) in [
            ("order 12345 not found", "order # not found"),
            ("order 7f3a9c1e-1111-2222-3333-444455556666 not found", "order # not found"),
            ("order 7f3a9c1e-abcd-2222-3333-444455556666 not found", "order # not found"),
            ("timed out after 3021 ms for SKU-4711", "timed out after # ms for SKU-#"),
            ("took 3.5s at 12:30:07.001Z", "took #s at #Z"),
            ("at 0x7fffe0 in main", "at # in main"),
            ("no such request req_011CSHoEeqs5C35K2UUqR7Fy", "no such request req_#"),
            ("connect 10.0.0.7:443 refused", "connect # refused"),
            ("a\n\t b", "a b"),
            ("not found", "not found"),
            ("", ""),
        ] {
            assert_eq!(mask(message, 200), masked, "{message}");
        }
        assert_eq!(mask("ééééé", 3), "ééé");
    }

    proptest! {
        #[test]
        fn no_digit_is_left_and_the_length_is_kept(message in "\\PC{0,600}", most in 0_usize..300) {
            let masked = mask(&message, most);
            prop_assert!(!masked.bytes().any(|b| b.is_ascii_digit()));
            prop_assert!(masked.chars().count() <= most);
        }
    }
}
