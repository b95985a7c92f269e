//! What a key may do.

/// One permission. The spelling is that of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Ask for decisions: intercept, enforce, evaluate, proxy.
    PolicyEvaluate,
    /// Read approval rules and settings.
    RulesRead,
    /// Create, change and delete approval rules.
    RulesWrite,
    /// See pending and settled approvals.
    ApprovalsRead,
    /// Approve or deny.
    ApprovalsDecide,
    /// Block and unblock tools.
    ToolsBlock,
    /// Read the decision log, statistics and the audit journal.
    LogsRead,
    /// Change settings, notification targets and retention.
    SettingsWrite,
    /// Erase a person's or the tenant's data.
    DataErase,
    /// Create, list and revoke keys.
    KeysManage,
    /// Send messages to other loops.
    AapSend,
    /// Read a loop's inbox and threads.
    AapRead,
    /// Invoke published tools.
    ToolsInvoke,
    /// Publish tool manifests.
    ToolsPublish,
    /// Attach proofs to outcomes.
    ProofCreate,
    /// Attest proofs as an auditor.
    ProofAudit,
    /// Read trust scores and their events.
    TrustRead,
    /// Read contracts and transactions.
    ContractsRead,
    /// Make, release, refund and dispute transactions. Implies [`Scope::TasksWrite`].
    ContractsWrite,
    /// Read tasks.
    TasksRead,
    /// Make tasks and move them on.
    TasksWrite,
    /// List loops.
    LoopsRead,
    /// Make loops and change them.
    LoopsWrite,
    /// Read any wallet of the tenant.
    CreditsRead,
    /// Put credits into wallets.
    CreditsGrant,
    /// Read issues, projects, goals, labels, comments and relations.
    IssuesRead,
    /// Make and change them. Implies [`Scope::IssuesRead`].
    IssuesWrite,
    /// Read signals. Implied by [`Scope::IssuesRead`].
    SignalsRead,
    /// Send signals, each of which makes an issue.
    SignalsWrite,
    /// Read prompt templates, their versions and reviews.
    PromptsRead,
    /// Make, promote and review prompts. Implies [`Scope::PromptsRead`].
    PromptsWrite,
    /// Take issues out of the queue, and give them back.
    DispatchClaim,
    /// Read what is going on as a whole.
    DashboardRead,
    /// Send spans of telemetry.
    TelemetryWrite,
    /// Read telemetry and its sessions.
    TelemetryRead,
    /// Have telemetry diagnosed, and make signals of what is found.
    RunsWrite,
    /// Read reports of telemetry.
    ReportsRead,
    /// Make projects of telemetry in the tenant.
    ProjectsWrite,
    /// Work on the one issue that was claimed. Only the key in a claim's prompt holds it; none is ever given it.
    IssuesClaimed,
}

impl Scope {
    /// Every scope that a key can be given, in declaration order.
    pub const ALL: [Self; 38] = [
        Self::PolicyEvaluate,
        Self::RulesRead,
        Self::RulesWrite,
        Self::ApprovalsRead,
        Self::ApprovalsDecide,
        Self::ToolsBlock,
        Self::LogsRead,
        Self::SettingsWrite,
        Self::DataErase,
        Self::KeysManage,
        Self::AapSend,
        Self::AapRead,
        Self::ToolsInvoke,
        Self::ToolsPublish,
        Self::ProofCreate,
        Self::ProofAudit,
        Self::TrustRead,
        Self::ContractsRead,
        Self::ContractsWrite,
        Self::TasksRead,
        Self::TasksWrite,
        Self::LoopsRead,
        Self::LoopsWrite,
        Self::CreditsRead,
        Self::CreditsGrant,
        Self::IssuesRead,
        Self::IssuesWrite,
        Self::SignalsRead,
        Self::SignalsWrite,
        Self::PromptsRead,
        Self::PromptsWrite,
        Self::DispatchClaim,
        Self::DashboardRead,
        Self::TelemetryWrite,
        Self::TelemetryRead,
        Self::RunsWrite,
        Self::ReportsRead,
        Self::ProjectsWrite,
    ];

