//! The facade that an embedder or a server holds. It is the only file that sees every room: it authenticates
//! callers, keeps each tenant's compiled policy current, and runs use cases in transactions.
//!
//! Its methods are `async` but need no runtime: they only wait for the store. [`crate::store::wait`] runs one on
//! the calling thread.

pub mod backtest;
mod board;
mod body;
mod bootstrap;
mod callers;
mod decide;
mod error;
mod evaluate;
mod failed;
#[cfg(test)]
mod fault_tests;
mod hearing;
#[cfg(test)]
mod hearing_tests;
mod invoke;
mod invoke_error;
#[cfg(test)]
mod invoke_tests;
mod keep;
#[cfg(test)]
mod kept_tests;
mod known;
mod planned;
mod policies;
mod poll;
mod sweep;
#[cfg(test)]
mod tests;
mod toolbox;
mod turn;
#[cfg(test)]
mod turn_tests;
mod witness;
mod written;

use std::sync::{Arc, OnceLock};

pub use bootstrap::{Bootstrap, bootstrap};
pub use decide::{Call, Decision};
pub use error::DecideError;
pub use evaluate::Evaluated;
pub use failed::Failed;
pub use invoke::{Invoked, Request};
pub use invoke_error::InvokeError;
pub use turn::{Keep, MAX_CALLS, Turn, TurnCall, TurnInput, Unreadable};
pub use witness::{Witness, Witnessed};

use crate::{
    access::{AccessError, Caller, Ctx, Note, claim_key, key},
    base::{
        Host, Seed, TenantId, Time,
        host::NoEntropy,
        secret::{MasterKey, TokenHash},
    },
    policy::{PolicySnapshot, judge::Judge},
    prompt::Renderer,
    store::{Access, Catalog, Lane, Store, StoreError, StoreExt, Tx},
};
use board::Board;
use callers::Callers;
use keep::KeptKeys;
use known::KnownTools;
use policies::Policies;
use toolbox::Toolbox;

/// Everything the engine keeps in its store.
pub static CATALOG: Catalog = Catalog {
    tables: &[
        &crate::access::key::KEYS,
        &crate::access::loops::LOOPS,
        &crate::access::idempotency::CLAIMS,
        &crate::access::tenant::TENANTS,
        &crate::policy::rule::RULES,
        &crate::policy::kill_switch::BLOCKED_TOOLS,
        &crate::policy::settings::SETTINGS,
        &crate::tool::manifest::MANIFESTS,
        &crate::approval::APPROVALS,
        &crate::kept::COMPLETIONS,
        &crate::approval::definition::TOOL_PINS,
        &crate::proof::PROOFS,
        &crate::trust::OUTCOMES,
        &crate::trust::PENALTIES,
        &crate::invoke::INVOCATIONS,
        &crate::audit::retention::RETENTION,
        &crate::outbox::NOTICES,
        &crate::outbox::targets::TARGETS,
        &crate::outbox::links::APPROVAL_LINKS,
        &crate::message::MESSAGES,
        &crate::task::contract::CONTRACTS,
        &crate::task::tasks::TASKS,
        &crate::task::transaction::TRANSACTIONS,
        &crate::work::issue::ISSUES,
        &crate::work::relation::RELATIONS,
        &crate::work::label::LABELS,
        &crate::work::project::PROJECTS,
        &crate::work::claim::CLAIMS,
        &crate::work::goal::GOALS,
        &crate::work::comment::COMMENTS,
        &crate::signal::SIGNALS,
        &crate::signal::DELIVERIES,
        &crate::signal::WEBHOOK_SETTINGS,
        &crate::prompt::template::TEMPLATES,
        &crate::prompt::version::VERSIONS,
        &crate::prompt::health::HEALTH,
        &crate::prompt::health::SUMMARIES,
        &crate::prompt::review::REVIEWS,
        &crate::onboarding::project::PROJECTS,
        &crate::diagnosis::state::CLUSTERS,
    ],
    journals: &[&crate::audit::AUDIT, &crate::proof::CHAIN, &crate::trust::TRUST],
    queues: &[
        &crate::outbox::OUTBOX,
        &crate::approval::TIMERS,
        &crate::kept::TIMERS,
        &crate::invoke::TIMERS,
        &crate::work::ready::HEADS,
        &crate::work::claim::TIMERS,
    ],
    spans: &[&crate::audit::TAGS],
    blocks: &[&crate::telemetry::keep::SPANS],
    ledgers: &[
        &crate::access::idempotency::CLAIM_COUNTS,
        &crate::audit::STATS,
        &crate::audit::TOOLS,
        &crate::credit::CREDITS,
        &crate::invoke::USAGE,
        &crate::work::count::WORK_COUNTS,
        &crate::work::claim::OUTCOMES,
        &crate::prompt::health::USES,
    ],
    terms: &[
        &crate::kept::KEYS,
        &crate::work::sets::ISSUE_SETS,
        &crate::work::words::ISSUE_WORDS,
        &crate::work::history::ISSUE_HISTORY,
        &crate::work::ready::READY,
    ],
};

