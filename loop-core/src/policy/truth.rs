//! Judging a condition over a call, live or stored, by the same code.
//!
//! - [`span`]: how true something is.
//! - [`work`]: what a call does and works on.
//! - [`agent`]: which names mean the same agent.

mod agent;
mod span;
mod work;

use super::{
    action::Action,
    arguments::{aliases, argument, branch, command, party},
    condition::{ArgumentTest, Condition, Range, TimeTest, Whom},
    counting::{self, Counts},
    deed::{Class, known},
    facts::{self, Fact, FactKind, Facts},
    glob,
    lexicon::cut,
    measure, mentions, paths,
};
use crate::{
    base::{
        Decimal, Time,
        json::{Kind, View},
    },
    tool::Risk,
};
use agent::same_agent;
pub(super) use agent::{agent_key, agent_keys, print_of_agent};
use span::Found;
pub(super) use span::yes;
pub use span::{Span, Truth};
pub use work::{does, is_bare, is_thingless};

/// Where facts come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The call itself.
    Live(&'a Action<'a>),
    /// What was stored of it: facts, and the masked arguments.
    Stored(&'a Facts, View<'a>),
}

/// A call to judge.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// What the call does, by its name and arguments.
    pub class: &'a Class,
    /// Who asks.
    pub agent: Option<&'a str>,
    /// The effective risk.
    pub risk: Risk,
    /// When.
    pub now: Time,
    /// The zone that times in rules are meant in; times are unclear without one.
    pub zone: Option<&'a jiff::tz::TimeZone>,
    /// The facts.
    pub source: Source<'a>,
}

/// Judges an argument by its name, its value and the object that it stands in.
type JudgeWithin<'j> = dyn FnMut(&str, View<'_>, Option<View<'_>>) -> Option<Truth> + 'j;

