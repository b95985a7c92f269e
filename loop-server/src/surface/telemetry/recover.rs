//! `/v1/recover` and the page at `/dashboard`: new keys for a project whose keys are lost.

use http::{HeaderMap, Method, header};
use loop_core::{
    onboarding::{Project, keep, project::Pair},
    store::Lane,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    provision::context,
    shown::{dashboard, refused},
};
use crate::{
    http::{
        Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of,
        table::{Outcome, Param},
    },
    outbound::show,
    surface::Surface,
};

/// The longest text of the page's address that the page repeats, in characters.
const SHOWN_MAX: usize = 100;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/v1/recover",
        operation: "telemetry_project.recover",
        surface: Surface::Telemetry,
        access: Access::Code,
        summary: "New keys for a project by its recovery code; the old ones stop at once",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<Recovered>),
        success: &[200],
        body_limit: 16 << 10,
        handler: Handler::Later(|call| Box::pin(recover(call))),
        example: None,
    },
    Row {
        method: Method::GET,
        path: "/dashboard",
        operation: "telemetry_project.page",
        surface: Surface::Telemetry,
        access: Access::Public,
        summary: "A page for people: where to read a project, and new keys by its recovery code",
        query: &[Param { name: "project_id", kind: "string", about: "The project to begin with" }],
        input: None,
        output: Output::Media("text/html"),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Now(|call| Ok(Reply::page(form(&call.query("project_id").unwrap_or_default(), "")))),
        example: Some(Example { before: &[], id: "", path: "/dashboard", body: "" }),
    },
];

/// A project and its recovery code.
#[derive(Deserialize, JsonSchema)]
struct Input {
    /// The project.
    project_id: String,
    /// HMAC-SHA256 of `recover:` and the project's id, in hexadecimal: what was answered when it was made.
    recovery_code: String,
}

/// New keys.
#[derive(Serialize, JsonSchema)]
struct Recovered {
    /// The project.
    project_id: String,
    /// The key that sends its spans. It is shown this once.
    producer_key: String,
    /// The key that reads them and has them diagnosed. It is shown this once.
    agent_key: String,
    /// Where people recover keys.
    dashboard_url: String,
}

async fn recover(call: Call) -> Outcome {
    if !is_form(&call.headers) {
        let (project, pair) = renewed(&call, call.json()?).await?;
        return Reply::json(&Recovered {
            producer_key: pair.producer.expose().to_owned(),
            agent_key: pair.agent.expose().to_owned(),
            dashboard_url: dashboard(&call.app, &project.id),
            project_id: project.id.into(),
        });
    }
    let field = |name: &str| {
        let found = url::form_urlencoded::parse(&call.body).find(|(field, _)| field == name);
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let input = Input { project_id: field("project_id"), recovery_code: field("recovery_code") };
    let project_id = input.project_id.clone();
    Ok(match renewed(&call, input).await {
        Ok((project, pair)) => Reply::page(keys(&project, &pair)),
        Err(failure) if failure.status().is_server_error() => return Err(failure),
        Err(failure) => Reply::page(form(&project_id, failure.message())).with_status(failure.status()),
    })
}

async fn renewed(call: &Call, input: Input) -> Result<(Project, Pair), Failure> {
    call.app.recoveries.take(call.peer, Instant::now())?;
    let (cx, secret) = (context(call, None)?, call.app.config.onboarding.secret.clone());
    let home = cx.tenant().clone();
    let renewed = call.app.engine.write_as_system(&home, "telemetry_project.recover", Lane::Normal, move |tx| {
        keep::recover(tx, &cx, secret.as_ref(), &input.project_id, &input.recovery_code)
    });
    renewed.await.map_err(|error| refused(&error))
}

/// Whether the page sent it.
fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The page with the form, and what went wrong when it was sent before.
fn form(project: &str, wrong: &str) -> String {
    let wrong = if wrong.is_empty() { String::new() } else { format!("<p role=\"alert\">{}</p>", html(wrong)) };
    page(
        "Project dashboard",
        &format!(
            "<p>Read a project with its agent key: <code>GET /v1/dashboard</code> and \
             <code>GET /v1/reports/latest.md</code>, the key in <code>Authorization: Bearer</code>.</p>\
             <h2>Recover keys</h2><p>The recovery code came with the project. New keys take the place of the old ones, \
             which stop at once.</p>{wrong}<form method=\"post\" action=\"/v1/recover\">\
             <label>Project id<input name=\"project_id\" value=\"{}\" required maxlength=\"100\" autocomplete=\"off\"></label>\
             <label>Recovery code<input name=\"recovery_code\" type=\"password\" required maxlength=\"100\" autocomplete=\"off\">\
             </label><button>Make new keys</button></form>",
            html(project)
        ),
    )
}

/// The page with the new keys.
fn keys(project: &Project, pair: &Pair) -> String {
    page(
        "New keys",
        &format!(
            "<p>Keep them now: they are shown this once. The old keys of <code>{}</code> have stopped.</p>\
             <dl><dt>Producer key</dt><dd><code>{}</code></dd><dt>Agent key</dt><dd><code>{}</code></dd></dl>",
            html(&project.id),
            html(pair.producer.expose()),
            html(pair.agent.expose())
        ),
    )
}

/// Text made visible and harmless in HTML.
fn html(text: &str) -> String {
    show::escaped(text, SHOWN_MAX, |char, out| match char {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        other => out.push(other),
    })
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;\
         max-width:44rem;margin:3rem auto;padding:0 1rem}}label{{display:block;margin-top:.8rem;font-weight:600}}\
         input{{display:block;font:inherit;width:100%;padding:.4rem;box-sizing:border-box}}code{{word-break:break-all}}\
         button{{font:inherit;padding:.6rem 1.4rem;margin-top:1.5rem}}[role=alert]{{font-weight:600}}\
         </style></head><body><h1>{title}</h1>{body}</body></html>"
    )
}
