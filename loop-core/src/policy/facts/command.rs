//! What shell lines do, by a list of programs.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::carrier::Said;
use crate::policy::{
    deed::classify,
    glob,
    lexicon::{Concepts, lexicon, read_word},
};

/// The data file; its head documents the format.
static TEXT: &str = include_str!("programs.txt");

/// The most commands that are read of one line; a longer one does everything.
const COMMANDS_MAX: usize = 64;
/// The most words of a command that are read behind a program that is spoken to.
const SPOKEN_MAX: usize = 6;
/// The most words of a command that are looked at for files that hold secrets.
const WORDS_MAX: usize = 64;

type Map<V> = HashMap<&'static str, V, foldhash::fast::FixedState>;

/// A program with words that must follow, and what both come to.
struct Phrase {
    words: Vec<Vec<&'static str>>,
    flags: Vec<&'static str>,
    said: Said,
}

#[derive(Default)]
struct Programs {
    does: Map<Said>,
    phrases: Vec<Phrase>,
    speaks: Map<Concepts>,
    shows: Vec<[Vec<&'static str>; 2]>,
    starts: Vec<&'static str>,
    area: Vec<&'static str>,
    short: Map<Concepts>,
    secret: Vec<&'static str>,
    plain: Vec<&'static str>,
}

fn programs() -> &'static Programs {
    static ALL: LazyLock<Programs> = LazyLock::new(|| {
        let mut all = Programs::default();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let Some((kind, rest)) = line.split_once(' ') else { continue };
            let mut columns = rest.split(" :").map(str::split_whitespace);
            let mut column = || columns.next().into_iter().flatten().collect::<Vec<_>>();
            let named = |words: Vec<&str>| Concepts::named(&words);
            let first = column();
            match kind {
                "does" => {
                    let said = Said { does: named(column()), things: named(column()) };
                    all.does.extend(first.into_iter().map(|word| (word, said)));
                }
                "phrase" => {
                    let words = first.into_iter().map(|word| word.split('|').collect()).collect();
                    let flags = column();
                    all.phrases.push(Phrase {
                        words,
                        flags,
                        said: Said { does: named(column()), things: named(column()) },
                    });
                }
                "speaks" => {
                    let things = named(column());
                    all.speaks.extend(first.into_iter().map(|word| (word, things)));
                }
                "short" => {
                    let things = named(column());
                    all.short.extend(first.into_iter().map(|word| (word, things)));
                }
                "shows" => {
                    let mut words = first.into_iter().map(|word| word.split('|').collect());
                    all.shows.extend(words.next().zip(words.next()).map(|(programs, words)| [programs, words]));
                }
                "area" => all.area.extend(first),
                "starts" => all.starts.extend(first),
                "secret" => all.secret.extend(first),
                "plain" => all.plain.extend(first),
                _ => {}
            }
        }
        all
    });
    &ALL
}

/// Whether a path ends in the name of a file that holds secrets (`.env`, `id_rsa`).
#[must_use]
pub fn holds_secrets(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let fits = |patterns: &[&str]| patterns.iter().any(|pattern| glob::fits(pattern, name));
    !name.is_empty() && fits(&programs().secret) && !fits(&programs().plain)
}

/// Reads a shell line: each command's program and, where it is spoken to, its first words.
pub fn commands(text: &str, said: &mut Said) {
    let separators = |c: char| matches!(c, ';' | '|' | '&' | '\n' | '(' | ')' | '`' | '{' | '}');
    for (read, command) in text.split(separators).filter(|command| !command.trim().is_empty()).enumerate() {
        if read >= COMMANDS_MAX {
            said.does = Concepts::ALL;
            return;
        }
        one(command, said);
    }
}

fn one(command: &str, said: &mut Said) {
    let all = programs();
    let mut words = command
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| matches!(c, '"' | '\'' | '$')))
        .skip_while(|word| all.starts.contains(word) || word.contains('=') || word.starts_with('-'));
    let Some(program) = words.next() else { return };
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    // `mkfs.ext4`, `rm.exe`
    let stem = program.split_once('.').map_or(program, |(stem, _)| stem);
    let words: Vec<&str> = words.collect();
    if let Some(does) = all.does.get(stem) {
        said.add_all(*does);
    } else if stem == "find" {
        found(&words, said);
    } else if shows(stem, &words) {
        let mut seen = Said::default();
        spoken(stem, &words, Concepts::NONE, &mut seen);
        said.add_all(Said { does: Concepts::named(&["read"]), ..seen });
    } else if let Some(about) = all.speaks.get(stem) {
        spoken(stem, &words, *about, said);
    } else if is_cmdlet(program) {
        let class = classify(program);
        said.add_all(Said { does: class.does, things: class.heads });
    } else if matches!(stem, "curl" | "http" | "wget") {
        requested(&words, said);
    }
    for phrase in all.phrases.iter().filter(|phrase| fits(phrase, stem, &words)) {
        said.add_all(phrase.said);
    }
    if stem == "git" && words.contains(&"push") {
        unpushed(&words, said);
    }
    if words.iter().take(WORDS_MAX).any(|word| holds_secrets(word)) {
        said.things = said.things.with(Concepts::named(&["secret"]));
    }
    if command.contains('>') {
        said.add_all(Said { does: Concepts::named(&["write"]), things: Concepts::named(&["file"]) });
    }
}

