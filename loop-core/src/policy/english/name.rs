//! Proper names: products and services, and the other side of a payment.

use super::{
    tape::Tape,
    token::Kind,
    words::{self, Group, List},
};
use crate::policy::{
    condition::{Condition, Deed},
    deed::known,
    lexicon::{Concepts, cut},
};

/// Products that name nothing but these things.
const TIED: &[(&str, &[&str])] = &[
    ("s3", &["bucket"]),
    ("lambda", &["function"]),
    ("kubernetes", &["namespace", "pod", "cluster"]),
    ("route53", &["dns"]),
    ("docker", &["pod"]),
    ("ci", &["pipeline", "branch"]),
    ("ec2", &["instance"]),
    ("rds", &["database"]),
];

/// What proper names say.
#[derive(Debug, Default)]
pub struct Names {
    /// Products and services.
    pub named: Vec<String>,
    /// The other side.
    pub parties: Vec<String>,
    /// Other names that say where, for whom or of what.
    pub spoken: Vec<String>,
    /// Names that stand where nothing tells what they are.
    pub unplaced: Vec<String>,
}

/// Takes proper names. `deeds` is what is done; `coordinated` when several things stand beside each other.
pub fn take(tape: &mut Tape, makers: Vec<String>, deeds: &[Deed], coordinated: bool) -> Names {
    let money = deeds.iter().any(|deed| deed.does.meets(known().money));
    let mut names = Names { named: makers, ..Names::default() };
    for at in 0..tape.len() {
        if tape.kind(at) != Some(&Kind::Word) {
            continue;
        }
        let word = tape.word(at).to_owned();
        if matches!(word.as_str(), "git" | "ci") {
            // How it is done says nothing of where.
            tape.take(at);
            continue;
        }
        let listed = (tape.is(at, Group::Services) && !words::is(Group::Small, &word))
            || (tape.is(at, Group::Products) && tape.proper(at))
            || (tape.is(at, Group::Programs)
                && (matches!(tape.before(at, 1), "to" | "on" | "in" | "from" | "via" | "or")
                    || List::Kept.has(tape.raw_word(at + 1))));
        let unknown = tape.proper(at) && !words::is_known(&word);
        if !listed && !unknown {
            continue;
        }
        let tied = !coordinated
            && TIED.iter().any(|(name, things)| {
                let all = Concepts::named(things).with_children();
                *name == word && deeds.iter().any(|deed| !deed.things.is_empty() && deed.things.without(all).is_empty())
            });
        if tied {
            tape.take(at);
            continue;
        }
        let before = (1..=3)
            .filter_map(|back| at.checked_sub(back))
            .map(|at| tape.raw_word(at))
            .find(|word| !matches!(*word, "and" | "or" | "the" | "" | ","));
        let placed = before.is_some_and(|word| {
            List::NameAt.has(word) || names.named.iter().chain(&names.parties).any(|name| name == word)
        });
        let listed_parties = |word: &str| names.parties.iter().any(|name| name.ends_with(word));
        let beside = |word: &str| match word {
            "to" | "for" => true,
            "from" | "is" | "are" | "by" | "with" | "called" | "be" => !listed,
            word => !listed && listed_parties(word),
        };
        let other_side = money && before.is_some_and(beside);
        // `Acme invoices`
        let before_noun = tape.is_taken(at + 1) && tape.raw_kind(at + 1) == Some(&Kind::Word) && !tape.is_mark(at + 1);
        let raw = tape.raw(at).to_owned();
        let whole = whole(tape, at, &word);
        if other_side {
            names.parties.push(whole.replace('_', " "));
        } else if listed || placed || before_noun {
            // A product before one of several things does not restrict the others.
            if listed && (placed || !coordinated) {
                names.named.push(whole);
            } else if !listed && (placed || !coordinated) {
                names.spoken.push(whole);
            }
        } else {
            names.unplaced.push(raw);
        }
    }
    names
}

/// Takes products that are called by their makers: `Google Drive` is another one than Google, `Azure Key Vault` is known
/// by its last word. Before things are read, for which their words could be taken.
pub fn makers(tape: &mut Tape) -> Vec<String> {
    let mut named = Vec::new();
    for at in 0..tape.len() {
        let word = tape.word(at).to_owned();
        if tape.kind(at) != Some(&Kind::Word) || !List::Maker.has(&word) {
            continue;
        }
        let end =
            (at + 1..at + 4).find(|at| !tape.proper(*at) || tape.kind(*at) != Some(&Kind::Word)).unwrap_or(at + 4);
        let Some(last) = end.checked_sub(1).filter(|last| *last > at) else { continue };
        let known = tape.is(last, Group::Services) || tape.is(last, Group::Products);
        if known && last == at + 1 {
            // The product stands for itself.
            tape.take(at);
        } else {
            named.push(if end > at + 2 { tape.word(last).to_owned() } else { format!("{word}_{}", tape.word(last)) });
            tape.take_all(at..end);
        }
    }
    named
}

/// Takes a name of one or more words: `Acme Utilities`.
fn whole(tape: &mut Tape, at: usize, word: &str) -> String {
    tape.take(at);
    // As names of tools are cut, so that it can be found there.
    let mut name = cut(word).join("_");
    let mut next = at + 1;
    while next < at + 4 && tape.kind(next) == Some(&Kind::Word) && tape.proper(next) && !tape.is(next, Group::Services)
    {
        name.push('_');
        name.push_str(&tape.take(next));
        next += 1;
    }
    name
}

/// The conditions of names.
impl Names {
    /// As conditions.
    #[must_use]
    pub fn conditions(self) -> Vec<Condition> {
        // As names are cut in calls, so that they can be met: `1password` is `1_password`.
        let spelt = |name: &String| name.strip_prefix('1').map(|rest| format!("one{rest}"));
        let spelt: Vec<String> = self.named.iter().filter_map(spelt).map(|name| name.replace('_', "")).collect();
        let named: Vec<String> = self.named.iter().map(|name| cut(name).join("_")).chain(spelt).collect();
        let named = (!named.is_empty()).then_some(Condition::Named(named));
        let parties = (!self.parties.is_empty()).then_some(Condition::Party(self.parties));
        let spoken = (!self.spoken.is_empty()).then_some(Condition::Mentions(self.spoken));
        let said: Vec<Condition> = named.into_iter().chain(spoken).collect();
        let said = (!said.is_empty()).then(|| Condition::any(said));
        said.into_iter().chain(parties).collect()
    }
}
