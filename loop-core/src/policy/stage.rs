//! Who acts, and in which mode: what decides beside the rules when a loop takes a step.

use super::{
    Action, Outcome, PolicySnapshot, Reason, ReasonCode, Standing, Terms, Verdict,
    evaluate::tighten,
    matrix::{cell, effective_mode},
};
use crate::{
    access::{Mode, Plan},
    base::{
        Risk,
        id::{LoopId, ToolId},
    },
    tool::manifest::is_slug,
};

/// The circumstances of a step, borrowed from the request. A call without them is judged by rules alone.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// The mode that was asked for. A sandboxed key and the plan can only make it stricter.
    pub mode: Mode,
    /// The loop that acts; `None` for an administrator's key without one, which has no plan and no trust.
    pub loop_id: Option<LoopId>,
    /// What is to be done: a second name that kill switch, rules and risk see beside the tool's.
    pub action: &'a str,
    /// The field it is done in, a slug such as `sales_revenue_ops`.
    pub domain: Option<&'a str>,
    /// The exact manifest, when it is known. Otherwise the tool's name is looked up as the loop would find it.
    pub tool: Option<ToolId>,
    /// The least trust of the loop and its ancestors, 0 to 100.
    pub trust: u8,
    /// Whether the key may only simulate.
    pub sandboxed: bool,
    /// The least risk of the step, by what is known of it beside claims and names: that it cannot be undone, or reaches
    /// beyond the tenant.
    pub least_risk: Risk,
    /// What the step costs, in credits, as far as the caller knows; a manifest's cost counts when it is more.
    pub credits: Option<u64>,
}

/// Whether a text is a field's slug: a small letter, then small letters, digits and `_`, 2 to 64 bytes in all.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    is_slug(text, 2, 64)
}

/// A stage with what the snapshot knows of its loop and its tool.
pub(super) struct Setting<'a> {
    stage: &'a Stage<'a>,
    /// Where the loop stands.
    standing: Standing<'a>,
    /// Whether loop and tool are what they are said to be.
    sound: bool,
    /// The risk that the tool's manifest admits.
    admitted: Option<Risk>,
    /// The least risk by manifests and fields.
    floor: Risk,
    /// Whether a manifest wants each call approved.
    asks: bool,
    /// What the step costs at most, in credits.
    credits: Option<u64>,
}

impl<'a> Setting<'a> {
    /// Looks up what is known of a staged action.
    pub(super) fn of(snapshot: &'a PolicySnapshot, action: &Action<'_>, stage: &'a Stage<'a>) -> Self {
        let nobody = Standing { tag: "", plan: Plan::Free, suspended: false, ceiling: None, spend_limit: None };
        let standing = stage.loop_id.map_or(Some(nobody), |id| snapshot.loops().standing(id));
        let mut setting = Self {
            stage,
            sound: standing.is_some(),
            standing: standing.unwrap_or(nobody),
            admitted: None,
            floor: stage.least_risk,
            asks: false,
            credits: stage.credits,
        };
        let floors = &snapshot.settings().domain_floors;
        let mut field = false;
        let mut within = |floor: &mut Risk, slug: &str| {
            field = true;
            *floor = floors.get(slug).map_or(*floor, |least| *least.max(floor));
        };
        if !snapshot.tools().is_empty() {
            let mut take = |setting: &mut Self, terms: &Terms, is_tool: bool| {
                setting.floor = setting.floor.max(terms.risk);
                setting.asks |= terms.asks;
                if is_tool {
                    setting.admitted = setting.admitted.max(Some(terms.risk));
                    setting.credits = setting.credits.max(Some(terms.cost));
                }
                if !floors.is_empty() {
                    within(&mut setting.floor, &terms.category);
                }
            };
            let tool = match stage.tool {
                Some(id) => snapshot.tools().get(id),
                None => snapshot.tools().named(action.tool, stage.loop_id),
            };
            if let Some(terms) = tool {
                take(&mut setting, terms, true);
            }
            if stage.action != action.tool
                && let Some(terms) = snapshot.tools().named(stage.action, stage.loop_id)
            {
                take(&mut setting, terms, false);
            }
        }
        if let Some(id) = stage.tool {
            setting.sound &= snapshot.tools().get(id).is_some_and(|terms| terms.serves(stage.loop_id));
        }
        if !floors.is_empty() {
            if let Some(domain) = stage.domain {
                within(&mut setting.floor, domain);
            }
            // Work in no field that is known of could be in any.
            if !field {
                setting.floor = floors.values().copied().fold(setting.floor, Risk::max);
            }
        }
        setting
    }

    /// The name under which rules about agents see the loop.
    pub(super) const fn agent(&self) -> Option<&'a str> {
        if self.standing.tag.is_empty() { None } else { Some(self.standing.tag) }
    }

    /// The effective risk: nothing lowers what another raised. Without a claim it is what the manifest admits, and
    /// high where there is none.
    pub(super) fn risk(&self, claimed: Option<Risk>, told: Option<Risk>) -> Risk {
        let stated = claimed.or(self.admitted).unwrap_or(Risk::High);
        stated.max(self.floor).max(told.unwrap_or(Risk::Low))
    }

    /// What the circumstances alone make of a step of this risk, written into a fresh verdict.
    pub(super) fn judge(&self, risk: Risk, verdict: &mut Verdict) {
        let (mode, restricted) = effective_mode(self.stage.mode, self.standing.plan, self.stage.sandboxed);
        verdict.mode = Some(mode);
        verdict.credits = self.credits;
        let mut because = |code, outcome| tighten(verdict, Reason { code, outcome, rule: None });
        if !self.sound {
            because(ReasonCode::EvaluationError, Outcome::Deny);
        }
        if self.standing.suspended {
            because(ReasonCode::LoopSuspended, Outcome::Deny);
        }
        let over = self.standing.spend_limit.is_some_and(|limit| self.credits.is_some_and(|cost| cost > limit));
        if over || self.standing.ceiling.is_some_and(|ceiling| risk > ceiling) {
            because(ReasonCode::SubloopCeiling, Outcome::Deny);
        }
        if let (outcome, Some(code)) = cell(mode, risk, self.stage.trust) {
            because(code, outcome);
        }
        if self.asks {
            because(ReasonCode::ApprovalDefault, Outcome::RequireApproval);
        }
        if restricted {
            because(ReasonCode::PlanRestricted, Outcome::Allow);
        }
    }
}

#[cfg(test)]
mod tests;