/// The governance engine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    master: Arc<MasterKey>,
    policies: Policies,
    callers: Callers,
    tools: KnownTools,
    kept: KeptKeys,
    board: Board,
    toolbox: Toolbox,
    renderer: Renderer,
    judge: OnceLock<Arc<dyn Judge>>,
    witness: OnceLock<Arc<dyn Witness>>,
}

impl Engine {
    /// An engine over a store that holds [`CATALOG`].
    #[must_use]
    pub fn new(store: Arc<dyn Store>, host: Arc<dyn Host>, master: MasterKey) -> Self {
        let policies = Policies::new(Arc::clone(&store));
        Self {
            inner: Arc::new(Inner {
                store,
                host,
                master: Arc::new(master),
                policies,
                callers: Callers::default(),
                tools: KnownTools::default(),
                kept: KeptKeys::default(),
                board: Board::default(),
                toolbox: Toolbox::default(),
                renderer: Renderer::default(),
                judge: OnceLock::new(),
                witness: OnceLock::new(),
            }),
        }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.inner.host.now()
    }

    /// Randomness for one request.
    ///
    /// # Errors
    /// When the machine has none.
    pub fn seed(&self) -> Result<Seed, NoEntropy> {
        self.inner.host.seed()
    }

    /// The key from which every other key is derived.
    #[must_use]
    pub fn master(&self) -> &MasterKey {
        &self.inner.master
    }

    /// What renders prompts and remembers compiled ones.
    #[must_use]
    pub fn renderer(&self) -> &Renderer {
        &self.inner.renderer
    }

