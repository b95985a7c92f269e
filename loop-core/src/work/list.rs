//! Lists of issues: filters are sets of ids (see [`super::sets`]) that are walked in the order of ids, together.

use std::collections::VecDeque;

use super::{
    Issue, IssueStatus, IssueType, WorkError,
    count::{self, Cell, Counts},
    label, search,
    sets::{ISSUE_SETS, term},
    words,
};
use crate::{
    base::{
        TenantId,
        id::{IssueId, LabelId, ProjectId},
    },
    store::{Repo, StoreError, Stored, Tx},
};

/// The longest search, in characters.
pub const MAX_SEARCH: usize = 500;
/// The most steps of a walk through sets.
const MAX_STEPS: u64 = 1_000_000;
/// How many ids are read at first, and at most, at a time; of sets that are read together, fewer each at first.
const CHUNKS: (u32, u32) = (64, 1_024);
/// The fewest ids that are read at a time.
const FEW: u32 = 8;

/// Which issues to list; every field that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; any when empty.
    pub statuses: Vec<IssueStatus>,
    /// Of one of these kinds; any when empty.
    pub kinds: Vec<IssueType>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// With this label.
    pub label: Option<LabelId>,
    /// Of this priority, 0 to 4.
    pub priority: Option<u8>,
    /// Parts of this issue.
    pub parent: Option<IssueId>,
    /// With words that begin with these; [`MAX_SEARCH`] characters at most.
    pub search: Option<String>,
}

/// A page of live issues in the order of their making, and how many there are.
///
/// # Errors
/// A search that is too long or finds too much, filters that together take too long, storage failures.
pub fn page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> Result<(Vec<Issue>, u64), WorkError> {
    let asked = match &filter.search {
        Some(text) => {
            super::check_length("search", text, MAX_SEARCH)?;
            let words = search::asked(text)
                .ok_or_else(|| WorkError::field("search", format!("must have {} words at most", search::MAX_ASKED)))?;
            // What holds no word is found nowhere; what holds nothing asks for nothing.
            if words.is_empty() && !text.trim().is_empty() {
                return Ok((Vec::new(), 0));
            }
            words
        }
        None => Vec::new(),
    };
    if let Some(label) = &filter.label
        && label::find(tx, tenant, label)?.is_none()
    {
        return Ok((Vec::new(), 0));
    }
    let counts = count::counts(tx, tenant, filter.project.as_ref())?;
    let mut sources = filters(filter, &counts);
    let unread = gather(tx, tenant, &asked, &mut sources)?;
    let (ids, total) = match sources.as_mut_slice() {
        [one] if unread.is_empty() => single(tx, tenant, filter, &counts, one, limit, offset)?,
        many => walk(tx, tenant, many, &unread, limit, offset)?,
    };
    let mut issues = Vec::with_capacity(ids.len());
    for id in ids {
        // Sets and rows are written together, so it is there.
        let found: Option<Stored<Issue>> = Repo::new(tx, tenant).get(&id)?;
        issues.extend(found.map(|stored| stored.value));
    }
    Ok((issues, total))
}

/// Ids in order, to be walked through.
enum Source {
    /// Those in any of these sets.
    Sets(Vec<Stream>),
    /// Those that a search found.
    Found(Vec<String>),
}

/// Where to go on.
#[derive(Clone, Copy)]
enum Place<'a> {
    Start,
    /// At the first id that is not before this.
    At(&'a str),
    /// Behind this.
    After(&'a str),
}

impl Place<'_> {
    fn reached(&self, id: &str) -> bool {
        match self {
            Self::Start => true,
            Self::At(from) => id >= *from,
            Self::After(from) => id > *from,
        }
    }

    /// A text that every id to come is greater than, and few others are.
    fn floor(&self) -> Option<&str> {
        match self {
            Self::Start => None,
            // Ids have one length: without its last character, an id sorts right before it.
            Self::At(from) => from.split_at_checked(from.len().saturating_sub(1)).map(|(head, _)| head),
            Self::After(from) => Some(from),
        }
    }
}

/// One set, read bit by bit.
struct Stream {
    term: String,
    read: VecDeque<String>,
    /// The last id read.
    last: Option<String>,
    ended: bool,
    chunk: u32,
}

