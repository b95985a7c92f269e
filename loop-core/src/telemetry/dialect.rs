//! What attributes mean, whichever framework wrote them.
//!
//! Each meaning has its keys in order; the first that holds a text that is not empty counts. The table is that of the
//! frameworks as they are: OpenTelemetry's GenAI conventions, OpenInference, OpenLLMetry (Traceloop), and both Vercel AI
//! SDKs.

use std::borrow::Cow;

use super::incoming::{Attributes, Event, Value, find};

const SESSION: &[&str] = &[
    "session.id",
    "gen_ai.conversation.id",
    "ai.telemetry.metadata.sessionId",
    "traceloop.association.properties.session_id",
    "ai.settings.context.sessionId",
];
const AGENT: &[&str] = &["gen_ai.agent.name", "agent.name", "ai.telemetry.functionId"];
const TOOL: &[&str] = &["gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name"];
const MODEL: &[&str] = &["gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id"];
const PROVIDER: &[&str] = &["gen_ai.provider.name", "gen_ai.system", "llm.provider", "ai.model.provider"];
const ENVIRONMENT: &[&str] = &["deployment.environment.name", "deployment.environment"];
const OUTCOME: &[&str] = &["session.outcome", "loop.outcome", "outcome"];
const INPUT_TOKENS: &[&str] =
    &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens"];
const OUTPUT_TOKENS: &[&str] = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
];

/// What a span is the record of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[repr(u8)]
pub enum Class {
    /// Something else, or not said.
    #[default]
    Other = 0,
    /// A call of a tool.
    Tool = 1,
    /// A call of a language model.
    Model = 2,
    /// A turn or a run of an agent.
    Agent = 3,
}

impl Class {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "span",
            Self::Tool => "tool_call",
            Self::Model => "llm_call",
            Self::Agent => "agent_run",
        }
    }

    /// The class of a stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Tool,
            2 => Self::Model,
            3 => Self::Agent,
            _ => Self::Other,
        }
    }
}

/// What a span says, in one set of terms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meaning<'v> {
    /// What it is the record of.
    pub class: Class,
    /// The session that it names itself, or its resource.
    pub session: Option<&'v str>,
    /// The agent that acts.
    pub agent: Option<Cow<'v, str>>,
    /// The tool that is called, of a call of a tool only.
    pub tool: Option<&'v str>,
    /// The model that answered, or was asked.
    pub model: Option<&'v str>,
    /// Who runs the model.
    pub provider: Option<&'v str>,
    /// Where it ran, such as `production`.
    pub environment: Option<&'v str>,
    /// What type of error it ended with.
    pub error_type: Option<&'v str>,
    /// The message of that error, when the status has none.
    pub error_message: Option<&'v str>,
    /// How the session ended, when the span says so.
    pub outcome: Option<&'v str>,
    /// Tokens read by a model.
    pub input_tokens: u64,
    /// Tokens written by a model.
    pub output_tokens: u64,
}

/// Reads a span's name, its own attributes, its events and those of its resource.
#[must_use]
pub fn read<'v>(
    name: &'v str,
    own: &'v Attributes<'_>,
    events: &'v [Event<'_>],
    resource: &'v Attributes<'_>,
) -> Meaning<'v> {
    let class = class(own);
    let exception = events.iter().rev().find(|event| event.name == "exception");
    let of_exception = |key| exception.and_then(|event| text(&event.attributes, &[key]));
    Meaning {
        class,
        session: text(own, SESSION).or_else(|| text(resource, SESSION)),
        agent: agent(name, class, own, resource),
        tool: (class == Class::Tool).then(|| tool(name, own)),
        model: text(own, MODEL),
        provider: text(own, PROVIDER),
        environment: text(own, ENVIRONMENT).or_else(|| text(resource, ENVIRONMENT)),
        error_type: text(own, &["error.type"]).or_else(|| of_exception("exception.type")),
        error_message: of_exception("exception.message"),
        outcome: text(own, OUTCOME),
        input_tokens: count(own, INPUT_TOKENS),
        output_tokens: count(own, OUTPUT_TOKENS),
    }
}

