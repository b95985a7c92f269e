//! Constructions of sentences that once were read as something else, each with calls that tell the difference.

use crate::families::stops;

#[test]
fn every_doing_of_a_list_counts_from_the_first_on() {
    stops(
        "Agents may look at licences but may not issue, renew or cancel them",
        &[
            ("issue_licence", r#"{"to":"h4"}"#, true),
            ("renew_licence", r#"{"id":"l4"}"#, true),
            ("cancel_licence", r#"{"id":"l4"}"#, true),
            ("get_licence", r#"{"id":"l4"}"#, false),
        ],
    );
    stops(
        "Please don't cancel, chase or move a referral",
        &[("chase_referral", "{}", true), ("move_referral", "{}", true), ("get_referral", "{}", false)],
    );
    stops(
        "I have to agree before it may start, stop or move a lorry",
        &[
            ("start_lorry", r#"{"id":"7"}"#, true),
            ("stop_lorry", r#"{"id":"7"}"#, true),
            ("get_lorry", r#"{"id":"7"}"#, false),
        ],
    );
}

#[test]
fn a_bound_on_what_is_allowed_guards_what_lies_beyond() {
    for rule in ["It's OK to refund but no more than $60", "Refunding is fine, but at most $60"] {
        stops(
            rule,
            &[
                ("refund_order", r#"{"amount":61,"currency":"USD"}"#, true),
                ("refund_order", r#"{"amount":60,"currency":"USD"}"#, false),
            ],
        );
    }
}

#[test]
fn changes_to_what_may_be_looked_at_are_guarded_there_only() {
    stops(
        "Looking things up in the pupil register is fine. Any change to it needs my approval.",
        &[
            ("update_pupil_register", r#"{"pupil":"p4"}"#, true),
            ("pupil_register.delete_entry", r#"{"pupil":"p4"}"#, true),
            ("list_pupil_register", "{}", false),
        ],
    );
}

#[test]
fn what_is_waved_through_elsewhere_is_not_guarded() {
    for permit in ["in staging go right ahead", "staging, be my guest"] {
        stops(
            &format!("Stopping servers in production is forbidden; {permit}"),
            &[
                ("stop_server", r#"{"environment":"staging"}"#, false),
                ("stop_server", r#"{"environment":"production"}"#, true),
            ],
        );
    }
}

#[test]
fn who_decides_is_nothing_that_it_is_done_to() {
    stops(
        "Before payslips are exported, the data protection officer has to check it",
        &[("export_payslips", "{}", true), ("export_menu", "{}", false)],
    );
    for who in ["The site producer has to okay", "The chief steward has to okay"] {
        stops(
            &format!("{who} overtime once it goes over £90"),
            &[
                ("log_overtime", r#"{"amount":"£95"}"#, true),
                ("pay_overtime", r#"{"amount":"£95"}"#, true),
                ("pay_overtime", r#"{"amount":"£85"}"#, false),
            ],
        );
    }
}

#[test]
fn a_noun_follows_what_refuses_a_noun() {
    stops(
        "Block order refunds above $80",
        &[
            ("refund_order", r#"{"amount":81,"currency":"USD"}"#, true),
            ("create_order", r#"{"amount":81,"currency":"USD"}"#, false),
        ],
    );
    stops(
        "Block claim payouts above $80",
        &[
            ("claims.payout.pay", r#"{"amount":81,"currency":"USD"}"#, true),
            ("claims.payout.pay", r#"{"amount":80,"currency":"USD"}"#, false),
        ],
    );
}

#[test]
fn only_some_kinds_of_files_means_that_all_else_is_a_file_too() {
    stops(
        "Only PDF or TIFF files may be uploaded to the library",
        &[
            ("upload_scan", r#"{"filename":"a.exe"}"#, true),
            ("upload_scan", r#"{"filename":"a.tiff"}"#, false),
            ("upload_scan", r#"{"filename":"a.pdf.js"}"#, true),
        ],
    );
}

#[test]
fn slips_in_comparisons_are_forgiven() {
    stops(
        "Refunds exceding $70 must be aproved",
        &[
            ("refund_order", r#"{"amount":71,"currency":"USD"}"#, true),
            ("refund_order", r#"{"amount":70,"currency":"USD"}"#, false),
        ],
    );
}

#[test]
fn altering_in_sql_is_less_than_writing() {
    stops(
        "The DBA has to approve ALTER statements",
        &[
            ("run_sql", r#"{"sql":"ALTER TABLE t ADD c int"}"#, true),
            ("run_sql", r#"{"sql":"INSERT INTO t VALUES (1)"}"#, false),
            ("run_sql", r#"{"sql":"SELECT 1"}"#, false),
        ],
    );
    stops(
        "The DBA has to approve INSERT and ALTER statements",
        &[
            ("run_sql", r#"{"sql":"ALTER TABLE t ADD c int"}"#, true),
            ("run_sql", r#"{"sql":"INSERT INTO t VALUES (1)"}"#, true),
        ],
    );
}

#[test]
fn what_is_given_is_made_and_what_is_drafted_is_not() {
    stops(
        "Discounts over 20% need approval",
        &[
            ("grant_member_discount", r#"{"discount":"25% off"}"#, true),
            ("grant_member_discount", r#"{"discount":"15% off"}"#, false),
        ],
    );
    stops(
        "Grants over $90 need approval",
        &[
            ("draft_grant_offer", r#"{"amount":95,"currency":"USD"}"#, false),
            ("approve_grant", r#"{"amount":95,"currency":"USD"}"#, true),
        ],
    );
}

#[test]
fn things_written_as_one_word_are_the_last_of_them() {
    stops(
        "Deleting case files needs approval",
        &[("casefiles.purge", r#"{"case":"c4"}"#, true), ("casenotices.purge", r#"{"case":"c4"}"#, false)],
    );
}

#[test]
fn what_is_excepted_from_a_permission_is_guarded() {
    for rule in [
        "You may delete drafts but not contracts",
        "Deleting is fine unless it's a contract",
        "Everything except contracts may be deleted",
    ] {
        stops(
            rule,
            &[
                ("delete_contract", r#"{"id":"c4"}"#, true),
                ("delete_draft", r#"{"id":"d4"}"#, false),
                ("create_contract", r#"{"id":"c4"}"#, false),
            ],
        );
    }
    stops(
        "The bot can email tenants but not landlords",
        &[("email_landlord", r#"{"text":"hi"}"#, true), ("email_tenant", r#"{"text":"hi"}"#, false)],
    );
    stops("Everyone may read salaries except night-bot", &[("read_salary", "{}", true)]);
    stops(
        "Everyone but the interns may delete branches",
        &[("delete_branch", "{}", true), ("get_branch", "{}", false)],
    );
}

#[test]
fn what_is_allowed_only_if_it_is_such_a_thing_is_refused_otherwise() {
    for rule in ["Deleting is only fine if it's a draft", "Deleting is fine, as long as it's a draft"] {
        stops(rule, &[("delete_contract", "{}", true), ("delete_draft", "{}", false)]);
    }
}

#[test]
fn short_answers_allow_and_refuse() {
    for rule in ["Imports no, exports yes", "Exports yes, imports no", "Importing is off limits, exporting isn't"] {
        stops(rule, &[("import_table", "{}", true), ("export_table", "{}", false)]);
    }
}

#[test]
fn what_is_fine_with_approval_needs_it() {
    for rule in
        ["Refunds over $50 are fine with the team lead's approval", "Refunds over $50 may be issued with approval"]
    {
        stops(
            rule,
            &[
                ("refund_order", r#"{"amount":51,"currency":"USD"}"#, true),
                ("refund_order", r#"{"amount":50,"currency":"USD"}"#, false),
            ],
        );
    }
    stops("Refunds may be issued without approval", &[("delete_page", r#"{"id":"p4"}"#, false)]);
}

#[test]
fn least_notice_is_what_must_be() {
    stops(
        "Bookings need at least 24 hours notice",
        &[("create_booking", r#"{"duration":"2 h"}"#, true), ("create_booking", r#"{"duration":"30 h"}"#, false)],
    );
}

#[test]
fn what_goes_out_is_what_is_done() {
    stops(
        "No payment goes out without my ok",
        &[("pay_supplier", r#"{"amount":5}"#, true), ("list_payments", "{}", false)],
    );
    for rule in [
        "Before a refund over $50 goes out, the team lead has to see it",
        "Refunds above $50 only go out after approval",
    ] {
        stops(
            rule,
            &[
                ("refund_order", r#"{"amount":51,"currency":"USD"}"#, true),
                ("refund_order", r#"{"amount":50,"currency":"USD"}"#, false),
            ],
        );
    }
}

#[test]
fn what_may_be_done_after_asking_is_asked_about() {
    stops(
        "You may refund after checking with finance",
        &[("refund_order", r#"{"id":"o4"}"#, true), ("delete_page", r#"{"id":"p4"}"#, false)],
    );
}
