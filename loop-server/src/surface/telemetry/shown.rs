//! A project as it is answered.

use loop_core::{
    base::{TenantId, Time},
    onboarding::{
        OnboardingError, Project,
        code::{self, Purpose},
        project::Pair,
    },
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{http::Failure, state::App};

/// A project: what its owner must keep, and where to go from here.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProjectShown {
    /// Its id.
    project_id: String,
    /// The tenant it belongs to.
    tenant_id: TenantId,
    /// The key that sends its spans. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    producer_key: Option<String>,
    /// The key that reads them and has them diagnosed. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_key: Option<String>,
    /// How many spans it may send in all; null for any number.
    quota_spans: Option<u64>,
    /// When it ends, with its keys and its spans; null when it is permanent.
    expires_at: Option<Time>,
    /// Where OpenTelemetry's exporters send spans.
    ingest_url: String,
    /// Where spans are diagnosed.
    diagnose_url: String,
    /// What gets new keys when these are lost; null where there is no recovery.
    recovery_code: Option<String>,
    /// Where people recover keys.
    dashboard_url: String,
}

impl ProjectShown {
    /// A project, with its keys when they are new.
    pub(super) fn of(app: &App, project: &Project, pair: Option<&Pair>) -> Self {
        let base = base(app);
        let settings = &app.config.onboarding;
        // Whoever holds a tenant's key makes another project instead: codes are for those who hold nothing else.
        let secret = settings.secret.as_ref().filter(|_| project.tenant == settings.sandbox);
        Self {
            project_id: project.id.to_string(),
            tenant_id: project.tenant.clone(),
            producer_key: pair.map(|pair| pair.producer.expose().to_owned()),
            agent_key: pair.map(|pair| pair.agent.expose().to_owned()),
            quota_spans: project.quota_spans,
            expires_at: project.expires_at,
            ingest_url: format!("{base}/v1/traces"),
            diagnose_url: format!("{base}/v1/runs/diagnose"),
            recovery_code: secret.map(|secret| code::make(secret, Purpose::Recover, &project.id).expose().to_owned()),
            dashboard_url: dashboard(app, &project.id),
        }
    }
}

/// Where people see to a project. The URL holds no secret.
pub(super) fn dashboard(app: &App, project: &str) -> String {
    format!("{}/dashboard?project_id={project}", base(app))
}

/// The URL under which people reach this server.
pub(super) fn base(app: &App) -> &str {
    app.config.public_url.as_deref().unwrap_or("http://localhost").trim_end_matches('/')
}

/// A room's refusal.
pub(super) fn refused(error: &OnboardingError) -> Failure {
    Failure::of(error.code(), error)
}
