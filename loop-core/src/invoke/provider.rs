//! Who executes a call. The core only knows the trait; a server calls endpoints, an embedder registers functions.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};

use serde_json::Value;

use crate::{
    base::{
        Time,
        id::{InvocationId, LoopId},
        secret::Secret,
    },
    tool::manifest::{Manifest, ProviderType},
};

/// A call to execute.
#[derive(Debug, Clone)]
pub struct Job {
    /// The call's id; it is new with every call.
    pub invocation: InvocationId,
    /// The loop that calls.
    pub loop_id: LoopId,
    /// The tool.
    pub manifest: Arc<Manifest>,
    /// The secret that the provider knows Loop by.
    pub secret: Secret,
    /// The input as JSON, digit for digit.
    pub input: String,
    /// When the call was allowed.
    pub now: Time,
}

/// Why a provider failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// In a word, such as `timeout`.
    pub reason: &'static str,
    /// For people. It is shown to the caller and logged: neither secrets nor inputs stand in it.
    pub message: String,
}

impl Fault {
    /// A fault.
    #[must_use]
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// An output as JSON text, on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Fault>> + Send + 'a>>;

/// Something that executes calls.
pub trait Provider: Send + Sync {
    /// Executes a call once, within the time that its manifest gives it.
    fn call<'a>(&'a self, job: &'a Job) -> Answering<'a>;
}

/// A function that an embedder registers: it takes the input and answers the output.
type Native = dyn Fn(Value) -> Result<Value, Fault> + Send + Sync;

/// The functions that an embedder registered, by the name of their tool. Every other provider fails here.
#[derive(Clone, Default)]
pub struct Natives {
    functions: HashMap<String, Arc<Native>>,
}

impl Natives {
    /// One more function.
    #[must_use]
    pub fn with<F>(mut self, tool: impl Into<String>, function: F) -> Self
    where
        F: Fn(Value) -> Result<Value, Fault> + Send + Sync + 'static,
    {
        self.functions.insert(tool.into(), Arc::new(function));
        self
    }
}

impl std::fmt::Debug for Natives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.functions.keys()).finish()
    }
}

impl Provider for Natives {
    fn call<'a>(&'a self, job: &'a Job) -> Answering<'a> {
        Box::pin(async move {
            let content = &job.manifest.content;
            if content.provider_type != ProviderType::Native {
                return Err(Fault::new("unsupported", "no provider of this kind is connected"));
            }
            let function = self.functions.get(&content.name);
            let function =
                function.ok_or_else(|| Fault::new("unregistered", "no function is registered for the tool"))?;
            let bad = |error: serde_json::Error| Fault::new("internal", error.to_string());
            let output = function(serde_json::from_str(&job.input).map_err(bad)?)?;
            serde_json::to_vec(&output).map_err(bad)
        })
    }
}
