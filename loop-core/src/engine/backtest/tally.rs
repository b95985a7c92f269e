//! What a back-test found, counted.

use std::collections::BTreeMap;

use super::judge::Judged;
use crate::{
    audit::{LentDecision, Status},
    base::{Time, json::Doc},
    engine::body::told,
    policy::{Ground, Outcome, Trial, Tried, explain_stored},
};

/// How many changed decisions are shown.
const SAMPLES: usize = 10;
/// How many days are told apart for one approver; older ones count in the total only.
const DAYS: usize = 92;
/// How many approvers are listed.
const APPROVERS: usize = 100;
/// How many rules are listed by themselves.
const RULES: usize = 1_000;
const DAY: i64 = 86_400_000_000;

/// What rules would have done.
#[derive(Debug, Clone, Default, serde::Serialize, schemars::JsonSchema)]
pub struct BackTest {
    /// Calls judged.
    pub scanned: u64,
    /// Calls it would have refused.
    pub would_block: u64,
    /// Calls it would have asked about.
    pub would_ask: u64,
    /// Decisions that it would have made stricter.
    pub changed: u64,
    /// Of those, calls that went through or waited and would have been refused.
    pub newly_blocked: u64,
    /// Of those, calls that went through and would have been asked about.
    pub newly_asked: u64,
    /// Calls that cannot be judged fully, because what a rule reads was not stored or was erased.
    pub undecidable: u64,
    /// The oldest call judged.
    pub from: Option<Time>,
    /// The newest call judged.
    pub to: Option<Time>,
    /// The latest decisions that it would have changed.
    pub samples: Vec<Sample>,
    /// How much people would have been asked, by approver.
    pub approvals: Vec<Approvals>,
    /// Each rule by itself, where several are tried together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PerRule>,
    /// Whether older calls were left out because there are more than were asked for.
    pub truncated: bool,
}

/// A decision that a rule would have changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Sample {
    /// The entry in the log.
    pub id: String,
    /// When it was decided.
    pub created_at: Time,
    /// The tool.
    pub tool_name: String,
    /// What was decided.
    pub was: String,
    /// What the rule would have made of it.
    pub would: &'static str,
    /// Why the rule would have matched; of several the first of the strictest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<Ground>,
}

/// What one approver would have been asked. Calls that were refused anyway are not counted; a call repeated while its
/// approval waits is, so this is the most that it can be.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Approvals {
    /// Whom the rule asks; the tenant's default approver when null.
    pub approver_email: Option<String>,
    /// Calls they would have been asked about.
    pub calls: u64,
    /// Of those, calls that nobody was asked about.
    pub new: u64,
    /// Calls a day, over all days from the oldest call judged to the newest.
    pub per_day: f64,
    /// The day with most calls.
    pub busiest: Option<Day>,
    /// The latest days with a call, newest first.
    pub days: Vec<Day>,
}

/// Calls of one day.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Day {
    /// The day in the tenant's zone, as `2026-03-01`.
    pub day: String,
    /// How many calls.
    pub calls: u64,
}

/// One rule among several.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct PerRule {
    /// The sentence.
    pub rule_text: String,
    /// Calls it would have matched.
    pub matched: u64,
    /// Calls of which it cannot be told.
    pub undecidable: u64,
}

/// The counters of a back-test.
#[derive(Debug, Default)]
pub(super) struct Tally {
    found: BackTest,
    pub(super) truncated: bool,
    rules: Vec<(u64, u64)>,
    approvals: BTreeMap<Option<String>, Asked>,
    day: Today,
}

#[derive(Debug, Default)]
struct Asked {
    calls: u64,
    new: u64,
    busiest: Option<(i32, u64)>,
    /// By days since the epoch, in the tenant's zone.
    days: BTreeMap<i32, u64>,
}

/// The day that was asked for last: the log is in order, so it mostly is the next one's too.
#[derive(Debug, Clone, Copy, Default)]
struct Today {
    from: i64,
    to: i64,
    number: i32,
}

impl Tally {
    pub(super) fn new(rules: usize) -> Self {
        Self { rules: vec![(0, 0); rules], ..Self::default() }
    }

    pub(super) const fn scanned(&self) -> u64 {
        self.found.scanned
    }

    /// Counts a call.
    pub(super) fn add(&mut self, trial: &Trial, call: &LentDecision<'_>, judged: &Judged) {
        let result = &mut self.found;
        result.scanned += 1;
        result.to = result.to.max(Some(call.at));
        result.from = Some(result.from.map_or(call.at, |from| from.min(call.at)));
        let found = match judged {
            Judged::Nothing => return,
            Judged::Unknown => {
                result.undecidable += 1;
                self.rules.iter_mut().for_each(|(_, open)| *open += 1);
                return;
            }
            Judged::Some(found) => found,
        };
        for at in &found.matched {
            if let Some((matched, _)) = self.rules.get_mut(*at as usize) {
                *matched += 1;
            }
        }
        for at in &found.open {
            if let Some((_, open)) = self.rules.get_mut(*at as usize) {
                *open += 1;
            }
        }
        let outcome = trial.strictest(&found.matched);
        if trial.strictest(&found.open) > outcome {
            result.undecidable += 1;
        }
        let was = call.status.unwrap_or_default();
        let blocked = was == Status::Blocked.as_str();
        let pending = was == Status::Pending.as_str();
        let would = match outcome {
            Outcome::Deny => {
                result.would_block += 1;
                result.newly_blocked += u64::from(!blocked);
                if blocked {
                    return;
                }
                Status::Blocked
            }
            Outcome::RequireApproval => {
                result.would_ask += 1;
                if blocked {
                    return;
                }
                self.ask(trial, &found.matched, call.at, !pending);
                if pending {
                    return;
                }
                self.found.newly_asked += 1;
                Status::Pending
            }
            Outcome::Simulate | Outcome::Allow => return,
        };
        let result = &mut self.found;
        result.changed += 1;
        if result.samples.len() < SAMPLES {
            result.samples.push(Sample {
                id: call.id(),
                created_at: call.at,
                tool_name: call.tool_name.unwrap_or_default().to_owned(),
                was: was.to_owned(),
                would: would.as_str(),
                grounds: grounds(trial, &found.matched, outcome, call).unwrap_or_default(),
            });
        }
    }

