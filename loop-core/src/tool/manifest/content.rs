//! What a manifest says.

use sha2::{Digest, Sha256};

use super::schema::{Schema, SchemaError};
use crate::{
    base::{
        Code,
        json::{Doc, canonical},
        secret::hex,
    },
    store::StoreError,
    tool::Risk,
};

/// The longest name of a tool or an expected proof, in bytes.
const MAX_NAME: usize = 64;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 2_000;
/// The longest version, in bytes.
const MAX_VERSION: usize = 64;
/// The longest endpoint, in bytes.
const MAX_ENDPOINT: usize = 2_048;
/// The most expected proofs.
const MAX_PROOFS: usize = 16;
/// The most that one call may cost, in credits.
pub const MAX_COST: u64 = 1_000_000_000_000;
/// The longest that a provider may take, in milliseconds.
pub const MAX_TIMEOUT_MS: u32 = 300_000;
/// How long a provider may take when its manifest does not say, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: u32 = 30_000;

/// Who executes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderType {
    /// A function registered by the program that embeds Loop.
    Native,
    /// An HTTP endpoint that knows Loop's signature.
    CustomConnector,
    /// Any HTTP endpoint; it is signed for all the same.
    Http,
    /// A tool of an MCP server.
    Mcp,
    /// Nobody: every call is simulated.
    Sandbox,
}

/// Who may see and call a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The loop that published it, nobody else.
    Private,
    /// Whoever knows its name, once it was reviewed. It is in no list of others.
    Unlisted,
    /// Everybody, once it was reviewed.
    Marketplace,
}

/// The content of a manifest: everything that its publisher says of a version.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The tool's name: a letter `a-z`, then up to 63 of `a-z`, `0-9` and `_`.
    pub name: String,
    /// For people, 1 to 2000 characters.
    pub description: String,
    /// The domain it works in, a slug such as `sales_revenue_ops`.
    pub category: String,
    /// How much harm a call can do. Policies never take it for less.
    pub risk_level: Risk,
    /// Whether a human is asked also where the mode would not; asked when absent.
    #[serde(default = "asked")]
    pub requires_approval_default: bool,
    /// What an output carries to prove itself, such as `source_url` and `retrieved_at`.
    #[serde(default)]
    pub expected_proofs: Vec<String>,
    /// What a call's input must fit: JSON Schema 2020-12.
    pub input_schema: serde_json::Value,
    /// What its output must fit.
    pub output_schema: serde_json::Value,
    /// Who executes a call.
    pub provider_type: ProviderType,
    /// Who may call it.
    pub visibility: Visibility,
    /// A semantic version such as `1.0.0`.
    pub version: String,
    /// The provider's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What a call costs, in credits.
    #[serde(default)]
    pub credit_cost: u64,
    /// How long the provider may take, 1 to 300000 milliseconds.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u32,
}

const fn asked() -> bool {
    true
}

const fn default_timeout() -> u32 {
    DEFAULT_TIMEOUT_MS
}

/// A manifest that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A member out of bounds.
    #[error("`{field}` must be {want}")]
    Field {
        /// The member.
        field: &'static str,
        /// What it must be.
        want: &'static str,
    },
    /// A schema that is none.
    #[error("`{field}`: {error}")]
    Schema {
        /// The member.
        field: &'static str,
        /// Why.
        error: SchemaError,
    },
    /// This version was published with other content.
    #[error("version `{0}` was published before with other content: publish another version")]
    Taken(String),
    /// A loop has as many versions as it may have.
    #[error("{what} may have {max} manifests at most")]
    TooMany {
        /// Whose manifests.
        what: &'static str,
        /// The most.
        max: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ManifestError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Field { .. } | Self::Schema { .. } => Code::InvalidRequest,
            Self::Taken(_) => Code::Conflict,
            Self::TooMany { .. } => Code::RateLimited,
            Self::Store(error) => error.code(),
        }
    }
}

