//! The route table as an OpenAPI 3.1 document.

use schemars::{
    Schema,
    generate::{SchemaGenerator, SchemaSettings},
};
use serde_json::{Map, Value, json};

use super::{
    Access, Output, Row,
    dialect::{KeyPlace, QueryKey, Refusal},
};
use crate::surface::Surface;

/// The document for these rows.
#[must_use]
pub fn document(rows: &[&'static Row]) -> Value {
    let mut inputs = generator(SchemaSettings::draft2020_12().for_deserialize());
    let mut outputs = generator(SchemaSettings::draft2020_12().for_serialize());
    let mut operations: Vec<(&'static Row, Value)> =
        rows.iter().map(|row| (*row, operation(row, &mut inputs, &mut outputs))).collect();

    let mut schemas = inputs.take_definitions(true);
    let mut answers = Value::Object(outputs.take_definitions(true));
    // A type that reads and writes differently gets a second name for its written form.
    let differing: Vec<String> = answers
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, schema)| schemas.get(*name).is_some_and(|other| other != *schema))
        .map(|(name, _)| name.clone())
        .collect();
    for name in &differing {
        rename(&mut answers, name);
        for (_, operation) in &mut operations {
            operation.get_mut("responses").into_iter().for_each(|responses| rename(responses, name));
        }
    }
    for (name, schema) in answers.as_object().into_iter().flatten() {
        let name = if differing.contains(name) { answer_name(name) } else { name.clone() };
        schemas.insert(name, schema.clone());
    }
    schemas.sort_keys();

    let mut paths = Map::new();
    for (row, operation) in operations {
        let path = row.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(row.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Loop",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The governance layer for AI agents",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes() },
    })
}

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    let settings = settings.with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    SchemaGenerator::new(settings)
}

fn answer_name(name: &str) -> String {
    format!("{name}Answer")
}

/// Points every reference to `name` at its second name.
fn rename(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(target) if key == "$ref" && target.strip_prefix(PREFIX) == Some(name) => {
                        *target = format!("{PREFIX}{}", answer_name(name));
                    }
                    _ => rename(member, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name)),
        _ => {}
    }
}

const PREFIX: &str = "#/components/schemas/";
/// What keys in `Authorization` are called.
const BEARER: &str = "bearerAuth";

fn operation(row: &Row, inputs: &mut SchemaGenerator, outputs: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = row
        .path_params()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(row.query.iter().map(
        |param| json!({ "name": param.name, "in": "query", "description": param.about, "schema": { "type": param.kind } }),
    ));
    let mut operation = json!({
        "operationId": row.operation,
        "summary": row.summary,
        "tags": [row.surface.dialect().name],
        "parameters": parameters,
        "responses": responses(row, outputs),
        "security": security(row),
    });
    if let (Some(input), Some(operation)) = (row.input, operation.as_object_mut()) {
        let schema: Schema = input(inputs);
        let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        operation.insert("requestBody".to_owned(), body);
    }
    if let Some(operation) = operation.as_object_mut() {
        match row.access {
            Access::Scope(scope) => operation.insert("x-scope".to_owned(), scope.as_str().into()),
            Access::AnyOf(scopes) => {
                let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
                operation.insert("x-scope-any-of".to_owned(), names.into())
            }
            Access::Key | Access::Public | Access::Token | Access::Webhook(_) | Access::Code => None,
        };
    }
    operation
}

fn responses(row: &Row, outputs: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for status in row.success {
        let response = match row.output {
            _ if *status == 501 => json!({ "description": "not built yet" }),
            Output::Json(schema) => {
                let schema: Schema = schema(outputs);
                json!({ "description": row.summary, "content": { "application/json": { "schema": schema } } })
            }
            Output::Nothing => json!({ "description": row.summary }),
            Output::Media(media) => json!({ "description": row.summary, "content": { media: {} } }),
        };
        responses.insert(status.to_string(), response);
    }
    let example = Refusal {
        code: loop_core::base::Code::InvalidRequest,
        status: 400,
        message: "what is wrong, for people",
        request_id: "0123456789ab-0000000001",
        extra: None,
    };
    let example = (row.surface.dialect().failure)(&example);
    let failure = json!({ "description": "a failure", "content": { "application/json": { "example": example } } });
    responses.insert("default".to_owned(), failure);
    Value::Object(responses)
}

/// The ways in which a surface takes keys.
fn schemes(surface: Surface) -> Vec<String> {
    let dialect = surface.dialect();
    let mut names: Vec<String> = dialect
        .keys
        .iter()
        .map(|place| match place {
            KeyPlace::Header(name) => (*name).to_owned(),
            KeyPlace::Bearer | KeyPlace::ExactBearer => BEARER.to_owned(),
        })
        .collect();
    if dialect.query_key != QueryKey::Never {
        names.push("api_key".to_owned());
    }
    names
}

fn security(row: &Row) -> Value {
    match row.access {
        Access::Scope(_) | Access::AnyOf(_) | Access::Key => schemes(row.surface)
            .into_iter()
            .filter(|name| name != "api_key" || row.surface.dialect().query_key.allows(&row.method))
            .map(|name| json!({ name: [] }))
            .collect(),
        Access::Public | Access::Token | Access::Webhook(_) | Access::Code => json!([]),
    }
}

fn security_schemes() -> Value {
    let mut all = Map::new();
    for name in Surface::ALL.into_iter().flat_map(schemes) {
        let scheme = match name.as_str() {
            BEARER => json!({ "type": "http", "scheme": "bearer" }),
            "api_key" => json!({ "type": "apiKey", "in": "query", "name": "api_key" }),
            header => json!({ "type": "apiKey", "in": "header", "name": header }),
        };
        all.insert(name, scheme);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::document;
    use crate::surface;

    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    if let ("$ref", Value::String(target)) = (key.as_str(), member) {
                        found.push(target);
                    }
                    references(member, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = document(&surface::rows());
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_row_stands_in_the_document_with_its_access() {
        let document = document(&surface::rows());
        for row in surface::rows() {
            let path = row.path.replace("{*", "{");
            let operation = &document["paths"][&path][row.method.as_str().to_ascii_lowercase()];
            assert_eq!(operation["operationId"], row.operation, "{row:?}");
            assert_eq!(operation["security"] != json!([]), row.access.guarded(), "{row:?}");
        }
    }
}
