//! Trust: a score from 0 to 100 that only outcomes move.
//!
//! - [`score`]: the arithmetic.
//! - [`event`]: what moved a score, in a journal that is only appended to; its head is the score.
//! - [`outcome`]: an outcome pays once, at its highest level; an upgrade pays the difference.
//! - [`raise`]: a proof that was verified further, what that pays, and who may acknowledge one.
//! - [`penalty`]: what misconduct costs.

mod error;
mod event;
mod outcome;
mod penalty;
mod raise;
mod score;

pub use error::TrustError;
pub use event::{Event, EventKind, NewEvent, Standing, TRUST, page, record, score, standing};
pub use outcome::{OUTCOMES, Outcome, paid, reverse, reward};
pub use penalty::{PENALTIES, Penalties, penalise, penalties, set_penalties};
pub use raise::{acknowledge, raise};
pub use score::{START, Tier, step};
