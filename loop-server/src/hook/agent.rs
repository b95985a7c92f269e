//! The coding agents whose hooks are served.

use std::path::PathBuf;

/// A coding agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Agent {
    /// Claude Code (<https://code.claude.com/docs/en/hooks>).
    ClaudeCode,
    /// Codex CLI (<https://developers.openai.com/codex/hooks>), whose hooks take the same input and a part of the
    /// same output: `deny` with a reason that is not empty, and no member that it does not know; anything else counts
    /// as a hook that failed, and the call runs.
    Codex,
}

impl Agent {
    /// Its name: on the command line, in paths and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
        }
    }

    /// The door that its calls come through, as the log names it.
    #[must_use]
    pub const fn door(self) -> &'static str {
        match self {
            Self::ClaudeCode => "hook.claude-code",
            Self::Codex => "hook.codex",
        }
    }

    /// Where the server decides its calls.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ClaudeCode => "/api/hooks/claude-code",
            Self::Codex => "/api/hooks/codex",
        }
    }

    /// Whether a hook of its may leave a call to the person at the terminal. Codex takes `ask` for a failure and runs
    /// the call.
    #[must_use]
    pub const fn can_ask(self) -> bool {
        matches!(self, Self::ClaudeCode)
    }

    /// The file with its hooks: the project's, relative to the project's folder, or the user's. `None` when nobody
    /// knows where the user's files are.
    #[must_use]
    pub fn settings(self, project: bool, environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let (folder, moved, file) = match self {
            Self::ClaudeCode => (".claude", "CLAUDE_CONFIG_DIR", "settings.json"),
            Self::Codex => (".codex", "CODEX_HOME", "hooks.json"),
        };
        if project {
            return Some(PathBuf::from(folder).join(file));
        }
        let set = |name: &str| environment(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        set(moved).or_else(|| set("HOME").map(|home| home.join(folder))).map(|folder| folder.join(file))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Agent;

    #[test]
    fn settings_are_where_the_tools_look_for_them() {
        let home = |name: &str| (name == "HOME").then(|| "/home/a".to_owned());
        let at = |agent: Agent, project| agent.settings(project, home);
        assert_eq!(at(Agent::ClaudeCode, false).as_deref(), Some(Path::new("/home/a/.claude/settings.json")));
        assert_eq!(at(Agent::ClaudeCode, true).as_deref(), Some(Path::new(".claude/settings.json")));
        assert_eq!(at(Agent::Codex, false).as_deref(), Some(Path::new("/home/a/.codex/hooks.json")));
        let moved = |name: &str| (name == "CODEX_HOME").then(|| "/codex".to_owned());
        assert_eq!(Agent::Codex.settings(false, moved).as_deref(), Some(Path::new("/codex/hooks.json")));
        assert_eq!(Agent::Codex.settings(false, |_| None), None);
    }
}
