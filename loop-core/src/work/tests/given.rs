//! Short ways to say what a case starts from.

use std::{cell::Cell, sync::Arc};

use crate::{
    access::{Caller, Ctx},
    base::{Seed, TenantId, Time},
    engine::CATALOG,
    store::{Lane, StoreExt, Tx, memory::MemoryStore},
    work::{
        Issue, IssueType, Project, ProjectHealth, ProjectStatus, WorkError,
        issue::{self, NewIssue},
    },
};

/// A store and a clock that moves a second with every step.
pub(super) struct World {
    pub(super) store: Arc<MemoryStore>,
    pub(super) tenant: TenantId,
    steps: Cell<i64>,
}

pub(super) type Outcome = Result<(), WorkError>;

impl World {
    pub(super) fn new() -> Self {
        let store = Arc::new(MemoryStore::new(CATALOG));
        Self { store, tenant: TenantId::default_tenant(), steps: Cell::new(0) }
    }

    pub(super) fn now(&self) -> Time {
        Time::from_micros(1_800_000_000_000_000).plus_seconds(self.steps.get())
    }

    fn cx(&self) -> Ctx {
        self.steps.set(self.steps.get() + 1);
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.steps.get().to_be_bytes());
        Ctx::new(Caller::system(self.tenant.clone(), "test"), self.now(), Seed::new(seed))
    }

    /// Runs a step.
    pub(super) fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T, WorkError> {
        let cx = self.cx();
        self.store.transact("test", Lane::Normal, move |tx| work(tx, &cx)).wait()
    }

    /// Looks at something.
    pub(super) fn read<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Tx, &TenantId) -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T, WorkError> {
        let tenant = self.tenant.clone();
        self.store.read("test", move |tx| work(tx, &tenant)).wait()
    }

    pub(super) fn make(&self, new: NewIssue) -> Result<Issue, WorkError> {
        self.write(move |tx, cx| issue::create(tx, cx, &new))
    }

    pub(super) fn task(&self, title: &str) -> Result<Issue, WorkError> {
        self.make(NewIssue::titled(title, IssueType::Task))
    }

    pub(super) fn part(&self, title: &str, of: &Issue) -> Result<Issue, WorkError> {
        self.make(NewIssue { parent_id: Some(of.id.to_string()), ..NewIssue::titled(title, IssueType::Task) })
    }

    pub(super) fn patch(&self, id: &Issue, patch: issue::Patch) -> Result<Issue, WorkError> {
        let id = id.id;
        Ok(self.write(move |tx, cx| issue::patch(tx, cx, id.as_str(), &patch))?.after)
    }

    pub(super) fn delete(&self, id: &Issue) -> Result<Issue, WorkError> {
        let id = id.id;
        Ok(self.write(move |tx, cx| issue::delete(tx, cx, id.as_str()))?.after)
    }

    pub(super) fn get(&self, id: &Issue) -> Result<Issue, WorkError> {
        let id = id.id;
        Ok(self.read(move |tx, tenant| issue::get(tx, tenant, id.as_str()))?.value)
    }

    pub(super) fn project(&self) -> Result<Project, WorkError> {
        self.write(|tx, cx| {
            let project = Project {
                id: crate::base::id::ProjectId::draw(cx.now, &mut cx.seed()),
                name: "p".to_owned(),
                description: None,
                status: ProjectStatus::Active,
                health: ProjectHealth::OnTrack,
                goal_id: None,
                created_at: cx.now.to_millis(),
                updated_at: cx.now.to_millis(),
                deleted_at: None,
                boosted: false,
            };
            crate::store::Repo::new(tx, cx.tenant()).insert(&project, cx.now)?;
            Ok(project)
        })
    }
}

pub(super) fn unprocessable(error: &WorkError) -> &'static str {
    match error {
        WorkError::Unprocessable(text) => text,
        _ => "another refusal",
    }
}

pub(super) fn field(error: &WorkError) -> &str {
    error.at_fault().unwrap_or("no field")
}
