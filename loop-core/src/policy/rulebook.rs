//! Keeping rules: create, read, change, delete, and loading what changed.

use super::{
    PolicyError, Rule, RuleAction, RuleMode,
    condition::Condition,
    rule::{Form, RULES},
};
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::{TenantId, Time, id::RuleId},
    store::{Cond, Order, RecordQuery, Repo, Stored, Tx, Value},
    tool::redact,
};

/// The most live rules a tenant may have.
pub const MAX_RULES: u64 = 200_000;
/// The longest rule, in characters.
pub const MAX_TEXT: usize = 2_000;
/// The longest e-mail address, in characters.
const MAX_EMAIL: usize = 254;

/// What a new rule shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// The sentence.
    pub rule_text: String,
    /// What it does.
    pub action: RuleAction,
    /// Whom it asks.
    pub approver_email: Option<String>,
    /// Whether it decides.
    pub mode: RuleMode,
    /// When it stops.
    pub expires_at: Option<Time>,
    /// How it is written and kept, where that is more than a sentence.
    pub form: Form,
}

impl NewRule {
    /// An enforced rule that asks the tenant's default approver and does not expire.
    #[must_use]
    pub fn new(rule_text: impl Into<String>, action: RuleAction) -> Self {
        Self {
            rule_text: rule_text.into(),
            action,
            approver_email: None,
            mode: RuleMode::Enforce,
            expires_at: None,
            form: Form::default(),
        }
    }
}

/// Changes to a rule; what is absent stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulePatch {
    /// The sentence.
    pub rule_text: Option<String>,
    /// What it does.
    pub action: Option<RuleAction>,
    /// Whom it asks.
    pub approver_email: Option<Option<String>>,
    /// Whether it decides.
    pub mode: Option<RuleMode>,
    /// When it stops.
    pub expires_at: Option<Option<Time>>,
    /// Its condition; cleared, the sentence is read again.
    pub condition: Option<Option<Box<Condition>>>,
    /// Only when the rule is at this revision.
    pub revision: Option<u64>,
}

/// Adds a rule.
///
/// # Errors
/// Bad texts, too many rules, storage failures.
pub fn create(tx: &mut dyn Tx, cx: &Ctx, new: &NewRule) -> Result<Stored<Rule>, PolicyError> {
    check(&new.rule_text, new.approver_email.as_deref())?;
    check_form(&new.form)?;
    free(tx, cx.tenant(), new.form.name.as_deref(), None)?;
    if live_count(tx, cx.tenant())? >= MAX_RULES {
        return Err(PolicyError::TooMany { what: "rules", max: MAX_RULES });
    }
    let epoch = tx.bump_epoch(cx.tenant())?;
    let rule = Rule {
        id: RuleId::draw(cx.now, &mut cx.seed()),
        rule_text: new.rule_text.clone(),
        action: new.action,
        approver_email: new.approver_email.clone(),
        mode: new.mode,
        expires_at: new.expires_at,
        revision: 1,
        epoch,
        form: new.form.clone(),
        deleted_at: None,
    };
    Repo::new(tx, cx.tenant()).insert(&rule, cx.now)?;
    note(tx, cx, "rule.create", &rule)?;
    Ok(Stored { value: rule, version: 1, created_at: cx.now, updated_at: cx.now })
}

