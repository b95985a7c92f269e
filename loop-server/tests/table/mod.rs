//! What holds for every row of the route table.

mod access;
mod answers;
mod documents;

use loop_server::{http::Row, surface};
use serde_json::Value;

use crate::support::{Answer, Fixture};

/// Every row, by its operation.
fn row(operation: &str) -> &'static Row {
    surface::rows()
        .into_iter()
        .find(|row| row.operation == operation)
        .unwrap_or_else(|| panic!("an example needs `{operation}`, which is not in the table"))
}

/// The row's path with something in every place, for calls that are refused before anything is looked up.
fn some_path(row: &Row) -> String {
    row.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

/// Runs the examples that the row's example needs and answers its path with `{id}` filled in.
async fn prepare(fixture: &Fixture, row: &Row) -> String {
    let example = row.example.expect("a row with an example");
    let mut last = Value::Null;
    for before in example.before {
        let answer = match before.splitn(3, ' ').collect::<Vec<_>>()[..] {
            [operation] => Box::pin(run(fixture, self::row(operation))).await,
            [method, path] => fixture.call(method, path, &fixture.key, "").await,
            [method, path, body] => fixture.call(method, path, &fixture.key, body).await,
            _ => panic!("{row:?}: `{before}` says nothing"),
        };
        assert!(answer.status < 300, "{row:?}: `{before}` answered {}", answer.text());
        last = answer.json();
    }
    if example.path.contains("{id}") {
        let id = last.pointer(example.id).unwrap_or_else(|| panic!("{row:?}: no `{}` in {last}", example.id));
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        return example.path.replace("{id}", &loop_server::http::path::encode(&id));
    }
    example.path.to_owned()
}

/// Runs the row's example, which must succeed.
async fn run(fixture: &Fixture, row: &Row) -> Answer {
    let path = prepare(fixture, row).await;
    let body = row.example.expect("a row with an example").body;
    let answer = fixture.call(row.method.as_str(), &path, &fixture.key, body).await;
    assert!(row.success.contains(&answer.status), "{row:?} answered {}: {}", answer.status, answer.text());
    answer
}
