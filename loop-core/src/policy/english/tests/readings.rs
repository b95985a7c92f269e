//! Sentences and what they come to, in the canonical form. Each stands for a construction that once guarded the reverse
//! of what it says, or nothing.

use crate::policy::{canonical, english};

fn reads(said: &[(&str, &str)]) {
    for (text, meant) in said {
        assert_eq!(canonical::render(&english::read(text).condition), format!("A call that {meant}."), "{text}");
    }
}

#[test]
fn what_is_no_problem_is_no_rule() {
    reads(&[
        ("Refunds over £50 need approval, smaller ones are no problem", "refunds, where the amount is over 50 GBP"),
        ("Refunds over £50 need approval. Smaller refunds are no issue.", "refunds, where the amount is over 50 GBP"),
    ]);
}

#[test]
fn what_stands_between_a_permission_and_asking_is_asked_about() {
    reads(&[
        ("Reading bills is fine - paying them needs approval", "pays, unless it reads invoices"),
        ("Browsing the shop is okay, orders, ask me", "buys, unless it reads \"shops\""),
    ]);
}

#[test]
fn what_is_refused_may_be_refusing() {
    reads(&[
        ("Insurance claims cannot be rejected by an agent", "rejects claims"),
        ("Vouchers can't be expired", "\"expirs\" or \"expires\" discounts"),
    ]);
}

#[test]
fn shouting_changes_nothing() {
    reads(&[("NEVER RUN RM -RF ON ANY SERVER", "runs the command \"rm -rf\"")]);
}

#[test]
fn looking_that_is_refused_is_not_lifted_by_listing() {
    reads(&[("Passwords may be listed but not read", "reads secrets")]);
}

#[test]
fn who_is_told_first_is_no_condition() {
    reads(&[("Payouts have to be passed to Miriam first", "pays")]);
}
