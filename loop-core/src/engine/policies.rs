//! Each tenant's compiled policy, and how it stays current.
//!
//! A snapshot carries the epoch it was read at. Whoever learns of a newer epoch (a committed change here, a
//! transaction that found another epoch, the watcher) raises the epoch that is *required*; a snapshot below it is
//! never used again. Loading happens on a reader, once however many ask, and goes on even if they stop asking.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use arc_swap::ArcSwapOption;
use hashbrown::HashMap;

use crate::{
    access::{AccessError, Loop, LoopStatus, loops},
    base::{TenantId, id::RuleId},
    policy::{
        CompiledRule, Loops, Member, PolicyError, PolicySettings, PolicySnapshot, Published, Rule, Terms,
        kill_switch::{self, BlockedTool},
        rulebook,
        settings::{self, Settings},
    },
    store::{Access, Completer, Lane, Store, StoreError, StoreExt, Ticket, Tx},
    tool::manifest,
};

/// How often a load is begun anew because the policy moved on meanwhile.
const ATTEMPTS: usize = 16;
/// How many tenants' policies are kept compiled. Past it they are compiled anew when next needed.
const MAX_TENANTS: usize = 4_096;

type Loaded = Result<Arc<PolicySnapshot>, StoreError>;

pub(super) struct Policies {
    store: Arc<dyn Store>,
    /// A slot, once made, stays: it holds the epoch that is required, which must not be forgotten while a caller
    /// of an older epoch may be remembered.
    slots: RwLock<HashMap<TenantId, Arc<Slot>, foldhash::fast::RandomState>>,
    /// How many snapshots were published since the last round of unloading.
    loaded: Arc<AtomicUsize>,
}

/// One tenant's policy.
#[derive(Default)]
struct Slot {
    snapshot: ArcSwapOption<PolicySnapshot>,
    required: AtomicU64,
    loading: Mutex<Loading>,
    loaded: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Loading {
    /// Who waits for the load under way; `None` when there is none.
    waiting: Option<Vec<Completer<Loaded>>>,
    /// The compiled rules of the snapshot, so that a load compiles only what changed.
    rules: HashMap<RuleId, Arc<CompiledRule>>,
    /// The tools that the kill switch names in the snapshot.
    blocked: Vec<BlockedTool>,
    /// The loops of the snapshot.
    loops: Loops,
    /// The published tools of the snapshot.
    tools: Published,
    /// The epoch all of it is from; 0 when nothing was loaded yet.
    epoch: u64,
}

/// What a load reads.
struct Read {
    epoch: u64,
    rules: Vec<Rule>,
    blocked: Vec<BlockedTool>,
    settings: Settings,
    loops: Vec<Loop>,
    tools: Vec<Terms>,
}

impl Slot {
    fn current(&self) -> Option<Arc<PolicySnapshot>> {
        let snapshot = self.snapshot.load_full()?;
        (snapshot.epoch() >= self.required.load(Ordering::Acquire)).then_some(snapshot)
    }

    /// Gives the memory of a compiled policy back, unless it is being loaded.
    fn unload(&self) {
        let mut loading = self.loading();
        if loading.waiting.is_none() {
            *loading = Loading::default();
            self.snapshot.store(None);
        }
    }

    fn loading(&self) -> MutexGuard<'_, Loading> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a load read, and publishes the result. Whoever waits is answered also when compiling fails
    /// in a way that it never should.
    fn publish(&self, read: Result<Read, StoreError>) {
        let loaded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.compile(read)))
            .unwrap_or_else(|_| Err(StoreError::Internal("compiling the policy panicked".to_owned())));
        let waiting = self.loading().waiting.take().unwrap_or_default();
        for completer in waiting {
            completer.complete(loaded.clone());
        }
    }

    fn compile(&self, read: Result<Read, StoreError>) -> Loaded {
        let read = read?;
        let settings = PolicySettings {
            default_verdict: read.settings.default_verdict,
            timezone: read.settings.timezone,
            domain_floors: read.settings.domain_floors,
        };
        let mut loading = self.loading();
        let before = self.snapshot.load_full().filter(|before| {
            read.rules.is_empty() && read.blocked == loading.blocked && *before.settings() == settings
        });
        for one in read.loops {
            loading.loops.put(one.id, member(one));
        }
        loading.tools.put(read.tools);
        for rule in read.rules {
            if rule.deleted_at.is_some() {
                loading.rules.remove(&rule.id);
            } else {
                loading.rules.insert(rule.id, Arc::new(CompiledRule::compile(rule)));
            }
        }
        let rules = before.unwrap_or_else(|| {
            let blocked = read.blocked.iter().map(|tool| tool.tool_name.clone()).collect();
            let rules = loading.rules.values().cloned().collect();
            Arc::new(PolicySnapshot::build(read.epoch, rules, blocked, settings))
        });
        let snapshot = Arc::new(rules.with(read.epoch, loading.loops.clone(), loading.tools.clone()));
        loading.blocked = read.blocked;
        loading.epoch = read.epoch;
        if self.snapshot.swap(Some(Arc::clone(&snapshot))).is_none() {
            self.loaded.fetch_add(1, Ordering::Relaxed);
        }
        self.required.fetch_max(read.epoch, Ordering::AcqRel);
        Ok(snapshot)
    }
}

