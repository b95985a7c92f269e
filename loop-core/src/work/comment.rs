//! Comments on issues.

use super::{
    Issue, WorkError,
    error::check_text,
    history::{self, Changes},
    issue,
    status::words,
};
use crate::{
    access::Ctx,
    base::{
        TenantId, Time,
        id::{CommentId, IssueId},
        time::millis,
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, Stored, Table, Tx, Value},
};

/// The longest comment, in characters.
pub const MAX_BODY: usize = 20_000;
/// The longest name of an author, in characters.
pub const MAX_AUTHOR: usize = 200;
/// The most comments on one issue, which are all read at once.
pub const MAX_COMMENTS: u32 = 1_000;

words! {
    /// Who wrote something.
    AuthorType {
        /// A person.
        Human = "human",
        /// An agent.
        Agent = "agent",
    }
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// What it says.
    pub body: String,
    /// The issue it is on.
    pub issue_id: IssueId,
    /// Who wrote it.
    pub author_name: String,
    /// What wrote it.
    pub author_type: AuthorType,
    /// The comment it answers, which answers none itself.
    pub parent_id: Option<CommentId>,
    /// When it was written.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// Where comments are kept.
pub static COMMENTS: Table = Table { name: "comments", columns: &[Column::indexed("issue_id", Kind::Text)] };

impl Entity for Comment {
    const TABLE: &'static Table = &COMMENTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.issue_id.as_str().into()]
    }
}

/// A comment to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    /// What it says, 1 to [`MAX_BODY`] characters.
    pub body: String,
    /// Who wrote it, 1 to [`MAX_AUTHOR`] characters.
    pub author_name: String,
    /// What wrote it.
    pub author_type: AuthorType,
    /// The comment it answers. An answer to an answer joins the thread.
    pub parent_id: Option<String>,
}

/// A comment and its answers, in the order of their writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The comment.
    pub root: Comment,
    /// Its answers.
    pub replies: Vec<Comment>,
}

/// Writes a comment on an issue.
///
/// # Errors
/// [`WorkError::NoIssue`], texts out of bounds, a parent that is not on this issue, too many comments, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, on: &str, new: &NewComment) -> Result<Comment, WorkError> {
    let issue = live(tx, cx, on)?;
    check_text("body", &new.body, MAX_BODY)?;
    check_text("authorName", &new.author_name, MAX_AUTHOR)?;
    let parent_id = new.parent_id.as_deref().map(|id| thread_of(tx, cx.tenant(), issue.id, id)).transpose()?;
    let on_issue = [Cond::Eq("issue_id", issue.id.as_str().into())];
    if tx.count(&COMMENTS, cx.tenant(), &on_issue)? >= u64::from(MAX_COMMENTS) {
        return Err(WorkError::Unprocessable("Issue has as many comments as one may have"));
    }
    let comment = Comment {
        id: CommentId::draw(cx.now, &mut cx.seed()),
        body: new.body.clone(),
        issue_id: issue.id,
        author_name: new.author_name.clone(),
        author_type: new.author_type,
        parent_id,
        created_at: cx.now.to_millis(),
    };
    Repo::new(tx, cx.tenant()).insert(&comment, cx.now)?;
    let mut said = Changes::new();
    said.plain("commentId", &None, &Some(comment.id));
    said.plain("parentId", &None, &comment.parent_id);
    said.text("body", None, Some(&comment.body));
    history::record(tx, cx, "comment.create", &issue.id, &said)?;
    Ok(comment)
}

/// The first comment of the thread that a comment of this issue stands in.
fn thread_of(tx: &mut dyn Tx, tenant: &TenantId, on: IssueId, id: &str) -> Result<CommentId, WorkError> {
    let missing = || WorkError::Unprocessable("Parent comment not found");
    let id = CommentId::parse(id).ok_or_else(missing)?;
    let found: Option<Stored<Comment>> = Repo::new(tx, tenant).get(id.as_str())?;
    let parent = found.map(|stored| stored.value).filter(|parent| parent.issue_id == on).ok_or_else(missing)?;
    Ok(parent.parent_id.unwrap_or(parent.id))
}

/// The comments on an issue, by thread.
///
/// # Errors
/// [`WorkError::NoIssue`], storage failures.
pub fn threads(tx: &mut dyn Tx, cx: &Ctx, on: &str) -> Result<Vec<Thread>, WorkError> {
    let issue = live(tx, cx, on)?;
    let conds = vec![Cond::Eq("issue_id", issue.id.as_str().into())];
    let query = RecordQuery { conds, limit: MAX_COMMENTS, ..RecordQuery::default() };
    let rows: Vec<Stored<Comment>> = Repo::new(tx, cx.tenant()).list(&query)?;
    let (mut threads, mut replies) = (Vec::new(), Vec::new());
    for comment in rows.into_iter().map(|stored| stored.value) {
        match comment.parent_id {
            None => threads.push(Thread { root: comment, replies: Vec::new() }),
            Some(parent) => replies.push((parent, comment)),
        }
    }
    for (parent, reply) in replies {
        // Ids sort by time, and so do the threads.
        let found = threads.binary_search_by(|thread| thread.root.id.cmp(&parent));
        if let Some(thread) = found.ok().and_then(|at| threads.get_mut(at)) {
            thread.replies.push(reply);
        }
    }
    Ok(threads)
}

/// The issue, when it is there and the caller may touch it.
fn live(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Issue, WorkError> {
    Ok(issue::reach(tx, cx, id)?.value)
}
