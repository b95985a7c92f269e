//! Where a contract stands, and which message moves it where: one table.

use crate::message::Kind;

/// Where a contract stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The buyer asked.
    Requested,
    /// The seller offered.
    Offered,
    /// The buyer wants other terms.
    Negotiating,
    /// The buyer accepted the offer.
    Accepted,
    /// Work is under way.
    Executing,
    /// The seller says it is done.
    Delivered,
    /// Payment is due.
    Completed,
    /// The buyer paid.
    Paid,
    /// A party withdrew before the work began, or the seller gave up a disputed claim.
    Cancelled,
    /// The receiver did not want what was proposed.
    Rejected,
    /// The seller could not do it.
    Failed,
    /// A party disagrees.
    Disputed,
}

/// A side of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// Who asked for the work and pays for it.
    Buyer,
    /// Who does it.
    Seller,
}

/// Why a message does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misstep {
    /// Nobody may send it in this state.
    State,
    /// Only the other party may.
    Party(Party),
}

/// Who may send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Only(Party),
    Either,
}

const BUYER: By = By::Only(Party::Buyer);
const SELLER: By = By::Only(Party::Seller);

/// Every step there is. The seller offers, delivers and asks for payment; the buyer accepts and pays; either may begin
/// the work, withdraw before it begins, and disagree once it has. A dispute ends by a concession: the buyer accepts
/// after all, or the seller gives its claim up.
const STEPS: &[(State, Kind, By, State)] = &[
    (State::Requested, Kind::TaskOffer, SELLER, State::Offered),
    (State::Requested, Kind::TaskReject, SELLER, State::Rejected),
    (State::Requested, Kind::TaskCancel, By::Either, State::Cancelled),
    (State::Offered, Kind::CounterOffer, BUYER, State::Negotiating),
    (State::Offered, Kind::TaskAccept, BUYER, State::Accepted),
    (State::Offered, Kind::TaskReject, BUYER, State::Rejected),
    (State::Offered, Kind::TaskCancel, By::Either, State::Cancelled),
    (State::Negotiating, Kind::TaskOffer, SELLER, State::Offered),
    (State::Negotiating, Kind::TaskReject, SELLER, State::Rejected),
    (State::Negotiating, Kind::TaskCancel, By::Either, State::Cancelled),
    (State::Accepted, Kind::TaskExecute, By::Either, State::Executing),
    (State::Accepted, Kind::TaskFailed, SELLER, State::Failed),
    (State::Accepted, Kind::TaskCancel, By::Either, State::Cancelled),
    (State::Executing, Kind::TaskComplete, SELLER, State::Delivered),
    (State::Executing, Kind::TaskFailed, SELLER, State::Failed),
    (State::Executing, Kind::DisputeOpen, By::Either, State::Disputed),
    (State::Delivered, Kind::PaymentRequest, SELLER, State::Completed),
    (State::Delivered, Kind::DisputeOpen, By::Either, State::Disputed),
    (State::Completed, Kind::PaymentConfirm, BUYER, State::Paid),
    (State::Completed, Kind::DisputeOpen, By::Either, State::Disputed),
    (State::Disputed, Kind::TaskAccept, BUYER, State::Completed),
    (State::Disputed, Kind::TaskCancel, SELLER, State::Cancelled),
];

impl State {
    /// Every state, in the order of a deal.
    pub const ALL: [Self; 12] = [
        Self::Requested,
        Self::Offered,
        Self::Negotiating,
        Self::Accepted,
        Self::Executing,
        Self::Delivered,
        Self::Completed,
        Self::Paid,
        Self::Cancelled,
        Self::Rejected,
        Self::Failed,
        Self::Disputed,
    ];

    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Offered => "offered",
            Self::Negotiating => "negotiating",
            Self::Accepted => "accepted",
            Self::Executing => "executing",
            Self::Delivered => "delivered",
            Self::Completed => "completed",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Disputed => "disputed",
        }
    }

    /// Whether what was last proposed is still open, so that it ends when it expires.
    #[must_use]
    pub const fn proposed(self) -> bool {
        matches!(self, Self::Requested | Self::Offered | Self::Negotiating)
    }

    /// The state after `party` sends a message of this type.
    ///
    /// # Errors
    /// [`Misstep`]. Nothing that the table does not say is allowed.
    pub fn after(self, kind: Kind, party: Party) -> Result<Self, Misstep> {
        if kind == Kind::Ack {
            return Ok(self);
        }
        let step = STEPS.iter().find(|(from, by_kind, ..)| *from == self && *by_kind == kind);
        match step {
            None => Err(Misstep::State),
            Some((_, _, By::Only(only), _)) if *only != party => Err(Misstep::Party(*only)),
            Some((.., to)) => Ok(*to),
        }
    }
}

