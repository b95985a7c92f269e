//! The flags of projects of telemetry.

use std::num::NonZeroU32;

use clap::Args;
use loop_core::base::{TenantId, secret::Secret};

use super::serve::switch;
use crate::config::{Onboarding, PROVISIONS, RECOVERIES, SANDBOX, SANDBOX_DAYS, SANDBOX_PROJECTS, SANDBOX_QUOTA};

/// What projects of telemetry are granted. `SIGNUP_UPGRADE_SECRET` holds what codes are made with.
#[derive(Debug, Clone, Args)]
pub struct OnboardingArgs {
    /// Make provisioned projects permanent at once; needs SIGNUP_UPGRADE_SECRET [default: they end by themselves]
    #[arg(long, env = "PROVISION_AUTO_GRADUATE", value_parser = switch)]
    pub provision_auto_graduate: bool,
    /// The tenant of projects of telemetry that are made without a key
    #[arg(long, env = "LOOP_SANDBOX_TENANT", value_name = "TENANT", default_value = SANDBOX, value_parser = stranger)]
    pub sandbox_tenant: TenantId,
    /// Projects that may be made without a key; 0 for none
    #[arg(long, env = "LOOP_SANDBOX_PROJECTS", value_name = "COUNT", default_value_t = SANDBOX_PROJECTS,
          value_parser = clap::value_parser!(u64).range(0..=SANDBOX_PROJECTS))]
    pub sandbox_projects: u64,
    /// Spans that a project made without a key may send in all
    #[arg(long, env = "LOOP_SANDBOX_QUOTA", value_name = "SPANS", default_value_t = SANDBOX_QUOTA)]
    pub sandbox_quota: u64,
    /// Days after which a project made without a key ends, unless it is made permanent
    #[arg(long, env = "LOOP_SANDBOX_DAYS", value_name = "DAYS", default_value_t = SANDBOX_DAYS,
          value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub sandbox_days: u32,
    /// Spans that a project made with a tenant's key may send in all [default: any number]
    #[arg(long, env = "LOOP_PROJECT_QUOTA", value_name = "SPANS")]
    pub project_quota: Option<u64>,
    /// Projects that one network address may make without a key, per minute
    #[arg(long, env = "LOOP_PROVISION_LIMIT", value_name = "COUNT", default_value_t = PROVISIONS)]
    pub provision_limit: NonZeroU32,
    /// Times per minute that one network address may try to recover the keys of a project
    #[arg(long, env = "LOOP_RECOVER_LIMIT", value_name = "COUNT", default_value_t = RECOVERIES)]
    pub recover_limit: NonZeroU32,
}

/// A tenant that strangers may have. What they send must not become work in the operator's own.
fn stranger(text: &str) -> Result<TenantId, String> {
    let text = if text.is_empty() { SANDBOX } else { text };
    match TenantId::parse(text) {
        Some(tenant) if tenant != TenantId::default_tenant() => Ok(tenant),
        Some(_) => Err("strangers' projects need a tenant of their own".to_owned()),
        None => Err("it is no tenant id".to_owned()),
    }
}

impl OnboardingArgs {
    /// The settings.
    #[must_use]
    pub fn settings(&self, secret: Option<Secret>) -> Onboarding {
        Onboarding {
            secret,
            auto_graduate: self.provision_auto_graduate,
            sandbox: self.sandbox_tenant.clone(),
            sandbox_projects: self.sandbox_projects,
            sandbox_quota: self.sandbox_quota,
            sandbox_days: self.sandbox_days,
            project_quota: self.project_quota,
            provisions_per_minute: self.provision_limit,
            recoveries_per_minute: self.recover_limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::{cli::args::Cli, config::Onboarding};

    fn settings(arguments: &[&str], secret: Option<&str>) -> Option<Onboarding> {
        let cli = Cli::try_parse_from([&["loop-server"], arguments].concat()).ok()?;
        let config = cli.serve.config(|name| secret.filter(|_| name == "SIGNUP_UPGRADE_SECRET").map(str::to_owned));
        Some(config.onboarding)
    }

    #[test]
    fn without_a_word_projects_end_and_strangers_have_a_tenant_of_their_own() {
        let said = settings(&[], None).expect("parses");
        let usual = Onboarding::default();
        assert_eq!(said.grants(), usual.grants());
        assert_eq!((said.sandbox.as_str(), said.sandbox_quota, said.sandbox_days), ("sandbox", 10_000, 7));
        assert_eq!((said.provisions_per_minute.get(), said.recoveries_per_minute.get()), (10, 5));
        assert!(said.secret.is_none() && !said.grants().graduates);
    }

    #[test]
    fn graduating_needs_a_secret() {
        let graduates = |secret| settings(&["--provision-auto-graduate"], secret).map(|said| said.grants().graduates);
        assert_eq!(
            (graduates(None), graduates(Some("")), graduates(Some("s"))),
            (Some(false), Some(false), Some(true))
        );
    }

    #[test]
    fn strangers_never_share_the_operators_tenant() {
        assert!(settings(&["--sandbox-tenant", "guests"], None).is_some());
        for bad in ["default", "_directory", "no tenant"] {
            assert!(settings(&["--sandbox-tenant", bad], None).is_none(), "{bad}");
        }
    }
}
