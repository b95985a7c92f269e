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

#[test]
fn what_must_be_so_is_all_that_may_be() {
    reads(&[
        ("Wire transfers must stay below $5,000", "transfers, unless the amount is under 5,000 USD"),
        ("Purchases need to be under $100", "buys, unless the amount is under 100 USD"),
        ("Discounts should be between 5% and 10%", "discounts, unless the percentage is from 5% to 10%"),
        ("Ensure that refunds stay within $50", "refunds, unless the amount is at most 50 USD"),
        ("Deploys have to be on weekdays", "deploys, unless it happens on Monday to Friday"),
        ("Emails must go to acme.com", "emails and that goes to someone outside acme.com"),
        ("Backups must stay encrypted", "decrypts backups"),
        ("Multi-factor authentication has to remain on", "disables multi-factor authentication"),
    ]);
}

#[test]
fn what_may_be_done_within_a_limit_is_guarded_beyond_it() {
    reads(&[
        (
            "Rent may go up by no more than 3%",
            "does anything to rents but look at them, unless the percentage is at most 3%",
        ),
        ("Payments of at most $100 are exempt from approval", "pays, unless the amount is at most 100 USD and it pays"),
        ("Purchases exceeding $100 are not exempt", "buys, where the amount is over 100 USD"),
        ("Let refunds through unless they exceed $200", "refunds, where the amount is over 200 USD"),
        ("No more than 3 emails without asking", "emails, where the number of items called \"email\" is over 3"),
        ("Keep refunds below $50 unless approved", "refunds, where the amount is at least 50 USD"),
        (
            "Refunds go through if they're under $200, otherwise ask",
            "refunds, unless the amount is under 200 USD and it refunds",
        ),
    ]);
}

#[test]
fn what_nobody_wants_to_be_asked_about_is_allowed() {
    reads(&[
        ("Don't ask me about refunds under $10", "refunds, unless the amount is under 10 USD and it refunds"),
        ("Refunds needn't be approved below £20", "refunds, unless the amount is under 20 GBP and it refunds"),
        ("If the target is staging, deploy without asking", "deploys, unless it works in staging and it deploys"),
        ("Everything except refunds is allowed", "refunds"),
        ("Nothing except reading is allowed", "is of more than low risk, unless it reads"),
    ]);
}

#[test]
fn only_restricts_what_it_stands_before() {
    reads(&[
        ("Only refunds over $500 need approval", "refunds, where the amount is over 500 USD"),
        ("Refunds need approval only when they exceed $500", "refunds, where the amount is over 500 USD"),
        ("Only production deploys need a sign-off", "deploys and that works in production"),
        (
            "Only the CFO bot may pay more than $1,000",
            "pays, where the amount is over 1,000 USD, unless it comes from the agent \"cfo-bot\"",
        ),
        ("Delete only drafts", "deletes, unless it deletes drafts"),
        ("Only drafts may be deleted", "deletes, unless it deletes drafts"),
        ("Personal data is the only thing that may not be exported", "exports and that contains any personal data"),
        (
            "Only touch production between 2am and 4am",
            "does anything but look and that works in production, unless it happens from 02:00 to 04:00",
        ),
    ]);
}

#[test]
fn not_before_a_place_or_a_thing_excepts_it() {
    reads(&[
        ("Files that aren't under /tmp must not be deleted", "deletes files, unless it touches a path under \"/tmp\""),
        ("Don't email people not in acme.com", "emails and that goes to someone outside acme.com"),
        (
            "If it's not legal-bot, it can't sign contracts",
            "signs contracts, unless it comes from the agent \"legal-bot\"",
        ),
        ("Non-staging deploys need approval", "deploys, unless it works in staging"),
        ("You may not deploy outside of staging", "deploys, unless it works in staging"),
        ("Don't deploy on any day but Tuesday", "deploys, unless it happens on Tuesday"),
        ("Never close tickets that are not urgent", "closes tickets, unless it is marked \"urgent\""),
        ("Nobody approves leave but hr-bot", "approves, unless it comes from the agent \"hr-bot\""),
    ]);
}

#[test]
fn until_and_outside_a_time_guard_the_rest_of_it() {
    reads(&[
        ("Don't deploy outside 2am to 4am", "deploys and that happens from 04:00 to 02:00"),
        ("No refunds until Monday", "refunds, unless it happens on Monday"),
        (
            "Overtime beyond 10 hours isn't allowed",
            "does anything to \"overtimes\" but look at them, where the duration is over 10 hours",
        ),
    ]);
}

#[test]
fn what_is_permitted_to_those_one_knows_lifts_nothing() {
    let read = english::read("Payments to new vendors are out, existing vendors are OK");
    assert_eq!(canonical::render(&read.condition), "A call that pays.");
    assert_eq!(read.unresolved, ["existing"]);
}

#[test]
fn an_exception_that_covers_the_rule_is_none() {
    reads(&[(
        "Let bookings through unless they are over £900",
        "books or that does anything to bookings but look at them, where the amount is over 900 GBP",
    )]);
}

#[test]
fn the_review_that_must_not_be_skipped_is_asked_for() {
    reads(&[
        ("Never bypass the review for migrations", "migrates"),
        ("Nobody deletes patient records", "deletes medical records"),
        ("The cap on refunds is £200", "refunds, where the amount is over 200 GBP"),
    ]);
}

#[test]
fn two_things_with_a_condition_each_do_not_need_both() {
    reads(&[(
        "Both weekend shifts and shifts of more than 4 hours need approval",
        "does anything to shifts but look at them, where it happens on Saturday or Sunday or the duration is over 4 hours",
    )]);
}

#[test]
fn who_alone_may_receive_something_is_whom_it_may_go_to() {
    let read = english::read("Only people at acme.com may receive our reports");
    let text = canonical::render(&read.condition);
    assert!(text.ends_with("goes to someone outside acme.com."), "{text}");
}

#[test]
fn attachments_and_links_are_what_a_message_holds() {
    reads(&[
        ("Attachments are blocked in e-mails", "emails and that has an attachment"),
        (
            "Messages with a link or an attachment need approval",
            "messages, where it says \"https\" or \"http\" or it has an attachment",
        ),
    ]);
}

#[test]
fn holding_them_at_the_end_of_a_condition_guards() {
    reads(&[
        ("Refunds are fine, but if they exceed $90 hold them", "refunds, where the amount is over 90 USD"),
        ("Refunds are fine, but if they exceed $90 block them", "refunds, where the amount is over 90 USD"),
    ]);
}

#[test]
fn a_ticket_may_be_where_something_is_written() {
    let read = english::read("Never paste card numbers into a support ticket");
    assert!(canonical::render(&read.condition).contains("tickets"));
}
