//! The entry in a tool's settings: a group for every tool, with one command.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Agent, install::InstallError, process::DEFAULT_URL, sidecar::Place};

/// Seconds that the tool waits: twice of what a hook takes at most.
const TIMEOUT: u32 = 10;
/// What every command of ours ends with. A program that is not there any more, or that was killed, does not exit
/// with 2; without this the tool would run the call.
const TAIL: &str = " || { echo 'loop-server: the hook failed, so the call is blocked' >&2; exit 2; }";

/// An entry to install.
#[derive(Debug, Clone)]
pub struct Entry {
    agent: Agent,
    command: String,
}

impl Entry {
    /// An entry that runs this program. Paths are made absolute: the tool runs it in folders of its own choosing.
    ///
    /// # Errors
    /// A place of the server that is none, a path that is no text, `ask` for a tool that cannot.
    pub fn new(
        agent: Agent,
        url: Option<String>,
        db: Option<PathBuf>,
        key_file: Option<PathBuf>,
        ask: bool,
    ) -> Result<Self, InstallError> {
        if ask && !agent.can_ask() {
            return Err(InstallError::CannotAsk(agent.name()));
        }
        let program = std::env::current_exe().map_err(InstallError::Program)?;
        let mut command = format!("{} hook {}", quoted(&program)?, agent.name());
        let mut option = |name: &str, value: String| command.push_str(&format!(" {name} {value}"));
        // Who decides is always written down, so that nothing else can say it later.
        if let Some(url) = url.or_else(|| db.is_none().then(|| DEFAULT_URL.to_owned())) {
            let place = match url.parse::<Place>()? {
                Place::Unix(path) => Place::Unix(absolute(&path)?),
                tcp @ Place::Tcp { .. } => tcp,
            };
            option("--url", quote(&place.to_string()));
        }
        for (name, path) in [("--db", db), ("--key-file", key_file)] {
            if let Some(path) = path {
                option(name, quoted(&absolute(&path)?)?);
            }
        }
        if ask {
            command.push_str(" --ask");
        }
        command.push_str(TAIL);
        Ok(Self { agent, command })
    }

    /// Whose settings it is for.
    #[must_use]
    pub const fn agent(&self) -> Agent {
        self.agent
    }

    /// The group as it is written, indented for where it stands.
    #[must_use]
    pub fn text(&self) -> String {
        let command = Value::from(self.command.as_str());
        // From version 2.1.295 on, Claude Code also blocks a call whose hook could not be started or was too slow.
        let more = if self.agent == Agent::ClaudeCode { ",\n            \"onFailure\": \"block\"" } else { "" };
        format!(
            r#"{{
        "matcher": "*",
        "hooks": [
          {{
            "type": "command",
            "command": {command},
            "timeout": {TIMEOUT}{more}
          }}
        ]
      }}"#
        )
    }
}

/// Whether a handler in an agent's settings is one of ours, whatever options it was installed with.
#[must_use]
pub fn is_ours(agent: Agent, handler: &str) -> bool {
    let Ok(Value::Object(handler)) = serde_json::from_str(handler) else { return false };
    let command = handler.get("command").and_then(Value::as_str).and_then(|command| command.strip_suffix(TAIL));
    let Some(command) = command else { return false };
    let wanted = format!("' hook {}", agent.name());
    command.split_once(&wanted).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(' '))
}

fn absolute(path: &Path) -> Result<PathBuf, InstallError> {
    std::path::absolute(path).map_err(InstallError::Program)
}

fn quoted(path: &Path) -> Result<String, InstallError> {
    path.to_str().map(quote).ok_or_else(|| InstallError::NotText(path.to_owned()))
}

/// A word as the shell takes it literally.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Entry, TAIL, is_ours, quote};
    use crate::hook::Agent;

    fn handler(entry: &Entry) -> String {
        let group: serde_json::Value = serde_json::from_str(&entry.text()).expect("JSON");
        group["hooks"][0].to_string()
    }

    #[test]
    fn an_entry_knows_its_own_and_no_other() {
        let url = Some("unix:/run/it's.sock".to_owned());
        let ours = Entry::new(Agent::ClaudeCode, url, None, Some("k".into()), true).expect("an entry");
        let text = handler(&ours);
        assert!(text.contains(r"it'\\''s.sock") && text.contains(" --ask ||") && text.contains("onFailure"), "{text}");
        assert!(is_ours(Agent::ClaudeCode, &text));
        assert!(!is_ours(Agent::Codex, &text));
        let codex = handler(&Entry::new(Agent::Codex, None, Some("loop.db".into()), None, false).expect("an entry"));
        assert!(is_ours(Agent::Codex, &codex) && !codex.contains("onFailure"), "{codex}");
        for foreign in [
            format!(r#"{{"type":"command","command":"echo ' hook codexes{TAIL}"}}"#),
            r#"{"type":"command","command":"'/usr/bin/loop-server' hook codex"}"#.to_owned(),
            r#"{"type":"prompt","prompt":"loop-server hook codex"}"#.to_owned(),
            r#"["hook codex"]"#.to_owned(),
        ] {
            assert!(!is_ours(Agent::Codex, &foreign), "{foreign}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(Entry::new(Agent::Codex, None, None, None, true).is_err());
        assert!(Entry::new(Agent::Codex, Some("http://user:secret@a".into()), None, None, false).is_err());
        assert_eq!(quote("a'b c"), r"'a'\''b c'");
    }
}
