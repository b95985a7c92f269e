//! What rules can read of one call. Conditions ask for facts by kind and never look at arguments themselves, so
//! that a rule says the same of a live call and of a stored one.

mod carrier;
mod command;
mod data;
mod extract;
mod fact;
mod keys;
mod leaf;
mod number;
mod sql;

pub use carrier::{Said, carries, each_name_within, is_many_sided, is_plain_kind, many_sided, said, tells_kind};
pub use extract::{Amounts, each, each_leaf, extract, of_address, of_leaf, said_by, survey, survey_and};
pub(super) use keys::{Roles, roles};
pub(super) use leaf::Leaf;
pub use leaf::each_argument;

pub use fact::{Counted, DataKind, Environment, Fact, FactKind, Facts, KEPT, TEXT_MAX, may_hide};
