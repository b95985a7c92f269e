//! What a clause comes to: what it guards, what it lifts, and what it takes over from the clause before.

use super::{Case, Clause};
use crate::policy::{
    condition::{Condition, Deed, Whom},
    deed::known,
    lexicon::Concepts,
};

impl Clause {
    /// Whether it names products and says nothing else.
    pub fn names_only(&self) -> bool {
        self.is_silent() && self.cases.is_empty() && self.shared.iter().all(|one| matches!(one, Condition::Named(_)))
    }

    /// Makes what may only be looked at a guard of all that is more.
    pub fn guard_all_but_looking(&mut self) {
        let looks = known().read.with(known().draft);
        for deed in self.cases.iter_mut().flat_map(|case| &mut case.deeds) {
            if deed.does.without(looks).is_empty() && deed.verbs.is_empty() {
                deed.does = Concepts::NONE;
            }
        }
        if self.is_silent() {
            self.cases.push(Case { deeds: vec![Deed::default()], conditions: Vec::new() });
        }
    }

    /// Where it guards changes without saying more, makes it guard all that is more than looking.
    pub fn guard_all_changes(&mut self) {
        let changes = Concepts::named(&["write"]);
        let edits = Concepts::named(&["update"]).with_children();
        if self.deeds().count() > 1 {
            return;
        }
        for deed in self.cases.iter_mut().flat_map(|case| &mut case.deeds) {
            let any = deed.does.meets(changes) || (!deed.does.is_empty() && edits.without(deed.does).is_empty());
            // `looking at charts is fine, changes to them are not`
            if any && deed.verbs.is_empty() && (deed.is_to_anything() || self.changes_it) {
                deed.does = Concepts::NONE;
            }
        }
    }

    /// Takes over what the part before was about, where this one says that it means the same: `larger ones`,
    /// `… but production needs approval`.
    pub fn refer_to(&mut self, before: &Self, permitted: bool, excepted: bool) {
        let silent = self.is_silent();
        let unclear = !self.unresolved.is_empty();
        if silent && (self.rest || (self.is_empty() && !unclear) || (permitted && !self.is_empty())) {
            let looks = known().read.with(known().draft);
            let mut deeds: Vec<Deed> = before.deeds().cloned().collect();
            // `everyone may read it except x`: to look at it is guarded as well.
            let looked: Vec<Deed> = if excepted && permitted { deeds.clone() } else { Vec::new() };
            for deed in deeds.iter_mut().filter(|deed| deed.does.without(looks).is_empty() && deed.verbs.is_empty()) {
                // All else that is done to what may be looked at.
                deed.does = Concepts::NONE;
            }
            let more: Vec<Deed> = looked.into_iter().filter(|deed| !deeds.contains(deed)).collect();
            deeds.extend(more);
            if !deeds.is_empty() {
                let conditions = self.cases.drain(..).flat_map(|case| case.conditions).collect();
                self.cases.push(Case { deeds, conditions });
            } else if self.rest && self.is_empty() {
                self.cases.push(Case { deeds: vec![Deed::default()], conditions: Vec::new() });
            }
        }
    }

    /// Reads things alone as what the part before does to them: `may delete drafts but not invoices`. Nouns that say
    /// what is done (`but no refunds`) keep their own meaning.
    pub fn take_doing(&mut self, before: &Self) -> bool {
        let told: Vec<&Deed> = before.deeds().filter(|deed| !deed.is_any_doing()).collect();
        if self.said || self.is_silent() || told.is_empty() || !self.tools.is_empty() {
            return false;
        }
        let does = told.iter().fold(Concepts::NONE, |all, deed| all.with(deed.does));
        let verbs: Vec<String> = told.iter().flat_map(|deed| deed.verbs.iter().cloned()).collect();
        let made = known().draft.with(known().papers);
        let thing = |deed: &Deed| deed.is_any_doing() || deed.is_to_anything() && deed.does.without(made).is_empty();
        if !self.deeds().all(thing) {
            return false;
        }
        // `may read invoices but not salaries`: and not do more to them.
        let looks = before.looks();
        for case in &mut self.cases {
            let more: Vec<Deed> = case.deeds.iter().filter(|_| looks).cloned().collect();
            for deed in &mut case.deeds {
                deed.things = deed.things.with(deed.does);
                (deed.does, deed.verbs) = (does, verbs.clone());
            }
            case.deeds.extend(more);
            case.deeds.dedup();
        }
        true
    }