fn class(own: &Attributes<'_>) -> Class {
    if let Some(operation) = text(own, &["gen_ai.operation.name"]) {
        match operation {
            "execute_tool" => return Class::Tool,
            "chat" | "text_completion" | "generate_content" | "embeddings" => return Class::Model,
            "invoke_agent" | "create_agent" | "invoke_workflow" => return Class::Agent,
            _ => {}
        }
    }
    if let Some(kind) = text(own, &["openinference.span.kind"]) {
        match kind {
            "TOOL" => return Class::Tool,
            "LLM" | "EMBEDDING" => return Class::Model,
            "AGENT" => return Class::Agent,
            _ => {}
        }
    }
    if let Some(kind) = text(own, &["traceloop.span.kind"]) {
        match kind {
            "tool" => return Class::Tool,
            "agent" | "workflow" => return Class::Agent,
            _ => {}
        }
    }
    match text(own, &["ai.operationId"]) {
        Some("ai.toolCall") => Class::Tool,
        Some(operation) if [".doGenerate", ".doStream", ".doEmbed"].iter().any(|end| operation.ends_with(end)) => {
            Class::Model
        }
        Some(operation) if operation.starts_with("ai.") => Class::Agent,
        _ if find(own, "llm.request.type").is_some() => Class::Model,
        _ => Class::Other,
    }
}

/// The name of the tool; some frameworks say it in the span's name only.
fn tool<'v>(name: &'v str, own: &'v Attributes<'_>) -> &'v str {
    let plain = || {
        let name = name.strip_prefix("execute_tool ").unwrap_or(name);
        name.strip_suffix(".tool").unwrap_or(name)
    };
    text(own, TOOL).unwrap_or_else(plain)
}

fn agent<'v>(
    name: &'v str,
    class: Class,
    own: &'v Attributes<'_>,
    resource: &'v Attributes<'_>,
) -> Option<Cow<'v, str>> {
    let of_entity = || match text(own, &["traceloop.span.kind"]) {
        Some("agent") => text(own, &["traceloop.entity.name"]),
        _ => None,
    };
    let of_name = || match text(own, &["openinference.span.kind"]) {
        Some("AGENT") if class == Class::Agent && !name.is_empty() => Some(name),
        _ => None,
    };
    let found = text(own, AGENT).or_else(of_entity).or_else(of_name).or_else(|| text(resource, AGENT));
    found.or_else(|| text(resource, &["service.name"])).map(Cow::Borrowed)
}

fn text<'v>(attributes: &'v Attributes<'_>, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| find(attributes, key).and_then(Value::as_text).filter(|text| !text.is_empty()))
}

fn count(attributes: &Attributes<'_>, keys: &[&str]) -> u64 {
    keys.iter().find_map(|key| find(attributes, key).and_then(Value::as_count)).unwrap_or(0)
}

/// Attributes that hold what was said to a model or a tool, and what came back: an operator may not want to keep these.
#[must_use]
pub fn is_content(key: &str) -> bool {
    const EXACT: &[&str] = &[
        "input.value",
        "output.value",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.system_instructions",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "ai.response.text",
        "ai.response.object",
        "ai.response.toolCalls",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "pydantic_ai.all_messages",
        "tool_arguments",
        "tool_response",
        "final_result",
        "tool.parameters",
        "logfire.json_schema",
    ];
    const PREFIXES: &[&str] = &[
        "ai.prompt",
        "gen_ai.prompt",
        "gen_ai.completion",
        "llm.input_messages",
        "llm.output_messages",
        "llm.prompts",
    ];
    let messages = key.starts_with("gen_ai.") && key.ends_with("messages");
    messages || EXACT.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}
