//! JSON Schema 2020-12, made safe for schemas that strangers publish.
//!
//! Nothing is fetched: a reference names a place in the same document. Schemas do not refer to themselves, and all of
//! a schema, its references written out, is bounded, so that judging a value ends soon. Patterns are run by an engine
//! whose time is linear.

use std::collections::HashMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// The largest schema, in bytes of its JSON.
const MAX_BYTES: usize = 32 << 10;
/// The most values in a schema with its references written out.
const MAX_COST: u32 = 10_000;
/// The deepest nesting with its references written out.
const MAX_DEPTH: u32 = 64;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 256 << 10;
/// The one dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Members whose values are data, not schemas.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
}

/// A schema that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is not an object.
    #[error("a schema must be an object")]
    NoObject,
    /// It is too large.
    #[error("a schema must have {MAX_BYTES} bytes at most")]
    TooLarge,
    /// It means too much work.
    #[error("a schema must hold {MAX_COST} values at most, {MAX_DEPTH} deep, with its references written out")]
    TooComplex,
    /// It says that it is of another dialect.
    #[error("`$schema` must be `{DIALECT}`")]
    Dialect,
    /// A keyword that reaches beyond the document or back into it.
    #[error("`{0}` is not supported")]
    Keyword(String),
    /// A reference that leads nowhere or elsewhere.
    #[error("`$ref` must name a place in the same schema: `{0}`")]
    Reference(String),
    /// A reference that leads back to where it stands.
    #[error("a schema must not refer to itself: `{0}`")]
    Endless(String),
    /// It is not JSON Schema.
    #[error("{0}")]
    Invalid(String),
}

/// How a value fails to fit a schema. The value itself is not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {message}")]
pub struct Misfit {
    /// Where in the value, as a JSON pointer; empty for the whole.
    pub path: String,
    /// Why.
    pub message: String,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        if !schema.is_object() {
            return Err(SchemaError::NoObject);
        }
        if schema.to_string().len() > MAX_BYTES {
            return Err(SchemaError::TooLarge);
        }
        if schema.get("$schema").is_some_and(|dialect| dialect.as_str() != Some(DIALECT)) {
            return Err(SchemaError::Dialect);
        }
        Survey { root: schema, known: HashMap::new(), open: Vec::new() }.cost(schema, 0)?;
        let invalid = |error: jsonschema::ValidationError<'_>| SchemaError::Invalid(shortened(&error.to_string()));
        jsonschema::draft202012::meta::validate(schema).map_err(invalid)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN))
            .offline()
            .build(schema)
            .map_err(invalid)?;
        Ok(Self { validator })
    }

    /// Judges a value.
    ///
    /// # Errors
    /// The first place that does not fit.
    pub fn fit(&self, value: &Value) -> Result<(), Misfit> {
        self.validator.validate(value).map_err(|error| Misfit {
            path: shortened(error.instance_path().as_str()),
            message: shortened(&error.masked().to_string()),
        })
    }
}

/// At most 300 characters of a text.
fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

/// What a reference leads to within the document.
pub(super) fn target<'v>(root: &'v Value, reference: &str) -> Option<&'v Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.contains('%') || !(pointer.is_empty() || pointer.starts_with('/')) {
        return None;
    }
    root.pointer(pointer)
}

/// Counts a schema with its references written out.
struct Survey<'v> {
    root: &'v Value,
    /// What references cost, by their text.
    known: HashMap<&'v str, u32>,
    /// The references that are being followed.
    open: Vec<&'v str>,
}