impl Policies {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, slots: RwLock::default(), loaded: Arc::default() }
    }

    pub(super) fn required(&self, tenant: &TenantId) -> u64 {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(tenant).map_or(0, |slot| slot.required.load(Ordering::Acquire))
    }

    /// Raises the epoch below which no snapshot may be used, and no caller is taken from memory. Answers whether
    /// a known policy got out of date.
    pub(super) fn require(&self, tenant: &TenantId, epoch: u64) -> bool {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        // Without a slot nothing of the tenant is remembered: neither a snapshot nor a caller.
        slots.get(tenant).is_some_and(|slot| slot.required.fetch_max(epoch, Ordering::AcqRel) < epoch)
    }

    /// Makes sure that changes of the tenant's policy are noted from now on. `true` when they were not before:
    /// what was looked up already may be out of date.
    pub(super) fn follow(&self, tenant: &TenantId) -> bool {
        let known = self.slots.read().unwrap_or_else(PoisonError::into_inner).contains_key(tenant);
        if !known {
            self.slot(tenant);
        }
        !known
    }

    pub(super) fn at_hand(&self, tenant: &TenantId) -> Option<Arc<PolicySnapshot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(tenant)?.current()
    }

    pub(super) async fn current(&self, tenant: &TenantId) -> Loaded {
        if let Some(snapshot) = self.at_hand(tenant) {
            return Ok(snapshot);
        }
        let slot = self.slot(tenant);
        self.make_room();
        for _ in 0..ATTEMPTS {
            if let Some(snapshot) = slot.current() {
                return Ok(snapshot);
            }
            self.load(tenant, &slot).await?;
        }
        Err(StoreError::Unavailable("the policy changes faster than it can be read"))
    }

    fn slot(&self, tenant: &TenantId) -> Arc<Slot> {
        let known = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        known.unwrap_or_else(|| {
            let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Slot { loaded: Arc::clone(&self.loaded), ..Slot::default() });
            Arc::clone(slots.entry(tenant.clone()).or_insert_with(fresh))
        })
    }

    /// Keeps the number of compiled policies within bounds.
    fn make_room(&self) {
        if self.loaded.load(Ordering::Relaxed) >= MAX_TENANTS {
            self.loaded.store(0, Ordering::Relaxed);
            let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
            slots.values().for_each(|slot| slot.unload());
        }
    }

    /// Joins the load under way or begins one.
    fn load(&self, tenant: &TenantId, slot: &Arc<Slot>) -> Ticket<Loaded> {
        let (completer, ticket) = Ticket::pair();
        let mut loading = slot.loading();
        if let Some(waiting) = &mut loading.waiting {
            waiting.push(completer);
            return ticket;
        }
        loading.waiting = Some(vec![completer]);
        let since = loading.epoch;
        drop(loading);
        let tenant = tenant.clone();
        let slot = Arc::clone(slot);
        let work = move |tx: &mut dyn Tx| read(tx, &tenant, since);
        // Whoever asked waits for `ticket`; the job's own is not needed.
        drop(self.store.run_job("policy.load", Access::Read, Lane::Decision, work, move |read| slot.publish(read)));
        ticket
    }
}

/// What decisions read of a loop.
fn member(one: Loop) -> Member {
    Member {
        tag: one.tag.into(),
        parent: one.parent,
        plan: one.plan,
        suspended: one.status != LoopStatus::Active,
        ceiling: one.risk_ceiling,
        spend_limit: one.spend_limit,
    }
}

fn read(tx: &mut dyn Tx, tenant: &TenantId, since: u64) -> Result<Read, StoreError> {
    let policy = |error| match error {
        PolicyError::Store(error) => error,
        other => StoreError::Internal(other.to_string()),
    };
    let access = |error| match error {
        AccessError::Store(error) => error,
        other => StoreError::Internal(other.to_string()),
    };
    Ok(Read {
        epoch: tx.epoch(tenant)?,
        rules: rulebook::changed_after(tx, tenant, since).map_err(policy)?,
        blocked: kill_switch::list(tx, tenant).map_err(policy)?,
        settings: settings::get(tx, tenant).map_err(policy)?,
        loops: loops::changed_after(tx, tenant, since).map_err(access)?,
        tools: manifest::changed_after(tx, tenant, since)?.into_iter().filter_map(Terms::of).collect(),
    })
}
