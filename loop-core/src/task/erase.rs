//! Forgetting what tasks were about.

use super::{
    contract::{CONTRACTS, Contract},
    tasks::{TASKS, Task},
};
use crate::{
    access::Ctx,
    audit,
    base::{
        Time,
        id::{ContractId, TaskId},
    },
    store::{Cond, RecordQuery, Repo, StoreError, Stored, Tx},
};

/// What stands where a text was.
const ERASED: &str = "[erased]";

/// Erases what the tasks and contracts among `ids` are about: title, plan and the names of jobs. That they are there, and
/// where they stand, stays. Answers how many tasks were erased.
///
/// # Errors
/// Storage failures.
pub fn erase(tx: &mut dyn Tx, cx: &Ctx, ids: &[String], why: &str) -> Result<u64, StoreError> {
    let mut erased = Vec::new();
    for id in ids.iter().filter_map(|id| TaskId::parse(id)) {
        let stored: Option<Stored<Task>> = Repo::new(tx, cx.tenant()).get(&id.to_string())?;
        let Some(stored) = stored.filter(|stored| !stored.value.erased) else { continue };
        let mut bare = Task { title: ERASED.to_owned(), plan: Vec::new(), erased: true, ..stored.value.clone() };
        // Names tell which job waits for which: numbers do so too.
        let names: Vec<String> = bare.jobs.iter().map(|job| job.name.clone()).collect();
        let number = |name: &String| {
            let at = names.iter().position(|known| known == name).unwrap_or(names.len());
            format!("job {}", at.saturating_add(1))
        };
        for job in &mut bare.jobs {
            job.name = number(&job.name);
            job.depends_on = job.depends_on.iter().map(number).collect();
            job.tool = None;
        }
        Repo::new(tx, cx.tenant()).update(&stored, &bare, cx.now)?;
        erased.push(id.to_string());
    }
    audit::forgotten(tx, cx, TASKS.name, &erased, why)?;
    erase_names(tx, cx, ids, why)?;
    Ok(erased.len() as u64)
}

/// Erases the names of what contracts are about.
fn erase_names(tx: &mut dyn Tx, cx: &Ctx, ids: &[String], why: &str) -> Result<(), StoreError> {
    let mut erased = Vec::new();
    for id in ids.iter().filter_map(|id| ContractId::parse(id)) {
        let stored: Option<Stored<Contract>> = Repo::new(tx, cx.tenant()).get(&id.to_string())?;
        let Some(stored) = stored.filter(|stored| stored.value.task != ERASED) else { continue };
        let bare = Contract { task: ERASED.to_owned(), ..stored.value.clone() };
        Repo::new(tx, cx.tenant()).update(&stored, &bare, cx.now)?;
        erased.push(id.to_string());
    }
    audit::forgotten(tx, cx, CONTRACTS.name, &erased, why)
}

/// Removes the tenant's first tasks altogether, `limit` at most; answers how many.
///
/// # Errors
/// Storage failures.
pub fn erase_chunk(tx: &mut dyn Tx, cx: &Ctx, limit: u32, why: &str) -> Result<u64, StoreError> {
    let page: Vec<Stored<Task>> = Repo::new(tx, cx.tenant()).list(&RecordQuery { limit, ..RecordQuery::default() })?;
    for stored in &page {
        Repo::<Task>::new(tx, cx.tenant()).delete(&stored.value.id.to_string())?;
    }
    audit::removed(tx, cx, TASKS.name, page.len() as u64, why)?;
    Ok(page.len() as u64)
}

/// Goes through a chunk of tasks that have not changed since `before`: those that ended are removed, those that go on
/// are kept, and the persons in them findable. Answers how many were looked at.
///
/// # Errors
/// Storage failures.
pub fn purge_before(tx: &mut dyn Tx, cx: &Ctx, before: Time, limit: u32) -> Result<u64, StoreError> {
    let query = RecordQuery {
        conds: vec![Cond::Below("kept_since", before.into())],
        by: Some("kept_since"),
        limit,
        ..RecordQuery::default()
    };
    let page: Vec<Stored<Task>> = Repo::new(tx, cx.tenant()).list(&query)?;
    let mut gone = 0;
    for stored in &page {
        let id = stored.value.id.to_string();
        if stored.value.status.ended() {
            gone += u64::from(Repo::<Task>::new(tx, cx.tenant()).delete(&id)?);
        } else {
            let task = Task { kept_since: cx.now, ..stored.value.clone() };
            Repo::new(tx, cx.tenant()).update(stored, &task, cx.now)?;
            audit::tag(tx, cx, cx.now, &id, &task.subjects())?;
        }
    }
    audit::removed(tx, cx, TASKS.name, gone, audit::RETENTION_WHY)?;
    Ok(page.len() as u64)
}
