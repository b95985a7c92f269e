//! `/api/issues`: what there is to do.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::id::{IssueId, LabelId, ProjectId},
    dispatch::{self, DispatchError},
    store::{StoreError, Tx},
    work::{
        CommitRef, HypothesisData, Issue, IssueRelation, IssueStatus, IssueType, Label, PullRequestRef, WorkError,
        history, issue, label,
        list::{self, Filter},
        relation,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    body::{self, told},
    page::{LIMIT, Many, OFFSET, One, PAGE, Page, many, one},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const STATUS: Param =
    Param { name: "status", kind: "string", about: "in one of these states, such as `todo` or `todo,in_progress`" };
const TYPE: Param =
    Param { name: "type", kind: "string", about: "of one of these kinds, such as `task` or `plan,task`" };
const PROJECT: Param = Param { name: "projectId", kind: "string", about: "of this project" };
const LABEL: Param = Param { name: "labelId", kind: "string", about: "with this label" };
const PRIORITY: Param = Param { name: "priority", kind: "integer", about: "of this priority, 0 to 4" };
const PARENT: Param = Param { name: "parentId", kind: "string", about: "parts of this issue" };
const SEARCH: Param = Param {
    name: "search",
    kind: "string",
    about: "whose title and description have words that begin with each of these; 500 characters, 16 words at most",
};

/// An issue to do something with.
const MADE: &str = r#"POST /api/issues {"title":"Sign-ups fail","type":"task"}"#;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/issues",
        operation: "issue.create",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Make an issue",
        query: &[],
        input: Some(schema_of::<CreateIssue>),
        output: Output::Json(schema_of::<One<Issue>>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/issues",
            body: r#"{"title":"Sign-ups fail","type":"signal","priority":1,"signalPayload":{"rate":0.2}}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/issues",
        operation: "issue.list",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "Issues with their labels and relations, in the order of their making; filters hold together",
        query: &[STATUS, TYPE, PROJECT, LABEL, PRIORITY, PARENT, SEARCH, LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<IssueRow>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(page(call))),
        example: Some(Example { before: &[], id: "", path: "/api/issues?status=todo,triage&search=sign", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/issues/{id}",
        operation: "issue.get",
        surface: Surface::Improvement,
        access: Access::AnyOf(&[Scope::IssuesRead, Scope::IssuesClaimed]),
        summary: "An issue with its parent, its parts, its labels and its relations",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<One<IssueDetail>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &[MADE], id: "/data/id", path: "/api/issues/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/issues/{id}",
        operation: "issue.update",
        surface: Surface::Improvement,
        access: Access::AnyOf(&[Scope::IssuesWrite, Scope::IssuesClaimed]),
        summary: "Change an issue, all or nothing; what is absent stays",
        query: &[],
        input: Some(schema_of::<ChangeIssue>),
        output: Output::Json(schema_of::<One<Issue>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &[MADE],
            id: "/data/id",
            path: "/api/issues/{id}",
            body: r#"{"status":"done","agentSummary":"The form posts again"}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/issues/{id}",
        operation: "issue.delete",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesWrite),
        summary: "Delete an issue",
        query: &[],
        input: None,
        output: Output::Nothing,
        success: &[204],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: Some(Example { before: &[MADE], id: "/data/id", path: "/api/issues/{id}", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/issues/{id}/history",
        operation: "issue.history",
        surface: Surface::Improvement,
        access: Access::Scope(Scope::IssuesRead),
        summary: "What happened to an issue, newest first, read out of the log; a deleted issue has a history too",
        query: &[LIMIT, PAGE, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Many<history::Step>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(steps(call))),
        example: Some(Example { before: &[MADE], id: "/data/id", path: "/api/issues/{id}/history", body: "" }),
    },
];

/// An issue to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateIssue {
    /// What it is about, 1 to 500 characters.
    title: String,
    /// What it is.
    r#type: IssueType,
    /// More about it, 50000 characters at most.
    description: Option<String>,
    /// Where it stands; in triage when absent.
    status: Option<IssueStatus>,
    /// 0 none, 1 urgent, 2 high, 3 medium, 4 low.
    #[schemars(range(max = 4))]
    priority: Option<u8>,
    /// The issue it is a part of, which must not be a part itself.
    parent_id: Option<String>,
    /// The project it belongs to.
    project_id: Option<String>,
    /// Where the signal came from.
    signal_source: Option<String>,
    /// What the signal said, 64 KiB at most.
    signal_payload: Option<Map<String, Value>>,
    /// The guess.
    hypothesis: Option<HypothesisData>,
    /// The session of the agent that works on it.
    agent_session_id: Option<String>,
    /// What the agent says it did.
    agent_summary: Option<String>,
    /// Commits made for it.
    commits: Option<Vec<CommitRef>>,
    /// Pull requests made for it.
    pull_requests: Option<Vec<PullRequestRef>>,
    /// Its labels, 50 at most.
    label_ids: Option<Vec<String>>,
}

/// Changes to an issue; what is absent stays.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct ChangeIssue {
    /// What it is about.
    #[serde(deserialize_with = "told")]
    title: Option<String>,
    /// More about it.
    #[serde(deserialize_with = "told")]
    description: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "told")]
    r#type: Option<IssueType>,
    /// Where it stands. `done` and `canceled` set `completedAt`, the others clear it; any change ends a claim.
    #[serde(deserialize_with = "told")]
    status: Option<IssueStatus>,
    /// 0 none, 1 urgent, 2 high, 3 medium, 4 low.
    #[serde(deserialize_with = "told")]
    #[schemars(range(max = 4))]
    priority: Option<u8>,
    /// The issue it is a part of; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    parent_id: Option<Option<String>>,
    /// The project it belongs to; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    project_id: Option<Option<String>>,
    /// Where the signal came from.
    #[serde(deserialize_with = "told")]
    signal_source: Option<String>,
    /// What the signal said.
    #[serde(deserialize_with = "told")]
    signal_payload: Option<Map<String, Value>>,
    /// The guess; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<HypothesisData>")]
    hypothesis: Option<Option<HypothesisData>>,
    /// The session of the agent that works on it; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    agent_session_id: Option<Option<String>>,
    /// What the agent says it did; null for nothing.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<String>")]
    agent_summary: Option<Option<String>>,
    /// All commits made for it; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<Vec<CommitRef>>")]
    commits: Option<Option<Vec<CommitRef>>>,
    /// All pull requests made for it; null for none.
    #[serde(deserialize_with = "told")]
    #[schemars(with = "Option<Vec<PullRequestRef>>")]
    pull_requests: Option<Option<Vec<PullRequestRef>>>,
    /// All its labels.
    #[serde(deserialize_with = "told")]
    label_ids: Option<Vec<String>>,
}

