//! Rules that are kept in the files of a folder: taken over when the files change.

use std::time::Duration;

use loop_core::engine::Engine;

use super::Stop;
use crate::policies::Folder;

/// How often the folder is looked at.
pub const PAUSE: Duration = Duration::from_secs(2);

/// Looks at the folder every `pause` until the stop. What is wrong with its files is logged once for each content, and
/// the rules stay as they are.
pub async fn run(engine: Engine, mut folder: Folder, pause: Duration, mut stop: Stop) {
    let mut said = String::new();
    while !stop.is_asked() {
        match folder.sync(&engine).await {
            Ok(None) => {}
            Ok(Some(done)) => {
                said.clear();
                metrics::gauge!("loop_policy_files_sound").set(1.0);
                tracing::info!(
                    target: "loop::policies", created = done.created, changed = done.changed, deleted = done.deleted,
                    same = done.same, "policy files taken over"
                );
            }
            Err(error) => {
                metrics::gauge!("loop_policy_files_sound").set(0.0);
                let error = error.to_string();
                if said != error {
                    tracing::error!(target: "loop::policies", %error, "policy files not taken over: the rules stay");
                    said = error;
                }
                stop.sleep(pause).await;
                continue;
            }
        }
        stop.sleep(pause).await;
    }
}
