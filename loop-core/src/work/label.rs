//! Labels.

use serde_json::json;

use super::{
    Issue, WorkError, check_text,
    count::{self, WORK_COUNTS},
};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{TenantId, Time, id::LabelId, time::millis},
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
    tool::redact,
};

/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest colour, in characters.
pub const MAX_COLOR: usize = 50;

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// Its name, 1 to [`MAX_NAME`] characters, unique among those that are not deleted.
    pub name: String,
    /// Its colour, 1 to [`MAX_COLOR`] characters.
    pub color: String,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
    /// When it was deleted.
    #[serde(with = "millis::option")]
    #[schemars(with = "Option<Time>")]
    pub deleted_at: Option<Time>,
}

/// Where labels are kept. Deleted ones have no columns, which frees their name.
pub static LABELS: Table =
    Table { name: "labels", columns: &[Column::indexed("live", Kind::Int), Column::unique("name", Kind::Text)] };

impl Entity for Label {
    const TABLE: &'static Table = &LABELS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        if self.deleted_at.is_some() {
            return vec![Value::Null, Value::Null];
        }
        vec![Value::Int(1), self.name.as_str().into()]
    }
}

/// The most labels of a tenant.
pub const MAX_LABELS: u64 = 10_000;

const TAKEN: WorkError = WorkError::Conflict("Label name already exists");

/// Changes to a label; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// Its name.
    pub name: Option<String>,
    /// Its colour.
    pub color: Option<String>,
}

/// Makes a label.
///
/// # Errors
/// Texts out of bounds, a name that is taken, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, name: &str, color: &str) -> Result<Label, WorkError> {
    check_text("name", name, MAX_NAME)?;
    check_text("color", color, MAX_COLOR)?;
    if total(tx, cx.tenant())? >= MAX_LABELS {
        return Err(WorkError::Unprocessable("there are too many labels"));
    }
    let id = LabelId::draw(cx.now, &mut cx.seed());
    let label =
        Label { id, name: name.to_owned(), color: color.to_owned(), created_at: cx.now.to_millis(), deleted_at: None };
    Repo::new(tx, cx.tenant()).insert(&label, cx.now).map_err(taken)?;
    tx.add(&WORK_COUNTS, cx.tenant(), count::LABELS, 1, None)?;
    write_down(tx, cx, "label.create", &label)?;
    Ok(label)
}

/// The label of this name, made when there is none.
///
/// # Errors
/// As [`create`].
pub fn ensure(tx: &mut dyn Tx, cx: &Ctx, name: &str, color: &str) -> Result<Label, WorkError> {
    let found: Option<Stored<Label>> = Repo::new(tx, cx.tenant()).find("name", &name.into())?;
    match found {
        Some(stored) => Ok(stored.value),
        None => create(tx, cx, name, color),
    }
}

/// A label that is not deleted.
///
/// # Errors
/// [`WorkError::NoLabel`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Label>, WorkError> {
    let id = LabelId::parse(id).ok_or(WorkError::NoLabel)?;
    find(tx, tenant, &id)?.ok_or(WorkError::NoLabel)
}

/// A label, unless it is deleted.
///
/// # Errors
/// Storage failures.
pub fn find(tx: &mut dyn Tx, tenant: &TenantId, id: &LabelId) -> Result<Option<Stored<Label>>, StoreError> {
    let found: Option<Stored<Label>> = Repo::new(tx, tenant).get(id.as_str())?;
    Ok(found.filter(|stored| stored.value.deleted_at.is_none()))
}

/// The labels of an issue that are not deleted, in its order.
///
/// # Errors
/// Storage failures.
pub fn of_issue(tx: &mut dyn Tx, tenant: &TenantId, issue: &Issue) -> Result<Vec<Label>, StoreError> {
    let mut out = Vec::with_capacity(issue.label_ids.len());
    for id in &issue.label_ids {
        out.extend(find(tx, tenant, id)?.map(|stored| stored.value));
    }
    Ok(out)
}

/// A page of the labels that are not deleted, in the order of their making, and how many there are.
///
/// # Errors
/// Storage failures.
pub fn page(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<(Vec<Label>, u64), StoreError> {
    let conds = vec![Cond::Eq("live", 1.into())];
    let rows = Repo::new(tx, tenant).list(&RecordQuery { conds, limit, offset, ..RecordQuery::default() })?;
    Ok((rows.into_iter().map(|stored| stored.value).collect(), total(tx, tenant)?))
}

fn total(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, StoreError> {
    count::of_account(tx, tenant, count::LABELS)
}

/// Changes a label.
///
/// # Errors
/// [`WorkError::NoLabel`], texts out of bounds, a name that another label has, storage failures.
pub fn patch(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &Patch) -> Result<Label, WorkError> {
    let old = get(tx, cx.tenant(), id)?;
    patch.name.as_ref().map_or(Ok(()), |name| check_text("name", name, MAX_NAME))?;
    patch.color.as_ref().map_or(Ok(()), |color| check_text("color", color, MAX_COLOR))?;
    let label = Label {
        name: patch.name.clone().unwrap_or_else(|| old.value.name.clone()),
        color: patch.color.clone().unwrap_or_else(|| old.value.color.clone()),
        ..old.value.clone()
    };
    if label != old.value {
        Repo::new(tx, cx.tenant()).update(&old, &label, cx.now).map_err(taken)?;
        write_down(tx, cx, "label.update", &label)?;
    }
    Ok(label)
}

/// Deletes a label: no issue shows it any more, and its name is free.
///
/// # Errors
/// [`WorkError::NoLabel`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(), WorkError> {
    let old = get(tx, cx.tenant(), id)?;
    let label = Label { deleted_at: Some(cx.now.to_millis()), ..old.value.clone() };
    Repo::new(tx, cx.tenant()).update(&old, &label, cx.now)?;
    tx.add(&WORK_COUNTS, cx.tenant(), count::LABELS, -1, None)?;
    write_down(tx, cx, "label.delete", &label)
}

fn taken(error: StoreError) -> WorkError {
    match error {
        StoreError::Duplicate { .. } => TAKEN,
        other => other.into(),
    }
}

fn write_down(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, label: &Label) -> Result<(), WorkError> {
    let name = redact::text(&label.name).masked;
    let body = json!({ "label_id": label.id, "name": name, "by": cx.caller.name }).to_string();
    audit::append(tx, cx, &Event::change(op, &body))?;
    Ok(())
}