impl Party {
    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Kind, Misstep, Party, STEPS, State};

    /// The whole machine once more, in another notation: a row per state, a column per type of message in the order of
    /// `Kind::ALL`. `b` and `s`: only the buyer or seller may; `*`: either; `.`: nobody.
    const WHO: [(&str, &str); 12] = [
        //              REQ OFF CNT ACC EXE CMP PRQ PCF REJ CAN FAI ACK DIS
        ("requested", "   .   s   .   .   .   .   .   .   s   *   .   *   ."),
        ("offered", "     .   .   b   b   .   .   .   .   b   *   .   *   ."),
        ("negotiating", " .   s   .   .   .   .   .   .   s   *   .   *   ."),
        ("accepted", "    .   .   .   .   *   .   .   .   .   *   s   *   ."),
        ("executing", "   .   .   .   .   .   s   .   .   .   .   s   *   *"),
        ("delivered", "   .   .   .   .   .   .   s   .   .   .   .   *   *"),
        ("completed", "   .   .   .   .   .   .   .   b   .   .   .   *   *"),
        ("paid", "        .   .   .   .   .   .   .   .   .   .   .   *   ."),
        ("cancelled", "   .   .   .   .   .   .   .   .   .   .   .   *   ."),
        ("rejected", "    .   .   .   .   .   .   .   .   .   .   .   *   ."),
        ("failed", "      .   .   .   .   .   .   .   .   .   .   .   *   ."),
        ("disputed", "    .   .   .   b   .   .   .   .   .   s   .   *   ."),
    ];

    #[test]
    fn every_state_type_and_party_is_answered_as_the_matrix_says() {
        let mut seen = 0;
        for (state, (name, row)) in State::ALL.into_iter().zip(WHO) {
            assert_eq!(state.as_str(), name);
            let cells: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(cells.len(), Kind::ALL.len());
            for (kind, cell) in Kind::ALL.into_iter().zip(cells) {
                let got = [state.after(kind, Party::Buyer), state.after(kind, Party::Seller)];
                match cell {
                    "." => assert_eq!(got, [Err(Misstep::State); 2], "{name} {kind}"),
                    "b" => assert!(got[0].is_ok() && got[1] == Err(Misstep::Party(Party::Buyer)), "{name} {kind}"),
                    "s" => assert!(got[1].is_ok() && got[0] == Err(Misstep::Party(Party::Seller)), "{name} {kind}"),
                    _ => assert!(got[0].is_ok() && got[0] == got[1], "{name} {kind}"),
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 12 * 13);
    }

    #[test]
    fn no_state_and_type_stand_twice_in_the_table() {
        let pairs: HashSet<_> = STEPS.iter().map(|(from, kind, ..)| (*from, *kind)).collect();
        assert_eq!(pairs.len(), STEPS.len());
    }

    /// The states that can be reached from `requested` when only these parties send.
    fn reachable(parties: &[Party]) -> HashSet<State> {
        let mut seen = HashSet::from([State::Requested]);
        let mut open = vec![State::Requested];
        while let Some(state) = open.pop() {
            for kind in Kind::ALL {
                for to in parties.iter().filter_map(|party| state.after(kind, *party).ok()) {
                    if seen.insert(to) {
                        open.push(to);
                    }
                }
            }
        }
        seen
    }

    #[test]
    fn every_state_is_reached_and_none_that_binds_by_one_party_alone() {
        assert_eq!(reachable(&[Party::Buyer, Party::Seller]).len(), State::ALL.len());
        let alone = [
            (Party::Buyer, HashSet::from([State::Requested, State::Cancelled])),
            (Party::Seller, HashSet::from([State::Requested, State::Offered, State::Rejected, State::Cancelled])),
        ];
        for (party, states) in alone {
            assert_eq!(reachable(&[party]), states, "{party:?}");
        }
    }

    #[test]
    fn an_acknowledgement_moves_nothing() {
        for state in State::ALL {
            assert_eq!(state.after(Kind::Ack, Party::Buyer), Ok(state));
            assert_eq!(state.after(Kind::Ack, Party::Seller), Ok(state));
        }
    }
}