impl Stream {
    fn new(term: String, chunk: u32) -> Self {
        Self { term, read: VecDeque::new(), last: None, ended: false, chunk }
    }

    fn next(&mut self, tx: &mut dyn Tx, tenant: &TenantId, from: Place<'_>) -> Result<Option<&str>, StoreError> {
        loop {
            while self.read.front().is_some_and(|id| !from.reached(id)) {
                self.read.pop_front();
            }
            if !self.read.is_empty() || self.ended {
                return Ok(self.read.front().map(String::as_str));
            }
            let after = from.floor().max(self.last.as_deref());
            let rows = tx.holders(&ISSUE_SETS, tenant, &self.term, after, self.chunk, 0)?;
            self.ended = rows.len() < self.chunk as usize;
            self.chunk = self.chunk.saturating_mul(4).min(CHUNKS.1);
            self.last = rows.last().cloned().or_else(|| self.last.take());
            self.read = rows.into();
        }
    }
}

impl Source {
    fn one(term: String) -> Self {
        Self::any([term].into())
    }

    fn any(terms: Vec<String>) -> Self {
        let share = CHUNKS.0.checked_div(u32::try_from(terms.len()).unwrap_or(u32::MAX)).unwrap_or(0);
        Self::Sets(terms.into_iter().map(|term| Stream::new(term, share.max(FEW))).collect())
    }

    fn is_all(&self) -> bool {
        matches!(self, Self::Sets(sets) if sets.iter().any(|set| set.term == term::ALL))
    }

    /// The first id from a place on.
    fn next(&mut self, tx: &mut dyn Tx, tenant: &TenantId, from: Place<'_>) -> Result<Option<String>, StoreError> {
        match self {
            Self::Found(ids) => Ok(ids.get(ids.partition_point(|id| !from.reached(id))).cloned()),
            Self::Sets(streams) => {
                let mut first: Option<String> = None;
                for stream in streams {
                    let next = stream.next(tx, tenant, from)?;
                    if let Some(id) = next.filter(|id| first.as_deref().is_none_or(|first| *id < first)) {
                        first = Some(id.to_owned());
                    }
                }
                Ok(first)
            }
        }
    }
}

/// The sets that a filter asks for, the search apart; one at least.
fn filters(filter: &Filter, counts: &Counts) -> Vec<Source> {
    let mut out = Vec::new();
    out.extend(filter.label.iter().map(|id| Source::one(term::label(id))));
    out.extend(filter.parent.iter().map(|id| Source::one(term::parent(id))));
    if asks_for_cells(filter) {
        let name = |(cell, _)| match &filter.project {
            Some(project) => term::project_cell(project, cell),
            None => term::cell(cell),
        };
        out.push(Source::any(cells(filter, counts).map(name).collect()));
    } else if let Some(project) = &filter.project {
        out.push(Source::one(term::project(project)));
    }
    if out.is_empty() {
        out.push(Source::one(term::ALL.to_owned()));
    }
    out
}

/// Whether a filter asks for some states, kinds or a priority.
const fn asks_for_cells(filter: &Filter) -> bool {
    !filter.statuses.is_empty() || !filter.kinds.is_empty() || filter.priority.is_some()
}

/// The cells that have issues of the states, kinds and priority that a filter asks for, and how many.
fn cells(filter: &Filter, counts: &Counts) -> impl Iterator<Item = (Cell, u64)> {
    counts.cells().filter(|((status, kind, priority), _)| {
        (filter.statuses.is_empty() || filter.statuses.contains(status))
            && (filter.kinds.is_empty() || filter.kinds.contains(kind))
            && filter.priority.is_none_or(|asked| asked == *priority)
    })
}