    /// Whether it names drafts and nothing else: not that something is drafted, but what is.
    pub fn drafts_only(&self) -> bool {
        let draft = |deed: &Deed| !deed.does.is_empty() && deed.does.without(known().draft).is_empty();
        !self.said && !self.is_silent() && self.deeds().all(|deed| draft(deed) && deed.is_to_anything())
    }

    /// Reads what stands behind `everyone but` as who does it. Whom no call names (`interns`) is not understood, and
    /// then it could be anyone.
    pub fn take_persons(&mut self, before: &Self) {
        let agents = self.shared.iter().any(|one| matches!(one, Condition::Agent(_)));
        if self.said || agents || self.is_silent() || !self.tools.is_empty() {
            return;
        }
        let nouns: Vec<String> = self.deeds().flat_map(|deed| deed.nouns.iter().cloned()).collect();
        let things = self.deeds().fold(Concepts::NONE, |all, deed| all.with(deed.things));
        self.unresolved.extend(nouns);
        if self.unresolved.is_empty() {
            self.unresolved.extend(things.iter().next().map(|thing| thing.name().to_owned()));
        }
        self.cases.clone_from(&before.cases);
    }

    /// Takes over the products that the part before speaks of, where this one names none.
    pub fn inherit_names(&mut self, before: &Self) {
        let is_name = |one: &&Condition| matches!(one, Condition::Named(_));
        if !self.shared.iter().any(|one| is_name(&one)) {
            self.shared.extend(before.shared.iter().filter(is_name).cloned());
        }
    }

    /// Whether it speaks of looking only.
    pub fn looks(&self) -> bool {
        let looks = known().read.with(known().draft).with(known().execute).with(known().database);
        self.deeds().next().is_some()
            && self.deeds().all(|deed| deed.does.without(looks).is_empty() && deed.verbs.is_empty())
    }

    /// What is done, whatever the conditions.
    pub fn what(&self) -> Option<Condition> {
        let deeds = self.deeds().cloned().map(Condition::Deed);
        let what: Vec<Condition> = deeds.chain(self.tools.iter().cloned()).collect();
        (!what.is_empty()).then(|| Condition::any(what))
    }

    /// The condition of a part that guards; none when nothing was understood.
    pub fn guard(&self) -> Option<Condition> {
        let mut any: Vec<Condition> = self.tools.clone();
        for case in &self.cases {
            let mut all = case.conditions.clone();
            if case.deeds.is_empty() {
                all.splice(0..0, scope(case.conditions.iter().chain(&self.shared), self.everything));
            } else {
                all.insert(0, Condition::any(case.deeds.iter().cloned().map(Condition::Deed).collect()));
            }
            any.push(Condition::all(all));
        }
        if self.misread && !self.is_empty() && !any.is_empty() {
            // What could not be placed may be what is done, or to what.
            any.push(Condition::Deed(Deed::default()));
        }
        let mut all = self.shared.clone();
        if any.is_empty() {
            if all.is_empty() {
                return self.everything.then_some(Condition::Risky);
            }
            all.splice(0..0, scope(self.shared.iter(), self.everything));
        } else {
            all.insert(0, Condition::any(any));
        }
        Some(Condition::all(all))
    }

