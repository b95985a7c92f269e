//! Behind the gates: the provider does it, its answer is judged, and the call ends.

use std::sync::Arc;

use serde_json::{Value, value::RawValue};

use crate::{
    access::{Caller, Ctx, Note},
    base::json::{Doc, Limits},
    engine::{Engine, invoke_error::InvokeError, toolbox::Tool},
    invoke::{self, CallError, Captured, Ended, Fault, Invocation, Job, Provider, capture},
    store::{Access, Lane, StoreError, StoreExt, Tx},
    tool::Risk,
};

/// The largest output, in bytes.
const MAX_OUTPUT: usize = 1 << 20;

impl Engine {
    /// Has the provider do it, and judges its answer.
    pub(super) async fn execute(
        &self,
        caller: &Caller,
        call: &Invocation,
        tool: &Tool,
        input: String,
        provider: &dyn Provider,
    ) -> Result<(Box<RawValue>, Option<Captured>), Fault> {
        let secret = self.tool_secret(&caller.tenant, &tool.manifest.sealed_secret);
        let secret = secret.ok_or_else(|| Fault::new("secret", "the tool's signing secret cannot be opened"))?;
        let job = Job {
            invocation: call.id,
            loop_id: call.loop_id,
            manifest: Arc::clone(&tool.manifest),
            secret,
            input,
            now: self.now(),
        };
        let answer = provider.call(&job).await?;
        judge(tool, &answer, self.now())
    }

    pub(super) async fn succeed(
        &self,
        caller: &Caller,
        call: &Invocation,
        output: &str,
        captured: Option<Captured>,
    ) -> Result<Option<Ended>, InvokeError> {
        let (id, output) = (call.id, output.to_owned());
        self.end(caller, "invoke.succeed", move |tx, cx| {
            let doc = Doc::parse_reusing(output.as_bytes(), output_limits(), Doc::default());
            let doc = doc.map_err(|error| StoreError::Internal(error.to_string()))?;
            invoke::succeed(tx, cx, id, doc.root(), captured.as_ref())
        })
        .await
    }

    pub(super) async fn fail(
        &self,
        caller: &Caller,
        call: &Invocation,
        reason: &'static str,
        risk: Risk,
    ) -> Result<Option<Ended>, InvokeError> {
        let id = call.id;
        self.end(caller, "invoke.fail", move |tx, cx| invoke::fail(tx, cx, id, reason, risk)).await
    }

    /// Ends a call. What was executed is settled whatever became of the caller's key meanwhile.
    async fn end<T, F>(&self, caller: &Caller, name: &'static str, mut work: F) -> Result<T, InvokeError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Tx, &Ctx) -> Result<T, CallError> + Send + 'static,
    {
        let cx = self.context(caller.clone())?;
        let publish = Arc::clone(&self.inner);
        let work = move |tx: &mut dyn Tx| {
            drop(cx.take_notes());
            let value = work(tx, &cx)?;
            Ok((value, cx.take_notes()))
        };
        let ended = self.inner.store.run_job(
            name,
            Access::Write,
            Lane::Decision,
            work,
            move |outcome: Result<(T, Vec<Note>), CallError>| {
                let (value, notes) = outcome?;
                publish.board.tell(&notes, publish.host.now());
                Ok::<_, CallError>(value)
            },
        );
        Ok(ended.await?)
    }
}

fn output_limits() -> Limits {
    Limits::default()
}

/// Whether the provider's answer is an output: sound JSON that fits the schema.
fn judge(tool: &Tool, answer: &[u8], now: crate::base::Time) -> Result<(Box<RawValue>, Option<Captured>), Fault> {
    if answer.len() > MAX_OUTPUT {
        return Err(Fault::new("too_large", format!("the answer is larger than {MAX_OUTPUT} bytes")));
    }
    let not_json = |_| Fault::new("not_json", "the answer is not sound JSON");
    Doc::parse_reusing(answer, output_limits(), Doc::default()).map_err(not_json)?;
    let not_json = |_| Fault::new("not_json", "the answer is not sound JSON");
    let value: Value = serde_json::from_slice(answer).map_err(not_json)?;
    let misfit = |misfit| Fault::new("output_schema", format!("the output does not fit the tool's schema: {misfit}"));
    tool.output.fit(&value).map_err(misfit)?;
    let captured = capture(&tool.manifest.content.expected_proofs, &value, now);
    let output = serde_json::from_slice(answer).map_err(not_json)?;
    Ok((output, captured))
}