/// Puts what each word finds before the other sources, which it is likely smaller than. Words that find too much are
/// answered: issues have to be read for them.
fn gather(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    asked: &[String],
    sources: &mut Vec<Source>,
) -> Result<Vec<String>, WorkError> {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for (word, ids) in asked.iter().zip(words::found(tx, tenant, asked)?) {
        match ids {
            Some(ids) => found.push(ids),
            None => unread.push(word.clone()),
        }
    }
    if found.is_empty() && !unread.is_empty() {
        return Err(WorkError::field("search", "finds too many issues; say more of the word, or another one"));
    }
    found.sort_by_key(Vec::len);
    if !found.is_empty() {
        // Whatever is found is one of all.
        sources.retain(|source| !source.is_all());
    }
    sources.splice(0..0, found.into_iter().map(Source::Found));
    Ok(unread)
}

/// A page of one source, whose size is known without walking it.
fn single(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    filter: &Filter,
    counts: &Counts,
    source: &mut Source,
    limit: u32,
    offset: u32,
) -> Result<(Vec<String>, u64), WorkError> {
    match source {
        Source::Found(ids) => {
            let total = ids.len() as u64;
            let ids = std::mem::take(ids);
            Ok((ids.into_iter().skip(offset as usize).take(limit as usize).collect(), total))
        }
        Source::Sets(streams) => {
            let counted = filter.label.is_none() && filter.parent.is_none();
            let total = match streams.as_slice() {
                [one] if !counted => tx.count_holders(&ISSUE_SETS, tenant, &one.term)?,
                _ => cells(filter, counts).map(|(_, count)| count).sum(),
            };
            if u64::from(offset) >= total {
                return Ok((Vec::new(), total));
            }
            if let [one] = streams.as_slice() {
                return Ok((tx.holders(&ISSUE_SETS, tenant, &one.term, None, limit, offset)?, total));
            }
            let mut ids: Vec<String> = Vec::new();
            let (mut last, mut passed) = (None::<String>, 0_u64);
            while ids.len() < limit as usize {
                let from = last.as_deref().map_or(Place::Start, Place::After);
                let Some(id) = source.next(tx, tenant, from)? else { break };
                if passed >= u64::from(offset) {
                    ids.push(id.clone());
                }
                passed += 1;
                bounded(passed)?;
                last = Some(id);
            }
            Ok((ids, total))
        }
    }
}

/// A page of what is in every source and has the words that were not gathered; all of it is walked through once.
fn walk(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    sources: &mut [Source],
    unread: &[String],
    limit: u32,
    offset: u32,
) -> Result<(Vec<String>, u64), WorkError> {
    let (mut ids, mut total, mut steps) = (Vec::new(), 0_u64, 0_u64);
    let mut last: Option<String> = None;
    loop {
        let from = last.as_deref().map_or(Place::Start, Place::After);
        let Some(candidate) = together(tx, tenant, sources, from, &mut steps)? else { break };
        if unread.is_empty() || has_words(tx, tenant, &candidate, unread)? {
            if total >= u64::from(offset) && ids.len() < limit as usize {
                ids.push(candidate.clone());
            }
            total += 1;
        }
        last = Some(candidate);
    }
    Ok((ids, total))
}

/// The first id from a place on that every source has.
fn together(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    sources: &mut [Source],
    from: Place<'_>,
    steps: &mut u64,
) -> Result<Option<String>, WorkError> {
    let Some(first) = sources.first_mut() else { return Ok(None) };
    let Some(mut candidate) = first.next(tx, tenant, from)? else { return Ok(None) };
    'again: loop {
        for source in &mut *sources {
            *steps += 1;
            bounded(*steps)?;
            match source.next(tx, tenant, Place::At(&candidate))? {
                None => return Ok(None),
                Some(id) if id == candidate => {}
                Some(later) => {
                    candidate = later;
                    continue 'again;
                }
            }
        }
        return Ok(Some(candidate));
    }
}

fn bounded(steps: u64) -> Result<(), WorkError> {
    if steps > MAX_STEPS {
        return Err(WorkError::Unprocessable("too many issues to look through; ask for fewer"));
    }
    Ok(())
}

fn has_words(tx: &mut dyn Tx, tenant: &TenantId, id: &str, asked: &[String]) -> Result<bool, StoreError> {
    let found: Option<Stored<Issue>> = Repo::new(tx, tenant).get(id)?;
    let Some(issue) = found else { return Ok(false) };
    let held = words::of(&issue.value);
    Ok(asked.iter().all(|word| words::begins_one(word, &held)))
}
