//! Bodies of this surface's requests. What is wrong is told with the field that it is wrong in.

use http::header;
use loop_core::base::json::{Doc, Error};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::json;

use crate::http::{Call, Failure};

/// What a body is told that is no JSON.
const MALFORMED: &str = "Malformed JSON in request body";

/// The body as a JSON object. Members that `T` does not know are ignored.
///
/// # Errors
/// 400, with the field at fault where it is one.
pub(super) fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Failure> {
    if !is_json(call) {
        return Err(Failure::invalid("the body must be JSON, with `Content-Type: application/json`"));
    }
    read_bytes(&call.body)
}

/// The changes that a body asks for, one at least.
///
/// # Errors
/// 400, also for a body that changes nothing.
pub(super) fn changes<T: DeserializeOwned + Default + PartialEq>(call: &Call) -> Result<T, Failure> {
    let changes = read(call)?;
    if changes == T::default() {
        return Err(Failure::invalid("nothing to change: the body names no field that can change"));
    }
    Ok(changes)
}

/// As [`read`], of bytes whose sender was made sure of otherwise.
///
/// # Errors
/// As [`read`].
pub(super) fn read_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let doc = Doc::parse(bytes).map_err(|error| match error {
        Error::Syntax { .. } | Error::Utf8 { .. } => Failure::invalid(MALFORMED),
        other => Failure::invalid(format!("the body cannot be read: {other}")),
    })?;
    // serde would read an array as the members in order.
    if !doc.root().is_object() {
        return Err(Failure::invalid("the body must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // It is JSON, as was seen above: what serde takes for bad syntax is a value of another kind.
        if inner.is_syntax() || inner.is_eof() {
            return if path == "." { Failure::invalid(MALFORMED) } else { invalid(&path, "is of the wrong type") };
        }
        let message = inner.to_string();
        // Where in the text it stands says nothing that the field does not say better.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(said, _)| said);
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        match (missing, path.as_str()) {
            (Some(name), ".") => invalid(name, "is missing"),
            (Some(name), within) => invalid(&format!("{within}.{name}"), "is missing"),
            (None, ".") => Failure::invalid(message.to_owned()),
            (None, field) => invalid(field, message),
        }
    })?;
    reader.end().map_err(|_| Failure::invalid(MALFORMED))?;
    Ok(value)
}

/// The refusal of one field.
pub(super) fn invalid(field: &str, message: &str) -> Failure {
    let error =
        if message.contains(&format!("`{field}`")) { message.to_owned() } else { format!("`{field}`: {message}") };
    Failure::invalid(error).with("details", json!([{ "field": field, "message": message }]))
}

/// Tells `null` from absent, for a field of type `Option<Option<T>>`; with `Option<T>` it refuses `null`. Use with
/// `#[serde(default, deserialize_with = "told")]`.
pub(super) fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Whether the body is said to be JSON, or nothing is said of it.
fn is_json(call: &Call) -> bool {
    let Some(media) = call.headers.get(header::CONTENT_TYPE) else { return true };
    let media = media.to_str().unwrap_or("");
    let kind = media.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{read_bytes, told};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Input {
        title: String,
        #[serde(default, deserialize_with = "told")]
        note: Option<Option<String>>,
        #[serde(default, deserialize_with = "told")]
        count: Option<u8>,
        inner: Option<Inner>,
        #[serde(default, deserialize_with = "told")]
        kind: Option<loop_core::work::IssueType>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Inner {
        statement: String,
    }

    fn field_of(body: &str) -> (String, String) {
        let failure = read_bytes::<Input>(body.as_bytes()).expect_err("refused");
        let detail = failure.extra().map(|extra| extra["details"][0]["field"].as_str().unwrap_or("").to_owned());
        (detail.unwrap_or_default(), failure.message().to_owned())
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (body, field) in [
            ("{}", "title"),
            (r#"{"title":5}"#, "title"),
            (r#"{"title":null}"#, "title"),
            (r#"{"title":"t","count":null}"#, "count"),
            (r#"{"title":"t","count":1.5}"#, "count"),
            (r#"{"title":"t","count":true}"#, "count"),
            (r#"{"title":"t","kind":null}"#, "kind"),
            (r#"{"title":"t","kind":1}"#, "kind"),
            (r#"{"title":"t","kind":"bug"}"#, "kind"),
            (r#"{"title":"t","inner":{}}"#, "inner.statement"),
            (r#"{"title":"t","inner":"x"}"#, "inner"),
        ] {
            let (named, message) = field_of(body);
            assert_eq!(named, field, "{body}: {message}");
            assert!(message.contains(field) && !message.contains("line"), "{body}: {message}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused_as_a_whole() {
        for body in ["", "{nope", "{} x", r#"{"title":NaN}"#] {
            assert_eq!(field_of(body), (String::new(), super::MALFORMED.to_owned()), "{body}");
        }
        for body in ["[1]", "null", "7"] {
            assert_eq!(field_of(body).1, "the body must be a JSON object", "{body}");
        }
        assert!(field_of(r#"{"title":"a","title":"b"}"#).1.contains("duplicate"));
    }

    #[test]
    fn null_is_told_from_absent() {
        let of = |body: &str| read_bytes::<Input>(body.as_bytes()).expect("read").note;
        assert_eq!(of(r#"{"title":"t"}"#), None);
        assert_eq!(of(r#"{"title":"t","note":null}"#), Some(None));
        assert_eq!(of(r#"{"title":"t","note":"x","more":1}"#), Some(Some("x".to_owned())));
    }
}
