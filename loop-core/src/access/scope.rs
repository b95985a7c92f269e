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
}

impl Scope {
    /// Every scope, in declaration order.
    pub const ALL: [Self; 10] = [
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
        }
    }

    /// Reads a scope's spelling.
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

    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether the set holds `scope`.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether every scope of `other` is in this set.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The scopes in the set, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
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
        names
            .iter()
            .map(|name| {
                Scope::parse(name).ok_or_else(|| serde::de::Error::custom(format_args!("unknown scope `{name}`")))
            })
            .collect()
    }
}
