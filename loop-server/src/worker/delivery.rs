//! Delivering the outbox: claim, send, settle.
//!
//! A claim is one transaction: it leases notices, mints their links and so commits the hashes before a token
//! leaves the process. A worker killed before it settles loses its lease, and the notice is delivered again.

use std::time::Duration;

use loop_core::{
    approval::{self, ApprovalError, State},
    base::{
        Seed, Time,
        secret::{MasterKey, Secret},
    },
    engine::Engine,
    outbox::{
        self, Channel, Due, Fate, LEASE_SECONDS, NoticeKind, Retry,
        links::Links,
        targets::{self, TargetError},
    },
    store::{Lane, StoreError, StoreExt, Tx},
};

use super::{
    Stop, Wake,
    places::{HELD, Places, Taken},
};
use crate::outbound::post::{Post, Undelivered};

/// How many notices one transaction claims.
const CLAIM_MAX: usize = 64;
/// For how long notices of a tenant that holds its share are put back, in seconds.
const DEFER_SECONDS: i64 = 30;
/// A claimed notice that waited so long is given back rather than begun, in seconds: its lease must outlast it.
const STALE_SECONDS: i64 = LEASE_SECONDS / 2;
/// How long the worker sleeps at most: notices of another process and ended leases are found then.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long it sleeps at least, so that a store that answers nonsense does not keep it busy.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// How often settling is tried; after that the lease ends and the notice is delivered again.
const SETTLE_TRIES: u32 = 5;

/// The delivery worker.
#[derive(Clone)]
pub struct Delivery {
    engine: Engine,
    post: Post,
    wake: Wake,
}

/// A notice with all that its delivery takes.
struct Job {
    due: Due,
    claimed_at: Time,
    links: Option<Links>,
    webhook: Option<Secret>,
}

/// What one claim brought.
struct Batch {
    jobs: Vec<Job>,
    /// Tenant, notice and channel of what was given up.
    exhausted: Vec<Due>,
    unreadable: Vec<String>,
    next: Option<Time>,
}

impl Delivery {
    /// A worker that looks for work whenever `wake` rings, and every few seconds.
    #[must_use]
    pub const fn new(engine: Engine, post: Post, wake: Wake) -> Self {
        Self { engine, post, wake }
    }

    /// Delivers until the stop, then finishes what it began.
    pub async fn run(self, mut stop: Stop) {
        let Ok(mut seed) = self.engine.seed() else {
            tracing::error!(target: "loop::worker", "the machine gives no randomness: notices wait");
            return;
        };
        let holder = seed.draw16();
        let mut places = Places::new();
        while !stop.is_asked() {
            let pause = self.round(holder, seed.fork(), &mut places).await;
            tokio::select! {
                () = stop.asked() => {}
                () = self.wake.rung() => {}
                () = tokio::time::sleep(pause) => {}
                () = places.one_ended() => {}
            }
        }
        for job in places.give_up_waiting() {
            self.give_back(job, holder).await;
        }
        while !places.is_idle() {
            places.one_ended().await;
        }
    }

    /// Claims what there is room for and starts whatever has its turn; answers how long nothing more will be due.
    async fn round(&self, holder: [u8; 16], seed: Seed, places: &mut Places<Job>) -> Duration {
        let limit = places.room().min(CLAIM_MAX);
        let pause = if limit == 0 { PAUSE_MAX } else { self.fetch(limit, holder, seed, places).await };
        while let Some((tenant, job)) = places.next_turn() {
            if self.engine.now() < job.claimed_at.plus_seconds(STALE_SECONDS) {
                places.start(tenant, self.clone().deliver(job, holder));
            } else {
                self.give_back(job, holder).await;
            }
        }
        pause
    }

