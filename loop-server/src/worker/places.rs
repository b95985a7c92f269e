//! Who may be served now: a bounded number of deliveries at once, a bounded share of them for each tenant, and a
//! bounded number of claimed ones in waiting. A tenant whose targets hang must not keep the others from being told.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
};

use loop_core::base::TenantId;
use tokio::task::{Id, JoinSet};

/// How many deliveries run at once, and how many of them for one tenant.
pub const RUNNING: (usize, usize) = (16, 4);
/// How many deliveries are held, running or waiting, and how many of them for one tenant.
pub const HELD: (usize, usize) = (256, 64);

/// How many places are taken, in all and by each tenant.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    all: usize,
    by_tenant: HashMap<TenantId, usize>,
}

impl Taken {
    /// Whether one more of the tenant keeps within `bounds` (in all, per tenant).
    #[must_use]
    pub fn has_room(&self, tenant: &TenantId, bounds: (usize, usize)) -> bool {
        self.all < bounds.0 && self.by_tenant.get(tenant).is_none_or(|taken| *taken < bounds.1)
    }

    /// Takes a place.
    pub fn take(&mut self, tenant: &TenantId) {
        self.all = self.all.saturating_add(1);
        let taken = self.by_tenant.entry(tenant.clone()).or_default();
        *taken = taken.saturating_add(1);
    }

    fn give(&mut self, tenant: &TenantId) {
        self.all = self.all.saturating_sub(1);
        if let Some(taken) = self.by_tenant.get_mut(tenant) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                self.by_tenant.remove(tenant);
            }
        }
    }
}

/// The deliveries running and waiting.
pub struct Places<J> {
    tasks: JoinSet<()>,
    tenants: HashMap<Id, TenantId>,
    waiting: VecDeque<(TenantId, J)>,
    running: Taken,
    held: Taken,
}

impl<J> Default for Places<J> {
    fn default() -> Self {
        Self {
            tasks: JoinSet::new(),
            tenants: HashMap::new(),
            waiting: VecDeque::new(),
            running: Taken::default(),
            held: Taken::default(),
        }
    }
}

impl<J> Places<J> {
    /// All places free.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many more can be held.
    #[must_use]
    pub fn room(&self) -> usize {
        HELD.0.saturating_sub(self.held.all)
    }

    /// Who holds what.
    #[must_use]
    pub const fn held(&self) -> &Taken {
        &self.held
    }

    /// Lets a job wait for its turn.
    pub fn wait(&mut self, tenant: TenantId, job: J) {
        self.held.take(&tenant);
        self.waiting.push_back((tenant, job));
    }

    /// Takes out the first waiting job whose turn it is. It goes on with [`Places::start`] or not at all.
    pub fn next_turn(&mut self) -> Option<(TenantId, J)> {
        let at = self.waiting.iter().position(|(tenant, _)| self.running.has_room(tenant, RUNNING))?;
        let (tenant, job) = self.waiting.remove(at)?;
        self.held.give(&tenant);
        Some((tenant, job))
    }

    /// Takes out every waiting job.
    pub fn give_up_waiting(&mut self) -> Vec<J> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .into_iter()
            .map(|(tenant, job)| {
                self.held.give(&tenant);
                job
            })
            .collect()
    }

    /// Runs a delivery.
    pub fn start(&mut self, tenant: TenantId, delivery: impl Future<Output = ()> + Send + 'static) {
        self.running.take(&tenant);
        self.held.take(&tenant);
        let id = self.tasks.spawn(delivery).id();
        self.tenants.insert(id, tenant);
    }

    /// Whether none runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits until a delivery ends; for ever when none runs.
    pub async fn one_ended(&mut self) {
        let Some(ended) = self.tasks.join_next_with_id().await else { return std::future::pending().await };
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                // Its lease ends and the notice is delivered again, within its attempts.
                tracing::error!(target: "loop::worker", panicked = error.is_panic(), "a delivery broke off");
                error.id()
            }
        };
        if let Some(tenant) = self.tenants.remove(&id) {
            self.running.give(&tenant);
            self.held.give(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use loop_core::base::TenantId;

    use super::{HELD, Places, RUNNING};

    #[tokio::test]
    async fn each_tenant_has_its_share_and_a_place_comes_back_even_after_a_panic() {
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let mut places = Places::new();
        for job in 0..10 {
            places.wait(a.clone(), job);
        }
        places.wait(b.clone(), 100);
        let mut started = Vec::new();
        while let Some((tenant, job)) = places.next_turn() {
            started.push(job);
            places.start(tenant, async { panic!("a delivery") });
        }
        assert_eq!(started, [0, 1, 2, 3, 100]);
        assert_eq!(places.room(), HELD.0 - 11);
        while !places.is_idle() {
            places.one_ended().await;
        }
        assert_eq!(places.room(), HELD.0 - 6);
        assert_eq!(places.next_turn().map(|(_, job)| job), Some(4));
        assert_eq!(places.give_up_waiting(), [5, 6, 7, 8, 9]);
        assert_eq!(places.room(), HELD.0);
        assert!(places.held().by_tenant.is_empty());
    }

    #[tokio::test]
    async fn no_more_run_than_there_are_places_however_many_tenants_ask() {
        let mut places = Places::new();
        for n in 0..RUNNING.0 * 2 {
            places.wait(TenantId::parse(&format!("t{n}")).unwrap(), ());
        }
        let mut started = 0;
        while let Some((tenant, ())) = places.next_turn() {
            started += 1;
            places.start(tenant, std::future::pending());
        }
        assert_eq!(started, RUNNING.0);
    }
}
