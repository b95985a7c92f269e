//! Tool names cut into words.
//!
//! `deleteFile`, `delete_file`, `delete-file`, `Delete File`, `fs.delete:file` and `mcp__fs__delete_file` all hold
//! the words *delete* and *file*, whoever named the tool. Everything that is neither letter nor digit separates.
//! Within a run of letters and digits a word begins
//! - at a capital after a small letter (`deleteFile`),
//! - at the last capital of an acronym that small letters follow (`HTTPRequest`; in `getIDs` the plural's letter stays),
//! - between letters and digits when at least three letters stand together (`file2` is two words; `s3`, `ec2`,
//!   `k8s` and `v2` are one),
//! - where a script without capitals meets one with them.
//!
//! Characters that cannot be seen (zero-width, soft hyphen, direction marks) are left out: `de<zero-width>lete` reads
//! *delete*, as it does to a person.

use smallvec::SmallVec;

/// The words of a name, in lower case and in order. Ordinary names take no heap memory.
#[derive(Clone, Default)]
pub struct Tokens {
    text: SmallVec<[u8; 64]>,
    /// Where each word begins and ends in the text.
    words: SmallVec<[(u32, u32); 8]>,
}

impl Tokens {
    /// How many words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether the name holds no word at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The word at `at`, counted from 0.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        self.words.get(at).map(|span| self.word(*span))
    }

    /// The words in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator + Clone {
        self.words.iter().map(|span| self.word(*span))
    }

    /// Whether `word` (in lower case) is one of the words.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.iter().any(|token| token == word)
    }

    fn word(&self, (start, end): (u32, u32)) -> &str {
        let bytes = self.text.get(start as usize..end as usize).unwrap_or_default();
        // Words end where characters do, so this never fails.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Tokens {}

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

impl Class {
    const fn is_letter(self) -> bool {
        matches!(self, Self::Upper | Self::Lower | Self::Caseless)
    }
}

/// Cuts a name into words; see the module for where.
#[must_use]
pub fn tokens(name: &str) -> Tokens {
    if name.is_ascii() { ascii(name.as_bytes()) } else { unicode(name) }
}

/// The words are parts of the name itself, in lower case.
fn ascii(name: &[u8]) -> Tokens {
    let mut out = Tokens { text: SmallVec::from_slice(name), words: SmallVec::new() };
    out.text.make_ascii_lowercase();
    let class = |at: usize| name.get(at).map_or(Class::Separator, |byte| ascii_class(*byte));
    cut(name.len(), class, |start, end| out.words.push((start as u32, end as u32)));
    out
}

/// Lower case may take more or fewer bytes, so the words are written one by one.
fn unicode(name: &str) -> Tokens {
    let chars: SmallVec<[char; 64]> = name.chars().filter(|letter| !is_invisible(*letter)).collect();
    let mut out = Tokens::default();
    let class = |at: usize| chars.get(at).map_or(Class::Separator, |letter| class_of(*letter));
    cut(chars.len(), class, |start, end| {
        let from = out.text.len() as u32;
        for letter in chars.get(start..end).unwrap_or_default() {
            let mut buffer = [0; 4];
            for lower in letter.to_lowercase() {
                out.text.extend_from_slice(lower.encode_utf8(&mut buffer).as_bytes());
            }
        }
        out.words.push((from, out.text.len() as u32));
    });
    out
}

/// Finds the words among `len` characters and hands over where each begins and ends.
fn cut(len: usize, class: impl Fn(usize) -> Class, mut word: impl FnMut(usize, usize)) {
    let mut start = 0;
    let mut letters = 0_usize;
    let mut before = Class::Separator;
    for at in 0..len {
        let here = class(at);
        if here == Class::Mark {
            continue;
        }
        if here == Class::Separator {
            if start < at {
                word(start, at);
            }
            start = at + 1;
            letters = 0;
        } else if begins(&class, at, before, here, letters) {
            word(start, at);
            start = at;
            letters = 0;
        }
        letters += usize::from(here.is_letter());
        before = here;
    }
    if start < len {
        word(start, len);
    }
}

/// Whether a new word begins at `at` within a run of letters and digits, where `letters` letters of the current word
/// have been seen.
fn begins(class: &impl Fn(usize) -> Class, at: usize, before: Class, here: Class, letters: usize) -> bool {
    match (before, here) {
        (Class::Lower, Class::Upper) => true,
        (Class::Upper, Class::Upper) => {
            // `HTTPRequest`, but not `getIDs`: a lone small letter behind an acronym is its plural.
            class(at + 1) == Class::Lower && class(at + 2) == Class::Lower
        }
        (Class::Caseless, Class::Upper | Class::Lower) | (Class::Upper | Class::Lower, Class::Caseless) => true,
        (before, Class::Digit) if before.is_letter() => letters >= 3,
        (Class::Digit, Class::Upper) if class(at + 1) == Class::Lower => true,
        (Class::Digit, here) if here.is_letter() => class(at + 1).is_letter() && class(at + 2).is_letter(),
        _ => false,
    }
}

const fn ascii_class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        _ => Class::Separator,
    }
}

fn class_of(letter: char) -> Class {
    match letter {
        '\0'..='\x7f' => ascii_class(letter as u8),
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