/// Whether text is a slug: a letter `a-z`, then `a-z`, `0-9` and `_`, `min` to `max` bytes in all.
#[must_use]
pub fn is_slug(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

impl Content {
    /// Checks everything that can be checked without asking anybody, and compiles the schemas.
    ///
    /// # Errors
    /// [`ManifestError::Field`], [`ManifestError::Schema`].
    pub fn check(&self) -> Result<(Schema, Schema), ManifestError> {
        let field = |ok, field, want| if ok { Ok(()) } else { Err(ManifestError::Field { field, want }) };
        let slug = "a letter a-z and then letters a-z, digits and `_`, 64 characters at most";
        field(is_slug(&self.name, 1, MAX_NAME), "name", slug)?;
        field(is_slug(&self.category, 2, MAX_NAME), "category", slug)?;
        let described = (1..=MAX_DESCRIPTION).contains(&self.description.chars().count());
        field(described, "description", "1 to 2000 characters")?;
        field(self.semver().is_some(), "version", "a semantic version such as 1.0.0")?;
        let names = self.expected_proofs.iter().all(|name| is_slug(name, 1, MAX_NAME));
        let few = self.expected_proofs.len() <= MAX_PROOFS;
        field(names && few, "expectedProofs", "at most 16 names of letters a-z, digits and `_`")?;
        let endpoint = self.endpoint.as_ref().is_none_or(|url| (1..=MAX_ENDPOINT).contains(&url.len()));
        field(endpoint, "endpoint", "a URL of 2048 bytes at most")?;
        field(self.credit_cost <= MAX_COST, "creditCost", "a whole number from 0 to 1000000000000")?;
        let timeout = (1..=MAX_TIMEOUT_MS).contains(&self.timeout_ms);
        field(timeout, "timeoutMs", "a whole number from 1 to 300000")?;
        let compile = |field, value| Schema::compile(value).map_err(|error| ManifestError::Schema { field, error });
        Ok((compile("inputSchema", &self.input_schema)?, compile("outputSchema", &self.output_schema)?))
    }

    /// The version in its order; `None` for text that is no semantic version.
    #[must_use]
    pub fn semver(&self) -> Option<semver::Version> {
        (self.version.len() <= MAX_VERSION).then(|| semver::Version::parse(&self.version).ok()).flatten()
    }

    /// SHA-256, in hexadecimal, of the canonical content: equal for equal content, whatever the order of members.
    #[must_use]
    pub fn digest(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        hex(&Sha256::digest(canonical(Doc::from_value(&value).root()).as_bytes()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Content, DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS};
    use serde_json::{Value, json};

    pub fn seed() -> Value {
        json!({
            "name": "find_dental_leads",
            "description": "Find and enrich dental office leads by city.",
            "category": "sales_revenue_ops",
            "riskLevel": "low",
            "requiresApprovalDefault": false,
            "expectedProofs": ["source_url", "retrieved_at"],
            "inputSchema": { "type": "object", "required": ["city"] },
            "outputSchema": { "type": "object" },
            "providerType": "custom_connector",
            "visibility": "marketplace",
            "version": "1.0.0"
        })
    }

    fn with(name: &str, value: Value) -> Result<Content, String> {
        let mut manifest = seed();
        manifest[name] = value;
        let content: Content = serde_json::from_value(manifest).map_err(|error| error.to_string())?;
        content.check().map(|_| content).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_manifest_is_accepted() {
        let content: Content = serde_json::from_value(seed()).unwrap();
        assert!(content.check().is_ok());
        assert_eq!((content.credit_cost, content.timeout_ms), (0, DEFAULT_TIMEOUT_MS));
    }

    #[test]
    fn members_out_of_bounds_are_refused() {
        for (name, value) in [
            ("name", json!("Find")),
            ("name", json!("1find")),
            ("name", json!("find-leads")),
            ("name", json!("")),
            ("name", json!("f".repeat(65))),
            ("name", json!("findé")),
            ("name", json!("../x")),
            ("name", Value::Null),
            ("description", json!("")),
            ("category", json!("Sales")),
            ("riskLevel", json!("LOW")),
            ("riskLevel", Value::Null),
            ("providerType", json!("carrier_pigeon")),
            ("visibility", json!("secret")),
            ("requiresApprovalDefault", json!("no")),
            ("requiresApprovalDefault", Value::Null),
            ("expectedProofs", json!("source_url")),
            ("expectedProofs", json!([1])),
            ("expectedProofs", json!(["Source"])),
            ("creditCost", json!(-1)),
            ("creditCost", json!(1.5)),
            ("creditCost", json!(1_000_000_000_001_u64)),
            ("timeoutMs", json!(0)),
            ("timeoutMs", json!(MAX_TIMEOUT_MS + 1)),
            ("version", json!("1.0")),
            ("version", json!(1)),
            ("version", json!("01.0.0")),
            ("endpoint", json!(5)),
            ("endpoint", json!("")),
            ("inputSchema", json!("object")),
            ("outputSchema", json!({"type": "objekt"})),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn an_absent_approval_default_asks() {
        let mut manifest = seed();
        manifest.as_object_mut().unwrap().remove("requiresApprovalDefault");
        let content: Content = serde_json::from_value(manifest).unwrap();
        assert!(content.requires_approval_default);
    }

    #[test]
    fn the_digest_tells_content_apart_and_not_its_order() {
        let a: Content = serde_json::from_str(&seed().to_string()).unwrap();
        let mut reversed: Vec<(String, Value)> = seed().as_object().unwrap().clone().into_iter().collect();
        reversed.reverse();
        let text: Vec<String> = reversed.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        let b: Content = serde_json::from_str(&format!("{{{}}}", text.join(","))).unwrap();
        assert_eq!(a.digest(), b.digest());
        for (name, value) in [
            ("description", json!("other")),
            ("creditCost", json!(9)),
            ("endpoint", json!("https://x.example")),
            ("requiresApprovalDefault", json!(true)),
            ("outputSchema", json!({"type": "object", "required": ["x"]})),
        ] {
            assert_ne!(a.digest(), with(name, value).unwrap().digest(), "{name}");
        }
    }
}
