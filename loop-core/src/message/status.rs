//! How far a message got.

use super::Kind;
use crate::base::Time;

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits in the receiver's inbox.
    Queued,
    /// The receiver has fetched its inbox since.
    Delivered,
    /// The receiver has opened the thread, or said so.
    Read,
    /// The receiver has answered.
    Replied,
    /// Nobody answered in time. Judged when looked at; never stored.
    Expired,
    /// The receiver said no.
    Rejected,
    /// The receiver answered that it could not be done.
    Failed,
}

/// What the receiver did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seen {
    /// It fetched its inbox.
    Fetched,
    /// It opened the thread.
    Opened,
    /// It answered with a message of this type.
    Answered(Kind),
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Delivered, Self::Read, Self::Replied, Self::Expired, Self::Rejected, Self::Failed];

    /// Whether nothing changes it any more.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Replied | Self::Expired | Self::Rejected | Self::Failed)
    }

    /// The status after the receiver did something. It only moves forward: queued, delivered, read, ended.
    #[must_use]
    pub const fn after(self, seen: Seen) -> Self {
        match (self, seen) {
            (Self::Queued, Seen::Fetched) => Self::Delivered,
            (Self::Queued | Self::Delivered, Seen::Opened | Seen::Answered(Kind::Ack)) => Self::Read,
            (Self::Queued | Self::Delivered | Self::Read, Seen::Answered(kind)) => match kind {
                Kind::TaskReject => Self::Rejected,
                Kind::TaskFailed => Self::Failed,
                Kind::Ack => self,
                _ => Self::Replied,
            },
            _ => self,
        }
    }

    /// The status at `now` of a message that lasts until `expires_at`.
    #[must_use]
    pub fn at(self, now: Time, expires_at: Time) -> Self {
        if !self.ended() && expires_at <= now { Self::Expired } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Seen, Status};
    use crate::base::Time;

    fn every_act() -> Vec<Seen> {
        [Seen::Fetched, Seen::Opened].into_iter().chain(Kind::ALL.map(Seen::Answered)).collect()
    }

    const fn rank(status: Status) -> u8 {
        match status {
            Status::Queued => 0,
            Status::Delivered => 1,
            Status::Read => 2,
            Status::Replied | Status::Expired | Status::Rejected | Status::Failed => 3,
        }
    }

    #[test]
    fn a_status_only_moves_forward_and_an_ended_one_stays() {
        for status in Status::ALL {
            for seen in every_act() {
                let after = status.after(seen);
                assert!(rank(after) >= rank(status), "{status:?} {seen:?} {after:?}");
                assert!(!status.ended() || after == status, "{status:?} {seen:?} {after:?}");
                assert_ne!((status.ended(), after), (false, Status::Expired), "only time expires a message");
            }
        }
    }

    #[test]
    fn answers_end_a_message_by_what_they_say() {
        for status in [Status::Queued, Status::Delivered, Status::Read] {
            assert_eq!(status.after(Seen::Answered(Kind::TaskOffer)), Status::Replied);
            assert_eq!(status.after(Seen::Answered(Kind::TaskReject)), Status::Rejected);
            assert_eq!(status.after(Seen::Answered(Kind::TaskFailed)), Status::Failed);
            assert_eq!(status.after(Seen::Answered(Kind::Ack)), Status::Read);
            assert_eq!(status.after(Seen::Opened), Status::Read);
        }
        assert_eq!(Status::Queued.after(Seen::Fetched), Status::Delivered);
        assert_eq!(Status::Read.after(Seen::Fetched), Status::Read);
    }

    #[test]
    fn expiry_is_judged_by_the_clock_and_spares_what_was_answered() {
        let end = Time::from_micros(1_000);
        for status in Status::ALL {
            assert_eq!(status.at(Time::from_micros(999), end), status);
            let late = if status.ended() { status } else { Status::Expired };
            assert_eq!(status.at(end, end), late, "{status:?}");
        }
    }
}
