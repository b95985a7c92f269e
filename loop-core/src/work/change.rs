//! Changes of work as they are written down: which fields, from what to what.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::WorkError;
use crate::{
    access::Ctx,
    audit::{self, Event},
    base::json::Doc,
    store::Tx,
    tool::redact,
};

/// Fields that say nothing that the entry itself does not say.
const LEFT_OUT: [&str; 4] = ["id", "createdAt", "updatedAt", "boosted"];

/// Writes down that something was made (`before` is `None`), changed or deleted.
///
/// # Errors
/// Storage failures.
pub(super) fn write_down<T: Serialize>(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    id: &str,
    before: Option<&T>,
    after: &T,
) -> Result<(), WorkError> {
    let changes = Json::Object(between(before, after));
    // What people write into titles and texts may hold what must not stand in the log.
    let changes = redact::json(Doc::from_value(&changes).root()).masked;
    let body = format!(r#"{{"id":{},"changes":{changes}}}"#, json!(id));
    audit::append(tx, cx, &Event::change(op, &body))?;
    Ok(())
}

/// The fields that differ, each as `{"from": …, "to": …}`.
fn between<T: Serialize>(before: Option<&T>, after: &T) -> Map<String, Json> {
    let fields = |thing: Option<&T>| match thing.map(serde_json::to_value) {
        Some(Ok(Json::Object(fields))) => fields,
        _ => Map::new(),
    };
    let (old, new) = (fields(before), fields(Some(after)));
    let mut changes = Map::new();
    for (name, to) in new {
        let from = old.get(&name).unwrap_or(&Json::Null);
        if *from != to && !LEFT_OUT.contains(&name.as_str()) {
            changes.insert(name, json!({ "from": from, "to": to }));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::between;

    #[test]
    fn only_what_differs_is_told() {
        let old = json!({ "id": "p1", "name": "a", "status": "active", "updatedAt": "1" });
        let new = json!({ "id": "p1", "name": "b", "status": "active", "updatedAt": "2" });
        assert_eq!(json!(between(Some(&old), &new)), json!({ "name": { "from": "a", "to": "b" } }));
        let made = json!({ "name": { "from": null, "to": "b" }, "status": { "from": null, "to": "active" } });
        assert_eq!(json!(between(None, &new)), made);
        assert!(between(Some(&new), &new).is_empty());
    }
}