impl Call<'_> {
    /// How true a condition is.
    #[must_use]
    pub fn judge(&self, condition: &Condition) -> Span {
        self.at_depth(condition, Condition::DEPTH_MAX)
    }

    fn at_depth(&self, condition: &Condition, depth: usize) -> Span {
        let Some(below) = depth.checked_sub(1) else { return Span::of(Truth::Unclear) };
        match condition {
            Condition::All(all) => {
                all.iter().fold(Span::of(Truth::Yes), |span, one| span.and(self.at_depth(one, below)))
            }
            Condition::Any(any) => any.iter().fold(Span::of(Truth::No), |span, one| span.or(self.at_depth(one, below))),
            Condition::Not(one) => self.at_depth(one, below).not(),
            Condition::Tool(name) => Span::of(yes(self.tool == name)),
            Condition::ToolLike(pattern) => Span::of(yes(glob::fits(pattern, self.tool))),
            Condition::Deed(deed) => match does(deed, self.class) {
                Truth::Unclear if !deed.nouns.is_empty() => self.worked_on(deed),
                truth => Span::of(truth),
            },
            Condition::Risky => Span::of(yes(self.risk != Risk::Low)),
            Condition::Agent(names) => Span::of(match self.agent {
                None => Truth::Unclear,
                Some(agent) => yes(names.iter().any(|name| same_agent(name, agent))),
            }),
            Condition::Named(names) => self.named(names),
            // A call without any amount is not about money, unless its name says so.
            Condition::Money if self.class.does.with(self.class.things).meets(known().money) => Span::of(Truth::Yes),
            Condition::Money => self.any_fact(FactKind::Amounts, |_| true),
            Condition::Amount { range, currency } => self.facts(FactKind::Amounts, |fact| match fact {
                Fact::Amount(Some(_), Some(found)) if currency.is_some_and(|wanted| wanted != found) => Truth::Unclear,
                Fact::Amount(Some(value), _) => yes(range.holds(value)),
                _ => Truth::Unclear,
            }),
            Condition::Percent(range) => self.facts(FactKind::Percents, |fact| match fact {
                Fact::Percent(Some(value)) => yes(range.holds(value)),
                _ => Truth::Unclear,
            }),
            Condition::Count { of, noun, range } => self.count(*of, noun.as_deref(), range),
            Condition::Recipient(whom) => self.recipient(whom),
            Condition::Data(kinds) => {
                self.any_fact(FactKind::Data, |fact| matches!(fact, Fact::Data(kind) if kinds.contains(&kind)))
            }
            Condition::Environment(wanted) => self.environment(wanted),
            Condition::Path(tests) => {
                let mut found = Found::default();
                self.each(FactKind::Paths, &mut |fact| {
                    if let Fact::Path(path) = fact {
                        let hidden = self.hides(path);
                        found.add(if hidden { Span::OPEN } else { Span::of(paths::fits_any(tests, path)) });
                    }
                });
                // A call that is not about files and names no path touches none.
                let files = self.class.things.meets(known().files);
                self.open_when_cut(found.or(if files { Truth::Unclear } else { Truth::No }))
            }
            Condition::Place(places) => {
                let mut found = Found::default();
                self.each(FactKind::Places, &mut |fact| {
                    if let Fact::Place(place) = fact {
                        let is = yes(places.iter().any(|wanted| wanted.eq_ignore_ascii_case(place)));
                        found.add(if self.hides(place) { Span::OPEN } else { Span::of(is) });
                    }
                });
                self.open_when_cut(found.or(Truth::Unclear))
            }
            Condition::Attachment => self.any_fact(FactKind::Attachments, |fact| fact == Fact::Attachment(true)),
            Condition::Time(tests) => self.time(tests),
            Condition::Unbounded(concepts) => self.any_fact(
                FactKind::Statements,
                |fact| matches!(fact, Fact::Statement { does, bounded: false } if does.meets(*concepts)),
            ),
            Condition::Command(commands) => {
                // `git_push` is `git push`.
                let own = |command: &Vec<String>| {
                    command.len() > 1 && command.iter().all(|word| self.class.words.iter().any(|own| own == word))
                };
                if commands.iter().any(own) {
                    return Span::of(Truth::Yes);
                }
                self.arguments(&mut |key, value| command(commands, key, value), Truth::No)
            }
            Condition::Branch(patterns) => {
                self.arguments(&mut |key, value| branch(patterns, key, value), Truth::Unclear)
            }

            Condition::Party(names) => self.arguments(&mut |key, value| party(names, key, value), Truth::Unclear),
            Condition::Mentions(phrases) => self.mentions(phrases),
            Condition::State(states) => {
                if mentions::in_name(states, self.class) {
                    return Span::of(Truth::Yes);
                }
                let other = mentions::other_in_name(states, &self.class.words);
                let absent = if other { Truth::No } else { Truth::Unclear };
                self.arguments(&mut |key, value| mentions::stated(states, key, value), absent)
            }
            Condition::Text(texts) => self.any_argument(&|_, value| mentions::says(texts, value), Truth::No),
            Condition::Measure { of, range } => {
                let measured = &mut |key: &str, value: View<'_>, object: Option<View<'_>>| {
                    measure::measured(*of, range, key, value, object)
                };
                self.arguments_within(measured, Truth::Unclear)
            }
            Condition::Argument { name, test } => {
                let words = cut(name);
                let absent = if matches!(test, ArgumentTest::Present) { Truth::No } else { Truth::Unclear };
                self.arguments(&mut |key, value| argument(&words, test, key, value), absent)
            }
        }
    }

    /// Judges each fact of a kind. A stored call whose facts were cut may have had any.
    fn facts(&self, kind: FactKind, mut judge: impl FnMut(Fact<'_>) -> Truth) -> Span {
        let mut found = Found::default();
        self.each(kind, &mut |fact| found.add(Span::of(judge(fact))));
        self.open_when_cut(found.or(Truth::Unclear))
    }

    /// Whether a fact of the kind is such a one; none at all means no.
    fn any_fact(&self, kind: FactKind, mut is: impl FnMut(Fact<'_>) -> bool) -> Span {
        let mut any = false;
        self.each(kind, &mut |fact| any |= is(fact));
        if any { Span::of(Truth::Yes) } else { self.open_when_cut(Span::of(Truth::No)) }
    }

    /// Whether a text of a stored fact may have been another before it was masked.
    fn hides(&self, text: &str) -> bool {
        matches!(self.source, Source::Stored(..)) && facts::may_hide(text)
    }

    fn open_when_cut(&self, span: Span) -> Span {
        if matches!(self.source, Source::Stored(facts, _) if facts.cut) { Span::OPEN } else { span }
    }

    fn each(&self, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
        match self.source {
            Source::Live(action) => facts::each(action, kind, each),
            Source::Stored(facts, _) => facts.each(kind, each),
        }
    }

    /// Recipients of all kinds are added up; anything else is judged by the largest number that stands there. Where the
    /// rule says what it counts, a number that counts something else says nothing.
    fn count(&self, of: facts::Counted, noun: Option<&str>, range: &Range) -> Span {
        let (number, open) = self.numbered(of, noun);
        if open {
            return Span::OPEN;
        }
        let truth = number.map(|number| {
            let exact = i64::try_from(number).ok().map(Decimal::whole);
            exact.map_or(Truth::Unclear, |number| yes(range.holds(number)))
        });
        self.open_when_cut(Span::of(truth.unwrap_or(Truth::Unclear)))
    }

    /// How many there are.
    pub(super) fn counted(&self, of: facts::Counted, noun: Option<&str>) -> Option<u64> {
        self.numbered(of, noun).0
    }

    /// How many there are, and whether that hangs on something that was not stored.
    fn numbered(&self, of: facts::Counted, noun: Option<&str>) -> (Option<u64>, bool) {
        let noun = noun.filter(|noun| !counting::says_little(noun));
        let noun = noun.filter(|noun| !counting::is_done(noun, self.class));
        let (mut sum, mut most, mut own, mut others) = (None, None, None, false);
        self.each(FactKind::Counts, &mut |fact| {
            let Fact::Count { of: found, number, key, plain } = fact else { return };
            let received = of == facts::Counted::Recipients && found == of;
            let about = noun.filter(|_| !received).map_or(Counts::Plainly, |noun| counting::counts(noun, key));
            others |= !plain && about != Counts::Other;
            if about == Counts::It {
                own = own.max(Some(number));
            }
            if found == of && plain && about != Counts::Other {
                sum = Some(sum.unwrap_or(0_u64).saturating_add(number));
                most = most.max(Some(number));
            }
        });
        let number = own.or(if of == facts::Counted::Recipients { sum } else { most });
        if number.is_some() || of != facts::Counted::Items || others || !counting::is_single(noun, self.class) {
            return (number, false);
        }
        // `update_row {"row_id": 7}` is about one.
        let one = |key: &str, value: View<'_>| yes(counting::identifies(self.class, key, value));
        match self.any_argument(&one, Truth::No) {
            Span { least: Truth::Yes, .. } => (Some(1), false),
            span => (None, span == Span::OPEN),
        }
    }

    fn recipient(&self, whom: &Whom) -> Span {
        let mut found = Found::default();
        self.each(FactKind::Recipients, &mut |fact| {
            let Fact::Recipient { text, domain } = fact else { return };
            let inside = |domains: &[String]| {
                domain.map_or(Truth::Unclear, |domain| yes(domains.iter().any(|wanted| is_below(domain, wanted))))
            };
            let span = match whom {
                Whom::In(domains) => Span::of(inside(domains)),
                Whom::Outside(domains) => Span::of(inside(domains)).not(),
                Whom::Address(addresses) => match text {
                    Some(text) => Span::of(yes(addresses.iter().any(|wanted| wanted.eq_ignore_ascii_case(text)))),
                    // Stored calls keep the domain only.
                    None => {
                        let maybe = addresses.iter().any(|wanted| {
                            wanted.rsplit_once('@').map(|(_, wanted)| wanted.to_ascii_lowercase()).as_deref() == domain
                        });
                        if maybe { Span::OPEN } else { Span::of(Truth::No) }
                    }
                },
            };
            found.add(span);
        });
        self.open_when_cut(found.or(Truth::Unclear))
    }

    fn environment(&self, wanted: &[facts::Environment]) -> Span {
        let mut hit = false;
        let mut miss = false;
        self.each(FactKind::Environments, &mut |fact| {
            if let Fact::Environment(found) = fact {
                let wanted = wanted.contains(&found);
                (hit, miss) = (hit || wanted, miss || !wanted);
            }
        });
        self.open_when_cut(Span::of(match (hit, miss) {
            (true, false) => Truth::Yes,
            (false, true) => Truth::No,
            // From one to another, or nothing said: neither an exception nor a rule may rely on one of them.
            _ => Truth::Unclear,
        }))
    }

    fn time(&self, tests: &[TimeTest]) -> Span {
        let Some(zone) = self.zone else { return Span::of(Truth::Unclear) };
        let at = |time: Time| yes(tests.iter().any(|test| test.holds(time, zone)));
        let mut found = Found::default();
        self.each(FactKind::Times, &mut |fact| {
            if let Fact::Time(time) = fact {
                found.add(Span::of(time.map_or(Truth::Unclear, at)));
            }
        });
        self.open_when_cut(found.0.unwrap_or_else(|| Span::of(at(self.now))))
    }

    /// Whether a proper name is among the words of the tool's name, or in an argument that names a kind or party.
    fn named(&self, names: &[String]) -> Span {
        let says = |words: &[String], name: &str| aliases(name).any(|name| words.iter().any(|word| word == name));
        let joined = |words: &[String], name: &str| {
            let whole: String = name.split('_').collect();
            name.contains('_') && words.contains(&whole)
        };
        let among = |words: &[String]| {
            names.iter().any(|name| name.split('_').all(|part| says(words, part)) || joined(words, name))
        };
        if among(&self.class.words) {
            return Span::of(Truth::Yes);
        }
        self.arguments(
            &mut |key, value| {
                let Kind::String(text) = value.kind() else { return None };
                facts::roles(key).any(facts::Roles::NAMES_PRODUCT).then(|| yes(among(&cut(text))))
            },
            Truth::No,
        )
    }

    /// How true it is of the argument of which it is truest. A masked value may have been such a one.
    fn any_argument(&self, is: &dyn Fn(&str, View<'_>) -> Truth, absent: Truth) -> Span {
        let mut most = Truth::No;
        let hit = self.arguments(
            &mut |key, value| {
                most = most.max(is(key, value));
                None
            },
            absent,
        );
        let hit = if hit == Span::OPEN { hit } else { Span::of(most.max(absent)) };
        let masked = matches!(self.source, Source::Stored(..))
            && self.arguments(&mut |_, value| is_masked(value).then_some(Truth::Yes), Truth::No) != Span::of(Truth::No);
        if masked { Span::OPEN } else { hit }
    }

    /// Judges every argument that `judge` has an opinion on. Masked values leave it open.
    fn arguments(&self, judge: &mut dyn FnMut(&str, View<'_>) -> Option<Truth>, absent: Truth) -> Span {
        self.arguments_within(&mut |key, value, _| judge(key, value), absent)
    }

    /// As [`Self::arguments`], with the object that the argument stands in.
    fn arguments_within(&self, judge: &mut JudgeWithin<'_>, absent: Truth) -> Span {
        let mut found = Found::default();
        let mut read = |document: View<'_>, masked: bool| {
            facts::each_argument(document, &mut |key, value, object| {
                let Some(truth) = judge(key, value, object) else { return };
                let hidden = masked && is_masked(value);
                found.add(if hidden { Span::OPEN } else { Span::of(truth) });
            });
        };
        match self.source {
            Source::Live(action) => {
                read(action.arguments, false);
                if let Some(body) = action.forward.and_then(|forward| forward.body) {
                    read(body, false);
                }
            }
            Source::Stored(facts, _) if facts.partial => return Span::OPEN,
            Source::Stored(_, masked) => read(masked, true),
        }
        found.or(absent)
    }
}

/// Whether a domain is `wanted` or below it.
fn is_below(domain: &str, wanted: &str) -> bool {
    let cut = domain.len().checked_sub(wanted.len());
    let Some((before, tail)) = cut.and_then(|at| domain.split_at_checked(at)) else { return false };
    tail.eq_ignore_ascii_case(wanted) && (before.is_empty() || before.ends_with('.'))
}

/// Whether masking or cutting may have changed a stored value.
fn is_masked(value: View<'_>) -> bool {
    value.as_str().is_some_and(|text| text.contains('[') || text.contains('…') || text.contains('*'))
}

impl TimeTest {
    pub(super) fn holds(&self, at: Time, zone: &jiff::tz::TimeZone) -> bool {
        let local = at.to_timestamp().to_zoned(zone.clone());
        let day = u8::try_from(local.weekday().to_monday_one_offset()).unwrap_or(0);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        let (from, to) = (self.from.unwrap_or(0), self.to.unwrap_or(24 * 60));
        let in_hours = if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        let month = u8::try_from(local.month()).unwrap_or(0);
        let date = u8::try_from(local.day()).unwrap_or(0);
        let last = local.day() == local.days_in_month();
        let of_month = |wanted: &u8| *wanted == date || (*wanted == 0 && last);
        (self.days.is_empty() || self.days.contains(&day))
            && (self.months.is_empty() || self.months.contains(&month))
            && (self.month_days.is_empty() || self.month_days.iter().any(of_month))
            && in_hours
    }
}