    async fn fetch(&self, limit: usize, holder: [u8; 16], seed: Seed, places: &mut Places<Job>) -> Duration {
        let batch = match self.claim(limit, places.held().clone(), holder, seed).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(target: "loop::worker", %error, "notices cannot be claimed");
                return PAUSE_MAX;
            }
        };
        for item in batch.unreadable {
            tracing::error!(target: "loop::worker", item, "a notice cannot be read and left the queue");
        }
        for due in batch.exhausted {
            let (tenant, notice) = (&due.tenant, due.notice.id);
            tracing::error!(target: "loop::worker", %tenant, %notice, "a notice was given up: no attempt came to an end");
            count(&due, "exhausted");
        }
        for job in batch.jobs {
            places.wait(job.due.tenant.clone(), job);
        }
        let Some(next) = batch.next else { return PAUSE_MAX };
        let micros = u64::try_from(next.micros_since(self.engine.now())).unwrap_or(0);
        Duration::from_micros(micros).clamp(PAUSE_MIN, PAUSE_MAX)
    }

    async fn claim(&self, limit: usize, held: Taken, holder: [u8; 16], seed: Seed) -> Result<Batch, StoreError> {
        let (master, now) = (self.engine.master().clone(), self.engine.now());
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        self.engine
            .store()
            .transact("outbox.claim", Lane::Normal, move |tx| {
                // A transaction that runs twice must draw the same tokens and fill the same places both times.
                let (mut seed, mut held) = (seed.clone(), held.clone());
                let claimed = outbox::claim(tx, now, limit, &holder)?;
                let mut jobs = Vec::new();
                for due in claimed.due {
                    if !held.has_room(&due.tenant, HELD) {
                        outbox::defer(tx, &due, &holder, now.plus_seconds(DEFER_SECONDS), now)?;
                        continue;
                    }
                    match prepare(tx, &master, &due, now, &mut seed) {
                        Ok(Some(job)) => {
                            held.take(&due.tenant);
                            jobs.push(job);
                        }
                        Ok(None) => {}
                        // One tenant's damaged record must not hold up the others.
                        Err(StoreError::Corrupt(_)) => {
                            let why = "what it needs cannot be read";
                            outbox::failed(tx, &due, &holder, why, Retry::After(None), now, &mut seed)?;
                        }
                        Err(error) => return Err(error),
                    }
                }
                let next = outbox::next_due(tx)?;
                Ok(Batch { jobs, exhausted: claimed.exhausted, unreadable: claimed.unreadable, next })
            })
            .await
    }

    /// Puts a claimed notice back for anyone to claim. When that fails, its lease ends by itself.
    async fn give_back(&self, job: Job, holder: [u8; 16]) {
        let (due, now) = (job.due, self.engine.now());
        let given = self
            .engine
            .store()
            .transact("outbox.defer", Lane::Normal, move |tx| outbox::defer(tx, &due, &holder, now, now))
            .await;
        if let Err(error) = given {
            let error: StoreError = error;
            tracing::warn!(target: "loop::worker", %error, "a notice cannot be put back");
        }
    }

    async fn deliver(self, job: Job, holder: [u8; 16]) {
        let Job { due, links, webhook, .. } = job;
        let outcome = self.post.deliver(&due.notice, links.as_ref(), webhook.as_ref(), self.engine.now()).await;
        for attempt in 1..=SETTLE_TRIES {
            match self.settle(due.clone(), outcome.clone(), holder).await {
                Ok(fate) => return tell(&due, &outcome, fate),
                Err(error) => {
                    tracing::warn!(target: "loop::worker", notice = %due.notice.id, %error, attempt, "a delivery cannot be settled");
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                }
            }
        }
    }

    /// Records the outcome; `None` when the lease was lost meanwhile.
    async fn settle(
        &self,
        due: Due,
        outcome: Result<(), Undelivered>,
        holder: [u8; 16],
    ) -> Result<Option<Fate>, StoreError> {
        let now = self.engine.now();
        // Without randomness the back-off is merely not spread.
        let seed = self.engine.seed().unwrap_or_else(|_| Seed::new([0; 32]));
        self.engine
            .store()
            .transact("outbox.settle", Lane::Normal, move |tx| match &outcome {
                Ok(()) => outbox::delivered(tx, &due, &holder, now).map(|_| None),
                Err(Undelivered { why, retry }) => {
                    outbox::failed(tx, &due, &holder, why, *retry, now, &mut seed.clone())
                }
            })
            .await
    }
}

/// Finds all that a notice's delivery takes; `None` when it became pointless and was withdrawn.
fn prepare(
    tx: &mut dyn Tx,
    master: &MasterKey,
    due: &Due,
    now: Time,
    seed: &mut Seed,
) -> Result<Option<Job>, StoreError> {
    let (tenant, call, channel) = (&due.tenant, &due.notice.call, due.notice.target.channel());
    let webhook = match channel {
        Channel::Email => None,
        _ => targets::get(tx, tenant).map_err(stored)?.webhook(channel, tenant, master),
    };
    if due.notice.kind != NoticeKind::ApprovalRequested {
        return Ok(Some(Job { due: due.clone(), claimed_at: now, links: None, webhook }));
    }
    let state = match approval::get(tx, tenant, &call.approval.to_string()) {
        Ok(approval) => Some(approval.state_at(now)),
        Err(ApprovalError::NotFound) => None,
        Err(ApprovalError::Store(error)) => return Err(error),
        Err(error) => return Err(StoreError::Internal(error.to_string())),
    };
    if state != Some(State::Pending) {
        outbox::withdraw(tx, tenant, call.approval, now)?;
        return Ok(None);
    }
    let links = outbox::links::mint(tx, tenant, call.approval, call.expires_at, now, seed)?;
    Ok(Some(Job { due: due.clone(), claimed_at: now, links: Some(links), webhook }))
}

fn stored(error: TargetError) -> StoreError {
    match error {
        TargetError::Store(error) => error,
        TargetError::Invalid(_) => StoreError::Internal(error.to_string()),
    }
}

fn tell(due: &Due, outcome: &Result<(), Undelivered>, fate: Option<Fate>) {
    let (tenant, notice) = (&due.tenant, &due.notice);
    let (id, channel, attempt) = (notice.id, notice.target.channel().as_str(), notice.attempts);
    match (outcome, fate) {
        (Ok(()), _) => {
            tracing::info!(target: "loop::worker", %tenant, notice = %id, channel, attempt, "a notice was sent");
            count(due, "sent");
        }
        (Err(error), Some(Fate::Again { due: at })) => {
            tracing::warn!(target: "loop::worker", %tenant, notice = %id, channel, attempt, %error, next = %at, "a notice was not delivered");
            count(due, "failed");
        }
        (Err(error), Some(Fate::GivenUp)) => {
            tracing::error!(target: "loop::worker", %tenant, notice = %id, channel, attempt, %error, "a notice was given up");
            count(due, "given_up");
        }
        (Err(error), None) => {
            tracing::warn!(target: "loop::worker", %tenant, notice = %id, channel, attempt, %error, "a lease was lost before the delivery ended")
        }
    }
}

fn count(due: &Due, outcome: &'static str) {
    let channel = due.notice.target.channel().as_str();
    metrics::counter!("loop_outbox_deliveries_total", "channel" => channel, "outcome" => outcome).increment(1);
}
