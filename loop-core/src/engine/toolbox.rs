//! Published tools, ready to be invoked: found for a policy's epoch, their schemas compiled once.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use hashbrown::HashMap;

use super::{Engine, InvokeError};
use crate::{
    access::{AccessError, Caller},
    base::{
        TenantId,
        id::{LoopId, ToolId},
        secret::Secret,
    },
    invoke::{self, CallError},
    store::StoreExt,
    tool::manifest::{self, Content, Manifest, Schema},
};

/// How many tools and names are remembered. Past it the memory starts anew.
const MAX: usize = 1_024;
/// What signing secrets are sealed for.
const PURPOSE: &str = "tool.secret";

/// A tool as it is invoked.
#[derive(Debug)]
pub(super) struct Tool {
    pub manifest: Arc<Manifest>,
    pub input: Schema,
    pub output: Schema,
}

/// Who means which tool: the loop, the name, the version if it named one.
type Meant = (LoopId, Box<str>, Option<Box<str>>);

/// The memory. What a name means holds for one epoch; what a version is holds for ever.
#[derive(Default)]
pub(super) struct Toolbox {
    meant: RwLock<HashMap<Meant, (u64, Arc<Tool>), foldhash::fast::RandomState>>,
    compiled: RwLock<HashMap<ToolId, Arc<Tool>, foldhash::fast::RandomState>>,
}

impl Toolbox {
    fn meant(&self, meant: &Meant, epoch: u64) -> Option<Arc<Tool>> {
        let known = self.meant.read().unwrap_or_else(PoisonError::into_inner);
        known.get(meant).filter(|(at, _)| *at == epoch).map(|(_, tool)| Arc::clone(tool))
    }

    fn mean(&self, meant: Meant, epoch: u64, tool: &Arc<Tool>) {
        let mut known = self.meant.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(meant, (epoch, Arc::clone(tool)));
    }

    fn compiled(&self, manifest: Manifest) -> Result<Arc<Tool>, CallError> {
        let known = self.compiled.read().unwrap_or_else(PoisonError::into_inner).get(&manifest.id).cloned();
        // The status of a version changes, its content does not.
        if let Some(tool) = known.filter(|tool| tool.manifest.status == manifest.status) {
            return Ok(tool);
        }
        let (input, output) = manifest.content.check()?;
        let id = manifest.id;
        let tool = Arc::new(Tool { manifest: Arc::new(manifest), input, output });
        let mut known = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(id, Arc::clone(&tool));
        Ok(tool)
    }
}

impl Engine {
    /// The tool that a loop means by a name, as of a policy's epoch; `None` when it has none of that name.
    ///
    /// # Errors
    /// [`InvokeError::Moved`] when the policy is at another epoch by now, storage failures.
    pub(super) async fn tool(
        &self,
        tenant: &TenantId,
        epoch: u64,
        loop_id: LoopId,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<Arc<Tool>>, InvokeError> {
        let meant: Meant = (loop_id, name.into(), version.map(Into::into));
        if let Some(tool) = self.inner.toolbox.meant(&meant, epoch) {
            return Ok(Some(tool));
        }
        let (space, wanted) = (tenant.clone(), meant.clone());
        let read = self.inner.store.read("tool.find", move |tx| {
            let found = manifest::find(tx, &space, wanted.0, &wanted.1, wanted.2.as_deref())?;
            Ok::<_, InvokeError>((tx.epoch(&space)?, found))
        });
        let (at, found) = read.await?;
        if at != epoch {
            self.inner.policies.require(tenant, at);
            return Err(InvokeError::Moved);
        }
        let Some(found) = found else { return Ok(None) };
        let tool = self.inner.toolbox.compiled(found)?;
        self.inner.toolbox.mean(meant, epoch, &tool);
        Ok(Some(tool))
    }

    /// Publishes a version of a tool for the caller's loop. The secret that its calls are signed with is answered this
    /// once; the same content again changes nothing and answers none.
    ///
    /// # Errors
    /// A manifest that is refused, a version that was published with other content, a key without a loop, storage
    /// failures.
    pub async fn publish_tool(
        &self,
        caller: &Caller,
        content: Content,
    ) -> Result<(Manifest, Option<Secret>), CallError> {
        let owner = caller.acting_loop()?;
        content.check()?;
        let cx = self.context(caller.clone()).map_err(AccessError::from)?;
        let bytes = cx.seed().draw();
        let secret = Secret::new(format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)));
        let sealed = self.master().seal(PURPOSE, cx.tenant().as_str(), secret.expose(), &mut cx.seed());
        let (manifest, new) =
            self.write(cx, "tool.publish", move |tx, cx| invoke::publish(tx, cx, owner, &content, &sealed)).await?;
        Ok((manifest, new.then_some(secret)))
    }

    /// Opens a tool's sealed secret; `None` when it was not sealed here.
    #[must_use]
    pub fn tool_secret(&self, tenant: &TenantId, sealed: &str) -> Option<Secret> {
        self.master().open(PURPOSE, tenant.as_str(), sealed)
    }
}
