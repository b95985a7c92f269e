//! The governance surface: what the TrustLoop and Navige clients call.
//!
//! - [`intercept`] and [`enforce`]: decisions.
//! - [`rules`], [`preview`] and [`kill_switch`]: the policy.
//! - [`approvals`] and [`links`]: human answers.
//! - [`logs`], [`export`] and [`audit`]: the record.
//! - [`notifications`], [`settings`] and [`data`]: what a tenant sets, keeps and forgets.
//! - [`signup`]: new tenants.
//! - [`page`]: bounds of lists.

mod approvals;
mod audit;
mod data;
mod enforce;
pub(crate) mod export;
mod forward;
pub(crate) mod intercept;
mod kill_switch;
mod links;
mod logs;
mod notifications;
mod page;
mod preview;
mod rules;
mod settings;
mod signup;

use crate::http::Row;

/// The rows of the surface, by room.
pub static ROWS: &[&[Row]] = &[
    intercept::ROWS,
    enforce::ROWS,
    rules::ROWS,
    preview::ROWS,
    kill_switch::ROWS,
    approvals::ROWS,
    links::ROWS,
    logs::ROWS,
    export::ROWS,
    audit::ROWS,
    notifications::ROWS,
    settings::ROWS,
    data::ROWS,
    signup::ROWS,
];
