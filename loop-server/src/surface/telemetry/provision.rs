//! `/v1/provision` and `/v1/signup`: making projects.

use http::{Method, StatusCode, header};
use loop_core::{
    access::{Caller, Ctx},
    onboarding::{
        OnboardingError,
        project::Pair,
        provision::{self, Asker, Provisioned, Wanted, Way},
    },
    store::{Lane, StoreExt},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::shown::{ProjectShown, refused};
use crate::{
    http::{Access, Call, Example, Failure, Handler, Output, Reply, Row, auth, schema_of, table::Outcome},
    surface::Surface,
};

/// The largest body, in bytes.
const BODY: usize = 16 << 10;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/v1/provision",
        operation: "telemetry_project.provision",
        surface: Surface::Telemetry,
        access: Access::Public,
        summary: "Make the project of a name and its keys, or resume it with one of its own keys",
        query: &[],
        input: Some(schema_of::<ProvisionInput>),
        output: Output::Json(schema_of::<ProvisionShown>),
        success: &[201, 200],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(provision(call))),
        example: Some(Example { before: &[], id: "", path: "/v1/provision", body: r#"{"project_name":"My App"}"# }),
    },
    Row {
        method: Method::POST,
        path: "/v1/signup",
        operation: "telemetry_project.sign_up",
        surface: Surface::Telemetry,
        access: Access::Public,
        summary: "Make a new project that ends by itself, and its keys",
        query: &[],
        input: Some(schema_of::<SignupInput>),
        output: Output::Json(schema_of::<ProjectShown>),
        success: &[201],
        body_limit: BODY,
        handler: Handler::Later(|call| Box::pin(sign_up(call))),
        example: Some(Example { before: &[], id: "", path: "/v1/signup", body: r#"{"project_name":"My App"}"# }),
    },
];

/// The project of a name.
#[derive(Debug, Deserialize, JsonSchema)]
struct ProvisionInput {
    /// Its name, 1 to 200 characters: who says it again gets the same project.
    project_name: String,
    /// Under whom the name is its own, 1 to 100 characters.
    operator: Option<String>,
    /// Whether what a diagnosis finds becomes a signal also when nobody asks for it; counts when the project is made.
    #[serde(default)]
    auto_signal: bool,
}

/// A new project.
#[derive(Debug, Deserialize, JsonSchema)]
struct SignupInput {
    /// Its name, 1 to 200 characters.
    project_name: Option<String>,
}

/// A project that was made or resumed.
#[derive(Debug, Serialize, JsonSchema)]
struct ProvisionShown {
    #[serde(flatten)]
    project: ProjectShown,
    /// Whether it was there. Its keys are not shown again.
    resumed: bool,
    /// Whether it is permanent.
    graduated: bool,
}

async fn provision(call: Call) -> Outcome {
    let input: ProvisionInput = call.json()?;
    let ProvisionInput { project_name, operator, auto_signal } = input;
    let wanted = Wanted { name: Some(project_name), operator, auto_signal };
    wanted.check().map_err(|error| refused(&error))?;
    let caller = caller(&call).await?;
    let asker = Asker::of(caller.as_ref()).map_err(|error| Failure::of(error.code(), &error))?;
    let (engine, grants) = (&call.app.engine, call.app.config.onboarding.grants());
    let (cx, asked, known) = (context(&call, caller.clone())?, (asker.clone(), wanted.clone()), grants.clone());
    let look = engine.store().read("telemetry_project.look", move |tx| {
        recheck(tx, &cx)?;
        let (asker, wanted) = &asked;
        provision::look(tx, &cx, &known, asker, wanted).map(|found| found.map(|stored| stored.value))
    });
    let found = look.await;
    if let Ok(Some(project)) = &found
        && !grants.may_graduate(project)
    {
        return shown(&call, &Provisioned::Resumed(project.clone()));
    }
    // Resuming is never limited; trying names is. A tenant's key has limits of its own.
    if !matches!(found, Ok(Some(_))) && asker != Asker::Tenant {
        call.app.provisions.take(call.peer, Instant::now())?;
    }
    found.map_err(|error| refused(&error))?;
    let cx = context(&call, caller)?;
    let home = cx.tenant().clone();
    let made = engine.write_as_system(&home, "telemetry_project.provision", Lane::Normal, move |tx| {
        recheck(tx, &cx)?;
        provision::provision(tx, &cx, &grants, &asker, &wanted)
    });
    shown(&call, &made.await.map_err(|error| refused(&error))?)
}

fn shown(call: &Call, provisioned: &Provisioned) -> Outcome {
    let (project, pair, status): (_, Option<&Pair>, _) = match provisioned {
        Provisioned::Resumed(project) => (project, None, StatusCode::OK),
        Provisioned::Made(project, pair) => (project, Some(pair), StatusCode::CREATED),
    };
    let shown = ProvisionShown {
        resumed: pair.is_none(),
        graduated: project.expires_at.is_none(),
        project: ProjectShown::of(&call.app, project, pair),
    };
    Ok(Reply::json(&shown)?.with_status(status))
}

async fn sign_up(call: Call) -> Outcome {
    let input: SignupInput = call.json()?;
    let wanted = Wanted { name: input.project_name, ..Wanted::default() };
    wanted.check().map_err(|error| refused(&error))?;
    call.app.provisions.take(call.peer, Instant::now())?;
    let (cx, grants) = (context(&call, None)?, call.app.config.onboarding.grants());
    let home = cx.tenant().clone();
    let made = call.app.engine.write_as_system(&home, "telemetry_project.sign_up", Lane::Normal, move |tx| {
        provision::mint(tx, &cx, &grants, &Asker::Stranger, &wanted, Way::SignedUp)
    });
    let (project, pair) = made.await.map_err(|error| refused(&error))?;
    Ok(Reply::json(&ProjectShown::of(&call.app, &project, Some(&pair)))?.with_status(StatusCode::CREATED))
}

/// Who provisions: nobody in particular without a key, but a key that is presented must be a good one.
async fn caller(call: &Call) -> Result<Option<Caller>, Failure> {
    if !call.headers.contains_key(header::AUTHORIZATION) && !call.headers.contains_key("x-api-key") {
        return Ok(None);
    }
    auth::caller(&call.app, call.row, &call.method, &call.headers, None, call.now).await.map(Some)
}

/// What a use case runs in: the caller's tenant, or the sandbox without one.
pub(super) fn context(call: &Call, caller: Option<Caller>) -> Result<Ctx, Failure> {
    let stranger = || Caller::system(call.app.config.onboarding.sandbox.clone(), "onboarding");
    let cx = call.app.engine.context(caller.unwrap_or_else(stranger)).map_err(OnboardingError::from);
    cx.map_err(|error| refused(&error))
}

/// Makes sure that a key that was presented is still valid.
fn recheck(tx: &mut dyn loop_core::store::Tx, cx: &Ctx) -> Result<(), OnboardingError> {
    let keyed = cx.caller.key != loop_core::base::id::KeyId::NONE;
    Ok(if keyed { cx.caller.recheck(tx, cx.now) } else { Ok(()) }?)
}