/// One live rule.
///
/// # Errors
/// [`PolicyError::NotFound`], storage failures.
pub fn get(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<Stored<Rule>, PolicyError> {
    let stored: Option<Stored<Rule>> = Repo::new(tx, tenant).get(id)?;
    stored.filter(|stored| stored.value.deleted_at.is_none()).ok_or(PolicyError::NotFound("rule"))
}

/// Live rules, newest first.
///
/// # Errors
/// Storage failures.
pub fn page(tx: &mut dyn Tx, tenant: &TenantId, limit: u32, offset: u32) -> Result<Vec<Stored<Rule>>, PolicyError> {
    let query = RecordQuery { conds: vec![live()], order: Order::Descending, limit, offset, ..RecordQuery::default() };
    Ok(Repo::new(tx, tenant).list(&query)?)
}

/// How many live rules there are.
///
/// # Errors
/// Storage failures.
pub fn live_count(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, PolicyError> {
    Ok(tx.count(&RULES, tenant, &[live()])?)
}

/// Changes a rule.
///
/// # Errors
/// Bad texts, [`PolicyError::NotFound`], storage failures.
pub fn update(tx: &mut dyn Tx, cx: &Ctx, id: &str, patch: &RulePatch) -> Result<Stored<Rule>, PolicyError> {
    let old = get(tx, cx.tenant(), id)?;
    unfiled(&old.value)?;
    if patch.revision.is_some_and(|revision| revision != old.value.revision) {
        return Err(PolicyError::Changed(old.value.revision));
    }
    let mut rule = old.value.clone();
    if let Some(text) = &patch.rule_text {
        rule.rule_text.clone_from(text);
    }
    rule.action = patch.action.unwrap_or(rule.action);
    rule.mode = patch.mode.unwrap_or(rule.mode);
    if let Some(email) = &patch.approver_email {
        rule.approver_email.clone_from(email);
    }
    if let Some(at) = patch.expires_at {
        rule.expires_at = at;
    }
    if let Some(condition) = &patch.condition {
        rule.form.condition.clone_from(condition);
    }
    check(&rule.rule_text, rule.approver_email.as_deref())?;
    check_form(&rule.form)?;
    if rule == old.value {
        return Ok(old);
    }
    replace(tx, cx, &old, rule, "rule.update")
}

/// Turns a rule in shadow mode on, when it is still at `revision`.
///
/// # Errors
/// [`PolicyError::NotFound`], [`PolicyError::Changed`], [`PolicyError::Enforced`], [`PolicyError::Expired`],
/// [`PolicyError::Filed`], storage failures.
pub fn promote(tx: &mut dyn Tx, cx: &Ctx, id: &str, revision: u64) -> Result<Stored<Rule>, PolicyError> {
    let old = get(tx, cx.tenant(), id)?;
    promotable(&old.value, Some(revision), cx.now)?;
    replace(tx, cx, &old, Rule { mode: RuleMode::Enforce, ..old.value.clone() }, "rule.promote")
}

/// Whether a rule can be turned on now.
///
/// # Errors
/// As [`promote`].
pub fn promotable(rule: &Rule, revision: Option<u64>, now: Time) -> Result<(), PolicyError> {
    unfiled(rule)?;
    if revision.is_some_and(|revision| revision != rule.revision) {
        return Err(PolicyError::Changed(rule.revision));
    }
    if rule.mode == RuleMode::Enforce {
        return Err(PolicyError::Enforced);
    }
    if rule.expires_at.is_some_and(|end| end <= now) {
        return Err(PolicyError::Expired);
    }
    Ok(())
}

/// Puts a changed rule in the place of the old one.
pub(super) fn replace(
    tx: &mut dyn Tx,
    cx: &Ctx,
    old: &Stored<Rule>,
    mut rule: Rule,
    op: &'static str,
) -> Result<Stored<Rule>, PolicyError> {
    // An approval was given to the rule as it read then: any change makes it ask anew.
    rule.revision = old.value.revision.saturating_add(1);
    rule.epoch = tx.bump_epoch(cx.tenant())?;
    Repo::new(tx, cx.tenant()).update(old, &rule, cx.now)?;
    note(tx, cx, op, &rule)?;
    Ok(Stored { value: rule, version: old.version.saturating_add(1), created_at: old.created_at, updated_at: cx.now })
}

/// Adds a rule under its id, also where a deleted one has it.
pub(super) fn put(tx: &mut dyn Tx, cx: &Ctx, mut rule: Rule) -> Result<Stored<Rule>, PolicyError> {
    let old: Option<Stored<Rule>> = Repo::new(tx, cx.tenant()).get(&rule.id.to_string())?;
    if let Some(old) = old {
        rule.deleted_at = None;
        return replace(tx, cx, &old, rule, "rule.create");
    }
    rule.revision = 1;
    rule.epoch = tx.bump_epoch(cx.tenant())?;
    Repo::new(tx, cx.tenant()).insert(&rule, cx.now)?;
    note(tx, cx, "rule.create", &rule)?;
    Ok(Stored { value: rule, version: 1, created_at: cx.now, updated_at: cx.now })
}

/// Refuses rules that are kept in files.
fn unfiled(rule: &Rule) -> Result<(), PolicyError> {
    rule.form.file.as_ref().map_or(Ok(()), |file| Err(PolicyError::Filed(file.clone())))
}

/// Refuses a name that a live rule other than `own` has.
fn free(tx: &mut dyn Tx, tenant: &TenantId, name: Option<&str>, own: Option<&RuleId>) -> Result<(), PolicyError> {
    let Some(name) = name else { return Ok(()) };
    let other = named(tx, tenant, name)?.filter(|other| Some(&other.value.id) != own);
    other.map_or(Ok(()), |_| Err(PolicyError::Taken(name.to_owned())))
}

/// The live rule of a name.
///
/// # Errors
/// Storage failures.
pub fn named(tx: &mut dyn Tx, tenant: &TenantId, name: &str) -> Result<Option<Stored<Rule>>, PolicyError> {
    Ok(Repo::new(tx, tenant).find("name", &name.into())?)
}

/// Deletes a rule.
///
/// # Errors
/// [`PolicyError::NotFound`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<Rule, PolicyError> {
    let old = get(tx, cx.tenant(), id)?;
    unfiled(&old.value)?;
    remove(tx, cx, &old)
}

pub(super) fn remove(tx: &mut dyn Tx, cx: &Ctx, old: &Stored<Rule>) -> Result<Rule, PolicyError> {
    let epoch = tx.bump_epoch(cx.tenant())?;
    let rule = Rule { deleted_at: Some(cx.now), epoch, ..old.value.clone() };
    Repo::new(tx, cx.tenant()).update(old, &rule, cx.now)?;
    note(tx, cx, "rule.delete", &rule)?;
    Ok(rule)
}

/// What changed after an epoch, deleted rules included, or, from epoch 0, every live rule.
///
/// # Errors
/// Storage failures.
pub fn changed_after(tx: &mut dyn Tx, tenant: &TenantId, epoch: u64) -> Result<Vec<Rule>, PolicyError> {
    const CHUNK: u32 = 2_000;
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = if epoch == 0 {
            RecordQuery { conds: vec![live()], after, limit: CHUNK, ..RecordQuery::default() }
        } else {
            let since = i64::try_from(epoch.saturating_add(1)).unwrap_or(i64::MAX);
            RecordQuery {
                conds: vec![Cond::AtLeast("epoch", Value::Int(since))],
                by: Some("epoch"),
                after,
                limit: CHUNK,
                ..RecordQuery::default()
            }
        };
        let page: Vec<Stored<Rule>> = Repo::new(tx, tenant).list(&query)?;
        let full = page.len() == CHUNK as usize;
        after = page
            .last()
            .map(|last| (Value::Int(i64::try_from(last.value.epoch).unwrap_or(i64::MAX)), last.value.id.to_string()));
        all.extend(page.into_iter().map(|stored| stored.value));
        if !full {
            return Ok(all);
        }
    }
}

