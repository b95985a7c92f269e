//! What a model may answer. Whatever does not fit exactly is no answer.

use serde_json::{Value, json};

use crate::{
    base::json::{Doc, View},
    tool::redact,
};

/// The most characters of a note.
pub const NOTE_MAX: usize = 300;

/// What a model finds of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The rule's author would want the call stopped.
    Covered,
    /// The author would not.
    NotCovered,
    /// It cannot be told.
    Unsure,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 3] = [Self::Covered, Self::NotCovered, Self::Unsure];

    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::NotCovered => "not_covered",
            Self::Unsure => "unsure",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|finding| finding.as_str() == text)
    }
}

/// A sound answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was found.
    pub finding: Finding,
    /// Why, in the model's words: masked, without hidden characters, of [`NOTE_MAX`] characters unless a mask is
    /// longer than what it hides. It is data like the call that it speaks of.
    pub note: String,
}

/// Why there is no answer. The question then stays with a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unjudged {
    /// None came in time.
    Timeout,
    /// The model cannot be reached, or broke off.
    Unreachable,
    /// It answered with another status than 200.
    Status,
    /// Question or answer are larger than they may be.
    TooLarge,
    /// The answer does not have the form that was asked for.
    Unfit,
    /// The model would not answer.
    Declined,
    /// The tenant asked as much as it may for now.
    Budget,
    /// Too many questions are under way.
    Busy,
    /// The last questions all failed, so none is asked for a while.
    Resting,
    /// Whoever asks the model left the question out.
    Unanswered,
}

impl Unjudged {
    /// Every failure.
    pub const ALL: [Self; 10] = [
        Self::Timeout,
        Self::Unreachable,
        Self::Status,
        Self::TooLarge,
        Self::Unfit,
        Self::Declined,
        Self::Budget,
        Self::Busy,
        Self::Resting,
        Self::Unanswered,
    ];

    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Status => "status",
            Self::TooLarge => "too_large",
            Self::Unfit => "unfit",
            Self::Declined => "declined",
            Self::Budget => "budget",
            Self::Busy => "busy",
            Self::Resting => "resting",
            Self::Unanswered => "unanswered",
        }
    }
}

/// The JSON schema of an answer.
#[must_use]
pub fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "finding": { "type": "string", "enum": Finding::ALL.map(Finding::as_str) },
            "reason": { "type": "string" },
        },
        "required": ["finding", "reason"],
        "additionalProperties": false,
    })
}

impl Answer {
    /// Reads an answer: an object of exactly `finding` and `reason`, each once, and nothing around it.
    ///
    /// # Errors
    /// [`Unjudged::Unfit`] for everything else.
    pub fn read(text: &str) -> Result<Self, Unjudged> {
        let doc = Doc::parse(text.as_bytes()).map_err(|_| Unjudged::Unfit)?;
        let root = doc.root();
        if !root.is_object() || root.len() != 2 {
            return Err(Unjudged::Unfit);
        }
        let finding = root.get("finding").and_then(View::as_str).and_then(Finding::parse).ok_or(Unjudged::Unfit)?;
        let reason = root.get("reason").and_then(View::as_str).ok_or(Unjudged::Unfit)?;
        if reason.chars().count() > NOTE_MAX {
            return Err(Unjudged::Unfit);
        }
        let shown: String =
            reason.chars().map(|char| if hidden(char) { char::REPLACEMENT_CHARACTER } else { char }).collect();
        Ok(Self { finding, note: redact::text(&shown).masked })
    }
}

/// Whether a reader of a log would not see the character for what it is.
const fn hidden(char: char) -> bool {
    matches!(char,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Answer, Finding, NOTE_MAX, Unjudged, schema};

    #[test]
    fn each_finding_is_read() {
        for finding in Finding::ALL {
            let text = format!(r#" {{"reason":"as it says","finding":"{}"}} "#, finding.as_str());
            let answer = Answer::read(&text).unwrap();
            assert_eq!((answer.finding, answer.note.as_str()), (finding, "as it says"));
        }
    }

    #[test]
    fn everything_else_is_no_answer() {
        let long = format!(r#"{{"finding":"covered","reason":"{}"}}"#, "é".repeat(NOTE_MAX + 1));
        for text in [
            "",
            "covered",
            "null",
            "[]",
            r#""covered""#,
            r#"{"finding":"covered"}"#,
            r#"{"reason":"x"}"#,
            r#"{"finding":"Covered","reason":"x"}"#,
            r#"{"finding":"allow","reason":"x"}"#,
            r#"{"finding":["covered"],"reason":"x"}"#,
            r#"{"finding":true,"reason":"x"}"#,
            r#"{"finding":"covered","reason":null}"#,
            r#"{"finding":"covered","reason":"x","allow":true}"#,
            r#"{"finding":"unsure","finding":"covered","reason":"x"}"#,
            r#"{"finding":"covered","reason":"x"} {}"#,
            "```json\n{\"finding\":\"covered\",\"reason\":\"x\"}\n```",
            r#"{"finding":"covered","reason":"x""#,
            &long,
        ] {
            assert_eq!(Answer::read(text), Err(Unjudged::Unfit), "{text}");
        }
        assert!(Answer::read(&long.replacen('é', "", 1)).is_ok());
    }

    #[test]
    fn a_note_tells_nothing_that_is_masked_and_hides_nothing() {
        let text = r#"{"finding":"unsure","reason":"to ann@example.com\nwith sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA \u202eok"}"#;
        let note = Answer::read(text).unwrap().note;
        assert!(!note.contains("ann") && !note.contains("Zm9v") && !note.contains(['\n', '\u{202e}']), "{note}");
        assert!(note.contains("example.com"), "{note}");
    }

    #[test]
    fn the_schema_asks_for_what_is_read() {
        let schema = schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for finding in Finding::ALL {
            let answer = serde_json::json!({ "finding": finding.as_str(), "reason": "x" });
            assert!(validator.is_valid(&answer) && Answer::read(&answer.to_string()).is_ok());
        }
        assert!(!validator.is_valid(&serde_json::json!({ "finding": "allow", "reason": "x" })));
        assert!(!validator.is_valid(&serde_json::json!({ "finding": "covered", "reason": "x", "more": 1 })));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), finding in "[a-z_]{0,12}", reason in any::<String>()) {
            let _ = Answer::read(&text);
            let built = serde_json::json!({ "finding": finding, "reason": reason }).to_string();
            let known = Finding::ALL.iter().any(|known| known.as_str() == finding);
            prop_assert_eq!(Answer::read(&built).is_ok(), known && reason.chars().count() <= NOTE_MAX);
        }
    }
}