/// Whether the first word only asks for something to be shown.
fn shows(program: &str, words: &[&str]) -> bool {
    // Behind a flag it may be the flag's: `-n get delete pod`.
    let first = words.first();
    let asks = |[programs, asked]: &[Vec<&str>; 2]| {
        programs.contains(&program) && first.is_some_and(|word| asked.contains(word))
    };
    programs().shows.iter().any(asks)
}

/// Whether a command's words hold those of a phrase in order, the program first, and one of its flags.
fn fits(phrase: &Phrase, program: &str, words: &[&str]) -> bool {
    let Some((first, rest)) = phrase.words.split_first() else { return false };
    let mut left = words.iter().filter(|word| !word.starts_with('-'));
    first.contains(&program)
        && rest.iter().all(|wanted| left.by_ref().any(|word| wanted.contains(word)))
        && (phrase.flags.is_empty()
            || words.iter().any(|word| phrase.flags.contains(&word.split('=').next().unwrap_or_default())))
}

/// `git push origin :refs/tags/v1` deletes what stands behind the colon, `+main` overwrites it.
fn unpushed(words: &[&str], said: &mut Said) {
    for word in words {
        if let Some(gone) = word.strip_prefix(':') {
            let thing = if gone.contains("tags/") { "label" } else { "branch" };
            said.add_all(Said { does: Concepts::named(&["delete"]), things: Concepts::named(&[thing]) });
        }
        if word.starts_with('+') {
            said.does = said.does.with(Concepts::named(&["force_push"]));
        }
    }
}

/// What `find` does to what it found.
fn found(words: &[&str], said: &mut Said) {
    for word in words.iter().skip_while(|word| !word.starts_with('-')) {
        match *word {
            "-delete" => said.add_all(Said { does: Concepts::named(&["delete"]), things: Concepts::named(&["file"]) }),
            other => said.add_all(programs().does.get(other).copied().unwrap_or_default()),
        }
    }
}

/// `Remove-Item` of PowerShell.
fn is_cmdlet(program: &str) -> bool {
    let capital = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
    program.split_once('-').is_some_and(|(verb, noun)| capital(verb) && capital(noun))
}

/// `curl -X DELETE https://…/users/7`
fn requested(words: &[&str], said: &mut Said) {
    let mut before = "";
    for word in words {
        let method = match before {
            "-X" | "--request" | "--method" => *word,
            _ => word.strip_prefix("-X").or_else(|| word.strip_prefix("--request=")).unwrap_or_default(),
        };
        said.does = said.does.with(method_does(method));
        if matches!(*word, "-d" | "-F") || word.starts_with("--data") || word.starts_with("--form") {
            said.does = said.does.with(Concepts::named(&["send"]));
        }
        if word.contains("://") {
            said.things = said.things.with(addressed(word));
        }
        before = word;
    }
}

/// What a method of HTTP does.
#[must_use]
pub fn method_does(method: &str) -> Concepts {
    let does: &[&str] = match method.to_ascii_uppercase().as_str() {
        "GET" | "HEAD" | "OPTIONS" => &["read"],
        "POST" => &["create"],
        "PUT" | "PATCH" => &["update"],
        "DELETE" => &["delete"],
        _ => &[],
    };
    Concepts::named(does)
}

/// What the path of an address names: `…/v1/customers/42` a customer.
#[must_use]
pub fn addressed(url: &str) -> Concepts {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments = path.split('/').filter(|segment| !segment.is_empty()).take(SPOKEN_MAX * 2);
    // The last one that names something: a comment of an issue is no issue.
    segments.map(crate::policy::name::named).filter(|things| !things.is_empty()).last().unwrap_or_default()
}

