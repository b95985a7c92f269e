//! Where a transaction stands, and who may move it where.

use super::super::contract::Party;

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransactionStatus {
    /// The amount is held in escrow.
    Pending,
    /// The seller was paid.
    Completed,
    /// A party disagrees; the amount stays held.
    Disputed,
    /// The buyer got the amount back.
    Cancelled,
}

/// Where the held amount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Escrow {
    /// Held.
    Pending,
    /// With the seller.
    Released,
    /// Back with the buyer.
    Refunded,
}

/// What is to be done with the held amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Pay the seller.
    Release,
    /// Pay back the buyer.
    Refund,
    /// Keep holding it: something is wrong.
    Dispute,
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// One of the two.
    Party(Party),
    /// The tenant's administrator, who belongs to neither side.
    Administrator,
}

/// Why an act is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// This actor may never do it.
    Actor,
    /// The transaction has ended, or is disputed already.
    State,
}

impl TransactionStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Completed, Self::Disputed, Self::Cancelled];

    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Disputed => "disputed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Where the amount is.
    #[must_use]
    pub const fn escrow(self) -> Escrow {
        match self {
            Self::Pending | Self::Disputed => Escrow::Pending,
            Self::Completed => Escrow::Released,
            Self::Cancelled => Escrow::Refunded,
        }
    }

    /// The status after `actor` does `act`. Each party can only give the amount away: the buyer to the seller, the
    /// seller back to the buyer; only an administrator can decide against somebody's will.
    ///
    /// # Errors
    /// [`Refusal`].
    pub const fn after(self, act: Act, actor: Actor) -> Result<Self, Refusal> {
        match (act, actor) {
            (Act::Release, Actor::Party(Party::Seller)) | (Act::Refund, Actor::Party(Party::Buyer)) => {
                return Err(Refusal::Actor);
            }
            _ => {}
        }
        match (self, act) {
            (Self::Pending | Self::Disputed, Act::Release) => Ok(Self::Completed),
            (Self::Pending | Self::Disputed, Act::Refund) => Ok(Self::Cancelled),
            (Self::Pending, Act::Dispute) => Ok(Self::Disputed),
            (Self::Disputed, Act::Dispute) | (Self::Completed | Self::Cancelled, _) => Err(Refusal::State),
        }
    }
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 3] = [Self::Release, Self::Refund, Self::Dispute];

    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Actor, Escrow, Party, Refusal, TransactionStatus as Status};

    const BUYER: Actor = Actor::Party(Party::Buyer);
    const SELLER: Actor = Actor::Party(Party::Seller);

    /// By status, then by act: what comes of it when the buyer, the seller and the administrator ask. `no`: never theirs
    /// to do; `late`: not in this status.
    const ANSWERS: [(Status, [[&str; 3]; 3]); 4] = [
        (
            Status::Pending,
            [["completed", "no", "completed"], ["no", "cancelled", "cancelled"], ["disputed", "disputed", "disputed"]],
        ),
        (Status::Completed, [["late", "no", "late"], ["no", "late", "late"], ["late", "late", "late"]]),
        (
            Status::Disputed,
            [["completed", "no", "completed"], ["no", "cancelled", "cancelled"], ["late", "late", "late"]],
        ),
        (Status::Cancelled, [["late", "no", "late"], ["no", "late", "late"], ["late", "late", "late"]]),
    ];

    #[test]
    fn every_status_act_and_actor_is_answered() {
        for (status, acts) in ANSWERS {
            for (act, actors) in Act::ALL.into_iter().zip(acts) {
                for (actor, want) in [BUYER, SELLER, Actor::Administrator].into_iter().zip(actors) {
                    let got = match status.after(act, actor) {
                        Ok(to) => to.as_str(),
                        Err(Refusal::Actor) => "no",
                        Err(Refusal::State) => "late",
                    };
                    assert_eq!(got, want, "{status:?} {act:?} {actor:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_takes_the_amount_for_themselves() {
        for status in Status::ALL {
            assert_ne!(status.after(Act::Release, SELLER), Ok(Status::Completed));
            assert_ne!(status.after(Act::Refund, BUYER), Ok(Status::Cancelled));
        }
    }

    #[test]
    fn the_amount_is_held_until_the_end_and_goes_one_way() {
        for status in Status::ALL {
            for act in Act::ALL {
                for actor in [BUYER, SELLER, Actor::Administrator] {
                    if let Ok(to) = status.after(act, actor) {
                        assert_eq!(status.escrow(), Escrow::Pending, "{status:?} had ended");
                        assert_eq!(to.escrow() == Escrow::Released, act == Act::Release);
                        assert_eq!(to.escrow() == Escrow::Refunded, act == Act::Refund);
                    }
                }
            }
        }
    }
}
