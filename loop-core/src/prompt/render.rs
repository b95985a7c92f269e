//! From a version and what is known of an issue to a prompt. Compiled versions are remembered, a bounded number of them.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use serde_json::Value as Json;

use super::{
    PromptVersion,
    evaluate::{self, RenderError},
    program::Program,
    syntax,
};

/// How many compiled versions are remembered. Past it the memory starts anew: what is still used is compiled
/// again.
pub const REMEMBERED: usize = 256;

type Compiled = HashMap<Box<str>, Arc<Program>, foldhash::fast::RandomState>;

/// Renders prompts. Cheap to clone; clones share their memory.
#[derive(Clone, Default)]
pub struct Renderer {
    compiled: Arc<Mutex<Compiled>>,
}

impl Renderer {
    /// The prompt of a version for what [`super::context()`] told of an issue.
    ///
    /// # Errors
    /// A text that gets too long, or takes too many steps.
    pub fn render(&self, version: &PromptVersion, context: &Json) -> Result<String, RenderError> {
        evaluate::run(&*self.compiled(version)?, context)
    }

    fn compiled(&self, version: &PromptVersion) -> Result<Arc<Program>, RenderError> {
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(version.digest.as_str()).cloned();
        if let Some(program) = known {
            return Ok(program);
        }
        // Outside the lock: whoever compiles the same text at the same time makes the same program.
        let program = Arc::new(syntax::compile(&version.content).map_err(|_| RenderError::Invalid)?);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() >= REMEMBERED {
            compiled.clear();
        }
        compiled.insert(version.digest.as_str().into(), Arc::clone(&program));
        Ok(program)
    }
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renderer(..)")
    }
}
