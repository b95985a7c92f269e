//! Tool names cut into words.
//!
//! `deleteFile`, `delete_file`, `delete-file`, `Delete File`, `fs.delete:file` and `mcp__fs__delete_file` all hold
//! the words *delete* and *file*, whoever named the tool. Everything that is neither letter nor digit separates.
//! Within a run of letters and digits a word begins
//! - at a capital after a small letter (`deleteFile`),
//! - at the last capital of an acronym that a small letter follows (`HTTPRequest`), a plural s apart (`getIDs`),
//! - between letters and digits when at least three letters stand together (`file2` is two words; `s3`, `ec2`,
//!   `k8s` and `v2` are one),
//! - where a script without capitals meets one with them.
//!
//! Characters that cannot be seen (zero-width, soft hyphen, direction marks) are left out: `de<zero-width>lete` reads
//! *delete*, as it does to a person.

use smallvec::SmallVec;

/// The words of a name, in lower case and in order. Ordinary names take no heap memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    text: SmallVec<[u8; 64]>,
    ends: SmallVec<[u32; 12]>,
}

impl Tokens {
    /// How many words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the name holds no word at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word at `at`, counted from 0.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |start| *start as usize);
        std::str::from_utf8(self.text.get(start..end)?).ok()
    }

    /// The words in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Whether `word` (in lower case) is one of the words.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.iter().any(|token| token == word)
    }

    fn end_word(&mut self) {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        if self.ends.last().copied().unwrap_or(0) < end {
            self.ends.push(end);
        }
    }

    fn push(&mut self, letter: char) {
        if letter.is_ascii() {
            self.text.push(letter.to_ascii_lowercase() as u8);
        } else {
            let mut buffer = [0; 4];
            for lower in letter.to_lowercase() {
                self.text.extend_from_slice(lower.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    /// A letter of a script without capitals.
    Caseless,
    Digit,
    /// Belongs to the letter before it.
    Mark,
    Separator,
}

/// Cuts a name into words; see the module for where.
#[must_use]
pub fn tokens(name: &str) -> Tokens {
    let chars: SmallVec<[char; 64]> = name.chars().filter(|letter| !is_invisible(*letter)).collect();
    let mut out = Tokens::default();
    let mut before = Class::Separator;
    let mut letters = 0_usize;
    for (at, letter) in chars.iter().enumerate() {
        let class = classify(*letter);
        if class == Class::Separator || (before != Class::Separator && begins(&chars, at, before, class, letters)) {
            out.end_word();
            letters = 0;
        }
        match class {
            Class::Separator => {}
            Class::Mark => {
                out.push(*letter);
                continue;
            }
            Class::Digit => out.push(*letter),
            Class::Upper | Class::Lower | Class::Caseless => {
                out.push(*letter);
                letters += 1;
            }
        }
        before = class;
    }
    out.end_word();
    out
}

/// Whether a new word begins at `at`, where `before` and `class` are both part of words and `letters` letters of
/// the current word have been seen.
fn begins(chars: &[char], at: usize, before: Class, class: Class, letters: usize) -> bool {
    let ahead = |by: usize| chars.get(at + by).map_or(Class::Separator, |letter| classify(*letter));
    let is_letter = |class: Class| matches!(class, Class::Upper | Class::Lower | Class::Caseless);
    match (before, class) {
        (Class::Lower, Class::Upper) => true,
        (Class::Upper, Class::Upper) => {
            let plural = chars.get(at + 1) == Some(&'s') && ahead(2) != Class::Lower;
            ahead(1) == Class::Lower && !plural
        }
        (Class::Caseless, Class::Upper | Class::Lower) | (Class::Upper | Class::Lower, Class::Caseless) => true,
        (Class::Upper | Class::Lower | Class::Caseless, Class::Digit) => letters >= 3,
        (Class::Digit, Class::Upper) if ahead(1) == Class::Lower => true,
        (Class::Digit, Class::Upper | Class::Lower | Class::Caseless) => is_letter(ahead(1)) && is_letter(ahead(2)),
        _ => false,
    }
}

fn classify(letter: char) -> Class {
    match letter {
        'a'..='z' => Class::Lower,
        'A'..='Z' => Class::Upper,
        '0'..='9' => Class::Digit,
        '\0'..='\x7f' => Class::Separator,
        '\u{300}'..='\u{36f}' => Class::Mark,
        _ if letter.is_uppercase() => Class::Upper,
        _ if letter.is_lowercase() => Class::Lower,
        _ if letter.is_numeric() => Class::Digit,
        _ if letter.is_alphabetic() => Class::Caseless,
        _ => Class::Separator,
    }
}

const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::tokens;

    fn words(name: &str) -> Vec<String> {
        tokens(name).iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_naming_style_gives_the_same_words() {
        for name in [
            "delete_file",
            "deleteFile",
            "DeleteFile",
            "delete-file",
            "delete.file",
            "delete:file",
            "Delete File",
            "DELETE_FILE",
            "__delete__file__",
            "delete/file",
            "de\u{200b}lete\u{ad}_file",
        ] {
            assert_eq!(words(name), ["delete", "file"], "{name}");
        }
    }

    #[test]
    fn acronyms_digits_and_other_scripts_are_cut_where_a_reader_would() {
        for (name, expected) in [
            ("HTTPRequest", &["http", "request"][..]),
            ("getHTTPSUrl", &["get", "https", "url"]),
            ("getIDs", &["get", "ids"]),
            ("listPDFs", &["list", "pdfs"]),
            ("mcp__github__merge_pr", &["mcp", "github", "merge", "pr"]),
            ("ec2:TerminateInstances", &["ec2", "terminate", "instances"]),
            ("s3:CreateBucket", &["s3", "create", "bucket"]),
            ("kubectl_k8s_v2", &["kubectl", "k8s", "v2"]),
            ("deleteFile2", &["delete", "file", "2"]),
            ("delete2files", &["delete", "2", "files"]),
            ("EC2RunInstances", &["ec2", "run", "instances"]),
            ("supprimerÉlève", &["supprimer", "élève"]),
            ("删除file", &["删除", "file"]),
            ("e\u{301}diter_note", &["e\u{301}diter", "note"]),
            ("x", &["x"]),
            ("", &[]),
            ("__--..", &[]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn words_are_lower_case_not_empty_and_hold_no_separator(name in "\\PC{0,60}|[A-Za-z0-9_.:-]{0,80}") {
            let cut = tokens(&name);
            prop_assert_eq!(cut.iter().count(), cut.len());
            for word in cut.iter() {
                prop_assert!(!word.is_empty());
                prop_assert!(!word.contains(['_', '-', '.', ':', ' ', '/']));
                prop_assert_eq!(word, word.to_lowercase());
            }
        }

        #[test]
        fn ascii_letters_and_digits_all_stay_in_order(name in "[A-Za-z0-9_.:-]{0,80}") {
            let kept: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let joined: String = tokens(&name).iter().collect();
            prop_assert_eq!(joined, kept.to_ascii_lowercase());
        }

        #[test]
        fn joining_words_by_any_separator_gives_them_back(
            words in proptest::collection::vec("[a-z]{1,10}", 1..8),
            separator in prop::sample::select(vec!["_", "-", ".", "::", "__", " ", "/"]),
        ) {
            prop_assert_eq!(self::words(&words.join(separator)), words);
        }
    }
}
