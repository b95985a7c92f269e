//! Which issues a template is for. Pure.

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{base::id::ProjectId, work::IssueType};

/// The most labels a template may ask for.
pub const MAX_LABELS: usize = 50;
/// The longest text in a condition, in characters.
pub const MAX_TEXT: usize = 500;

/// What an issue must be for a template to fit; nothing asked for fits all. An unknown member is refused, because what
/// was meant to narrow a template must not widen it.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conditions {
    /// Its type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<IssueType>,
    /// Where its signal came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_source: Option<String>,
    /// Names of labels that it must all have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// The project it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Whether a part of the same whole was given up by an agent that left a summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_failed_sessions: Option<bool>,
    /// How sure its hypothesis must be at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis_confidence: Option<f64>,
}

/// Reads conditions from an object and from nothing else: serde would take a list for the members in order.
///
/// # Errors
/// Anything but an object, unknown members, wrong types.
pub fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Conditions, D::Error> {
    let members = serde_json::Map::<String, serde_json::Value>::deserialize(from)?;
    Conditions::deserialize(serde_json::Value::Object(members)).map_err(D::Error::custom)
}

/// What conditions read of an issue. The last two take a look into the store, so they are asked for last and at most
/// once.
pub trait Facts {
    /// Why a look fails.
    type Error;

    /// Its type.
    fn kind(&self) -> IssueType;
    /// Where its signal came from.
    fn signal_source(&self) -> Option<&str>;
    /// The project it belongs to.
    fn project(&self) -> Option<ProjectId>;
    /// How sure its hypothesis is.
    fn confidence(&self) -> Option<f64>;
    /// Whether it has a label of this name.
    ///
    /// # Errors
    /// When the labels cannot be looked up.
    fn has_label(&mut self, name: &str) -> Result<bool, Self::Error>;
    /// Whether a part of the same whole was given up by an agent that left a summary.
    ///
    /// # Errors
    /// When the parts cannot be looked up.
    fn has_failed_sessions(&mut self) -> Result<bool, Self::Error>;
}

