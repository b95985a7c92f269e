//! Mode against risk and trust: what happens to a step that no rule objects to.

use super::{Outcome, ReasonCode};
use crate::{
    access::{Mode, Plan},
    tool::Risk,
};

/// The trust that autopilot asks for by risk, out of 100. Nothing is enough for a critical step.
#[must_use]
pub const fn trust_needed(risk: Risk) -> Option<u8> {
    match risk {
        Risk::Low => Some(40),
        Risk::Medium => Some(60),
        Risk::High => Some(80),
        Risk::Critical => None,
    }
}

/// What the mode makes of a step, and why when it is not allowed.
#[must_use]
pub const fn cell(mode: Mode, risk: Risk, trust: u8) -> (Outcome, Option<ReasonCode>) {
    match (mode, risk) {
        (Mode::Sandbox, Risk::Critical) => (Outcome::Deny, Some(ReasonCode::RiskTooHigh)),
        (Mode::Sandbox, _) => (Outcome::Simulate, Some(ReasonCode::ModeSandbox)),
        (Mode::Guided, Risk::Low) => (Outcome::Allow, None),
        (Mode::Guided, _) => (Outcome::RequireApproval, Some(ReasonCode::ModeGuided)),
        (Mode::Autopilot, risk) => match trust_needed(risk) {
            Some(needed) if trust >= needed => (Outcome::Allow, None),
            Some(_) => (Outcome::RequireApproval, Some(ReasonCode::TrustTooLow)),
            None => (Outcome::RequireApproval, Some(ReasonCode::RiskTooHigh)),
        },
    }
}

/// The mode that a step is judged in, and whether the plan took autopilot away.
#[must_use]
pub const fn effective_mode(asked: Mode, plan: Plan, sandboxed: bool) -> (Mode, bool) {
    match (asked, plan) {
        _ if sandboxed => (Mode::Sandbox, false),
        (Mode::Autopilot, plan) if !plan.allows_autopilot() => (Mode::Guided, true),
        (mode, _) => (mode, false),
    }
}

#[cfg(test)]
mod tests {
    use super::{cell, effective_mode, trust_needed};
    use crate::{
        access::{Mode, Plan},
        policy::{Outcome, ReasonCode},
        tool::Risk,
    };

    #[test]
    fn every_cell_is_as_written_down() {
        use Outcome::{Allow, Deny, RequireApproval, Simulate};
        for trust in 0..=100 {
            let by_trust = |needed| if trust >= needed { Allow } else { RequireApproval };
            let table = [
                (Mode::Sandbox, [Simulate, Simulate, Simulate, Deny]),
                (Mode::Guided, [Allow, RequireApproval, RequireApproval, RequireApproval]),
                (Mode::Autopilot, [by_trust(40), by_trust(60), by_trust(80), RequireApproval]),
            ];
            for (mode, row) in table {
                for (risk, wanted) in Risk::ALL.into_iter().zip(row) {
                    let (outcome, code) = cell(mode, risk, trust);
                    assert_eq!(outcome, wanted, "{mode:?} {risk:?} at {trust}");
                    assert_eq!(code.is_none(), outcome == Allow, "{mode:?} {risk:?} at {trust}");
                }
            }
        }
        assert_eq!(cell(Mode::Autopilot, Risk::Low, 39).1, Some(ReasonCode::TrustTooLow));
        assert_eq!(cell(Mode::Autopilot, Risk::Critical, 100).1, Some(ReasonCode::RiskTooHigh));
    }

    #[test]
    fn more_risk_and_less_trust_never_loosen() {
        for mode in [Mode::Sandbox, Mode::Guided, Mode::Autopilot] {
            for trust in 0..=100_u8 {
                for pair in Risk::ALL.windows(2) {
                    assert!(cell(mode, pair[0], trust).0 <= cell(mode, pair[1], trust).0, "{mode:?} at {trust}");
                }
                for risk in Risk::ALL {
                    assert!(cell(mode, risk, trust).0 <= cell(mode, risk, trust.saturating_sub(1)).0);
                }
            }
        }
        assert!(Risk::ALL.windows(2).all(|pair| {
            let [low, high] = [pair[0], pair[1]].map(|risk| trust_needed(risk).unwrap_or(u8::MAX));
            low < high
        }));
    }

    #[test]
    fn plan_and_sandboxed_key_only_make_the_mode_stricter() {
        for asked in [Mode::Sandbox, Mode::Guided, Mode::Autopilot] {
            for plan in [Plan::Free, Plan::Pro, Plan::Business] {
                assert_eq!(effective_mode(asked, plan, true), (Mode::Sandbox, false));
                let (mode, restricted) = effective_mode(asked, plan, false);
                assert_eq!(restricted, asked == Mode::Autopilot && plan == Plan::Free);
                assert_eq!(mode, if restricted { Mode::Guided } else { asked });
            }
        }
    }
}
