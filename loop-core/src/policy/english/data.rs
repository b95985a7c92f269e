//! Which data is in it: personal data, card numbers, secrets.

use super::{
    tape::Tape,
    words::{Group, List, is},
};
use crate::policy::{
    condition::{Condition, Deed},
    facts::DataKind,
    lexicon::{Concepts, read_word},
};

/// Takes classes of data. Words that may also be things (`secrets`) count only where something can carry them.
pub fn data(tape: &mut Tape, carried: bool) -> Option<Condition> {
    let mut kinds: Vec<DataKind> = Vec::new();
    let (mut things, mut held) = (Concepts::NONE, false);
    let holds = |word: &str| List::Holding.has(word);
    let mut at = 0;
    while at < tape.len() {
        let before =
            !kinds.is_empty() || (1..=4).filter_map(|back| at.checked_sub(back)).any(|at| holds(tape.raw_word(at)));
        if matches!(tape.word(at), "personal" | "private") && List::PersonalThing.has(tape.raw_word(at + 1)) {
            // Whose it is, not what is in it.
            tape.take(at);
        }
        let mut taken = 0;
        for length in (1..=4).rev() {
            let Some(phrase) = tape.phrase(at, length) else { continue };
            let always: Option<&[DataKind]> = match () {
                () if is(Group::Personal, &phrase) => Some(&DataKind::PERSONAL),
                () if is(Group::Card, &phrase)
                    && (carried || before || phrase.contains("number") || phrase.contains("data")) =>
                {
                    Some(&[DataKind::Card])
                }
                () if is(Group::Social, &phrase) => Some(&[DataKind::SocialSecurity]),
                () if (carried || before) && is(Group::Bank, &phrase) => Some(&[DataKind::BankAccount]),
                () if (carried || before) && is(Group::Phones, &phrase) => Some(&[DataKind::Phone]),
                () if (carried || before) && is(Group::EmailsIn, &phrase) => Some(&[DataKind::Email]),
                () if (carried || before) && is(Group::Secrets, &phrase) => Some(&[DataKind::Secret, DataKind::ApiKey]),
                () if (carried || before) && is(Group::ApiKeys, &phrase) => Some(&[DataKind::ApiKey, DataKind::Secret]),
                () => None,
            };
            if let Some(found) = always {
                held |= kinds.is_empty() && before;
                kinds.extend(found);
                things = things.with(read_word(&phrase).map_or(Concepts::NONE, |reading| reading.entry.names));
                taken = length;
                break;
            }
        }
        (at..at + taken).for_each(|at| drop(tape.take(at)));
        if taken > 0 && matches!(tape.word(at + taken), "number" | "numbers" | "data") {
            tape.take(at + taken);
        }
        at += taken.max(1);
    }
    kinds.sort_unstable();
    kinds.dedup();
    let data = (!kinds.is_empty()).then_some(Condition::Data(kinds))?;
    // `credentials may not be shared`: a tool that shares them need not show them.
    let shares = Concepts::named(&["share"]);
    let shared = tape.any_raw(|word| read_word(word).is_some_and(|reading| reading.entry.does.meets(shares)));
    let deed = Condition::Deed(Deed::of(shares, things.with_children()));
    Some(if shared && !held && !things.is_empty() { Condition::any(vec![data, deed]) } else { data })
}
