//! How much may be asked: by a tenant in a minute and a day, and of a model that fails.

use std::{collections::HashMap, time::Duration};

use loop_core::base::TenantId;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most tenants whose spending is remembered. Past it nobody new may ask until some tenant's day is over.
const TENANTS_MAX: usize = 65_536;
/// All tenants together may ask so many times what one may: where anyone may make a tenant, tenants are no bound.
const TOGETHER: u32 = 10;
/// So many failures in a row, and the model is left alone for a while.
const FAILURES: u32 = 5;
/// How long.
const REST: Duration = Duration::from_secs(30);

/// What tenants spent.
#[derive(Debug)]
pub struct Budgets {
    per_minute: u32,
    per_day: u32,
    tenants: HashMap<TenantId, [Spent; 2]>,
    together: Option<[Spent; 2]>,
}

/// Questions since an instant.
#[derive(Debug, Clone, Copy)]
struct Spent {
    since: Instant,
    questions: u32,
}

impl Budgets {
    /// Nothing is spent yet.
    #[must_use]
    pub fn new(per_minute: u32, per_day: u32) -> Self {
        Self { per_minute, per_day, tenants: HashMap::new(), together: None }
    }

    /// Spends one question; `false` when the tenant, or all of them, have none left.
    pub fn take(&mut self, tenant: &TenantId, now: Instant) -> bool {
        let fresh = Spent { since: now, questions: 0 };
        if !self.tenants.contains_key(tenant) {
            if self.tenants.len() >= TENANTS_MAX {
                self.tenants.retain(|_, [_, day]| now.saturating_duration_since(day.since) < DAY);
            }
            if self.tenants.len() >= TENANTS_MAX {
                return false;
            }
        }
        let own = self.tenants.entry(tenant.clone()).or_insert([fresh; 2]);
        let all = self.together.get_or_insert([fresh; 2]);
        let (minutes, days) = (self.per_minute, self.per_day);
        if !has(own, [minutes, days], now) || !has(all, [minutes, days].map(|most| most.saturating_mul(TOGETHER)), now)
        {
            return false;
        }
        for spent in own.iter_mut().chain(all) {
            spent.questions = spent.questions.saturating_add(1);
        }
        true
    }
}

/// Whether a question is left of a minute's and of a day's.
fn has(spent: &mut [Spent; 2], most: [u32; 2], now: Instant) -> bool {
    for (spent, length) in spent.iter_mut().zip([MINUTE, DAY]) {
        if now.saturating_duration_since(spent.since) >= length {
            *spent = Spent { since: now, questions: 0 };
        }
    }
    spent.iter().zip(most).all(|(spent, most)| spent.questions < most)
}

/// Whether the model answers at all.
#[derive(Debug, Default)]
pub struct Pulse {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Pulse {
    /// Whether it is left alone now.
    #[must_use]
    pub fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }

    /// Learns that it answered.
    pub const fn beats(&mut self) {
        *self = Self { failures: 0, rests_until: None };
    }

    /// Learns that it did not. After a rest one more failure is enough for the next.
    pub fn misses(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.rests_until = now.checked_add(REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use loop_core::base::TenantId;
    use tokio::time::Instant;

    use super::{Budgets, DAY, FAILURES, MINUTE, Pulse, REST, TENANTS_MAX};

    #[test]
    fn a_tenant_spends_its_own_minutes_and_days() {
        let (mut budgets, start) = (Budgets::new(2, 3), Instant::now());
        let (a, b) = (TenantId::default_tenant(), TenantId::parse("b").expect("a name"));
        assert_eq!([(); 3].map(|()| budgets.take(&a, start)), [true, true, false]);
        assert!(budgets.take(&b, start));
        assert_eq!([(); 2].map(|()| budgets.take(&a, start + MINUTE)), [true, false], "the day is spent");
        assert!(!budgets.take(&a, start + DAY - MINUTE));
        assert!(budgets.take(&a, start + DAY));
    }

    #[test]
    fn nothing_may_be_asked_without_a_budget() {
        let tenant = TenantId::default_tenant();
        assert!(!Budgets::new(0, 9).take(&tenant, Instant::now()) && !Budgets::new(9, 0).take(&tenant, Instant::now()));
    }

    #[test]
    fn spending_is_not_forgotten_by_being_many() {
        let (mut budgets, start) = (Budgets::new(1, 1), Instant::now());
        let tenant = |n: usize| TenantId::parse(&format!("t{n}")).expect("a name");
        for n in 0..=TENANTS_MAX {
            budgets.take(&tenant(n), start);
        }
        assert_eq!(budgets.tenants.len(), TENANTS_MAX);
        assert!(!budgets.take(&tenant(TENANTS_MAX), start + MINUTE) && !budgets.take(&tenant(0), start + MINUTE));
        assert!(budgets.take(&tenant(TENANTS_MAX), start + DAY));
    }

    #[test]
    fn all_tenants_together_are_bounded_too() {
        let (mut budgets, start) = (Budgets::new(2, 3), Instant::now());
        let tenant = |n: u32| TenantId::parse(&format!("t{n}")).expect("a name");
        let spent = |budgets: &mut Budgets, now| (0..100).filter(|n| budgets.take(&tenant(*n), now)).count();
        assert_eq!(spent(&mut budgets, start), 20, "of a minute");
        assert_eq!(spent(&mut budgets, start + MINUTE), 10, "of a day");
        assert_eq!(spent(&mut budgets, start + MINUTE * 2), 0);
        assert_eq!(spent(&mut budgets, start + DAY), 20);
    }

    #[test]
    fn a_model_that_fails_is_left_alone_and_tried_again() {
        let (mut pulse, start) = (Pulse::default(), Instant::now());
        for _ in 1..FAILURES {
            pulse.misses(start);
        }
        assert!(!pulse.rests(start));
        pulse.misses(start);
        assert!(pulse.rests(start) && !pulse.rests(start + REST));
        pulse.misses(start + REST);
        assert!(pulse.rests(start + REST));
        pulse.beats();
        pulse.misses(start);
        assert!(!pulse.rests(start));
    }
}
