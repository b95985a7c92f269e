//! Finding issues by their words: an index from words to issues, and a short list of issues it does not know yet.
//!
//! Each word of an issue stands at another end of the index, so writing a new issue's words at once would cost more
//! than all the rest of it. A new issue is put on the list instead; whoever makes the list too heavy moves all of it
//! into the index, where issues that share a word share a row. A search reads the index and the issues of the list.
//!
//! A row of the index is a [`pack`] of issues, found from each of them by going forward from its id.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::{Issue, count::WORK_COUNTS, issue::ISSUES, search};
use crate::{
    base::TenantId,
    store::{StoreError, Terms, Tx},
};

/// Packs of issues by the words of their title and description, and under [`LIST`] those whose words are not in it yet.
pub static ISSUE_WORDS: Terms = Terms { name: "issue_words" };

/// Where issues wait to be indexed. No word has such a letter.
const LIST: &str = "-";
/// The account that holds the weight of the list.
const WEIGHT: &str = "words";
/// How heavy the list may be; light in tests, so that they pass through the index too.
const MAX_WEIGHT: u64 = if cfg!(test) { 200 } else { 4_096 };
/// What an issue weighs besides its texts. Every search reads the list: with this, no more issues are on it than on a
/// page.
const ALONE: usize = 32;
/// How many bytes of text weigh as much as a word.
const WORD: usize = 6;
/// More issues than fit on the list.
const LONGEST: u32 = 200;
/// How many issues share a row at most: with more it would not fit into a page with others.
const PACK: usize = if cfg!(test) { 3 } else { 32 };
/// How many rows are read at a time: in a search, and to find an issue's own. Fewer ids than the latter differ in their
/// last character alone.
const CHUNKS: (u32, u32) = (1_024, 64);
/// The most issues that a search gathers for a word.
const MAX_FOUND: usize = 100_000;

/// What of a stored issue is searched.
#[derive(serde::Deserialize)]
struct Texts {
    title: String,
    description: Option<String>,
}

/// The words that an issue is found by.
pub(super) fn of(issue: &Issue) -> BTreeSet<String> {
    words(&issue.title, issue.description.as_deref())
}

fn words(title: &str, description: Option<&str>) -> BTreeSet<String> {
    search::words([title, description.unwrap_or("")])
}

/// About how many words an issue has, without looking for them.
fn weight(title: &str, description: Option<&str>) -> i64 {
    let bytes = title.len().saturating_add(description.map_or(0, str::len));
    i64::try_from((bytes / WORD).min(search::MAX_WORDS).saturating_add(ALONE)).unwrap_or(i64::MAX)
}

/// Keeps the index and the list when an issue becomes another: `None` is an issue that is not there.
pub(super) fn moved(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    before: Option<&Issue>,
    after: Option<&Issue>,
) -> Result<(), StoreError> {
    let (old, new) = match (before.filter(|issue| issue.is_live()), after.filter(|issue| issue.is_live())) {
        (None, None) => return Ok(()),
        (None, Some(new)) => return list(tx, tenant, new),
        (Some(old), Some(new)) if old.title == new.title && old.description == new.description => return Ok(()),
        (Some(old), new) => (old, new),
    };
    let (was, is) = (of(old), new.map(of).unwrap_or_default());
    let id = old.id.as_str();
    let indexed = if is_listed(tx, tenant, id)? {
        tx.drop_terms(&ISSUE_WORDS, tenant, id, &[LIST])?;
        tx.add(&WORK_COUNTS, tenant, WEIGHT, -weight(&old.title, old.description.as_deref()), None)?;
        BTreeSet::new()
    } else {
        was
    };
    for word in indexed.difference(&is) {
        take(tx, tenant, word, id)?;
    }
    let come: Vec<&str> = is.difference(&indexed).map(String::as_str).collect();
    tx.put_terms(&ISSUE_WORDS, tenant, id, &come)
}

/// Issues, ascending, as one row: the last goes first, so that the row stands behind all of them.
fn pack(ids: &[String]) -> String {
    let Some((last, others)) = ids.split_last() else { return String::new() };
    others.iter().fold(last.clone(), |row, id| row + "," + id)
}

fn unpack(row: &str) -> impl Iterator<Item = &str> {
    row.split(',')
}

/// What every row with an issue, or with a later one, stands behind: ids have one length.
fn before(id: &str) -> Option<&str> {
    id.get(..id.len().saturating_sub(1))
}

