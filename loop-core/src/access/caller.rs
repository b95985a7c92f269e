//! The authenticated caller, and the context that a use case runs in.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use super::{AccessError, Loop, Note, Scope, Scopes, claim_key, claim_key::Claimed, idempotency, key};
use crate::{
    base::{
        Seed, TenantId, Time,
        id::{IssueId, KeyId, LoopId},
        secret::{MasterKey, TokenHash},
    },
    store::Tx,
};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose data the caller may touch.
    pub tenant: TenantId,
    /// The key it presented.
    pub key: KeyId,
    /// The hash of that key, by which it is looked up again.
    pub hash: TokenHash,
    /// The key's name, as shown in the log.
    pub name: Arc<str>,
    /// What the key may do: what it was given and every loop of its line allows.
    pub scopes: Scopes,
    /// The loop the key belongs to; `None` for the tenant's own keys.
    pub loop_id: Option<LoopId>,
    /// The loop on whose account its loop makes others: itself, or the one that the tenant made and that made it.
    pub sponsor: Option<LoopId>,
    /// The only project of telemetry that the key reaches; `None` when it is not bound to one.
    pub project: Option<Box<str>>,
    /// Whether everything the key does is simulated.
    pub sandboxed: bool,
    /// Whether the loop, or one above it, is suspended.
    pub suspended: bool,
    /// When the key stops working by itself.
    pub expires_at: Option<Time>,
    /// The one thing it may work on, for the key in a claim's prompt; `None` for all others.
    pub claimed: Option<Claimed>,
    /// The tenant's policy epoch when the key was last seen valid in storage. Every transaction that finds
    /// another epoch looks the key up again.
    pub epoch: u64,
    /// The claim under which this one request of the caller is carried out once, if it came with an idempotency key.
    pub once: Option<Arc<idempotency::Holder>>,
}

impl Caller {
    /// Loop itself, acting for a tenant: a worker, or a person who followed a link. It holds no scope.
    #[must_use]
    pub fn system(tenant: TenantId, name: &'static str) -> Self {
        Self {
            tenant,
            key: KeyId::NONE,
            hash: TokenHash::NONE,
            name: name.into(),
            scopes: Scopes::NONE,
            loop_id: None,
            sponsor: None,
            sandboxed: false,
            suspended: false,
            expires_at: None,
            project: None,
            claimed: None,
            epoch: 0,
            once: None,
        }
    }

    /// The loop that acts.
    ///
    /// # Errors
    /// [`AccessError::Loopless`] for the tenant's own keys.
    pub fn acting_loop(&self) -> Result<LoopId, AccessError> {
        self.loop_id.ok_or(AccessError::Loopless)
    }

    /// Refuses a caller whose loop is suspended.
    ///
    /// # Errors
    /// [`AccessError::Suspended`].
    pub const fn awake(&self) -> Result<(), AccessError> {
        if self.suspended { Err(AccessError::Suspended) } else { Ok(()) }
    }

    /// Whether the caller may act for the loop whose line this is: the tenant's own keys for every loop, a loop's key
    /// for its own loop and those under it.
    #[must_use]
    pub fn stands_above(&self, line: &[Loop]) -> bool {
        self.loop_id.is_none_or(|own| line.iter().any(|one| one.id == own))
    }

    /// Refuses a caller that may not act for the loop whose line this is.
    ///
    /// # Errors
    /// [`AccessError::Foreign`].
    pub fn commands(&self, line: &[Loop]) -> Result<(), AccessError> {
        if self.stands_above(line) { Ok(()) } else { Err(AccessError::Foreign) }
    }

    /// Refuses a caller without the scope.
    ///
    /// # Errors
    /// [`AccessError::Scope`].
    pub const fn require(&self, scope: Scope) -> Result<(), AccessError> {
        if self.scopes.has(scope) { Ok(()) } else { Err(AccessError::Scope(scope)) }
    }

    /// Whether the caller may see and change this issue, as far as a claim binds it.
    #[must_use]
    pub fn may_touch(&self, issue: IssueId) -> bool {
        self.claimed.is_none_or(|claimed| claimed.issue == issue)
    }