    /// The store, for workers and tools that run their own transactions.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The context of one request.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn context(&self, caller: Caller) -> Result<Ctx, NoEntropy> {
        Ok(Ctx::new(caller, self.now(), self.seed()?).tagging(Arc::clone(&self.inner.master)))
    }

    /// Who presents `token`, when that is known without asking the store.
    #[must_use]
    pub fn known_caller(&self, token: &str) -> Option<Caller> {
        let caller = self.inner.callers.get(TokenHash::of(token))?;
        let current = caller.epoch >= self.inner.policies.required(&caller.tenant);
        (current && caller.alive(self.now())).then_some(caller)
    }

    /// Who presents `token`.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`], storage failures.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, AccessError> {
        if let Some(caller) = self.known_caller(token) {
            return Ok(caller);
        }
        let hash = TokenHash::of(token);
        let now = self.now();
        let claim = if token.starts_with(claim_key::PREFIX) {
            Some(claim_key::read(&self.inner.master, token).ok_or(AccessError::Unauthenticated)?)
        } else {
            None
        };
        let look_up = || {
            let claim = claim.clone();
            self.inner.store.read("key.authenticate", move |tx| match &claim {
                None => key::authenticate(tx, hash, now),
                Some(claim) => claim_key::authenticate(tx, claim, now),
            })
        };
        let mut looked_up = look_up().await;
        // A revocation between the look and the first note of this tenant would go unnoticed: look again.
        if let Ok(caller) = &looked_up
            && self.inner.policies.follow(&caller.tenant)
        {
            looked_up = look_up().await;
        }
        match looked_up {
            Ok(caller) => {
                self.inner.policies.require(&caller.tenant, caller.epoch);
                self.inner.callers.put(caller.clone());
                Ok(caller)
            }
            Err(error) => {
                self.inner.callers.forget(hash);
                Err(error)
            }
        }
    }

    /// Runs a use case that reads, for a caller whose key is checked again inside the transaction.
    ///
    /// # Errors
    /// What `work` answers, a revoked key, storage failures.
    pub async fn read<T, E, F>(&self, cx: Ctx, name: &'static str, mut work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<AccessError> + Send + 'static,
        F: FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    {
        let checked = move |tx: &mut dyn Tx| {
            cx.caller.recheck(tx, cx.now)?;
            work(tx, &cx)
        };
        self.inner.store.run_job(name, Access::Read, Lane::Normal, checked, |outcome| outcome).await
    }

    /// Runs a use case that writes, for a caller whose key is checked again inside the transaction. When it
    /// changed the policy, no decision made after this returns rests on the old one.
    ///
    /// # Errors
    /// What `work` answers, a revoked key, storage failures. Then nothing was changed.
    pub async fn write<T, E, F>(&self, cx: Ctx, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<AccessError> + Send + 'static,
        F: FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    {
        self.write_in(Lane::Normal, cx, name, work).await
    }

    /// As [`Self::write`], for much at once: decisions and other writes that wait go first.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_bulk<T, E, F>(&self, cx: Ctx, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<AccessError> + Send + 'static,
        F: FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    {
        self.write_in(Lane::Bulk, cx, name, work).await
    }

    async fn write_in<T, E, F>(&self, lane: Lane, cx: Ctx, name: &'static str, mut work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<AccessError> + Send + 'static,
        F: FnMut(&mut dyn Tx, &Ctx) -> Result<T, E> + Send + 'static,
    {
        let tenant = cx.tenant().clone();
        let checked = move |tx: &mut dyn Tx| {
            drop(cx.take_notes());
            cx.caller.recheck(tx, cx.now)?;
            cx.caller.carry_out(tx, cx.now)?;
            let value = work(tx, &cx)?;
            Ok((value, cx.take_notes()))
        };
        self.run_write(tenant, name, lane, checked).await
    }

    /// Runs a use case on behalf of Loop itself: a followed link, a worker, the operator's command line.
    ///
    /// # Errors
    /// What `work` answers, storage failures.
    pub async fn write_as_system<T, E, F>(
        &self,
        tenant: &TenantId,
        name: &'static str,
        lane: Lane,
        mut work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.run_write(tenant.clone(), name, lane, move |tx| Ok((work(tx)?, Vec::new()))).await
    }

    async fn run_write<T, E, F>(&self, tenant: TenantId, name: &'static str, lane: Lane, mut work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<(T, Vec<Note>), E> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let subject = tenant.clone();
        let observed = move |tx: &mut dyn Tx| {
            let before = tx.epoch(&tenant)?;
            let (value, notes) = work(tx)?;
            let after = tx.epoch(&tenant)?;
            Ok((value, notes, before, after))
        };
        let tenant = subject.clone();
        let (value, moved) = self
            .inner
            .store
            .run_job(name, Access::Write, lane, observed, move |outcome: Result<_, E>| {
                let (value, notes, before, after) = outcome?;
                // After COMMIT and before anybody learns of it: the old policy ends here, and what is at hand moves.
                inner.policies.require(&subject, after);
                inner.board.tell(&notes, inner.host.now());
                Ok::<_, E>((value, before != after))
            })
            .await?;
        if moved {
            // The change is durable whether or not the new policy can be compiled now; decisions will try again.
            let _ = self.inner.policies.current(&tenant).await;
        }
        Ok(value)
    }

    /// The tenant's current compiled policy.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn policy(&self, tenant: &TenantId) -> Result<Arc<PolicySnapshot>, StoreError> {
        self.inner.policies.current(tenant).await
    }

    /// The tenant's compiled policy, when it is at hand and nothing newer is known.
    #[must_use]
    pub fn policy_at_hand(&self, tenant: &TenantId) -> Option<Arc<PolicySnapshot>> {
        self.inner.policies.at_hand(tenant)
    }

    /// Learns of policy changes that other processes made on the same store since `after`, and compiles them.
    /// Answers the greatest epoch seen. A server calls this a few times a second.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn watch(&self, after: u64) -> Result<u64, StoreError> {
        const CHUNK: u32 = 1_000;
        let moved = self.inner.store.read("policy.watch", move |tx| tx.epochs_after(after, CHUNK)).await?;
        let mut seen = after;
        for (tenant, epoch) in moved {
            seen = seen.max(epoch);
            if self.inner.policies.require(&tenant, epoch) {
                self.inner.policies.current(&tenant).await?;
            }
        }
        Ok(seen)
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.inner.store.read("ready", |tx| tx.epochs_after(u64::MAX, 1).map(|_| ())).await
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine(..)")
    }
}
