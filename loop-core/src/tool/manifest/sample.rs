//! An output made up from a schema, for calls that are only simulated.

use serde_json::{Map, Number, Value, json};

use super::schema::target;

/// How many items a made-up array has at most.
const MAX_ITEMS: u64 = 8;
/// How long a made-up string is at most, in characters.
const MAX_LENGTH: u64 = 1_024;
/// How deep a made-up value is nested at most.
const MAX_DEPTH: u32 = 64;

/// A value that fits the schema where its keywords tell how: types, members, items, bounds, choices and common
/// formats. Patterns and conditions are not solved, so a value need not fit; it is never taken for a real one.
#[must_use]
pub fn sample(schema: &Value) -> Value {
    of(schema, schema, 0)
}

fn of(root: &Value, schema: &Value, depth: u32) -> Value {
    let Value::Object(keys) = schema else { return json!({}) };
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(value) = keys.get("const").or_else(|| keys.get("default")) {
        return value.clone();
    }
    for list in ["examples", "enum"] {
        if let Some(first) = keys.get(list).and_then(Value::as_array).and_then(|list| list.first()) {
            return first.clone();
        }
    }
    let keys = flat(root, keys, depth);
    if let Some(first) = keys.get("enum").and_then(Value::as_array).and_then(|list| list.first()) {
        return first.clone();
    }
    if let Some(value) = keys.get("const") {
        return value.clone();
    }
    match kind(&keys) {
        "object" => object(root, &keys, depth),
        "array" => array(root, &keys, depth),
        "string" => string(&keys),
        "integer" => number(&keys, true),
        "number" => number(&keys, false),
        "boolean" => Value::Bool(true),
        _ => Value::Null,
    }
}

/// The keywords of a schema with those of its reference, of all of `allOf`, and of the first of `anyOf` and `oneOf`.
fn flat(root: &Value, keys: &Map<String, Value>, depth: u32) -> Map<String, Value> {
    let mut all = keys.clone();
    if depth > MAX_DEPTH {
        return all;
    }
    let referred = keys.get("$ref").and_then(Value::as_str).and_then(|reference| target(root, reference));
    let every = keys.get("allOf").and_then(Value::as_array).into_iter().flatten();
    let one = ["anyOf", "oneOf"].into_iter().filter_map(|list| keys.get(list)?.as_array()?.first());
    for more in referred.into_iter().chain(every).chain(one) {
        let Value::Object(more) = more else { continue };
        for (name, value) in flat(root, more, depth.saturating_add(1)) {
            match (all.get_mut(&name), value) {
                (Some(Value::Object(known)), Value::Object(value)) => known.extend(value),
                (Some(Value::Array(known)), Value::Array(value)) if name == "required" => known.extend(value),
                (Some(_), _) => {}
                (None, value) => {
                    all.insert(name, value);
                }
            }
        }
    }
    all
}

fn kind(keys: &Map<String, Value>) -> &str {
    match keys.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
        _ if keys.contains_key("items") || keys.contains_key("prefixItems") => "array",
        _ if keys.contains_key("minLength") || keys.contains_key("pattern") || keys.contains_key("format") => "string",
        _ if keys.contains_key("minimum") || keys.contains_key("maximum") => "number",
        _ => "object",
    }
}

fn object(root: &Value, keys: &Map<String, Value>, depth: u32) -> Value {
    let mut members = Map::new();
    let declared = keys.get("properties").and_then(Value::as_object);
    for (name, schema) in declared.into_iter().flatten() {
        members.insert(name.clone(), of(root, schema, depth.saturating_add(1)));
    }
    for name in keys.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            let value = match keys.get("additionalProperties") {
                Some(schema @ Value::Object(_)) => of(root, schema, depth.saturating_add(1)),
                _ => json!("simulated"),
            };
            members.insert(name.to_owned(), value);
        }
    }
    Value::Object(members)
}

fn array(root: &Value, keys: &Map<String, Value>, depth: u32) -> Value {
    let first = keys.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let least = keys.get("minItems").and_then(Value::as_u64).unwrap_or(1);
    let most = keys.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let wanted = least.max(first.len() as u64).min(most).min(MAX_ITEMS);
    let rest = json!({});
    let rest = keys.get("items").unwrap_or(&rest);
    let item = |at: u64| {
        let schema = usize::try_from(at).ok().and_then(|at| first.get(at)).unwrap_or(rest);
        of(root, schema, depth.saturating_add(1))
    };
    Value::Array((0..wanted).map(item).collect())
}

