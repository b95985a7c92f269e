//! `/api/dashboard`: what is going on as a whole.

use std::collections::BTreeMap;

use http::Method;
use loop_core::{
    access::Scope,
    base::{Time, time::millis},
    work::{Issue, IssueRelation, IssueStatus, WorkError, overview},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    issues::shown,
    page::{LIMIT, Many, One, Page, many, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/dashboard/stats",
        operation: "dashboard.stats",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DashboardRead),
        summary: "How many issues and goals there are, and how the queue stands",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<DashboardStats>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(stats(call))),
        example: Some(Example { before: &[], id: "", path: "/api/dashboard/stats", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/dashboard/activity",
        operation: "dashboard.activity",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::DashboardRead),
        summary: "The issues that moved last, with their parts; `total` is how many are told",
        query: &[LIMIT],
        input: None,
        output: Output::Json(schema_of::<Many<ActivityAnswer>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(activity(call))),
        example: Some(Example { before: &[], id: "", path: "/api/dashboard/activity", body: "" }),
    },
];

/// The numbers.
#[derive(Debug, Serialize, JsonSchema)]
struct DashboardStats {
    /// The issues.
    issues: IssueStats,
    /// The goals.
    goals: GoalStats,
    /// The queue.
    dispatch: DispatchStats,
}

/// How many issues there are; no zeros in the maps.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IssueStats {
    /// All.
    total: u64,
    /// By status.
    by_status: BTreeMap<String, u64>,
    /// By type.
    by_type: BTreeMap<String, u64>,
}

/// How many goals there are.
#[derive(Debug, Serialize, JsonSchema)]
struct GoalStats {
    /// All.
    total: u64,
    /// Those that are wanted.
    active: u64,
    /// Those that were reached.
    achieved: u64,
}

/// How the queue stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DispatchStats {
    /// Issues in `todo` and `backlog`, blocked ones included.
    queue_depth: u64,
    /// Issues that can be dispatched now.
    ready: u64,
    /// Issues in progress.
    active_count: u64,
    /// Issues done within 24 hours.
    completed_last24h: u64,
    /// Claims whose lease ended without a word, ever.
    expired_leases: u64,
}

/// An issue that is no part of another, with its parts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ActivityAnswer {
    /// The issue.
    root: Issue,
    /// Its parts, 100 at most.
    children: Vec<Part>,
    /// When it or a part of it last changed.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    latest_activity: Time,
}

/// A part of an issue.
#[derive(Debug, Serialize, JsonSchema)]
struct Part {
    /// The part.
    issue: Issue,
    /// Its relations to others.
    relations: Vec<IssueRelation>,
}

fn failed(error: WorkError) -> Failure {
    super::refused(error.code(), error.at_fault(), &error)
}

async fn stats(call: Call) -> Outcome {
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "dashboard.stats", move |tx, cx| overview::standing(tx, cx.tenant(), cx.now));
    let overview::Standing { issues, goals, ready, completed, expired } = read.await.map_err(failed)?;
    let by_status = issues.by_status();
    let in_status = |status| by_status.get(&status).copied().unwrap_or(0);
    let dispatch = DispatchStats {
        queue_depth: in_status(IssueStatus::Todo).saturating_add(in_status(IssueStatus::Backlog)),
        ready,
        active_count: in_status(IssueStatus::InProgress),
        completed_last24h: completed,
        expired_leases: expired,
    };
    let issues = IssueStats {
        total: issues.total(),
        by_type: issues.by_type().into_iter().map(|(kind, count)| (kind.to_string(), count)).collect(),
        by_status: by_status.into_iter().map(|(status, count)| (status.to_string(), count)).collect(),
    };
    let goals = GoalStats { total: goals.total, active: goals.active, achieved: goals.achieved };
    one(http::StatusCode::OK, &DashboardStats { issues, goals, dispatch })
}

async fn activity(call: Call) -> Outcome {
    let limit = Page::limit_of(&call)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "dashboard.activity", move |tx, cx| overview::activity(tx, cx.tenant(), limit));
    let rows: Vec<ActivityAnswer> = read
        .await
        .map_err(failed)?
        .into_iter()
        .map(|one| ActivityAnswer {
            root: shown(one.root),
            children: one.parts.into_iter().map(|(issue, relations)| Part { issue: shown(issue), relations }).collect(),
            latest_activity: one.latest,
        })
        .collect();
    let told = rows.len() as u64;
    many(rows, told)
}