    /// Names of several scopes at once, for whoever makes a key.
    const TOGETHER: [(&str, [Self; 2]); 3] = [
        ("issues:*", [Self::IssuesRead, Self::IssuesWrite]),
        ("signals:*", [Self::SignalsRead, Self::SignalsWrite]),
        ("prompts:*", [Self::PromptsRead, Self::PromptsWrite]),
    ];

    /// The spelling in keys, answers and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PolicyEvaluate => "policy:evaluate",
            Self::RulesRead => "rules:read",
            Self::RulesWrite => "rules:write",
            Self::ApprovalsRead => "approvals:read",
            Self::ApprovalsDecide => "approvals:decide",
            Self::ToolsBlock => "tools:block",
            Self::LogsRead => "logs:read",
            Self::SettingsWrite => "settings:write",
            Self::DataErase => "data:erase",
            Self::KeysManage => "keys:manage",
            Self::AapSend => "aap:send",
            Self::AapRead => "aap:read",
            Self::ToolsInvoke => "tools:invoke",
            Self::ToolsPublish => "tools:publish",
            Self::ProofCreate => "proof:create",
            Self::ProofAudit => "proof:audit",
            Self::TrustRead => "trust:read",
            Self::ContractsRead => "contracts:read",
            Self::ContractsWrite => "contracts:write",
            Self::TasksRead => "tasks:read",
            Self::TasksWrite => "tasks:write",
            Self::LoopsRead => "loops:read",
            Self::LoopsWrite => "loops:write",
            Self::CreditsRead => "credits:read",
            Self::CreditsGrant => "credits:grant",
            Self::IssuesRead => "issues:read",
            Self::IssuesWrite => "issues:write",
            Self::SignalsRead => "signals:read",
            Self::SignalsWrite => "signals:write",
            Self::PromptsRead => "prompts:read",
            Self::PromptsWrite => "prompts:write",
            Self::DispatchClaim => "dispatch:claim",
            Self::DashboardRead => "dashboard:read",
            Self::TelemetryWrite => "telemetry:write",
            Self::TelemetryRead => "telemetry:read",
            Self::RunsWrite => "runs:write",
            Self::ReportsRead => "reports:read",
            Self::ProjectsWrite => "projects:write",
            Self::IssuesClaimed => "issues:claimed",
        }
    }

    /// The next wider scope, which holds this one.
    const fn implied_by(self) -> Option<Self> {
        match self {
            Self::TasksWrite => Some(Self::ContractsWrite),
            Self::IssuesRead => Some(Self::IssuesWrite),
            Self::SignalsRead => Some(Self::IssuesRead),
            Self::PromptsRead => Some(Self::PromptsWrite),
            _ => None,
        }
    }

    /// Whether a sandbox key may use it: what it does is read, simulated or marked as such. The rest changes what live
    /// keys may do or see.
    const fn in_sandbox(self) -> bool {
        match self {
            Self::PolicyEvaluate
            | Self::RulesRead
            | Self::ApprovalsRead
            | Self::LogsRead
            | Self::KeysManage
            | Self::AapSend
            | Self::AapRead
            | Self::ToolsInvoke
            | Self::ProofCreate
            | Self::TrustRead
            | Self::ContractsRead
            | Self::ContractsWrite
            | Self::TasksRead
            | Self::TasksWrite
            | Self::LoopsRead
            | Self::CreditsRead
            | Self::IssuesRead
            | Self::SignalsRead
            | Self::PromptsRead
            | Self::DashboardRead
            | Self::TelemetryRead
            | Self::ReportsRead => true,
            Self::RulesWrite
            | Self::ApprovalsDecide
            | Self::ToolsBlock
            | Self::SettingsWrite
            | Self::DataErase
            | Self::ToolsPublish
            | Self::ProofAudit
            | Self::LoopsWrite
            | Self::CreditsGrant
            | Self::IssuesWrite
            | Self::SignalsWrite
            | Self::PromptsWrite
            | Self::DispatchClaim
            | Self::TelemetryWrite
            | Self::RunsWrite
            | Self::ProjectsWrite
            | Self::IssuesClaimed => false,
        }
    }

    /// Reads the spelling of a scope that a key can be given.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u64);

impl Scopes {
    /// No scope at all.
    pub const NONE: Self = Self(0);

