//! What an agent proposes to do.

use super::Stage;
use crate::{base::json::View, tool::Risk};

/// A proposed action, borrowed from the request.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The agent's name, when it gave one.
    pub agent: Option<&'a str>,
    /// The arguments, raw. `null` when absent.
    pub arguments: View<'a>,
    /// Where an allowed call is forwarded to.
    pub forward: Option<Forward<'a>>,
    /// The risk the caller claims; it can raise the risk, never lower it.
    pub claimed_risk: Option<Risk>,
    /// Who acts and in which mode, where that decides too; `None` leaves it to the rules.
    pub stage: Option<Stage<'a>>,
}

/// The HTTP request an allowed call becomes.
#[derive(Debug, Clone, Copy)]
pub struct Forward<'a> {
    /// The target.
    pub url: &'a str,
    /// The method, upper case.
    pub method: &'a str,
    /// The body; the arguments when absent.
    pub body: Option<View<'a>>,
}