    fn ask(&mut self, trial: &Trial, matched: &[u32], at: Time, new: bool) {
        let day = self.day.number(at, trial.zone());
        let approver = |at: &u32| Some(trial.rules().get(*at as usize)?.rule.approver_email.as_deref());
        let mut approvers: smallvec::SmallVec<[Option<&str>; 4]> = matched.iter().filter_map(approver).collect();
        approvers.sort_unstable();
        approvers.dedup();
        for approver in approvers {
            let known = self.approvals.iter().position(|(known, _)| known.as_deref() == approver);
            if known.is_none() && self.approvals.len() >= APPROVERS {
                continue;
            }
            let asked = self.approvals.entry(approver.map(str::to_owned)).or_default();
            asked.calls += 1;
            asked.new += u64::from(new);
            let calls = asked.days.entry(day).or_default();
            *calls += 1;
            if asked.busiest.is_none_or(|(_, most)| *calls > most) {
                asked.busiest = Some((day, *calls));
            }
            if asked.days.len() > DAYS {
                asked.days.pop_first();
            }
        }
    }

    /// What was found so far.
    pub(super) fn result(&self, trial: &Trial) -> BackTest {
        let mut found = self.found.clone();
        found.truncated = self.truncated;
        let span = found.to.zip(found.from).map_or(0, |(to, from)| to.micros_since(from).max(0));
        let days = (span / DAY).saturating_add(1);
        found.approvals = self.approvals.iter().map(|(approver, asked)| asked.told(approver.clone(), days)).collect();
        if trial.rules().len() > 1 {
            let rules = trial.rules().iter().zip(&self.rules).take(RULES);
            found.rules = rules
                .map(|(rule, (matched, undecidable))| PerRule {
                    rule_text: rule.rule.rule_text.clone(),
                    matched: *matched,
                    undecidable: *undecidable,
                })
                .collect();
        }
        found
    }
}

/// Why the first of the strictest rules would have matched a stored call.
fn grounds(trial: &Trial, matched: &[u32], outcome: Outcome, call: &LentDecision<'_>) -> Option<Vec<Ground>> {
    let at = matched.iter().find(|at| trial.strictest(&[**at]) == outcome)?;
    let rule = trial.rules().get(*at as usize)?;
    let told = told(call.body?)?;
    let facts = serde_json::from_str(told.facts).ok()?;
    let arguments = Doc::parse(told.arguments()?.as_bytes()).ok()?;
    let tried = Tried {
        tool: call.tool_name?,
        agent: call.agent_name,
        risk: call.risk?,
        at: call.at,
        facts: &facts,
        arguments: arguments.root(),
    };
    Some(explain_stored(rule, &tried, trial.zone()))
}

impl Asked {
    fn told(&self, approver_email: Option<String>, days: i64) -> Approvals {
        let day = |(number, calls): (i32, u64)| Day { day: date(number), calls };
        Approvals {
            approver_email,
            calls: self.calls,
            new: self.new,
            // Two decimals are enough to plan by.
            per_day: (self.calls as f64 / days as f64 * 100.0).round() / 100.0,
            busiest: self.busiest.map(day),
            days: self.days.iter().rev().map(|(number, calls)| day((*number, *calls))).collect(),
        }
    }
}

impl Today {
    /// The day of a time, since the epoch. Without a zone that is known, days are those of UTC.
    fn number(&mut self, at: Time, zone: Option<&jiff::tz::TimeZone>) -> i32 {
        let micros = at.as_micros();
        if !(self.from..self.to).contains(&micros) {
            *self = Self::of(at, zone).unwrap_or_else(|| {
                let number = micros.div_euclid(DAY);
                Self {
                    from: number.saturating_mul(DAY),
                    to: number.saturating_add(1).saturating_mul(DAY),
                    number: i32::try_from(number).unwrap_or_default(),
                }
            });
        }
        self.number
    }

    fn of(at: Time, zone: Option<&jiff::tz::TimeZone>) -> Option<Self> {
        let zoned = at.to_timestamp().to_zoned(zone?.clone());
        let number = zoned.date().since(jiff::civil::Date::constant(1970, 1, 1)).ok()?.get_days();
        Some(Self {
            from: zoned.start_of_day().ok()?.timestamp().as_microsecond(),
            to: zoned.tomorrow().ok()?.start_of_day().ok()?.timestamp().as_microsecond(),
            number,
        })
    }
}

/// A day since the epoch as `2026-03-01`.
fn date(number: i32) -> String {
    let days = jiff::Span::new().try_days(number);
    let date = days.ok().and_then(|days| jiff::civil::Date::constant(1970, 1, 1).checked_add(days).ok());
    date.map_or_else(String::new, |date| date.to_string())
}