/// `delete namespace x` behind a program that is spoken to: the first doing word, what stands before it and the first
/// thing behind it.
fn spoken(program: &str, words: &[&str], about: Concepts, said: &mut Said) {
    let mut does = Concepts::NONE;
    let mut things = Concepts::NONE;
    // `gcloud compute instances delete`, but `docker run` runs.
    let areas = if matches!(program, "gcloud" | "az" | "aws") { programs().area.as_slice() } else { &[] };
    // What follows a flag may be its value, so then each word that does something counts.
    let flagged = words.first().is_some_and(|word| word.starts_with('-'));
    let words_of = || words.iter().filter(|word| !word.starts_with('-') && !areas.contains(word));
    'words: for word in words_of().take(SPOKEN_MAX) {
        // `deploy/web` of a cluster.
        let word = word.split('/').next().unwrap_or_default().to_lowercase();
        if let Some(thing) = programs().short.get(word.as_str()).filter(|_| !does.is_empty()) {
            things = things.with(*thing);
            if !flagged {
                break;
            }
            continue;
        }
        // Cloud programs say `delete-user`.
        for part in word.split(['-', '.']) {
            let Some(reading) = read_word(part) else { continue };
            let thing = reading.entry.names.without(lexicon().generic);
            if (does.is_empty() || flagged) && !reading.entry.does.is_empty() {
                does = does.with(reading.entry.does);
            } else if !thing.is_empty() {
                things = things.with(thing);
                if !does.is_empty() && !flagged {
                    break 'words;
                }
            }
        }
    }
    if program == "gh" || program == "glab" {
        requested(words, said);
    }
    if does.is_empty() {
        return;
    }
    said.add_all(Said { does, things: if things.is_empty() { about } else { things.with(packages(about)) } });
}

/// Whatever a package manager works on is a package.
fn packages(about: Concepts) -> Concepts {
    about.common(Concepts::named(&["package_thing"]))
}

#[cfg(test)]
mod tests {
    use super::{Said, TEXT, addressed, commands, holds_secrets};
    use crate::policy::lexicon::{Concept, Concepts};

    #[test]
    fn every_concept_of_the_file_is_known() {
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (kind, rest) = line.split_once(' ').unwrap();
            let skipped = match kind {
                "does" | "speaks" | "short" => 1,
                "phrase" => 2,
                "shows" | "area" | "starts" | "secret" | "plain" => continue,
                other => panic!("{other}"),
            };
            for word in rest.split(" :").skip(skipped).flat_map(str::split_whitespace) {
                assert!(word == "process" || Concept::named(word).is_some(), "{word} of {line}");
            }
        }
    }

    #[test]
    fn commands_say_what_they_do() {
        for (line, does, thing) in [
            ("git tag -d v1", "delete", "label"),
            ("git push origin :refs/tags/v1", "delete", "label"),
            ("git push origin +main", "force_push", ""),
            ("git filter-branch --force HEAD", "rebase", ""),
            ("kubectl -n shop delete deploy/checkout", "delete", "deploy"),
            ("helm uninstall search", "delete", "deploy"),
            ("helm -n shop upgrade search ./chart", "deploy", ""),
            ("gcloud compute instances delete web-1", "delete", "instance"),
            ("gh repo delete acme/app", "delete", "repository"),
            ("sudo mkfs.ext4 /dev/sdb1", "delete", "volume"),
            ("cat .env", "read", "secret"),
            ("curl -X DELETE https://api.acme.example/v1/customers/42", "delete", "customer"),
            ("Remove-Item -Recurse C:\\logs", "delete", ""),
            ("twine upload dist/*", "post", "package_thing"),
            ("kubectl logs deleter", "read", ""),
            ("kubectl -n get delete pod x", "delete", "pod"),
            ("terraform -chdir=net apply", "update", "infrastructure"),
        ] {
            let mut said = Said::default();
            commands(line, &mut said);
            assert!(said.does.meets(Concepts::named(&[does])), "{line}: {said:?}");
            assert!(thing.is_empty() || said.things.meets(Concepts::named(&[thing])), "{line}: {said:?}");
        }
    }

    #[test]
    fn files_of_secrets_are_known_by_their_names() {
        for path in [".env", "app/.env.production", "/root/.ssh/id_rsa", "conf/secrets.yml", "tls/server.key"] {
            assert!(holds_secrets(path), "{path}");
        }
        for path in [".env.example", "id_rsa.pub", "environment.md", "keys.txt", ""] {
            assert!(!holds_secrets(path), "{path}");
        }
    }

    #[test]
    fn the_last_kind_of_an_address_counts() {
        assert_eq!(addressed("https://x.example/api/users/7/comments"), Concepts::named(&["comment"]));
        assert_eq!(addressed("https://users.example/"), Concepts::NONE);
    }
}
