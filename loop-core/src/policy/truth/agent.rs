//! Names of agents: which spellings mean the same one.

/// Whether two spellings mean one agent: case and separators are nothing, and `agent` may be left out.
pub(super) fn same_agent(name: &str, agent: &str) -> bool {
    let agent = agent_key(agent);
    agent_keys(name).any(|name| name == agent)
}

/// What an agent's name is compared by.
pub(in crate::policy) fn agent_key(agent: &str) -> String {
    agent.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What agents that are meant by a name are compared by.
pub(in crate::policy) fn agent_keys(name: &str) -> impl Iterator<Item = String> + use<> {
    let whole = agent_key(name);
    let short = whole.strip_suffix("agent").filter(|short| !short.is_empty()).map(str::to_owned);
    std::iter::once(whole).chain(short)
}
