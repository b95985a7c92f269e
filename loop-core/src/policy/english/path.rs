//! Paths, patterns of file names, folders, kinds of files.

use super::{
    tape::Tape,
    token::Kind,
    words::{Group, List, is},
};
use crate::policy::condition::{Condition, PathTest};

/// Takes paths, patterns of file names, named folders and kinds of files. Those behind `outside` are where it does not
/// happen.
pub fn paths(tape: &mut Tape, about_branches: bool) -> Option<Condition> {
    let mut tests = Vec::new();
    let mut outside = false;
    for at in 0..tape.len() {
        if matches!(tape.raw_word(at), "outside" | "beyond")
            || (tape.raw_word(at) == "not" && tape.raw_word(at + 1) == "in")
        {
            outside = true;
        }
        let placed = (1..=4).any(|back| List::PathLead.has(tape.before(at, back)));
        let foldered = matches!(tape.raw_word(at + 1), "folder" | "directory" | "dir")
            || (placed && matches!(tape.raw_word(at + 1), "folders" | "directories"));
        match tape.kind(at) {
            Some(Kind::Path) => {
                let raw = tape.raw(at).trim_end_matches(',').to_owned();
                let plain = raw.trim_end_matches(['/', '*']).trim_start_matches("./").to_owned();
                if raw.starts_with(['/', '~']) {
                    tests.push(PathTest::Under(plain));
                } else if raw.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '/' | ':')) {
                    continue;
                } else if raw.starts_with('.') && !plain.contains('/') && !foldered {
                    tests.push(PathTest::File(plain.clone()));
                    if files_like(tape, at) {
                        // `.txt files`: an ending.
                        tests.push(PathTest::File(format!("*{plain}")));
                    } else {
                        tests.push(PathTest::File(format!("{plain}.*")));
                        tests.push(PathTest::Folder(plain));
                    }
                } else if raw.ends_with('/') || foldered || !plain.contains('.') || plain.starts_with('.') {
                    tests.push(PathTest::Folder(plain.clone()));
                    tests.push(PathTest::Tail(plain));
                } else {
                    tests.push(PathTest::Tail(plain));
                }
                tape.take(at);
            }
            Some(Kind::Glob | Kind::Quoted) if !about_branches => {
                let raw = tape.raw(at).trim_start_matches("./").to_owned();
                if raw.contains(char::is_whitespace) || !raw.contains(['*', '/', '.']) {
                    continue;
                }
                let below = raw.strip_suffix("/*").or_else(|| raw.strip_suffix("/**"));
                match below {
                    Some(folder) if folder.starts_with(['/', '~']) => tests.push(PathTest::Under(folder.to_owned())),
                    Some(folder) => tests.push(PathTest::Folder(folder.to_owned())),
                    None if raw.contains('/') => tests.push(PathTest::Tail(raw.replace("**/", ""))),
                    None if raw.contains('.') => tests.push(PathTest::File(raw)),
                    None => continue,
                }
                tape.take(at);
            }
            Some(Kind::Name) if file_name(tape.raw(at)) => {
                tests.push(PathTest::File(tape.raw(at).to_owned()));
                tape.take(at);
            }
            Some(Kind::Word) => {
                let word = tape.word(at).to_owned();
                if foldered
                    && placed
                    && !word.is_empty()
                    && !is(Group::Small, &word)
                    && !matches!(word.as_str(), "a" | "the")
                {
                    tape.take(at);
                    tape.take(at + 1);
                    tests.push(PathTest::Folder(word));
                } else if is(Group::Endings, &word) && !word.is_empty() {
                    tape.take(at);
                    let ending = word.strip_suffix('s').filter(|short| is(Group::Endings, short)).unwrap_or(&word);
                    tests.push(PathTest::File(format!("*.{ending}")));
                } else if is(Group::FileNames, &word) {
                    tests.push(PathTest::File(tape.raw(at).trim_end_matches('s').to_owned()));
                    tape.take(at);
                }
            }
            _ => {}
        }
    }
    if tests.is_empty() {
        return None;
    }
    Some(if outside { Condition::negated(Condition::Path(tests)) } else { Condition::Path(tests) })
}

fn files_like(tape: &Tape, at: usize) -> bool {
    let named = (1..=5).any(|back| List::FileNoun.has(tape.before(at, back)));
    (named || (at + 1..at + 5).any(|at| matches!(tape.raw_word(at), "files" | "file" | "attachments")))
        && tape.raw(at).len() <= 8
        && !matches!(tape.raw(at), ".env" | ".git" | ".ssh" | ".aws" | ".npm" | ".kube")
}

/// Whether a name is that of a file: `package.json`, `id_rsa`.
pub fn file_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(before, ending)| {
        !before.is_empty() && (is(Group::Endings, ending) || is(Group::MoreEndings, ending))
    }) || matches!(name, "id_rsa" | "id_ed25519" | "known_hosts" | "authorized_keys")
}
