//! What is ready, in the order in which it is handed out: the lanes of all projects merged by rank and id.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::DispatchError;
use crate::{
    base::{TenantId, Time, id::ProjectId},
    store::{Repo, StoreError, Tx},
    work::{
        Issue,
        ready::{self, Head, Lane, Place},
        score::{Breakdown, Rank},
    },
};

/// How many rows of a queue are read at once, at first and at most.
const CHUNK: (u32, u32) = (16, 1_000);

/// Which issues are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those of all projects and of none.
    All,
    /// Those of one project.
    Project(ProjectId),
    /// Those of a project that there is not.
    Nothing,
}

impl Among {
    /// Reads a project's id; without one, all are asked for.
    #[must_use]
    pub fn of(project: Option<&str>) -> Self {
        project.map_or(Self::All, |text| ProjectId::parse(text).map_or(Self::Nothing, Self::Project))
    }
}

/// An issue in the queue.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Queued {
    /// The issue.
    pub issue: Issue,
    /// Its score, with whole days of age.
    pub score: i64,
    /// What the score is made of.
    pub breakdown: Breakdown,
}

/// The best ready issue.
///
/// # Errors
/// Storage failures.
pub fn best(tx: &mut dyn Tx, tenant: &TenantId, among: Among) -> Result<Option<String>, StoreError> {
    match among {
        Among::All => Ok(ready::heads(tx, tenant, None, 1)?.pop().map(|head| head.id)),
        Among::Project(project) => Ok(ready::first_of(tx, tenant, &Lane::of(Some(&project)))?.map(|place| place.id)),
        Among::Nothing => Ok(None),
    }
}

/// A page of what is ready, and how much is ready at all.
///
/// # Errors
/// Storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    among: Among,
    offset: u32,
    limit: u32,
    now: Time,
) -> Result<(Vec<Queued>, u64), DispatchError> {
    let total = match among {
        Among::All => ready::count(tx, tenant, None)?,
        Among::Project(project) => ready::count(tx, tenant, Some(&Lane::of(Some(&project))))?,
        Among::Nothing => 0,
    };
    if u64::from(offset) >= total || limit == 0 {
        return Ok((Vec::new(), total));
    }
    let mut merge = Merge::start(tx, tenant, among, offset.saturating_add(limit))?;
    for _ in 0..offset {
        if merge.next(tx)?.is_none() {
            break;
        }
    }
    let mut rows = Vec::new();
    while rows.len() < limit as usize {
        let Some((id, boosted)) = merge.next(tx)? else { break };
        let stored = Repo::<Issue>::new(tx, tenant).get(&id)?.ok_or_else(|| missing(&id))?;
        let breakdown = Breakdown::of(&stored.value, boosted, now);
        rows.push(Queued { score: breakdown.score(), breakdown, issue: stored.value });
    }
    Ok((rows, total))
}

/// What is ready and is not there.
pub(super) fn missing(id: &str) -> StoreError {
    StoreError::Corrupt(format!("`{id}` is ready and not there"))
}

/// A lane that is being read.
struct Reader {
    lane: Lane,
    boosted: bool,
    read: VecDeque<Place>,
    /// Behind what was read, when there may be more.
    after: Option<Place>,
    chunk: u32,
}

/// Lanes merged: each is opened only when its first issue is next.
struct Merge<'t> {
    tenant: &'t TenantId,
    /// Lanes that are not open yet, best first.
    heads: VecDeque<Head>,
    /// Behind the heads that were read, when there may be more.
    after: Option<Head>,
    open: Vec<Reader>,
    /// The next issue of each open lane: its rank with the goal's bonus, its id, its lane's place in `open`.
    next: BinaryHeap<Reverse<(Rank, String, usize)>>,
    chunk: u32,
}

impl<'t> Merge<'t> {
    /// A merge of which about so many rows will be wanted.
    fn start(tx: &mut dyn Tx, tenant: &'t TenantId, among: Among, wanted: u32) -> Result<Self, StoreError> {
        let mut merge = Self {
            tenant,
            heads: VecDeque::new(),
            after: None,
            open: Vec::new(),
            next: BinaryHeap::new(),
            chunk: wanted.clamp(CHUNK.0, CHUNK.1),
        };
        match among {
            Among::All => {
                // Many lanes may share the page.
                merge.chunk = CHUNK.0;
                merge.more_heads(tx, None)?;
            }
            Among::Project(project) => merge.open(tx, Lane::of(Some(&project)))?,
            Among::Nothing => {}
        }
        Ok(merge)
    }

    fn more_heads(&mut self, tx: &mut dyn Tx, after: Option<&Head>) -> Result<(), StoreError> {
        let heads = ready::heads(tx, self.tenant, after, self.chunk)?;
        self.after = heads.last().filter(|_| heads.len() == self.chunk as usize).cloned();
        self.heads.extend(heads);
        Ok(())
    }

    /// The next issue's id, and whether it has a goal's bonus.
    fn next(&mut self, tx: &mut dyn Tx) -> Result<Option<(String, bool)>, StoreError> {
        loop {
            if self.heads.is_empty()
                && let Some(after) = self.after.take()
            {
                self.more_heads(tx, Some(&after))?;
            }
            let Some(head) = self.heads.front() else { break };
            let first = self.next.peek().is_none_or(|Reverse((rank, id, _))| (head.rank, &head.id) < (*rank, id));
            if !first {
                break;
            }
            if let Some(head) = self.heads.pop_front() {
                self.open(tx, head.lane)?;
            }
        }
        let Some(Reverse((_, id, at))) = self.next.pop() else { return Ok(None) };
        let boosted = self.open.get(at).is_some_and(|reader| reader.boosted);
        self.advance(tx, at)?;
        Ok(Some((id, boosted)))
    }

    fn open(&mut self, tx: &mut dyn Tx, lane: Lane) -> Result<(), StoreError> {
        let boosted = ready::is_boosted(tx, self.tenant, &lane)?;
        let read: VecDeque<Place> = ready::of_lane(tx, self.tenant, &lane, None, self.chunk)?.into();
        let after = read.back().filter(|_| read.len() == self.chunk as usize).cloned();
        self.open.push(Reader { lane, boosted, read, after, chunk: self.chunk });
        self.advance(tx, self.open.len().saturating_sub(1))
    }

    /// Puts the next issue of an open lane among the next ones.
    fn advance(&mut self, tx: &mut dyn Tx, at: usize) -> Result<(), StoreError> {
        let Some(reader) = self.open.get_mut(at) else { return Ok(()) };
        if reader.read.is_empty()
            && let Some(after) = reader.after.take()
        {
            reader.chunk = reader.chunk.saturating_mul(2).min(CHUNK.1);
            reader.read = ready::of_lane(tx, self.tenant, &reader.lane, Some(&after), reader.chunk)?.into();
            reader.after = reader.read.back().filter(|_| reader.read.len() == reader.chunk as usize).cloned();
        }
        if let Some(place) = reader.read.pop_front() {
            self.next.push(Reverse((place.rank.with_goal(reader.boosted), place.id, at)));
        }
        Ok(())
    }
}