    /// Whether the key still works at `now`, as far as its own expiry tells.
    #[must_use]
    pub fn alive(&self, now: Time) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Makes sure, inside a transaction, that the key is still valid: it is looked up again if the tenant's
    /// policy epoch moved since it was last seen, which every revocation does, in whatever process.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`] when it was revoked or has expired, [`AccessError::Moved`] when it may do less.
    pub fn recheck(&self, tx: &mut dyn Tx, now: Time) -> Result<(), AccessError> {
        if !self.alive(now) {
            return Err(AccessError::Unauthenticated);
        }
        if tx.epoch(&self.tenant)? == self.epoch {
            return Ok(());
        }
        let fresh = match self.claimed {
            None => key::authenticate(tx, self.hash, now)?,
            Some(claimed) => claim_key::again(tx, self, claimed, now)?,
        };
        if fresh.tenant != self.tenant || fresh.loop_id != self.loop_id || fresh.sandboxed != self.sandboxed {
            return Err(AccessError::Unauthenticated);
        }
        // A key that may do less by now must come in again with what it still has.
        let less = !fresh.scopes.covers(self.scopes) || (fresh.suspended && !self.suspended);
        match (less, fresh.loop_id) {
            (false, _) => Ok(()),
            (true, None) => Err(AccessError::Unauthenticated),
            // Its loop, or one above it, was changed: trying again is worth it.
            (true, Some(_)) => Err(AccessError::Moved),
        }
    }

    /// Marks the caller's request, inside the transaction that carries it out, as one that must not be carried out
    /// again.
    ///
    /// # Errors
    /// [`AccessError::ClaimGone`] when another has taken the request over; storage failures.
    pub fn carry_out(&self, tx: &mut dyn Tx, now: Time) -> Result<(), AccessError> {
        match &self.once {
            Some(holder) => idempotency::begin(tx, &self.tenant, holder, now),
            None => Ok(()),
        }
    }
}

/// What a use case knows besides its input: who asks, when, and from where ids and tokens are drawn.
#[derive(Debug)]
pub struct Ctx {
    /// Who asks.
    pub caller: Caller,
    /// When.
    pub now: Time,
    seed: Seed,
    drawn: Cell<u64>,
    notes: RefCell<Vec<Note>>,
    master: Option<Arc<MasterKey>>,
}

impl Ctx {
    /// A context for one request.
    #[must_use]
    pub const fn new(caller: Caller, now: Time, seed: Seed) -> Self {
        Self { caller, now, seed, drawn: Cell::new(0), notes: RefCell::new(Vec::new()), master: None }
    }

    /// The same context with the key that tags of persons are derived from. Whoever stores what may speak of a person
    /// needs one: see `audit::tag`.
    #[must_use]
    pub fn tagging(mut self, master: Arc<MasterKey>) -> Self {
        self.master = Some(master);
        self
    }

    /// The key that tags of persons are derived from.
    #[must_use]
    pub fn master(&self) -> Option<&MasterKey> {
        self.master.as_deref()
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.caller.tenant
    }

    /// A seed of its own for the next thing to be drawn.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed::new(self.draw())
    }

    /// Thirty-two unpredictable bytes.
    #[must_use]
    pub fn draw(&self) -> [u8; 32] {
        let n = self.drawn.get().wrapping_add(1);
        self.drawn.set(n);
        self.seed.at(n)
    }

    /// Notes a change that is to be told once it is durable.
    pub fn note(&self, note: Note) {
        self.notes.borrow_mut().push(note);
    }

    /// The changes noted since they were last taken. Whoever runs a use case takes them before, because work may run
    /// twice, and after.
    #[must_use]
    pub fn take_notes(&self) -> Vec<Note> {
        self.notes.take()
    }

    /// The same request in a run of its own; draws go on from where they are and never repeat.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { master: self.master.clone(), ..Self::new(self.caller.clone(), self.now, self.seed()) }
    }
}
