//! Names of agents: which spellings mean the same one.

use crate::policy::print::Print;

/// Whether two spellings mean one agent: case and separators are nothing, and `agent` may be left out.
pub(super) fn same_agent(name: &str, agent: &str) -> bool {
    let agent = agent_key(agent);
    agent_keys(name).any(|name| name == agent)
}

/// What an agent's name is compared by.
pub(in crate::policy) fn agent_key(agent: &str) -> String {
    agent.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The print of what an agent's name is compared by.
pub(in crate::policy) fn print_of_agent(agent: &str) -> u64 {
    if agent.is_ascii() {
        return Print::of_any_case_of(agent.bytes().filter(u8::is_ascii_alphanumeric));
    }
    let lower = agent.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let with = |print: Print, letter: char| letter.encode_utf8(&mut [0; 4]).bytes().fold(print, Print::with);
    lower.fold(Print::NONE, with).number()
}

/// What agents that are meant by a name are compared by.
pub(in crate::policy) fn agent_keys(name: &str) -> impl Iterator<Item = String> + use<> {
    let whole = agent_key(name);
    let short = whole.strip_suffix("agent").filter(|short| !short.is_empty()).map(str::to_owned);
    std::iter::once(whole).chain(short)
}
