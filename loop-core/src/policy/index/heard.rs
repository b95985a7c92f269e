//! Names and counts in the values of a call, read in the walk in which every decision reads its amounts.

use smallvec::SmallVec;

use super::{said::Name, sorted::Sorted};
use crate::{
    base::json::{Kind, View},
    policy::{
        action::Action,
        arguments,
        deed::Class,
        facts::{self, Amounts, Counted, Fact, FactKind, Leaf, Roles},
        lexicon::cut,
        print::Print,
    },
};

/// Which names are asked for, and whether counts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    pub(super) names: u8,
    pub(super) counts: bool,
}

impl Asked {
    pub(super) const fn with(self, other: Self) -> Self {
        Self { names: self.names | other.names, counts: self.counts || other.counts }
    }

    pub(super) const fn has(self, name: Name) -> bool {
        self.names >> name as u8 & 1 == 1
    }

    /// What stands in values of their own: neither the agent nor words.
    const fn in_values(self) -> Self {
        Self { names: self.names & !(1 << Name::Agent as u8 | 1 << Name::Word as u8), ..self }
    }

    const fn is_nothing(self) -> bool {
        self.names == 0 && !self.counts
    }
}

/// Roles of arguments of which names and counts are read.
const HEARD: Roles = Roles::RECIPIENT
    .with(Roles::PERSONAL)
    .with(Roles::PLACE)
    .with(Roles::COUNT)
    .with(Roles::NAMES_MANY)
    .with(Roles::SHELL)
    .with(Roles::NAMES_PARTY)
    .with(Roles::NAMES_PRODUCT);

/// What stands in the values of a call, of what was asked for.
#[derive(Debug, Default)]
pub struct Heard {
    asked: Asked,
    /// Prints of names, each with what it names.
    prints: SmallVec<[(Name, u64); 8]>,
    /// Of which names there may be others.
    open: u8,
    /// How many there are, recipients added up and the most of anything else.
    pub(super) recipients: Option<u64>,
    pub(super) items: Option<u64>,
}

/// As [`facts::survey`], hearing in the same walk what the rules of both ask for.
pub fn survey(
    both: [&Sorted; 2],
    action: &Action<'_>,
    class: &Class,
    amounts: &mut Amounts,
    heard: &mut Heard,
) -> facts::Said {
    let [one, other] = both;
    let asked = one.asked().with(other.asked()).in_values();
    if asked.is_nothing() {
        return facts::survey(action, class, amounts);
    }
    *heard = Heard { asked, ..Heard::default() };
    let said = facts::survey_and(action, class, amounts, is_heard, &mut |leaf| heard.leaf(leaf));
    heard.address(action);
    said
}

/// Nothing else is read of any value; lists are counted whatever they are called.
fn is_heard(roles: Roles, value: View<'_>) -> bool {
    roles.any(HEARD) || matches!(value.kind(), Kind::Array)
}

impl Heard {
    pub(super) fn of(action: &Action<'_>, asked: Asked) -> Self {
        let mut heard = Self { asked: asked.in_values(), ..Self::default() };
        facts::each_leaf(action, &mut |leaf| {
            if is_heard(leaf.roles, leaf.value) {
                heard.leaf(leaf);
            }
        });
        heard.address(action);
        heard
    }

    /// Whether everything was read that is asked for.
    pub(super) fn covers(&self, asked: Asked) -> bool {
        self.asked.with(asked.in_values()) == self.asked
    }

    /// Calls `each` with the prints of the names of a sort; false when it cannot be told which there are.
    pub(super) fn each(&self, name: Name, each: &mut dyn FnMut(u64)) -> bool {
        let mut any = false;
        for (_, print) in self.prints.iter().filter(|(of, _)| *of == name) {
            any = true;
            each(*print);
        }
        any && self.open >> name as u8 & 1 == 0
    }

    fn leaf(&mut self, leaf: Leaf<'_, '_>) {
        let asked = self.asked;
        let received = asked.has(Name::Domain) || asked.has(Name::Address);
        if received && leaf.roles.any(Roles::RECIPIENT.with(Roles::PERSONAL)) {
            facts::of_leaf(leaf, FactKind::Recipients, &mut |fact| self.recipient(fact));
        }
        if asked.has(Name::Place) {
            facts::of_leaf(leaf, FactKind::Places, &mut |fact| {
                if let Fact::Place(place) = fact {
                    self.prints.push((Name::Place, Print::of_any_case(place)));
                }
            });
        }
        if asked.counts {
            facts::of_leaf(leaf, FactKind::Counts, &mut |fact| self.count(fact));
        }
        if asked.has(Name::Party)
            && leaf.roles.any(Roles::NAMES_PARTY)
            && let Some(party) = arguments::party_of(leaf.key, leaf.value)
        {
            self.prints.push((Name::Party, Print::of_any_case(party)));
        }
        if asked.has(Name::Product)
            && leaf.roles.any(Roles::NAMES_PRODUCT)
            && let Some(text) = leaf.value.as_str()
        {
            self.prints.extend(cut(text).iter().map(|word| (Name::Product, Print::of(word.bytes()))));
        }
    }

    fn address(&mut self, action: &Action<'_>) {
        if self.asked.has(Name::Domain) || self.asked.has(Name::Address) {
            facts::of_address(action, FactKind::Recipients, &mut |fact| self.recipient(fact));
        }
    }

    fn recipient(&mut self, fact: Fact<'_>) {
        let Fact::Recipient { text, domain } = fact else { return };
        match domain {
            Some(domain) => Print::each_above(domain, &mut |print| self.prints.push((Name::Domain, print))),
            None => self.open |= 1 << Name::Domain as u8,
        }
        match text {
            Some(text) => self.prints.push((Name::Address, Print::of_any_case(text))),
            None => self.open |= 1 << Name::Address as u8,
        }
    }

    /// As [`Call::counted`](crate::policy::truth::Call::counted) does where nothing is said of what is counted.
    fn count(&mut self, fact: Fact<'_>) {
        let Fact::Count { of, number, plain: true, .. } = fact else { return };
        match of {
            Counted::Recipients => {
                self.recipients = Some(self.recipients.unwrap_or(0).saturating_add(number));
            }
            Counted::Items => self.items = self.items.max(Some(number)),
        }
    }
}