fn string(keys: &Map<String, Value>) -> Value {
    let text = match keys.get("format").and_then(Value::as_str) {
        Some("date-time") => "2000-01-01T00:00:00Z",
        Some("date") => "2000-01-01",
        Some("time") => "00:00:00Z",
        Some("email") => "simulated@example.com",
        Some("uri" | "uri-reference" | "iri" | "url") => "https://example.com/simulated",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "simulated",
    };
    let least = keys.get("minLength").and_then(Value::as_u64).unwrap_or(0).min(MAX_LENGTH);
    let most = keys.get("maxLength").and_then(Value::as_u64).unwrap_or(MAX_LENGTH).min(MAX_LENGTH);
    let fill = std::iter::repeat_n('x', usize::try_from(least).unwrap_or(0).saturating_sub(text.len()));
    Value::String(text.chars().chain(fill).take(usize::try_from(most).unwrap_or(0)).collect())
}

fn number(keys: &Map<String, Value>, whole: bool) -> Value {
    let of = |name: &str| keys.get(name).and_then(Value::as_f64);
    let above = of("exclusiveMinimum").map(|bound| if whole { bound.floor() + 1.0 } else { bound + 0.5 });
    let least = of("minimum").map(|bound| if whole { bound.ceil() } else { bound }).into_iter().chain(above);
    let least = least.fold(f64::NEG_INFINITY, f64::max);
    let below = of("exclusiveMaximum").map(|bound| if whole { bound.ceil() - 1.0 } else { bound - 0.5 });
    let most = of("maximum").map(|bound| if whole { bound.floor() } else { bound }).into_iter().chain(below);
    let most = most.fold(f64::INFINITY, f64::min);
    let mut value = 1.0_f64.max(least).min(most);
    if let Some(unit) = of("multipleOf").filter(|unit| *unit > 0.0) {
        value = (value / unit).ceil() * unit;
    }
    if whole && value.abs() < 9e15 {
        return json!(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::schema::Schema, sample};

    fn fits(schema: &Value) -> Value {
        let value = sample(schema);
        let judged = Schema::compile(schema).unwrap().fit(&value);
        assert!(judged.is_ok(), "{schema} gave {value}: {judged:?}");
        value
    }

    #[test]
    fn made_up_values_fit_common_schemas() {
        for schema in [
            json!({}),
            json!({"type": "object"}),
            json!({"type": "object", "required": ["x", "y"], "properties": {"x": {"type": "integer"}}}),
            json!({"type": "array", "minItems": 2, "items": {"type": "string", "minLength": 20}}),
            json!({"type": "integer", "minimum": 3, "maximum": 3}),
            json!({"type": "integer", "exclusiveMinimum": 2, "multipleOf": 5}),
            json!({"type": "number", "maximum": -1.5}),
            json!({"enum": ["hot", "cold"]}),
            json!({"const": {"a": 1}}),
            json!({"type": ["string", "null"], "maxLength": 3}),
            json!({"type": "string", "format": "date-time"}),
            json!({"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "boolean"}}}]}),
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
            json!({"$ref": "#/$defs/lead", "$defs": {"lead": {"type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}}}}}),
            json!({"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "null"}]}),
        ] {
            fits(&schema);
        }
        let leads = fits(&json!({"type": "object", "required": ["leads", "n", "kind", "ok"], "properties": {
            "leads": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}}}},
            "n": {"type": "integer", "minimum": 3}, "kind": {"enum": ["hot", "cold"]}, "ok": {"type": "boolean"}}}));
        assert_eq!(leads["n"], 3);
        assert_eq!(leads["leads"][0]["name"], "simulated");
    }

    #[test]
    fn sizes_are_bounded_whatever_is_asked_for() {
        let value = sample(&json!({"type": "array", "minItems": 1_000_000_000_u64, "items": {
            "type": "string", "minLength": 1_000_000_000_u64}}));
        assert!(value.to_string().len() < 20_000);
    }
}
