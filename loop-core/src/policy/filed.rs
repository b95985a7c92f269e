//! Rules brought in from documents: once, or kept equal to the files of a folder.
//!
//! A rule of a file is found by its id, else by its name; one that has neither gets a name made of what it says. What
//! is brought in is applied whole or not at all, by the transaction that it is done in.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    PolicyError, Rule,
    document::Entry,
    rulebook::{self, MAX_RULES},
};
use crate::{
    access::Ctx,
    base::{TenantId, id::RuleId, secret::hex},
    store::{Cond, RecordQuery, Repo, Stored, Tx, Value},
};

/// What a tenant's rules are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The rules that are kept in files become those that are given; other rules stay as they are.
    Filed,
    /// The given rules are added or changed; other rules stay as they are.
    Others,
    /// The rules that are kept in no file become those that are given.
    Nothing,
}

/// A rule that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The file it stands in.
    pub file: String,
    /// The rule.
    pub entry: Entry,
}

/// What became of rules that were brought in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rules that are new.
    pub created: u64,
    /// Rules that were changed.
    pub changed: u64,
    /// Rules that were deleted.
    pub deleted: u64,
    /// Rules that were so already.
    pub same: u64,
}

impl Applied {
    /// Whether nothing had to be done.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.created == 0 && self.changed == 0 && self.deleted == 0
    }
}

/// Brings rules in.
///
/// # Errors
/// Bad or repeated names, rules that are kept elsewhere, too many rules, storage failures. Nothing must be kept of the
/// transaction then.
pub fn apply(tx: &mut dyn Tx, cx: &Ctx, wanted: &[Wanted], keep: Keep) -> Result<Applied, PolicyError> {
    let mut applied = Applied::default();
    let old = live(tx, cx.tenant())?;
    let by_name: BTreeMap<&str, RuleId> =
        old.values().filter_map(|rule| Some((rule.value.form.name.as_deref()?, rule.value.id))).collect();
    // Every rule that is wanted, under the id that it has or gets.
    let (mut targets, mut ids, mut names) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut seed = cx.seed();
    for Wanted { file, entry } in wanted {
        let mut rule = entry.rule(RuleId::draw(cx.now, &mut seed), (keep == Keep::Filed).then_some(file));
        if entry.id.is_none() {
            let name = rule.form.name.get_or_insert_with(|| name_of(entry));
            rule.id = by_name.get(name.as_str()).copied().unwrap_or(rule.id);
        }
        rulebook::check(&rule.rule_text, rule.approver_email.as_deref())?;
        rulebook::check_form(&rule.form)?;
        if let Some(name) = &rule.form.name
            && !names.insert(name.clone())
        {
            return Err(PolicyError::Taken(name.clone()));
        }
        if !ids.insert(rule.id) {
            return Err(PolicyError::Taken(rule.id.to_string()));
        }
        targets.push(rule);
    }
    // Deleted first, so that their names are free.
    for (id, rule) in &old {
        let ours = match keep {
            Keep::Filed => rule.value.form.file.is_some(),
            Keep::Nothing => rule.value.form.file.is_none(),
            Keep::Others => false,
        };
        if ours && !ids.contains(id) {
            rulebook::remove(tx, cx, rule)?;
            applied.deleted += 1;
        }
    }
    let mut old = old;
    unname(tx, cx, &targets, &mut old)?;
    for mut rule in targets {
        match old.get(&rule.id) {
            Some(old) => {
                match (&old.value.form.file, keep) {
                    (Some(file), Keep::Others | Keep::Nothing) => return Err(PolicyError::Filed(file.clone())),
                    // What was made elsewhere is not a file's to change, nor to delete once it is left out again.
                    (None, Keep::Filed) => {
                        return Err(PolicyError::Taken(rule.form.name.unwrap_or_else(|| rule.id.to_string())));
                    }
                    _ => {}
                }
                (rule.revision, rule.epoch) = (old.value.revision, old.value.epoch);
                if rule == old.value {
                    applied.same += 1;
                } else {
                    rulebook::replace(tx, cx, old, rule, "rule.update")?;
                    applied.changed += 1;
                }
            }
            None => {
                rulebook::put(tx, cx, rule)?;
                applied.created += 1;
            }
        }
    }
    let count = (old.len() as u64).saturating_add(applied.created).saturating_sub(applied.deleted);
    if count > MAX_RULES {
        return Err(PolicyError::TooMany { what: "rules", max: MAX_RULES });
    }
    Ok(applied)
}

/// Takes the names away that rules pass on to others which are brought in beside them, so that two may swap theirs.
/// They get their new ones in the same transaction.
fn unname(
    tx: &mut dyn Tx,
    cx: &Ctx,
    targets: &[Rule],
    old: &mut BTreeMap<RuleId, Stored<Rule>>,
) -> Result<(), PolicyError> {
    let wanted: BTreeMap<&str, RuleId> =
        targets.iter().filter_map(|rule| Some((rule.form.name.as_deref()?, rule.id))).collect();
    for rule in targets {
        let Some(before) = old.get_mut(&rule.id) else { continue };
        let passed_on = before.value.form.name.as_deref().and_then(|name| wanted.get(name));
        if passed_on.is_none_or(|other| *other == rule.id) {
            continue;
        }
        let mut bare = before.value.clone();
        bare.form.name = None;
        Repo::new(tx, cx.tenant()).update(before, &bare, cx.now)?;
        before.version = before.version.saturating_add(1);
        before.updated_at = cx.now;
    }
    Ok(())
}

/// A name made of what a rule says: the same sentence or condition with the same action is the same rule.
fn name_of(entry: &Entry) -> String {
    let condition = entry.condition.as_ref().map(serde_json::to_string).and_then(Result::ok);
    let said = condition.as_ref().unwrap_or(&entry.text);
    let mut hash = Sha256::new();
    hash.update([u8::from(condition.is_some()), entry.action as u8]);
    hash.update(said.as_bytes());
    hex(hash.finalize().get(..8).unwrap_or_default())
}

/// A tenant's live rules.
fn live(tx: &mut dyn Tx, tenant: &TenantId) -> Result<BTreeMap<RuleId, Stored<Rule>>, PolicyError> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        const CHUNK: u32 = 2_000;
        let conds = vec![Cond::Eq("live", Value::Int(1))];
        let query = RecordQuery { conds, after, limit: CHUNK, ..RecordQuery::default() };
        let page: Vec<Stored<Rule>> = Repo::new(tx, tenant).list(&query)?;
        let full = page.len() == CHUNK as usize;
        after = page.last().map(|last| (Value::Null, last.value.id.to_string()));
        all.extend(page.into_iter().map(|rule| (rule.value.id, rule)));
        if !full {
            return Ok(all);
        }
    }
}

/// A tenant's live rules, oldest first, for a document.
///
/// # Errors
/// Storage failures.
pub fn all(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<Rule>, PolicyError> {
    Ok(live(tx, tenant)?.into_values().map(|rule| rule.value).collect())
}
