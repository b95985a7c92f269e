//! What a webhook says, in the terms of a signal. Whatever a payload lacks has a default: a provider that was verified is
//! never turned away for what it says.

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::{
    NewSignal, Provider, Severity,
    record::{MAX_NAME, MAX_SOURCE_ID},
};
use crate::{base::secret::hex, work::issue::MAX_PAYLOAD};

/// The headers of a webhook that say what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heads<'a> {
    /// What happened, for providers that tell it there.
    pub event: Option<&'a str>,
    /// The number of the delivery, the same whenever it is repeated.
    pub delivery: Option<&'a str>,
}

/// What a webhook came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The signal.
    pub signal: NewSignal,
    /// What is the same whenever the webhook is repeated.
    pub key: String,
}

/// Reads a webhook whose sender was verified. `body` is what `payload` was read from.
#[must_use]
pub fn read(provider: Provider, heads: Heads<'_>, payload: Map<String, Json>, body: &[u8]) -> Reading {
    let mut reading = match provider {
        Provider::Github => github(heads, &payload),
        Provider::Sentry => sentry(&payload),
        Provider::Posthog => posthog(&payload),
    };
    let key = reading.key.take().unwrap_or_else(|| {
        let event = heads.event.unwrap_or_default();
        format!("body {event} {}", hex(&Sha256::digest(body)))
    });
    let signal = NewSignal {
        source: provider.as_str().to_owned(),
        source_id: reading.source_id.map(|id| cut(&id, MAX_SOURCE_ID)),
        kind: cut(&reading.kind, MAX_NAME),
        severity: reading.severity,
        payload: fit(payload),
        project_id: None,
        title: Some(reading.title),
    };
    Reading { signal, key }
}

/// What is read out of a payload.
struct Said {
    source_id: Option<String>,
    kind: String,
    severity: Severity,
    title: String,
    /// What is the same whenever it is repeated, when the payload or its headers tell.
    key: Option<String>,
}

fn github(heads: Heads<'_>, payload: &Map<String, Json>) -> Said {
    let event = heads.event.filter(|event| !event.is_empty()).unwrap_or("unknown");
    let severity = match event {
        "security_advisory" | "code_scanning_alert" => Severity::Critical,
        "dependabot_alert" => Severity::High,
        "pull_request" | "push" | "issue_comment" => Severity::Low,
        _ => Severity::Medium,
    };
    let within = |thing: &str, name: &str| payload.get(thing).and_then(|thing| thing.get(name)).and_then(Json::as_str);
    let action = payload.get("action").and_then(Json::as_str).filter(|action| !action.is_empty());
    let repository = within("repository", "full_name").unwrap_or("unknown");
    let sender = within("sender", "login").unwrap_or("unknown");
    Said {
        source_id: Some(action.map_or_else(|| event.to_owned(), |action| format!("{event}.{action}"))),
        kind: event.to_owned(),
        severity,
        title: format!("GitHub: {event} on {repository} by {sender}"),
        key: heads.delivery.filter(|id| !id.is_empty()).map(|id| format!("delivery {id}")),
    }
}

fn sentry(payload: &Map<String, Json>) -> Said {
    let data = payload.get("data");
    let issue = data.and_then(|data| data.get("issue"));
    let error = data.and_then(|data| data.get("error"));
    let of =
        |name: &str| [issue, error].into_iter().flatten().filter_map(|of| of.get(name)).find(|value| !value.is_null());
    let title = of("title").and_then(Json::as_str).unwrap_or("Unknown error");
    let count = of("count").and_then(number).unwrap_or(1.0);
    let severity = match of("level").and_then(Json::as_str).unwrap_or("error") {
        "fatal" => Severity::Critical,
        "error" if count >= 100.0 => Severity::Critical,
        "error" => Severity::High,
        "warning" => Severity::Medium,
        _ => Severity::Low,
    };
    let id = issue.and_then(|issue| issue.get("id")).and_then(|id| match id {
        Json::String(id) => Some(id.clone()),
        Json::Number(id) => Some(id.to_string()),
        _ => None,
    });
    let kind = payload.get("action").and_then(Json::as_str).filter(|action| !action.is_empty()).unwrap_or("event");
    Said {
        kind: kind.to_owned(),
        severity,
        title: format!("Sentry: {title} ({count} events)"),
        key: id.as_ref().map(|id| format!("issue {id} {kind}")),
        source_id: id,
    }
}

