//! What a call does and works on: what the name of its tool tells, and what its arguments add.

use super::{
    Call,
    span::{Span, Truth, yes},
};
use crate::policy::{
    condition::Deed,
    deed::{Class, known, pure_deeds},
    lexicon::{Concepts, lexicon},
    mentions::{self, InName},
    name::Part,
};

impl Call<'_> {
    /// Whether the name leaves open what it works on, so that nothing needs to be said of a thing for it to be meant.
    pub(in crate::policy) fn may_mean_anything(&self) -> bool {
        !self.class.told || is_bare(self.class)
    }

    /// Whether a thing that the deed names in words is worked on, where the tool's name leaves it open.
    pub(super) fn worked_on(&self, deed: &Deed) -> Span {
        // A verb that the lexicon lacks leaves the rest of the name as what it is done to.
        let led = if deed.verbs.is_empty() || self.class.does.meets(deed.does) {
            None
        } else {
            self.class.led_by(&|word| mentions::is_form_of_any(word, &deed.verbs))
        };
        if let Some(class) = &led {
            return Call { class, ..*self }.worked_on_by_name(deed);
        }
        self.worked_on_by_name(deed)
    }

    fn worked_on_by_name(&self, deed: &Deed) -> Span {
        let unlisted = !deed.things.is_empty() && is_thingless(self.class);
        let start = Span::of(if unlisted { Truth::Unclear } else { Truth::No });
        let partly = is_partly(deed, self.class);
        deed.nouns.iter().fold(start, |span, noun| span.or(self.thing(noun, partly, deed.is_any_doing())))
    }

    fn thing(&self, noun: &str, partly: bool, anyhow: bool) -> Span {
        match mentions::thing_in_name(noun, self.class, partly, anyhow) {
            InName::Yes => Span::of(Truth::Yes),
            InName::No => Span::of(Truth::No),
            InName::Head => {
                let absent = if mentions::is_modified(self.class) { Truth::No } else { Truth::Unclear };
                self.any_argument(&|key, value| yes(mentions::modifies(noun, self.class, key, value)), absent)
            }
            InName::Open => {
                // Where a kind is named and it is not this one, it is another.
                let told = self.class.told
                    || self.any_argument(&|key, value| yes(mentions::tells_kind(key, value)), Truth::No)
                        == Span::of(Truth::Yes);
                let absent = if told { Truth::No } else { Truth::Unclear };
                self.any_argument(
                    &|key, value| mentions::thing_in_argument(noun, self.class, anyhow, key, value),
                    absent,
                )
            }
        }
    }

    /// Whether the call speaks of one of the phrases.
    pub(super) fn mentions(&self, phrases: &[String]) -> Span {
        if mentions::in_name(phrases, self.class) {
            return Span::of(Truth::Yes);
        }
        // A name of verbs alone leaves open what it is done to; a head without the words before it may have them.
        let named = phrases.iter().any(|phrase| {
            mentions::thing_in_name(phrase, self.class, false, false) == InName::Head
                && !mentions::is_modified(self.class)
        });
        let absent = if is_bare(self.class) || named { Truth::Unclear } else { Truth::No };
        self.any_argument(&|key, value| mentions::mentioned(phrases, key, value), absent)
    }
}

/// Whether a class does a deed, as far as the tool's name tells; the arguments may still name its nouns.
#[must_use]
pub fn does(deed: &Deed, class: &Class) -> Truth {
    let looks = class.only_looks();
    let known = deed.is_any_doing() || class.does.meets(deed.does);
    let (read, execute) = (crate::policy::deed::known().read, crate::policy::deed::known().execute);
    let more = !class.does.without(read.with(execute)).is_empty();
    if !deed.is_any_doing() && !looks && more && class.does != Concepts::ALL && class.does.common(deed.does) == read {
        // What reads and does more: no exception for reading may rely on it.
        return of_what(deed, class).min(Truth::Unclear);
    }
    let spoken = !known && !looks && mentions::is_done(&deed.verbs, class);
    if !(if deed.is_any_doing() { !looks } else { known || spoken }) {
        return Truth::No;
    }
    if spoken && let Some(class) = class.led_by(&|word| mentions::is_form_of_any(word, &deed.verbs)) {
        return of_what(deed, &class);
    }
    of_what(deed, class)
}

/// Whether what a class works on is what the deed is done to.
fn of_what(deed: &Deed, class: &Class) -> Truth {
    let partly = is_partly(deed, class);
    let about = if partly { class.things } else { class.heads };
    // A rule on administrators' rights is not about a viewer's.
    let lesser =
        deed.things.meets(known().admin) && class.things.meets(known().lesser) && !class.things.meets(known().admin);
    let about = if lesser { about.without(known().role) } else { about };
    if deed.is_to_anything() || about.meets(deed.things) {
        return Truth::Yes;
    }
    let mut truth = if !deed.things.is_empty() && is_thingless(class) { Truth::Unclear } else { Truth::No };
    for noun in &deed.nouns {
        truth = truth.max(match mentions::thing_in_name(noun, class, partly, deed.is_any_doing()) {
            InName::Yes => Truth::Yes,
            InName::No => Truth::No,
            InName::Head | InName::Open => Truth::Unclear,
        });
    }
    truth
}

/// Whether doing it to a part of something is doing it to that thing: to change a price of a product is to change the
/// product. Notes and labels are things of their own.
fn is_partly(deed: &Deed, class: &Class) -> bool {
    let done = if deed.does.is_empty() { class.does } else { class.does.common(deed.does) };
    // `apply_order_discount`, `create_fee_waiver`: the head is what is done, and to what stands before it.
    let named = class.heads.common(lexicon().deeds).without(pure_deeds());
    let by_name = done.meets(named) && class.heads.without(named).without(lexicon().generic).is_empty();
    !class.heads.meets(lexicon().part) && (deed.is_any_doing() || done.meets(known().partly) || by_name)
}

/// Whether a name says nothing known of what is worked on, so that it may be anything.
#[must_use]
pub fn is_thingless(class: &Class) -> bool {
    let done = class.does.common(known().acts);
    class.heads.without(lexicon().generic.with(pure_deeds()).with(done)).is_empty()
}

/// Whether a name consists of verbs alone, so that it does not say to what they are done.
#[must_use]
pub fn is_bare(class: &Class) -> bool {
    is_thingless(class) && !class.parts.iter().any(|part| matches!(part, Part::Head))
}
