//! The body of a decision's log entry.

use super::written::Details;
use crate::{
    audit::Status,
    base::{
        id::{ApprovalId, RuleId},
        json::Object,
    },
    policy::{Outcome, Verdict, judge::Judged},
};

/// Room for what stands in a body besides the arguments and facts, unless texts are long.
const ROOM: usize = 384;

/// What a decision's log entry tells, masked.
pub(super) struct Body<'a> {
    pub(super) details: &'a Details,
    pub(super) verdict: &'a Verdict,
    pub(super) message: &'a str,
    pub(super) rule: Option<&'a str>,
    pub(super) approval: Option<ApprovalId>,
    pub(super) key: &'a str,
    pub(super) policy_hash: &'a str,
}

impl Body<'_> {
    /// The body as JSON. It is written by hand: every decision does it, on its caller's thread.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        let details = self.details;
        let facts = serde_json::to_string(&details.facts)?;
        let mut body = String::with_capacity(details.arguments.len() + facts.len() + ROOM);
        let mut object = Object::open(&mut body);
        // First, so that reading a million of them need not read what stands behind: see [`told`].
        object.json("facts", &facts);
        object.json("arguments", &details.arguments);
        object.text("message", self.message);
        object.some_text("rule", self.rule);
        object.some_text("reason", details.reason.as_deref());
        self.why(&mut object);
        if let Some(id) = self.approval {
            object.text("approval_id", &id.to_string());
        }
        object.some_text("session_id", details.session.as_deref());
        object.some_text("forward", details.forward.as_deref());
        object.text("door", details.door);
        object.text("key", self.key);
        object.text("policy_hash", self.policy_hash);
        object.close();
        Ok(body)
    }

    /// The codes and rules that decided, and the rules that would have.
    fn why(&self, object: &mut Object<'_>) {
        let Verdict { reasons, shadow, judged, .. } = self.verdict;
        if !reasons.is_empty() {
            list(object.name("reasons"), reasons, |reason, out| {
                let mut object = Object::open(out);
                object.text("code", reason.code.as_str());
                if let Some(compiled) = &reason.rule {
                    object.text("rule_id", &compiled.rule.id.to_string());
                    self.grounds(compiled.rule.id, &mut object);
                }
                object.close();
            });
        }
        if !shadow.is_empty() {
            list(object.name("shadow"), shadow, |compiled, out| {
                let mut object = Object::open(out);
                object.text("rule_id", &compiled.rule.id.to_string());
                object.json("revision", &compiled.rule.revision.to_string());
                object.text("would", Mark::would(compiled.outcome()));
                self.grounds(compiled.rule.id, &mut object);
                object.close();
            });
        }
        if !judged.is_empty() {
            list(object.name("judged"), judged, write_judged);
        }
    }

    /// Why a rule matched.
    fn grounds(&self, rule: RuleId, object: &mut Object<'_>) {
        let grounds = self.details.explained.of(rule);
        if !grounds.is_empty() {
            list(object.name("grounds"), grounds, |ground, out| ground.write(out));
        }
    }
}

/// What a model was asked about a rule, and what came of it. The question itself is not kept.
fn write_judged(judged: &Judged, out: &mut String) {
    let mut object = Object::open(out);
    object.text("rule_id", &judged.rule.to_string());
    object.json("revision", &judged.revision.to_string());
    object.text("model", &judged.model);
    match &judged.ruling {
        Ok(answer) => {
            object.text("finding", answer.finding.as_str());
            object.text("note", &answer.note);
        }
        Err(why) => object.text("failed", why.as_str()),
    }
    object.close();
}

fn list<T>(out: &mut String, items: &[T], write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// What a body says of a rule in shadow mode.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Mark {
    /// The rule.
    pub(super) rule_id: RuleId,
    /// As it was then.
    pub(super) revision: u64,
}

impl Mark {
    /// What the rule would have made of the call.
    const fn would(outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Deny => Status::Blocked.as_str(),
            Outcome::RequireApproval | Outcome::Simulate | Outcome::Allow => Status::Pending.as_str(),
        }
    }
}

/// Whether a body says that a rule in shadow mode would have matched, at this revision; `None` when it cannot be read,
/// or lists as many as it can without this one, so that it may have been left out.
pub(super) fn marks(body: &str, rule: RuleId, revision: u64) -> Option<bool> {
    #[derive(serde::Deserialize)]
    struct Marks {
        #[serde(default)]
        shadow: Vec<Mark>,
    }
    let finds = |text: &str| memchr::memmem::find(body.as_bytes(), text.as_bytes()).is_some();
    // Every mark has one, so a body with fewer lists fewer.
    let many = || memchr::memmem::find_iter(body.as_bytes(), b"\"would\":").count() >= Verdict::REASONS_MAX;
    if !finds("\"shadow\":[") || !(finds(&rule.to_string()) || many()) {
        return Some(false);
    }
    let marks: Marks = serde_json::from_str(body).ok()?;
    let marked = marks.shadow.contains(&Mark { rule_id: rule, revision });
    (marked || marks.shadow.len() < Verdict::REASONS_MAX).then_some(marked)
}