fn posthog(payload: &Map<String, Json>) -> Said {
    let text =
        |value: Option<&'_ Json>| value.and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let event = payload.get("event").and_then(|event| event.get("name"));
    let name = text(event).or_else(|| text(payload.get("name"))).unwrap_or_else(|| "unknown_metric".to_owned());
    let value = payload.get("value").and_then(Json::as_f64).unwrap_or(0.0);
    let timeframe = text(payload.get("timeframe")).unwrap_or_else(|| "recent".to_owned());
    let moved = value.abs();
    let severity = if moved >= 50.0 {
        Severity::Critical
    } else if moved >= 25.0 {
        Severity::High
    } else if moved >= 10.0 {
        Severity::Medium
    } else {
        Severity::Low
    };
    Said {
        source_id: None,
        kind: "metric_change".to_owned(),
        severity,
        title: format!("PostHog: {name} {value}% ({timeframe})"),
        key: None,
    }
}

/// A count, also one that is told as text.
fn number(value: &Json) -> Option<f64> {
    let number = match value {
        Json::String(text) if text.len() <= 32 => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite())
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// How many bytes of JSON a payload is.
fn size(payload: &Map<String, Json>) -> usize {
    // A `Value` always writes; what did not would be too large.
    serde_json::to_string(payload).map_or(usize::MAX, |text| text.len())
}

/// The payload, without what makes it too large: its smallest members stay, and the names of the others are told.
fn fit(payload: Map<String, Json>) -> Map<String, Json> {
    /// What the note of what was left out may take.
    const NOTE: usize = 8 << 10;
    /// The most names that are told.
    const NAMES: usize = 50;
    if size(&payload) <= MAX_PAYLOAD {
        return payload;
    }
    let weigh = |(name, value): (String, Json)| {
        let alone: Map<String, Json> = [(name.clone(), value.clone())].into_iter().collect();
        (size(&alone), name, value)
    };
    let mut members: Vec<(usize, String, Json)> = payload.into_iter().map(weigh).collect();
    members.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut left = MAX_PAYLOAD.saturating_sub(NOTE);
    let (mut kept, mut dropped) = (Map::new(), Vec::new());
    for (weight, name, value) in members {
        match left.checked_sub(weight) {
            Some(rest) => {
                left = rest;
                kept.insert(name, value);
            }
            None if dropped.len() < NAMES => dropped.push(Json::String(cut(&name, 100))),
            None => {}
        }
    }
    kept.insert("_left_out".to_owned(), Json::Array(dropped));
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value as Json, json};

    use super::{Heads, MAX_PAYLOAD, Reading, fit, read, size};
    use crate::signal::{Provider, Severity};

    fn of(provider: Provider, heads: Heads<'_>, payload: Json) -> Reading {
        let body = payload.to_string();
        let Json::Object(payload) = payload else { panic!("an object") };
        read(provider, heads, payload, body.as_bytes())
    }

    fn title(reading: &Reading) -> &str {
        reading.signal.title.as_deref().unwrap_or_default()
    }

    #[test]
    fn github_says_what_happened_in_a_header_and_repeats_its_delivery() {
        let heads = Heads { event: Some("issues"), delivery: Some("72d3162e") };
        let body = json!({ "action": "opened", "repository": { "full_name": "a/b" }, "sender": { "login": "mona" } });
        let reading = of(Provider::Github, heads, body.clone());
        assert_eq!(title(&reading), "GitHub: issues on a/b by mona");
        assert_eq!(
            (reading.signal.source_id.as_deref(), reading.signal.severity),
            (Some("issues.opened"), Severity::Medium)
        );
        assert_eq!(reading.key, of(Provider::Github, heads, json!({ "other": 1 })).key);
        let without = |event| of(Provider::Github, Heads { event, delivery: None }, body.clone()).key;
        assert_eq!(without(Some("issues")), without(Some("issues")));
        assert_ne!(without(Some("issues")), without(Some("push")));
        assert_eq!(title(&of(Provider::Github, Heads::default(), json!({}))), "GitHub: unknown on unknown by unknown");
    }

    #[test]
    fn sentry_counts_events_however_they_are_told() {
        for (count, events, severity) in [
            (json!(100), "100", Severity::Critical),
            (json!("150"), "150", Severity::Critical),
            (json!(99), "99", Severity::High),
            (json!("many"), "1", Severity::High),
            (json!(null), "1", Severity::High),
            (json!([7]), "1", Severity::High),
        ] {
            let body =
                json!({ "action": "created", "data": { "issue": { "id": 7, "title": "Boom", "count": count } } });
            let reading = of(Provider::Sentry, Heads::default(), body);
            assert_eq!(title(&reading), format!("Sentry: Boom ({events} events)"));
            assert_eq!((reading.signal.severity, reading.key.as_str()), (severity, "issue 7 created"));
        }
        let nothing = of(Provider::Sentry, Heads::default(), json!({}));
        assert_eq!((title(&nothing), nothing.signal.kind.as_str()), ("Sentry: Unknown error (1 events)", "event"));
        assert_eq!(nothing.signal.source_id, None);
    }

    #[test]
    fn posthog_is_worse_the_more_a_metric_moved() {
        for (value, severity) in [
            (json!(-50), Severity::Critical),
            (json!(49.9), Severity::High),
            (json!(-24.9), Severity::Medium),
            (json!(9.9), Severity::Low),
            (json!("60"), Severity::Low),
        ] {
            let reading =
                of(Provider::Posthog, Heads::default(), json!({ "name": "m", "value": value, "timeframe": "7d" }));
            assert_eq!(reading.signal.severity, severity, "{value}");
        }
        let reading =
            of(Provider::Posthog, Heads::default(), json!({ "event": { "name": "e" }, "name": "n", "value": 50.0 }));
        assert_eq!(title(&reading), "PostHog: e 50% (recent)");
    }

    #[test]
    fn a_payload_too_large_keeps_what_fits_and_says_what_is_gone() {
        let mut payload = Map::new();
        payload.insert("action".to_owned(), json!("opened"));
        payload.insert("commits".to_owned(), json!("x".repeat(MAX_PAYLOAD)));
        let kept = fit(payload.clone());
        assert_eq!((&kept["action"], &kept["_left_out"]), (&json!("opened"), &json!(["commits"])));
        for n in 0..5_000 {
            payload.insert(format!("{n:0>100}"), json!("y".repeat(50)));
        }
        assert!(size(&fit(payload)) <= MAX_PAYLOAD);
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_provider_says_is_read(
            name in "(action|data|event|value|name|issue|title|count|id|level|repository|sender)",
            inner in "(id|title|count|level|name|issue|error)",
            text in ".{0,20}",
            number in proptest::num::f64::ANY,
        ) {
            for value in [json!(text), json!(number), json!(null), json!([text]), json!({ &inner: text }), json!({ &inner: { "count": number } })] {
                for provider in Provider::ALL {
                    let reading = of(provider, Heads { event: Some(&text), delivery: None }, json!({ &name: value }));
                    proptest::prop_assert!(!title(&reading).is_empty() && !reading.signal.kind.is_empty());
                }
            }
        }
    }
}