impl Conditions {
    /// Whether they can be met at all within the bounds of this room; else the member at fault and why.
    ///
    /// # Errors
    /// Texts and lists that are too long, a confidence that is no number from 0 to 1.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let long = |text: &String| text.chars().count() > MAX_TEXT;
        if self.signal_source.as_ref().is_some_and(long) {
            return Err(("conditions.signalSource", format!("must have {MAX_TEXT} characters at most")));
        }
        if self.project_id.as_ref().is_some_and(long) {
            return Err(("conditions.projectId", format!("must have {MAX_TEXT} characters at most")));
        }
        if let Some(labels) = &self.labels {
            if labels.len() > MAX_LABELS {
                return Err(("conditions.labels", format!("must have {MAX_LABELS} items at most")));
            }
            if labels.iter().any(long) {
                return Err(("conditions.labels", format!("must have names of {MAX_TEXT} characters at most")));
            }
        }
        // NaN is in no range.
        if self.hypothesis_confidence.is_some_and(|least| !(0.0..=1.0).contains(&least)) {
            return Err(("conditions.hypothesisConfidence", "must be a number from 0 to 1".to_owned()));
        }
        Ok(())
    }

    /// Whether an issue meets all of them.
    ///
    /// # Errors
    /// When a look into the store fails.
    pub fn met_by<F: Facts>(&self, facts: &mut F) -> Result<bool, F::Error> {
        if self.kind.is_some_and(|kind| kind != facts.kind()) {
            return Ok(false);
        }
        if self.signal_source.as_deref().is_some_and(|source| facts.signal_source() != Some(source)) {
            return Ok(false);
        }
        if let Some(project) = &self.project_id
            && facts.project().is_none_or(|own| own.as_str() != project)
        {
            return Ok(false);
        }
        // Nothing is as sure as what was never said.
        if let Some(least) = self.hypothesis_confidence
            && !facts.confidence().is_some_and(|sure| sure >= least)
        {
            return Ok(false);
        }
        for name in self.labels.iter().flatten() {
            if !facts.has_label(name)? {
                return Ok(false);
            }
        }
        match self.has_failed_sessions {
            None => Ok(true),
            Some(wanted) => Ok(facts.has_failed_sessions()? == wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{Conditions, Facts};
    use crate::{
        base::{Seed, Time, id::ProjectId},
        work::IssueType,
    };

    struct Given {
        kind: IssueType,
        source: Option<&'static str>,
        project: Option<ProjectId>,
        confidence: Option<f64>,
        labels: &'static [&'static str],
        failed: bool,
    }

    impl Facts for Given {
        type Error = Infallible;

        fn kind(&self) -> IssueType {
            self.kind
        }
        fn signal_source(&self) -> Option<&str> {
            self.source
        }
        fn project(&self) -> Option<ProjectId> {
            self.project
        }
        fn confidence(&self) -> Option<f64> {
            self.confidence
        }
        fn has_label(&mut self, name: &str) -> Result<bool, Infallible> {
            Ok(self.labels.contains(&name))
        }
        fn has_failed_sessions(&mut self) -> Result<bool, Infallible> {
            Ok(self.failed)
        }
    }

    fn plain() -> Given {
        Given { kind: IssueType::Task, source: None, project: None, confidence: None, labels: &[], failed: false }
    }

    fn met(conditions: serde_json::Value, mut facts: Given) -> bool {
        let conditions: Conditions = serde_json::from_value(conditions).unwrap();
        let Ok(met) = conditions.met_by(&mut facts);
        met
    }

    #[test]
    fn nothing_asked_for_fits_all_and_all_asked_for_must_hold() {
        let project = ProjectId::draw(Time::EPOCH, &mut Seed::new([1; 32]));
        let full = || Given {
            kind: IssueType::Hypothesis,
            source: Some("sentry"),
            project: Some(project),
            confidence: Some(0.5),
            labels: &["a", "b", "c"],
            failed: true,
        };
        let all = serde_json::json!({
            "type": "hypothesis", "signalSource": "sentry", "projectId": project, "labels": ["a", "b"],
            "hasFailedSessions": true, "hypothesisConfidence": 0.5,
        });
        assert!(met(serde_json::json!({}), plain()));
        assert!(met(all.clone(), full()));
        assert!(!met(all.clone(), Given { kind: IssueType::Plan, ..full() }));
        assert!(!met(all.clone(), Given { source: Some("github"), ..full() }));
        assert!(!met(all.clone(), Given { project: None, ..full() }));
        assert!(!met(all.clone(), Given { labels: &["a"], ..full() }));
        assert!(!met(all.clone(), Given { failed: false, ..full() }));
        assert!(!met(all, Given { confidence: Some(0.49), ..full() }));
    }

    #[test]
    fn what_was_never_said_meets_nothing() {
        assert!(!met(serde_json::json!({"signalSource": "x"}), plain()));
        assert!(!met(serde_json::json!({"hypothesisConfidence": 0.0}), plain()));
        assert!(!met(
            serde_json::json!({"hypothesisConfidence": 0.0}),
            Given { confidence: Some(f64::NAN), ..plain() }
        ));
        assert!(!met(serde_json::json!({"projectId": "p"}), plain()));
        assert!(met(serde_json::json!({"hasFailedSessions": false}), plain()));
    }

    #[test]
    fn an_unknown_member_is_refused_rather_than_ignored() {
        for bad in [r#"{"bogus":1}"#, r#"{"Type":"task"}"#, r#"{"type":"bug"}"#, "[]", r#"{"labels":"x"}"#] {
            assert!(super::read(&mut serde_json::Deserializer::from_str(bad)).is_err(), "{bad}");
        }
        let wild = Conditions { hypothesis_confidence: Some(f64::NAN), ..Conditions::default() };
        assert!(wild.check().is_err());
        let many = Conditions { labels: Some(vec![String::new(); 51]), ..Conditions::default() };
        assert!(many.check().is_err());
    }
}
