//! What a rule says, and what it reads.

use crate::policy::{
    canonical::{Head, sentence},
    condition::{Condition, Measured},
    facts::Counted,
    snapshot::CompiledRule,
    verdict::Outcome,
};

/// One sentence that says what a rule does, in the canonical form.
pub fn summary(rule: &CompiledRule) -> String {
    let head = if rule.outcome() == Outcome::Deny { Head::Block } else { Head::Ask };
    sentence(&rule.condition, head)
}

/// What a condition reads of a call, without repeats.
pub fn reads(condition: &Condition) -> Vec<String> {
    let mut reads: Vec<String> = Vec::new();
    collect(condition, &mut |name| {
        if !reads.iter().any(|known| known == name) {
            reads.push(name.to_owned());
        }
    });
    reads
}

fn collect(condition: &Condition, add: &mut dyn FnMut(&str)) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => inner.iter().for_each(|one| collect(one, add)),
        Condition::Not(one) => collect(one, add),
        Condition::Tool(_) | Condition::ToolLike(_) | Condition::Deed(_) | Condition::Risky | Condition::Agent(_) => {}
        Condition::Named(_) => add("service"),
        Condition::Money => add("amount"),
        Condition::Amount { currency, .. } => {
            add("amount");
            if currency.is_some() {
                add("currency");
            }
        }
        Condition::Percent(_) => add("percent"),
        Condition::Count { of: Counted::Recipients, .. } | Condition::Recipient(_) => add("recipients"),
        Condition::Count { of: Counted::Items, .. } => add("count"),
        Condition::Data(_) => add("any text"),
        Condition::Environment(_) => add("environment"),
        Condition::Path(_) => add("path"),
        Condition::Place(_) => add("channel"),
        Condition::Time(_) => add("scheduled_at"),
        Condition::Attachment => add("attachments"),
        Condition::Unbounded(_) => add("sql"),
        Condition::Command(_) => add("command"),
        Condition::Party(_) => add("payee"),
        Condition::Branch(_) => add("branch"),
        Condition::Mentions(_) | Condition::State(_) => add("any short text"),
        Condition::Text(_) => add("any text"),
        Condition::Measure { of: Measured::Duration, .. } => add("duration"),
        Condition::Measure { of: Measured::Size, .. } => add("size"),
        Condition::Argument { name, .. } => add(name),
    }
}