fn live() -> Cond {
    Cond::Eq("live", Value::Int(1))
}

/// A rule that is judged without being stored.
///
/// # Errors
/// A bad text.
pub fn draft(
    cx: &Ctx,
    rule_text: &str,
    action: RuleAction,
    approver_email: Option<String>,
    form: Form,
) -> Result<Rule, PolicyError> {
    check(rule_text, approver_email.as_deref())?;
    check_form(&form)?;
    Ok(Rule {
        id: RuleId::draw(cx.now, &mut cx.seed()),
        rule_text: rule_text.to_owned(),
        action,
        approver_email,
        mode: RuleMode::Enforce,
        expires_at: None,
        revision: 0,
        epoch: 0,
        form,
        deleted_at: None,
    })
}

/// The longest name of a rule, in bytes.
const MAX_NAME: usize = 100;

/// Refuses forms out of bounds.
pub(super) fn check_form(form: &Form) -> Result<(), PolicyError> {
    if let Some(name) = &form.name {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(word) {
            return Err(PolicyError::Invalid { field: "name", value: name.chars().take(MAX_NAME).collect() });
        }
    }
    form.condition.as_ref().map_or(Ok(()), |condition| super::given::check(condition))
}

pub(super) fn check(text: &str, email: Option<&str>) -> Result<(), PolicyError> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
        return Err(PolicyError::Length { field: "rule_text", max: MAX_TEXT });
    }
    if let Some(email) = email {
        let plausible = email.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
        if !plausible || email.chars().count() > MAX_EMAIL || email.chars().any(char::is_control) {
            return Err(PolicyError::Invalid { field: "approver_email", value: email.chars().take(64).collect() });
        }
    }
    Ok(())
}

fn note(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, rule: &Rule) -> Result<(), PolicyError> {
    let body = serde_json::json!({
        "rule_id": rule.id,
        "rule_text": redact::text(&rule.rule_text).masked,
        "action": rule.action,
        "mode": rule.mode,
        "revision": rule.revision,
        "expires_at": rule.expires_at,
        "by": cx.caller.name,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}