/// What a body tells of the call itself, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told<'b> {
    /// What rules can read of it.
    pub(super) facts: &'b str,
    /// The masked arguments, and what stands behind them.
    rest: &'b str,
}

/// Finds facts and arguments in a body that [`Body::to_json`] wrote, without reading it; `None` for any other text.
pub(super) fn told(body: &str) -> Option<Told<'_>> {
    const NEXT: &str = ",\"arguments\":";
    let facts = body.strip_prefix("{\"facts\":")?;
    // Facts have no such member, and within a text its quotes would be escaped.
    let end = memchr::memmem::find(facts.as_bytes(), NEXT.as_bytes())?;
    let (facts, rest) = facts.split_at_checked(end)?;
    Some(Told { facts, rest: rest.strip_prefix(NEXT)? })
}

impl<'b> Told<'b> {
    /// The masked arguments.
    pub(super) fn arguments(&self) -> Option<&'b str> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<&serde_json::value::RawValue>();
        values.next()?.ok().map(serde_json::value::RawValue::get)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::{super::written::Details, Body, marks, told};
    use crate::{
        base::{
            Decimal, Seed, Time,
            id::{ApprovalId, RuleId},
        },
        policy::{
            Certainty, CompiledRule, Explained, Ground, Outcome, Reason, ReasonCode, Rule, RuleAction, Verdict,
            facts::Facts,
            judge::{Answer, Finding, Judged, Unjudged},
        },
        tool::Risk,
    };