/// A label as issues carry it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct LabelRef {
    /// Its id.
    id: LabelId,
    /// Its name.
    name: String,
    /// Its colour.
    color: String,
}

impl From<Label> for LabelRef {
    fn from(label: Label) -> Self {
        Self { id: label.id, name: label.name, color: label.color }
    }
}

/// A relation as issues carry it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelationRef {
    /// The relation.
    #[serde(flatten)]
    relation: IssueRelation,
    /// The other issue once more.
    target_id: IssueId,
}

impl From<IssueRelation> for RelationRef {
    fn from(relation: IssueRelation) -> Self {
        Self { target_id: relation.related_issue_id, relation }
    }
}

/// An issue in a list.
#[derive(Debug, Serialize, JsonSchema)]
struct IssueRow {
    /// The issue.
    #[serde(flatten)]
    issue: Issue,
    /// Its labels.
    labels: Vec<LabelRef>,
    /// The relations from it to others.
    relations: Vec<RelationRef>,
}

/// An issue with what hangs on it.
#[derive(Debug, Serialize, JsonSchema)]
struct IssueDetail {
    /// The issue.
    #[serde(flatten)]
    issue: Issue,
    /// The issue it is a part of.
    parent: Option<Issue>,
    /// Its parts.
    children: Vec<Issue>,
    /// Its labels.
    labels: Vec<LabelRef>,
    /// The relations from it to others.
    relations: Vec<RelationRef>,
}

pub(super) fn failed(error: WorkError) -> Failure {
    super::refused(error.code(), error.at_fault(), &error)
}

fn undispatched(error: DispatchError) -> Failure {
    super::refused(error.code(), error.field(), &error)
}

/// An issue as it is told: without what is only stored.
pub(super) fn shown(issue: Issue) -> Issue {
    Issue { active_at: None, made_in: None, ..issue }
}

async fn create(call: Call) -> Outcome {
    let input: CreateIssue = body::read(&call)?;
    let new = issue::NewIssue {
        title: input.title,
        kind: input.r#type,
        description: input.description,
        status: input.status.unwrap_or(IssueStatus::Triage),
        priority: input.priority.unwrap_or(0),
        parent_id: input.parent_id,
        project_id: input.project_id,
        signal_source: input.signal_source,
        signal_payload: input.signal_payload,
        hypothesis: input.hypothesis,
        agent_session_id: input.agent_session_id,
        agent_summary: input.agent_summary,
        commits: input.commits,
        pull_requests: input.pull_requests,
        label_ids: input.label_ids.unwrap_or_default(),
    };
    let cx = super::context(&call)?;
    let made = call.app.engine.write(cx, "issue.create", move |tx, cx| issue::create(tx, cx, &new));
    one(StatusCode::CREATED, &shown(made.await.map_err(failed)?))
}