    /// The condition of a part that lifts a guard.
    pub fn lift(&self) -> Option<Condition> {
        let mut all: Vec<Condition> = self.shared.iter().map(all_within).collect();
        let mut any: Vec<Condition> = self.tools.clone();
        for case in &self.cases {
            let mut one = case.conditions.clone();
            // `branches that start with x`: the condition says which, whatever is done to them.
            let told = (!one.is_empty() || !all.is_empty()) && case.deeds.iter().all(Deed::is_any_doing);
            if !case.deeds.is_empty() && !told {
                one.push(Condition::any(case.deeds.iter().cloned().map(Condition::Deed).collect()));
            }
            if !one.is_empty() {
                any.push(Condition::all(one));
            }
        }
        if !any.is_empty() {
            all.push(Condition::any(any));
        }
        (!all.is_empty()).then(|| Condition::all(all))
    }
}

/// What a part without a doing is about, as its conditions tell.
fn scope<'c>(conditions: impl Iterator<Item = &'c Condition> + Clone, everything: bool) -> Option<Condition> {
    let has = |is: fn(&Condition) -> bool| conditions.clone().any(|one| one.any_part(&is));
    if has(|one| matches!(one, Condition::Command(_) | Condition::Unbounded(_))) {
        return None;
    }
    if !everything
        && has(|one| {
            matches!(one, Condition::Recipient(_) | Condition::Place(_) | Condition::Attachment | Condition::Data(_))
        })
    {
        return Some(Condition::Deed(Deed::of(known().send, Concepts::NONE)));
    }
    if has(|one| matches!(one, Condition::Amount { .. })) {
        return Some(Condition::all(vec![Condition::Deed(Deed::default()), Condition::Money]));
    }
    Some(Condition::Deed(Deed::default()))
}

/// What a text is about of which only a restriction is known.
#[must_use]
pub fn about(restricted: &Condition) -> Option<Condition> {
    scope(std::iter::once(restricted), false)
}

/// Whether an exception lets something be looked at, and the guard names looking at it: `may be listed but not read`.
#[must_use]
pub fn reads_what_is_refused(lift: &Condition, guard: &Condition) -> bool {
    let reads = |deed: &Deed| deed.does.meets(known().read) && deed.does.without(known().read).is_empty();
    match (lift, guard) {
        (_, Condition::Any(parts) | Condition::All(parts)) => {
            parts.iter().any(|part| reads_what_is_refused(lift, part))
        }
        (Condition::Any(lifts), _) => lifts.iter().any(|lift| reads_what_is_refused(lift, guard)),
        (Condition::Deed(lift), Condition::Deed(guard)) => {
            let same = lift.things == guard.things && lift.nouns == guard.nouns;
            reads(lift) && guard.does.meets(known().read) && same
        }
        _ => false,
    }
}

/// As what lets something through: `to acme.org` means that it goes nowhere else.
#[must_use]
pub fn all_within(condition: &Condition) -> Condition {
    match condition {
        Condition::Recipient(Whom::In(domains)) => {
            Condition::negated(Condition::Recipient(Whom::Outside(domains.clone())))
        }
        other => other.clone(),
    }
}

/// Whether all that a guard stops is lifted.
#[must_use]
pub fn covers(lift: &Condition, guard: &Condition) -> bool {
    let within = |guard: &Deed, lift: &Deed| {
        let does = lift.is_any_doing()
            || (!guard.is_any_doing()
                && guard.does.without(lift.does).is_empty()
                && guard.verbs.iter().all(|verb| lift.verbs.contains(verb)));
        let things = lift.is_to_anything()
            || (!guard.is_to_anything()
                && guard.things.without(lift.things).is_empty()
                && guard.nouns.iter().all(|noun| lift.nouns.contains(noun)));
        does && things
    };
    match (lift, guard) {
        (_, Condition::Any(all)) if !all.is_empty() => all.iter().all(|one| covers(lift, one)),
        (_, Condition::All(all)) => {
            all.iter().any(|one| matches!(one, Condition::Deed(_) | Condition::Any(_)) && covers(lift, one))
        }
        (Condition::Any(lifts), _) => lifts.iter().any(|lift| covers(lift, guard)),
        (Condition::Deed(lift), Condition::Deed(guard)) => within(guard, lift),
        _ => false,
    }
}