    /// The shape of a body, as `serde_json` writes it.
    #[derive(serde::Serialize)]
    struct Shape<'a> {
        facts: &'a Facts,
        arguments: &'a RawValue,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<ShapeOfReason>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        shadow: Vec<ShapeOfMark>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        judged: Vec<ShapeOfJudged>,
        #[serde(skip_serializing_if = "Option::is_none")]
        approval_id: Option<ApprovalId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        session_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        forward: Option<&'a str>,
        door: &'static str,
        key: &'a str,
        policy_hash: &'a str,
    }

    #[derive(serde::Serialize)]
    struct ShapeOfReason {
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule_id: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        grounds: Vec<Ground>,
    }

    #[derive(serde::Serialize)]
    struct ShapeOfMark {
        rule_id: String,
        revision: u64,
        would: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        grounds: Vec<Ground>,
    }

    #[derive(serde::Serialize)]
    struct ShapeOfJudged {
        rule_id: String,
        revision: u64,
        model: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        finding: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failed: Option<&'static str>,
    }

    fn shape(body: &Body<'_>) -> String {
        let Body { details, verdict, message, rule, approval, key, policy_hash } = *body;
        let reasons = verdict.reasons.iter().map(|reason| ShapeOfReason {
            code: reason.code.as_str(),
            rule_id: reason.rule.as_ref().map(|compiled| compiled.rule.id.to_string()),
            grounds: reason
                .rule
                .as_ref()
                .map(|compiled| details.explained.of(compiled.rule.id).to_vec())
                .unwrap_or_default(),
        });
        let shape = Shape {
            facts: &details.facts,
            arguments: &RawValue::from_string(details.arguments.clone()).unwrap(),
            message,
            rule,
            reason: details.reason.as_deref(),
            reasons: reasons.collect(),
            shadow: verdict
                .shadow
                .iter()
                .map(|compiled| ShapeOfMark {
                    rule_id: compiled.rule.id.to_string(),
                    revision: compiled.rule.revision,
                    would: "PENDING",
                    grounds: details.explained.of(compiled.rule.id).to_vec(),
                })
                .collect(),
            judged: verdict
                .judged
                .iter()
                .map(|judged| {
                    let answer = judged.ruling.as_ref().ok();
                    ShapeOfJudged {
                        rule_id: judged.rule.to_string(),
                        revision: judged.revision,
                        model: judged.model.to_string(),
                        finding: answer.map(|answer| answer.finding.as_str()),
                        note: answer.map(|answer| answer.note.clone()),
                        failed: judged.ruling.as_ref().err().map(|why| why.as_str()),
                    }
                })
                .collect(),
            approval_id: approval,
            session_id: details.session.as_deref(),
            forward: details.forward.as_deref(),
            door: details.door,
            key,
            policy_hash,
        };
        serde_json::to_string(&shape).unwrap()
    }

    fn compiled(seed: u8) -> Arc<CompiledRule> {
        Arc::new(CompiledRule::compile(Rule::new(
            RuleId::draw(Time::EPOCH, &mut Seed::new([seed; 32])),
            "refunds need approval",
            RuleAction::Approve,
        )))
    }

    fn judged_of(well: bool, note: String) -> Judged {
        let ruling = if well { Ok(Answer { finding: Finding::Unsure, note }) } else { Err(Unjudged::Busy) };
        Judged { rule: compiled(3).rule.id, revision: 7, model: "m \"x\"".into(), ruling }
    }

    fn texts() -> impl Strategy<Value = Vec<Option<String>>> {
        // `serde_json` has a shorter escape for the two that are left out.
        prop::collection::vec(prop::option::of("[^\u{8}\u{c}]{0,12}|[\"\\\\\n\r\t\u{1}\u{7f}é😀 x]{0,12}"), 6)
    }

    #[test]
    fn a_mark_that_may_have_been_left_out_is_not_told_as_none() {
        let verdict = Verdict { shadow: (0..64).map(compiled).collect(), ..Verdict::allowing(Risk::High) };
        let details = Details {
            arguments: "{}".to_owned(),
            facts: Facts::default(),
            explained: Explained::default(),
            agent_name: None,
            reason: None,
            session: None,
            forward: None,
            door: "intercept",
        };
        let told = |verdict: &Verdict, seed: u8| {
            let body = Body {
                details: &details,
                verdict,
                message: "",
                rule: None,
                approval: None,
                key: "k",
                policy_hash: "00",
            };
            marks(&body.to_json().unwrap(), compiled(seed).rule.id, 1)
        };
        assert_eq!((told(&verdict, 63), told(&verdict, 64)), (Some(true), None));
        let fewer = Verdict { shadow: (0..63).map(compiled).collect(), ..Verdict::allowing(Risk::High) };
        assert_eq!(told(&fewer, 64), Some(false));
    }

    proptest! {
        #[test]
        fn the_body_written_by_hand_is_the_one_of_its_shape(
            texts in texts(),
            reasons in 0_u8..4,
            shadow in 0_u8..3,
            judged in prop::collection::vec((any::<bool>(), "[^\u{8}\u{c}]{0,9}"), 0..3),
            approved in any::<bool>(),
            amounts in prop::collection::vec(any::<i64>(), 0..3),
            grounds in prop::collection::vec((any::<bool>(), texts()), 0..3),
            paths in prop::collection::vec("[a,\":{}\\\\]{0,9}|x\",\"arguments\":\"", 0..3),
        ) {
            let [message, rule, reason, session, forward, agent_name] = <[_; 6]>::try_from(texts).unwrap();
            let reason_of = |seed| Reason {
                code: ReasonCode::RuleAsk,
                outcome: Outcome::RequireApproval,
                rule: (seed > 0).then(|| compiled(seed)),
            };
            let verdict = Verdict {
                outcome: Outcome::RequireApproval,
                reasons: (0..reasons).map(reason_of).collect(),
                shadow: (0..shadow).map(compiled).collect(),
                judged: judged.into_iter().map(|(well, note)| judged_of(well, note)).collect(),
                ..Verdict::allowing(Risk::High)
            };
            let ground = |(yes, texts): (bool, Vec<Option<String>>)| {
                let [condition, argument, value, why, ..] = <[_; 6]>::try_from(texts).unwrap();
                let held = if yes { Certainty::Yes } else { Certainty::Unclear };
                Ground { condition: condition.unwrap_or_default(), held, argument, value, why }
            };
            let grounds: Vec<Ground> = grounds.into_iter().map(ground).collect();
            let amounts = amounts.into_iter().map(|amount| (Decimal::whole(amount).shifted(-2), None)).collect();
            let details = Details {
                arguments: "{\"a\":[1,\"x\"]}".to_owned(),
                // Of the reasons and marks that there may be, the second rule is explained.
                explained: Explained::told(vec![(compiled(1).rule.id, grounds)]),
                facts: Facts { amounts, paths, ..Facts::default() },
                agent_name,
                reason,
                session,
                forward,
                door: "intercept",
            };
            let body = Body {
                details: &details,
                verdict: &verdict,
                message: message.as_deref().unwrap_or_default(),
                rule: rule.as_deref(),
                approval: approved.then(|| ApprovalId::draw(Time::EPOCH, &mut Seed::new([1; 32]))),
                key: "a \"key\"",
                policy_hash: "00ff",
            };
            let written = body.to_json().unwrap();
            prop_assert_eq!(&written, &shape(&body));
            let told = told(&written).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Facts>(told.facts).unwrap(), &details.facts);
            for seed in 0..3 {
                let rule = compiled(seed).rule.id;
                prop_assert_eq!(marks(&written, rule, 1), Some(seed < shadow));
                prop_assert_eq!(marks(&written, rule, 2), Some(false));
            }
            prop_assert_eq!(told.arguments(), Some(details.arguments.as_str()));
        }
    }
}
