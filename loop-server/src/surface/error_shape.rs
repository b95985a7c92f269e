//! How failures look. The clients of each surface read exactly these members.

use serde_json::{Value, json};

use crate::http::dialect::Refusal;

/// `error` is plain text: clients show it as it is.
pub(super) fn flat(refusal: &Refusal<'_>) -> Value {
    let body = json!({
        "error": refusal.message,
        "code": refusal.code.as_str(),
        "request_id": refusal.request_id,
    });
    with_extra(body, refusal)
}

/// `error` is plain text, with `details` beside it where a field is at fault.
pub(super) fn bare(refusal: &Refusal<'_>) -> Value {
    with_extra(json!({ "error": refusal.message }), refusal)
}

/// `error` and `message` are plain text: OpenTelemetry's exporters read the second.
pub(super) fn spoken(refusal: &Refusal<'_>) -> Value {
    let body = json!({
        "error": refusal.message,
        "message": refusal.message,
        "code": refusal.code.as_str(),
        "request_id": refusal.request_id,
    });
    with_extra(body, refusal)
}

/// `error` is an object; what a handler adds stands under `details`.
pub(super) fn nested(refusal: &Refusal<'_>) -> Value {
    let mut error = json!({
        "code": refusal.code.as_str(),
        "message": refusal.message,
        "requestId": refusal.request_id,
    });
    if let (Some(extra), Some(error)) = (refusal.extra, error.as_object_mut()) {
        error.insert("details".to_owned(), Value::Object(extra.clone()));
    }
    json!({ "error": error })
}

/// What OpenAI's clients raise typed errors from.
pub(super) fn openai(refusal: &Refusal<'_>) -> Value {
    let kind = match refusal.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({ "error": {
        "message": refusal.message,
        "type": kind,
        "param": null,
        "code": refusal.code.as_str().to_ascii_lowercase(),
    }})
}

/// What Anthropic's clients raise typed errors from.
pub(super) fn anthropic(refusal: &Refusal<'_>) -> Value {
    let kind = match refusal.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({
        "type": "error",
        "error": { "type": kind, "message": refusal.message },
        "request_id": refusal.request_id,
    })
}

fn with_extra(mut body: Value, refusal: &Refusal<'_>) -> Value {
    if let (Some(extra), Some(body)) = (refusal.extra, body.as_object_mut()) {
        for (name, value) in extra {
            body.entry(name).or_insert_with(|| value.clone());
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use loop_core::base::Code;
    use serde_json::json;

    use crate::{http::dialect::Refusal, surface::Surface};

    #[test]
    fn each_surface_wraps_a_failure_in_its_own_shape() {
        let extra = json!({ "outcome": "approved", "error": "cannot be replaced" });
        let refusal = Refusal {
            code: Code::Conflict,
            status: 409,
            message: "already decided",
            request_id: "r-1",
            extra: extra.as_object(),
        };
        let shapes: Vec<_> = Surface::ALL
            .iter()
            .map(|surface| json!({ "surface": surface.dialect().name, "body": (surface.dialect().failure)(&refusal) }))
            .collect();
        insta::assert_json_snapshot!(shapes);
    }
}