    /// Every scope that a key can be given.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether the set holds `scope`, named or implied by a wider one.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        let mut wanted = Some(scope);
        while let Some(scope) = wanted {
            if self.names(scope) {
                return true;
            }
            wanted = scope.implied_by();
        }
        false
    }

    /// Whether the set names `scope` itself.
    const fn names(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether every scope of `other` is in this set.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.iter().all(|scope| self.has(scope))
    }

    /// What of this set `limit` lets stand. A scope that was only implied is named when the one that implied it goes.
    #[must_use]
    pub fn within(self, limit: Self) -> Self {
        let named: Self = self.iter().filter(|scope| limit.has(*scope)).collect();
        let implied =
            Scope::ALL.into_iter().filter(|scope| self.has(*scope) && limit.has(*scope) && !named.has(*scope));
        named.iter().chain(implied).collect()
    }

    /// What of this set a sandbox key may use.
    #[must_use]
    pub fn in_sandbox(self) -> Self {
        self.iter().filter(|scope| scope.in_sandbox()).collect()
    }

    /// The scopes that the set names, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().chain([Scope::IssuesClaimed]).filter(move |scope| self.names(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u8))
    }
}

impl std::fmt::Debug for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::as_str)).finish()
    }
}

impl serde::Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> serde::Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        let mut scopes = Vec::new();
        for name in &names {
            match (Scope::parse(name), Scope::TOGETHER.iter().find(|(together, _)| together == name)) {
                (Some(scope), _) => scopes.push(scope),
                (None, Some((_, both))) => scopes.extend(both),
                (None, None) => return Err(serde::de::Error::custom(format_args!("unknown scope `{name}`"))),
            }
        }
        Ok(scopes.into_iter().collect())
    }
}

impl schemars::JsonSchema for Scopes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scopes".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let together = Scope::TOGETHER.map(|(name, _)| name);
        let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).chain(together).collect();
        schemars::json_schema!({"type": "array", "items": {"type": "string", "enum": names}})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Scope, Scopes};

    #[test]
    fn an_implied_scope_is_held_but_not_named() {
        let writes: Scopes = [Scope::ContractsWrite].into_iter().collect();
        assert!(writes.has(Scope::TasksWrite));
        assert_eq!(writes.iter().collect::<Vec<_>>(), [Scope::ContractsWrite]);
        assert_eq!(writes.within(Scopes::all()), writes);
        let tasks: Scopes = [Scope::TasksWrite].into_iter().collect();
        assert_eq!(writes.within(tasks), tasks);
        assert_eq!(tasks.within(writes), tasks);
    }

    #[test]
    fn writing_implies_reading_and_reading_issues_implies_reading_signals() {
        let held = |scope: Scope| Scopes::from_iter([scope]);
        for (wide, narrow) in [
            (Scope::IssuesWrite, Scope::IssuesRead),
            (Scope::IssuesWrite, Scope::SignalsRead),
            (Scope::IssuesRead, Scope::SignalsRead),
            (Scope::PromptsWrite, Scope::PromptsRead),
        ] {
            assert!(held(wide).has(narrow) && !held(narrow).has(wide), "{wide} {narrow}");
        }
        assert!(!held(Scope::SignalsWrite).has(Scope::SignalsRead));
        assert!(!held(Scope::IssuesWrite).has(Scope::SignalsWrite));
    }

    #[test]
    fn nobody_is_given_what_only_a_claim_gives() {
        assert!(!Scopes::all().has(Scope::IssuesClaimed));
        assert!(serde_json::from_str::<Scopes>(r#"["issues:claimed"]"#).is_err());
    }

    #[test]
    fn a_star_names_both() {
        let read: Scopes = serde_json::from_str(r#"["issues:*"]"#).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [Scope::IssuesRead, Scope::IssuesWrite]);
        assert!(serde_json::from_str::<Scopes>(r#"["*"]"#).is_err());
    }

    proptest! {
        #[test]
        fn within_is_exactly_what_both_hold(a in any::<u64>(), b in any::<u64>()) {
            let of = |bits: u64| Scope::ALL.into_iter().filter(|scope| bits >> (*scope as u8) & 1 == 1).collect::<Scopes>();
            let (a, b) = (of(a), of(b));
            for scope in Scope::ALL {
                prop_assert_eq!(a.within(b).has(scope), a.has(scope) && b.has(scope), "{}", scope);
            }
        }
    }
}