async fn page(call: Call) -> Outcome {
    let page = Page::of(&call)?;
    let Some(filter) = filter(&call)? else { return many::<IssueRow>(Vec::new(), 0) };
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "issue.list", move |tx, cx| {
        let (issues, total) = list::page(tx, cx.tenant(), &filter, page.limit, page.offset)?;
        let ids: Vec<IssueId> = issues.iter().map(|issue| issue.id).collect();
        let mut relations = relation::of_page(tx, cx.tenant(), &ids)?;
        let mut labels: BTreeMap<LabelId, Option<LabelRef>> = BTreeMap::new();
        let mut rows = Vec::with_capacity(issues.len());
        for issue in issues {
            let relations = relations.remove(&issue.id).unwrap_or_default();
            rows.push(IssueRow {
                labels: labels_of(tx, cx.tenant(), &issue, &mut labels)?,
                relations: relations.into_iter().map(RelationRef::from).collect(),
                issue: shown(issue),
            });
        }
        Ok::<_, WorkError>((rows, total))
    });
    let (rows, total) = read.await.map_err(failed)?;
    many(rows, total)
}

/// The labels of an issue; each label is read once for a page.
fn labels_of(
    tx: &mut dyn Tx,
    tenant: &loop_core::base::TenantId,
    issue: &Issue,
    known: &mut BTreeMap<LabelId, Option<LabelRef>>,
) -> Result<Vec<LabelRef>, StoreError> {
    let mut out = Vec::with_capacity(issue.label_ids.len());
    for id in &issue.label_ids {
        if !known.contains_key(id) {
            known.insert(*id, label::find(tx, tenant, id)?.map(|stored| stored.value.into()));
        }
        out.extend(known.get(id).cloned().flatten());
    }
    Ok(out)
}

/// Which issues are asked for; `None` when something is named that there cannot be.
fn filter(call: &Call) -> Result<Option<Filter>, Failure> {
    let mut out = Filter {
        statuses: words(call, "status", IssueStatus::parse)?,
        kinds: words(call, "type", IssueType::parse)?,
        ..Filter::default()
    };
    if let Some(text) = call.query("priority") {
        let priority = text.parse().ok().filter(|priority| *priority <= 4 && text.len() == 1);
        out.priority = Some(priority.ok_or_else(|| body::invalid("priority", "must be a whole number from 0 to 4"))?);
    }
    out.search = call.query("search").map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty());
    let (mut known, read) = (true, |name: &str| call.query(name).filter(|text| !text.is_empty()));
    if let Some(text) = read("projectId") {
        out.project = ProjectId::parse(&text);
        known &= out.project.is_some();
    }
    if let Some(text) = read("labelId") {
        out.label = LabelId::parse(&text);
        known &= out.label.is_some();
    }
    if let Some(text) = read("parentId") {
        out.parent = IssueId::parse(&text);
        known &= out.parent.is_some();
    }
    Ok(known.then_some(out))
}

/// The words of a list in the query, separated by commas.
fn words<T>(call: &Call, name: &str, parse: fn(&str) -> Option<T>) -> Result<Vec<T>, Failure> {
    let Some(text) = call.query(name).filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    let read = text.split(',').take(32).map(|word| {
        let word = word.trim();
        let shown: String = word.chars().take(40).collect();
        parse(word).ok_or_else(|| body::invalid(name, &format!("unknown value `{shown}`")))
    });
    read.collect()
}

async fn show(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "issue.get", move |tx, cx| issue::whole(tx, cx, &id));
    let whole = read.await.map_err(failed)?;
    one(
        StatusCode::OK,
        &IssueDetail {
            issue: shown(whole.issue),
            parent: whole.parent.map(shown),
            children: whole.children.into_iter().map(shown).collect(),
            labels: whole.labels.into_iter().map(LabelRef::from).collect(),
            relations: whole.relations.into_iter().map(RelationRef::from).collect(),
        },
    )
}

async fn update(call: Call) -> Outcome {
    let input: ChangeIssue = body::changes(&call)?;
    let patch = issue::Patch {
        title: input.title,
        description: input.description,
        kind: input.r#type,
        status: input.status,
        priority: input.priority,
        parent_id: input.parent_id,
        project_id: input.project_id,
        signal_source: input.signal_source,
        signal_payload: input.signal_payload,
        hypothesis: input.hypothesis,
        agent_session_id: input.agent_session_id,
        agent_summary: input.agent_summary,
        commits: input.commits,
        pull_requests: input.pull_requests,
        label_ids: input.label_ids,
    };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let changed = call.app.engine.write(cx, "issue.update", move |tx, cx| dispatch::change_issue(tx, cx, &id, &patch));
    one(StatusCode::OK, &shown(changed.await.map_err(undispatched)?))
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let gone = call.app.engine.write(cx, "issue.delete", move |tx, cx| dispatch::delete_issue(tx, cx, &id));
    gone.await.map_err(undispatched)?;
    Ok(Reply::nothing())
}

async fn steps(call: Call) -> Outcome {
    let page = Page::of(&call)?;
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call
        .app
        .engine
        .read(cx, "issue.history", move |tx, cx| history::page(tx, cx.tenant(), &id, page.limit, page.offset));
    let (steps, total) = read.await.map_err(failed)?;
    many(steps, total)
}
