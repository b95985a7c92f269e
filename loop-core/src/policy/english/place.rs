//! Where, to whom, with what, by whom and when.

use super::{clause::Words, token::Kind, words::is};
use crate::policy::{
    condition::{Condition, PathTest, TimeTest, Whom},
    facts::{DataKind, Environment},
};

/// Takes domains and addresses.
pub fn recipients(words: &mut Words, excepting: bool) -> Option<Condition> {
    let (mut within, mut outside, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = false;
    for at in 0..words.len() {
        let word = words.raw_word(at);
        let next = words.raw_word(at + 1);
        let beyond = matches!(word, "outside" | "external" | "leaving" | "leave" | "leaves" | "beyond")
            || (word == "other" && next == "than")
            || (word == "not"
                && matches!(next, "in" | "at" | "from" | "on" | "within" | "part" | "belonging" | "ours"));
        if beyond {
            out = !excepting || word != "other";
        }
        match words.kind(at) {
            Some(Kind::Domain) => {
                let domain = words.take(at);
                if out { outside.push(domain) } else { within.push(domain) }
            }
            Some(Kind::Email) => addresses.push(words.take(at)),
            _ => {}
        }
    }
    let mut any = Vec::new();
    let mut offer = |list: Vec<String>, whom: fn(Vec<String>) -> Whom| {
        if !list.is_empty() {
            any.push(Condition::Recipient(whom(list)));
        }
    };
    offer(within, Whom::In);
    offer(outside, Whom::Outside);
    offer(addresses, Whom::Address);
    (!any.is_empty()).then(|| Condition::any(any))
}

/// Takes channels.
pub fn channels(words: &mut Words) -> Option<Condition> {
    let places: Vec<String> = words.take_all(|kind, _| *kind == Kind::Channel);
    (!places.is_empty()).then_some(Condition::Place(places))
}

/// Takes names of environments.
pub fn environments(words: &mut Words) -> Option<Condition> {
    let mut found = Vec::new();
    for at in 0..words.len() {
        let Some((environment, sure)) = environment(words.word(at)) else { continue };
        let before = at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
        let behind = words.raw_word(at + 1);
        let placed = matches!(before, "to" | "in" | "on" | "into" | "from" | "against" | "the" | "non")
            || matches!(
                behind,
                "environment" | "environments" | "server" | "servers" | "cluster" | "is" | "are" | "systems"
            );
        if sure || placed {
            // `non-production` is everything but.
            if before == "non" || before == "pre" {
                found.extend([Environment::Staging, Environment::Development, Environment::Test, Environment::Preview]);
            } else {
                found.push(environment);
            }
            words.take(at);
        }
    }
    (!found.is_empty()).then_some(Condition::Environment(found))
}

fn environment(word: &str) -> Option<(Environment, bool)> {
    let groups = [
        ("production", Environment::Production, word != "live"),
        ("staging", Environment::Staging, word != "stage"),
        ("development", Environment::Development, false),
        ("testing", Environment::Test, false),
        ("preview", Environment::Preview, false),
    ];
    groups.into_iter().find(|(group, ..)| is(group, word)).map(|(_, environment, sure)| (environment, sure))
}

/// Takes paths, patterns of file names, named folders and kinds of files. Those behind `outside` are where it does not
/// happen.
pub fn paths(words: &mut Words, about_branches: bool) -> Option<Condition> {
    let mut tests = Vec::new();
    let mut outside = false;
    for at in 0..words.len() {
        if matches!(words.raw_word(at), "outside" | "beyond")
            || (words.raw_word(at) == "not" && words.raw_word(at + 1) == "in")
        {
            outside = true;
        }
        let foldered = matches!(words.raw_word(at + 1), "folder" | "directory" | "dir" | "folders" | "directories");
        match words.kind(at) {
            Some(Kind::Path) => {
                let raw = words.raw(at).trim_end_matches(',').to_owned();
                let plain = raw.trim_end_matches(['/', '*']).trim_start_matches("./").to_owned();
                if raw.starts_with(['/', '~']) {
                    tests.push(PathTest::Under(plain));
                } else if raw.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '/' | ':')) {
                    continue;
                } else if raw.starts_with('.') && !plain.contains('/') && !foldered {
                    tests.push(PathTest::File(plain.clone()));
                    if files_like(words, at) {
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
                words.take(at);
            }
            Some(Kind::Glob | Kind::Quoted) if !about_branches => {
                let raw = words.raw(at).trim_start_matches("./").to_owned();
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
                words.take(at);
            }
            Some(Kind::Name) if file_name(words.raw(at)) => {
                tests.push(PathTest::File(words.raw(at).to_owned()));
                words.take(at);
            }
            Some(Kind::Word) => {
                let word = words.word(at).to_owned();
                if foldered && !word.is_empty() && !is("filler", &word) && !matches!(word.as_str(), "a" | "the") {
                    words.take(at);
                    words.take(at + 1);
                    tests.push(PathTest::Folder(word));
                } else if is("endings", &word) && !word.is_empty() {
                    words.take(at);
                    let ending = word.strip_suffix('s').filter(|short| is("endings", short)).unwrap_or(&word);
                    tests.push(PathTest::File(format!("*.{ending}")));
                } else if is("file_names", &word) {
                    tests.push(PathTest::File(format!("{}*", words.raw(at).trim_end_matches('s'))));
                    words.take(at);
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

fn files_like(words: &Words, at: usize) -> bool {
    (at + 1..at + 5).any(|at| matches!(words.raw_word(at), "files" | "file" | "attachments"))
        && words.raw(at).len() <= 5
        && !matches!(words.raw(at), ".env" | ".git" | ".ssh" | ".aws" | ".npm" | ".kube")
}

/// Whether a name is that of a file: `package.json`, `id_rsa`.
pub fn file_name(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(before, ending)| !before.is_empty() && (is("endings", ending) || is("more_endings", ending)))
        || matches!(name, "id_rsa" | "id_ed25519" | "known_hosts" | "authorized_keys")
}

/// Takes classes of data. Words that may also be things (`secrets`) count only where something can carry them.
pub fn data(words: &mut Words, carried: bool) -> Option<Condition> {
    let mut kinds: Vec<DataKind> = Vec::new();
    let holds = |word: &str| {
        matches!(
            word,
            "containing"
                | "contain"
                | "contains"
                | "with"
                | "including"
                | "include"
                | "includes"
                | "holding"
                | "hold"
                | "holds"
                | "expose"
                | "exposes"
                | "exposing"
                | "reveal"
                | "carry"
                | "carrying"
        )
    };
    let mut at = 0;
    while at < words.len() {
        let before =
            !kinds.is_empty() || (1..=4).filter_map(|back| at.checked_sub(back)).any(|at| holds(words.raw_word(at)));
        if matches!(words.word(at), "personal" | "private")
            && matches!(
                words.raw_word(at + 1),
                "account"
                    | "accounts"
                    | "email"
                    | "emails"
                    | "address"
                    | "addresses"
                    | "inbox"
                    | "mailbox"
                    | "e_mail"
                    | "gmail"
                    | "use"
                    | "device"
            )
        {
            // Whose it is, not what is in it.
            words.take(at);
        }
        let mut taken = 0;
        for length in (1..=4).rev() {
            let Some(phrase) = words.phrase(at, length) else { continue };
            let always: Option<&[DataKind]> = match () {
                () if is("personal", &phrase) => Some(&DataKind::PERSONAL),
                () if is("card", &phrase)
                    && (carried || before || phrase.contains("number") || phrase.contains("data")) =>
                {
                    Some(&[DataKind::Card])
                }
                () if is("social", &phrase) => Some(&[DataKind::SocialSecurity]),
                () if is("bank", &phrase) => Some(&[DataKind::BankAccount]),
                () if is("phones", &phrase) => Some(&[DataKind::Phone]),
                () if is("emails_in", &phrase) => Some(&[DataKind::Email]),
                () if (carried || before) && is("secrets", &phrase) => Some(&[DataKind::Secret, DataKind::ApiKey]),
                () if (carried || before) && is("api_keys", &phrase) => Some(&[DataKind::ApiKey, DataKind::Secret]),
                () => None,
            };
            if let Some(found) = always {
                kinds.extend(found);
                taken = length;
                break;
            }
        }
        (at..at + taken).for_each(|at| drop(words.take(at)));
        if taken > 0 && matches!(words.word(at + taken), "number" | "numbers" | "data") {
            words.take(at + taken);
        }
        at += taken.max(1);
    }
    kinds.sort_unstable();
    kinds.dedup();
    (!kinds.is_empty()).then_some(Condition::Data(kinds))
}

/// Takes agents that are named: `the billing agent`, `intern-bot`.
pub fn agents(words: &mut Words) -> Option<Condition> {
    let mut names = Vec::new();
    for at in 0..words.len() {
        let word = words.word(at).to_owned();
        let quoted = words.kind(at) == Some(&Kind::Quoted)
            && at.checked_sub(1).is_some_and(|at| matches!(words.raw_word(at), "by" | "from" | "agent" | "bot"));
        let hyphened = words.kind(at) == Some(&Kind::Word) && word.contains('-');
        if hyphened || quoted || ["-bot", "-agent", "-assistant"].iter().any(|end| word.ends_with(end)) {
            names.push(words.take(at));
        } else if matches!(word.as_str(), "agent" | "bot" | "assistant")
            && let Some(before) = at.checked_sub(1)
        {
            let name = words.word(before).to_owned();
            if !name.is_empty()
                && !is("filler", &name)
                && !is("guard", &name)
                && !is("except", &name)
                && words.kind(before) == Some(&Kind::Word)
            {
                words.take(before);
                words.take(at);
                names.push(format!("{name}-{word}"));
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    // `every agent but x`: all others.
    let others = words.any_raw(|word| word == "other") && words.any_raw(|word| word == "than");
    let condition = Condition::Agent(names);
    Some(if others { Condition::negated(condition) } else { condition })
}

/// Days by their groups, 1 is Monday.
const DAYS: &[(&str, &[u8])] = &[
    ("weekend", &[6, 7]),
    ("weekday", &[1, 2, 3, 4, 5]),
    ("monday", &[1]),
    ("tuesday", &[2]),
    ("wednesday", &[3]),
    ("thursday", &[4]),
    ("friday", &[5]),
    ("saturday", &[6]),
    ("sunday", &[7]),
];

/// Takes times: days, business hours, `after 6pm`.
pub fn times(words: &mut Words) -> Option<Condition> {
    let mut days: Vec<u8> = Vec::new();
    let mut tests = Vec::new();
    let (mut from, mut to) = (None, None);
    for at in 0..words.len() {
        let word = words.word(at).to_owned();
        if let Some((_, found)) = DAYS.iter().find(|(group, _)| is(group, &word)) {
            words.take(at);
            days.extend(*found);
        } else if words.phrase(at, 2).is_some_and(|phrase| is("hours", &phrase)) {
            let outside = (1..=3)
                .filter_map(|back| at.checked_sub(back))
                .any(|at| words.raw_word(at) == "outside" || words.raw_word(at) == "out");
            words.take(at);
            words.take(at + 1);
            let office = vec![1, 2, 3, 4, 5];
            if outside {
                tests.push(TimeTest { days: office, from: Some(17 * 60), to: Some(9 * 60), ..TimeTest::default() });
                tests.push(TimeTest { days: vec![6, 7], ..TimeTest::default() });
            } else {
                tests.push(TimeTest { days: office, from: Some(9 * 60), to: Some(17 * 60), ..TimeTest::default() });
            }
        } else if is("night", &word) {
            words.take(at);
            tests.push(TimeTest { from: Some(20 * 60), to: Some(6 * 60), ..TimeTest::default() });
        } else if let Some(minute) = minute(words.raw(at)) {
            let before = at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
            match before {
                "after" | "from" | "between" | "past" => from = Some(minute),
                "before" | "until" | "till" | "to" | "and" | "by" => to = Some(minute),
                _ => continue,
            }
            words.take(at);
        }
    }
    if from.is_some() || to.is_some() {
        tests.push(TimeTest { days: std::mem::take(&mut days), from, to, ..TimeTest::default() });
    } else if !days.is_empty() {
        tests.push(TimeTest { days, ..TimeTest::default() });
    }
    (!tests.is_empty()).then_some(Condition::Time(tests))
}

/// `6pm`, `9:30am`, `18:00`
fn minute(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let (clock, shift) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (lower.as_str(), None),
    };
    let (hour, minute) = clock.split_once(':').or_else(|| shift.map(|_| (clock, "0")))?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    let hour = match shift {
        Some(shift) if (1..=12).contains(&hour) => hour % 12 + shift,
        Some(_) => return None,
        None => hour,
    };
    (hour < 24 && minute < 60).then(|| hour * 60 + minute)
}