/// Takes an issue out of the row that a word has it in.
fn take(tx: &mut dyn Tx, tenant: &TenantId, word: &str, id: &str) -> Result<(), StoreError> {
    let mut after = before(id).map(str::to_owned);
    loop {
        let rows = tx.holders(&ISSUE_WORDS, tenant, word, after.as_deref(), CHUNKS.1, 0)?;
        if let Some(row) = rows.iter().find(|row| unpack(row).any(|one| one == id)) {
            tx.drop_terms(&ISSUE_WORDS, tenant, row, &[word])?;
            let mut left: Vec<String> = unpack(row).filter(|one| *one != id).map(str::to_owned).collect();
            left.sort_unstable();
            return if left.is_empty() { Ok(()) } else { tx.put_terms(&ISSUE_WORDS, tenant, &pack(&left), &[word]) };
        }
        after = match rows.into_iter().next_back() {
            Some(last) => Some(last),
            None => return Ok(()),
        };
    }
}

/// Puts a new issue on the list, and all of the list into the index when that makes it too heavy.
fn list(tx: &mut dyn Tx, tenant: &TenantId, issue: &Issue) -> Result<(), StoreError> {
    tx.put_terms(&ISSUE_WORDS, tenant, issue.id.as_str(), &[LIST])?;
    let more = weight(&issue.title, issue.description.as_deref());
    let heavy = tx.add(&WORK_COUNTS, tenant, WEIGHT, more, None)?;
    let heavy = heavy.and_then(|balance| u64::try_from(balance.total).ok()).unwrap_or(0);
    if heavy < MAX_WEIGHT {
        return Ok(());
    }
    let (mut taken, mut index) = (0_i64, BTreeMap::<String, Vec<String>>::new());
    for (id, texts) in listed(tx, tenant)? {
        tx.drop_terms(&ISSUE_WORDS, tenant, &id, &[LIST])?;
        taken = taken.saturating_add(weight(&texts.title, texts.description.as_deref()));
        for word in words(&texts.title, texts.description.as_deref()) {
            index.entry(word).or_default().push(id.clone());
        }
    }
    for (word, ids) in index {
        for ids in ids.chunks(PACK) {
            tx.put_terms(&ISSUE_WORDS, tenant, &pack(ids), &[&word])?;
        }
    }
    tx.add(&WORK_COUNTS, tenant, WEIGHT, taken.saturating_neg(), None)?;
    Ok(())
}

fn is_listed(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<bool, StoreError> {
    let next = tx.holders(&ISSUE_WORDS, tenant, LIST, before(id), CHUNKS.1, 0)?;
    Ok(next.iter().any(|listed| listed == id))
}

/// The issues of the list and their texts.
fn listed(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<(String, Texts)>, StoreError> {
    let mut out = Vec::new();
    for id in tx.holders(&ISSUE_WORDS, tenant, LIST, None, LONGEST, 0)? {
        // The list and the rows are written together, so it is there.
        let Some(row) = tx.get(&ISSUES, tenant, &id)? else { continue };
        let texts: Texts = serde_json::from_str(&row.body)
            .map_err(|error| StoreError::Corrupt(format!("`{}.{id}`: {error}", ISSUES.name)))?;
        out.push((id, texts));
    }
    Ok(out)
}

/// The ids of the issues with a word that begins with each of these, in order, word by word; `None` for a word that
/// finds too many.
pub(super) fn found(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    asked: &[String],
) -> Result<Vec<Option<Vec<String>>>, StoreError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let fresh: Vec<(String, BTreeSet<String>)> = listed(tx, tenant)?
        .into_iter()
        .map(|(id, texts)| (id, words(&texts.title, texts.description.as_deref())))
        .collect();
    let mut out = Vec::with_capacity(asked.len());
    for word in asked {
        let Some(mut ids) = indexed(tx, tenant, word)? else {
            out.push(None);
            continue;
        };
        ids.extend(fresh.iter().filter(|(_, held)| begins_one(word, held)).map(|(id, _)| id.clone()));
        ids.sort_unstable();
        ids.dedup();
        out.push(Some(ids));
    }
    Ok(out)
}

/// Whether one of the words of an issue begins with this one.
pub(super) fn begins_one(word: &str, held: &BTreeSet<String>) -> bool {
    held.range::<str, _>((Bound::Included(word), Bound::Unbounded)).next().is_some_and(|one| one.starts_with(word))
}

/// The ids under the words of the index that begin like this; `None` when there are too many.
fn indexed(tx: &mut dyn Tx, tenant: &TenantId, word: &str) -> Result<Option<Vec<String>>, StoreError> {
    let mut ids = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let place = after.as_ref().map(|(term, id)| (term.as_str(), id.as_str()));
        let rows = tx.holders_under(&ISSUE_WORDS, tenant, word, place, CHUNKS.0)?;
        let full = rows.len() == CHUNKS.0 as usize;
        after = rows.last().cloned();
        ids.extend(rows.iter().flat_map(|(_, row)| unpack(row)).map(str::to_owned));
        if !full {
            return Ok(Some(ids));
        }
        if ids.len() > MAX_FOUND {
            return Ok(None);
        }
    }
}