impl<'v> Survey<'v> {
    fn cost(&mut self, value: &'v Value, depth: u32) -> Result<u32, SchemaError> {
        if depth > MAX_DEPTH {
            return Err(SchemaError::TooComplex);
        }
        let deeper = depth.saturating_add(1);
        let mut sum = 1_u32;
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let cost = match name.as_str() {
                        "$ref" => self.reference(member, deeper)?,
                        "$dynamicRef" | "$dynamicAnchor" | "$recursiveRef" | "$recursiveAnchor" | "$vocabulary" => {
                            return Err(SchemaError::Keyword(name.clone()));
                        }
                        "$id" if depth > 0 => return Err(SchemaError::Keyword(name.clone())),
                        data if DATA.contains(&data) => 1,
                        _ => self.cost(member, deeper)?,
                    };
                    sum = sum.saturating_add(cost);
                }
            }
            Value::Array(items) => {
                for item in items {
                    sum = sum.saturating_add(self.cost(item, deeper)?);
                }
            }
            _ => {}
        }
        if sum > MAX_COST { Err(SchemaError::TooComplex) } else { Ok(sum) }
    }

    fn reference(&mut self, reference: &'v Value, depth: u32) -> Result<u32, SchemaError> {
        let text = reference.as_str().ok_or_else(|| SchemaError::Reference(shortened(&reference.to_string())))?;
        // Known costs say nothing of the depth here; only what is open can be endless, so depth is looked at anew.
        if let Some(cost) = self.known.get(text) {
            return Ok(*cost);
        }
        if self.open.contains(&text) {
            return Err(SchemaError::Endless(shortened(text)));
        }
        let target = target(self.root, text).ok_or_else(|| SchemaError::Reference(shortened(text)))?;
        self.open.push(text);
        let cost = self.cost(target, depth)?;
        self.open.pop();
        self.known.insert(text, cost);
        Ok(cost)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Schema, SchemaError};

    fn refused(schema: &Value) -> SchemaError {
        Schema::compile(schema).map(|_| ()).unwrap_err()
    }

    #[test]
    fn values_are_judged() {
        let schema = Schema::compile(
            &json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}),
        )
        .unwrap();
        assert!(schema.fit(&json!({"city": "Rome", "n": 3})).is_ok());
        let misfit = schema.fit(&json!({"city": 123_456_789})).unwrap_err();
        assert_eq!(misfit.path, "/city");
        assert!(!misfit.message.contains("123456789"), "{}", misfit.message);
        assert!(schema.fit(&json!({})).is_err());
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for schema in [
            json!("object"),
            json!([]),
            json!(true),
            json!({"type": "objekt"}),
            json!({"type": "object", "required": "city"}),
            json!({"type": "string", "pattern": "("}),
            json!({"minimum": "x"}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            json!({"properties": {"a": {"type": 5}}}),
        ] {
            refused(&schema);
        }
    }

    #[test]
    fn references_stay_in_the_document() {
        for reference in ["https://x.example/s.json", "other.json", "#name", "#/$defs/none", "#/%24defs/a", ""] {
            let schema = json!({"$ref": reference, "$defs": {"a": {}}});
            assert!(matches!(refused(&schema), SchemaError::Reference(_) | SchemaError::Endless(_)), "{reference}");
        }
        let schema = Schema::compile(&json!({
            "properties": {"a": {"$ref": "#/$defs/name"}}, "$defs": {"name": {"type": "string"}},
        }));
        assert!(schema.unwrap().fit(&json!({"a": 1})).is_err());
    }

    #[test]
    fn endless_and_exploding_schemas_are_refused() {
        assert!(matches!(refused(&json!({"$ref": "#"})), SchemaError::Endless(_)));
        assert!(matches!(refused(&json!({"properties": {"a": {"$ref": "#"}}})), SchemaError::Endless(_)));
        assert!(matches!(refused(&json!({"$dynamicRef": "#a"})), SchemaError::Keyword(_)));
        let mut defs = Map::new();
        for n in 0..30 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            defs.insert(format!("d{n}"), json!({"allOf": [next, next]}));
        }
        defs.insert("d30".into(), json!({"type": "string"}));
        assert_eq!(refused(&json!({"$ref": "#/$defs/d0", "$defs": defs})), SchemaError::TooComplex);
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({"not": deep});
        }
        assert_eq!(refused(&deep), SchemaError::TooComplex);
        assert_eq!(refused(&json!({"description": "x".repeat(40_000)})), SchemaError::TooLarge);
    }

    #[test]
    fn data_is_not_taken_for_references() {
        assert!(Schema::compile(&json!({"const": {"$ref": "https://x.example"}})).is_ok());
    }
}
