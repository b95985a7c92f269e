//! Calls of tools nobody has seen, judged under conditions that are given: what a tool's name and arguments say.

#![cfg(test)]

use loop_core::{
    base::{Time, json::Doc},
    policy::{
        Action,
        condition::{Condition, Deed, Limit, Range},
        deed::{classify, combined},
        facts::{self, Counted},
        lexicon::Concepts,
        truth::{Call, Source, Truth, does},
    },
    tool::Risk,
};

const NOW: Time = Time::from_micros(1_763_553_600_000_000);

fn judged(condition: &Condition, tool: &str, arguments: &str) -> Truth {
    let doc = Doc::parse(arguments.as_bytes()).unwrap();
    let action = Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
    let class = classify(tool);
    let class = combined(&class, facts::said_by(&action, &class));
    let call = Call {
        tool,
        class: &class,
        agent: None,
        risk: Risk::Medium,
        now: NOW,
        zone: None,
        source: Source::Live(&action),
    };
    call.judge(condition).most
}

/// `does / things / verbs / nouns`, each a list of words.
fn deed(text: &str) -> Deed {
    let mut columns = text.split('/').map(str::split_whitespace);
    let mut next = || columns.next().into_iter().flatten().collect::<Vec<_>>();
    let known = |names: Vec<&str>| {
        let set = Concepts::named(&names);
        assert_eq!(set.iter().count(), names.len(), "{names:?}");
        set.with_children()
    };
    let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
    Deed { does: known(next()), things: known(next()), verbs: owned(next()), nouns: owned(next()) }
}

#[track_caller]
fn holds(text: &str, calls: &[(&str, &str, Truth)]) {
    let condition = Condition::Deed(deed(text));
    for (tool, arguments, truth) in calls {
        let got = judged(&condition, tool, arguments);
        assert_eq!(got, *truth, "{text}: {tool} {arguments}: {:?}", classify(tool));
    }
}

const YES: Truth = Truth::Yes;
const NO: Truth = Truth::No;
const UNCLEAR: Truth = Truth::Unclear;

#[test]
fn what_is_done_to_a_head_is_not_done_to_its_modifiers() {
    holds(
        "delete/project",
        &[
            ("delete_project", "{}", YES),
            ("projects.remove", "{}", YES),
            ("mcp__plan__erase-project", "{}", YES),
            ("PLANNER_DELETE_PROJECT", "{}", YES),
            ("planner.v2.Projects/Delete", "{}", YES),
            ("planning:DeleteProject", "{}", YES),
            ("deleteProjectV2", "{}", YES),
            ("delete_project_record", "{}", YES),
            ("delete_project_by_id", "{}", YES),
            ("bulk_delete_projects", "{}", YES),
            ("delete_project_permanently", "{}", YES),
            ("delete_project_comment", "{}", NO),
            ("delete_project_template", "{}", NO),
            ("delete_project_whiteboard", "{}", NO),
            ("projects.comments.delete", "{}", NO),
            ("remove_user_from_project", "{}", NO),
            ("erase_blackboard", "{}", NO),
            ("delete_record", "{}", UNCLEAR),
            ("delete", "{}", UNCLEAR),
            ("delete_record", r#"{"type":"project"}"#, YES),
            ("delete_record", r#"{"resource_type":"sketch"}"#, NO),
            ("undelete_project", "{}", NO),
            ("restore_deleted_project", "{}", NO),
            ("list_deleted_projects", "{}", NO),
        ],
    );
    holds(
        "create/user",
        &[
            ("create_user", "{}", YES),
            ("createUserAccount", "{}", YES),
            ("get_or_create_user", "{}", YES),
            ("create_user_story", "{}", NO),
            ("create_user_group_label", "{}", NO),
        ],
    );
}

#[test]
fn to_change_a_part_is_to_change_the_whole() {
    holds(
        "update/product",
        &[
            ("update_product_description", "{}", YES),
            ("set_product_price", "{}", YES),
            ("products.images.replace", "{}", YES),
            ("update_product_note", "{}", NO),
            ("update_customer_address", "{}", NO),
        ],
    );
}

#[test]
fn words_that_no_line_lists_are_compared_as_heads() {
    holds(
        "delete///dns_zone",
        &[
            ("delete_dns_zone", "{}", YES),
            ("dns.zones.delete", "{}", YES),
            ("delete_zone", "{}", UNCLEAR),
            ("delete_time_zone_preference", "{}", NO),
            ("delete_parking_zone", "{}", NO),
            ("delete_zone", r#"{"dns":"example.org"}"#, YES),
        ],
    );
    holds(
        "print///access_badge",
        &[
            ("print_badge", "{}", UNCLEAR),
            ("print_access_badge", "{}", YES),
            ("print_name_badge", "{}", NO),
            ("print_invoice", "{}", NO),
        ],
    );
    holds(
        "create///timesheet",
        &[("create_time_sheet", "{}", YES), ("createTimesheets", "{}", YES), ("create_spread_sheet", "{}", NO)],
    );
    holds("delete///help_centre", &[("delete_help_center", "{}", YES), ("remove_garden_centre", "{}", NO)]);
    holds(
        "delete///badge",
        &[
            ("delete_item", r#"{"badge_id":"b1"}"#, YES),
            ("delete_item", r#"{"kind":"badge"}"#, YES),
            ("delete_item", r#"{"kind":"poster"}"#, NO),
            ("delete_poster", r#"{"badge_id":"b1"}"#, NO),
            ("delete_item", r#"{"name":"badge"}"#, UNCLEAR),
            ("run_sql", r#"{"sql":"DELETE FROM hr.badges WHERE id = 1"}"#, YES),
            ("run_sql", r#"{"sql":"DELETE FROM posters WHERE note = 'badges'"}"#, NO),
            ("delete_row", r#"{"table":"badges"}"#, YES),
            ("run_shell", r#"{"command":"kubectl delete badge b1"}"#, YES),
            ("delete_file", r#"{"path":"/hr/badges/7.png"}"#, YES),
            ("delete_file", r#"{"path":"/hr/badge-ideas.txt"}"#, NO),
        ],
    );
    holds(
        "//flush/cache",
        &[
            ("flush_cache", "{}", YES),
            ("cache.flush", "{}", YES),
            ("flush_print_queue", "{}", NO),
            ("create_flush_report", "{}", NO),
        ],
    );
}

#[test]
fn neighbours_and_opposites_are_not_meant() {
    holds(
        "enable/",
        &[
            ("enable_feature", "{}", YES),
            ("disable_feature", "{}", NO),
            ("set_feature", r#"{"enabled":true}"#, YES),
            ("set_feature", r#"{"enabled":false}"#, NO),
        ],
    );
    holds("charge/", &[("charge_card", "{}", YES), ("refund_charge", "{}", NO)]);
    holds(
        "refund/",
        &[
            ("refund_charge", "{}", YES),
            ("order_refund", "{}", YES),
            ("create_refund", "{}", YES),
            ("send_refund_email", "{}", NO),
            ("create_refund_note", "{}", NO),
        ],
    );
    holds("buy/", &[("create_order", "{}", YES), ("create_order_note", "{}", NO), ("order_supplies", "{}", YES)]);
    holds(
        "pay/",
        &[("create_payment_intent", "{}", YES), ("send_payment_reminder", "{}", NO), ("cancel_payment", "{}", NO)],
    );
    holds("reset/", &[("reset_password", "{}", YES), ("send_password_reset_email", "{}", NO)]);
    holds(
        "transfer/",
        &[("transfer_funds", "{}", YES), ("transfer_ticket", "{}", NO), ("initiate_wire_transfer", "{}", YES)],
    );
    holds("grant/", &[("grant_role", "{}", YES), ("revoke_role", "{}", NO)]);
    holds("post/", &[("publish_article", "{}", YES), ("unpublish_article", "{}", NO)]);
    holds("downscale/", &[("scale_down", "{}", YES), ("scale_up", "{}", NO), ("scale_service", "{}", YES)]);
    holds("raise/", &[("increase_limit", "{}", YES), ("decrease_limit", "{}", NO), ("update_limit", "{}", YES)]);
}

#[test]
fn a_mode_does_not_take_away_what_a_name_does() {
    holds(
        "delete/",
        &[
            ("delete_client", r#"{"mode":"read"}"#, YES),
            ("file_manager", r#"{"action":"delete"}"#, YES),
            ("file_manager", r#"{"action":"read"}"#, NO),
            ("perform_action", r#"{"operation":"delete"}"#, YES),
        ],
    );
    holds("update/", &[("str_swap_replace_editor", r#"{"command":"view"}"#, NO)]);
}

#[test]
fn tables_in_statements_say_what_is_worked_on() {
    holds(
        "delete/customer",
        &[
            ("run_query", r#"{"sql":"DELETE FROM customers WHERE id = 4"}"#, YES),
            ("run_query", r#"{"sql":"DELETE FROM shipments"}"#, NO),
            ("delete_row", r#"{"table":"customers"}"#, YES),
        ],
    );
}

fn more_than(noun: Option<&str>, number: i64) -> Condition {
    let limit = Limit { value: loop_core::base::Decimal::whole(number), inclusive: false };
    let range = Range { from: Some(limit), to: None };
    Condition::Count { of: Counted::Items, noun: noun.map(str::to_owned), range }
}

#[test]
fn numbers_count_what_their_names_say() {
    for (noun, tool, arguments, truth) in [
        (Some("page"), "print_leaflet", r#"{"pages":400}"#, YES),
        (Some("page"), "print_leaflet", r#"{"page_count":3,"copies":900}"#, NO),
        (Some("page"), "print_leaflet", r#"{"copies":900}"#, UNCLEAR),
        (Some("replica"), "scale_app", r#"{"replicas":45}"#, YES),
        (Some("replica"), "run_shell", r#"{"command":"kubectl scale deploy/x --replicas=5"}"#, NO),
        (Some("replica"), "run_shell", r#"{"command":"kubectl scale deploy/x --replicas 500"}"#, YES),
        (Some("reviewer"), "open_gate", r#"{"reviewers":["a","b"],"labels":500}"#, NO),
        (Some("case"), "close_cases", r#"{"case_ids":[1,2,3]}"#, NO),
        (Some("case"), "assign_case", r#"{"case_id":9001}"#, NO),
        (Some("case"), "assign_cases", r#"{"team":"x"}"#, UNCLEAR),
        (Some("record"), "export_rows", r#"{"row_count":5000}"#, YES),
        (None, "update_row", r#"{"row_id":4501}"#, NO),
        (None, "update_row", r#"{"table":"leads","row_id":4501}"#, NO),
        (None, "update_rows", r#"{"count":4501}"#, YES),
        (Some("message"), "purge_queue", r#"{"queue":"a"}"#, UNCLEAR),
    ] {
        let got = judged(&more_than(noun, 30), tool, arguments);
        assert_eq!(got, truth, "{noun:?} {tool} {arguments}");
    }
}

#[test]
fn a_name_is_resolved_without_its_arguments() {
    // What other rooms index by: a doing that no argument can undo is certain.
    assert_eq!(does(&deed("delete/project"), &classify("delete_project")), YES);
    assert_eq!(does(&deed("delete///badge"), &classify("delete_poster")), NO);
}

#[test]
fn products_and_acts_are_no_heads() {
    holds("delete///course_work", &[("lms.coursework.remove", "{}", YES), ("lms.posters.remove", "{}", NO)]);
    holds("delete/email", &[("mail.messages.delete", "{}", YES), ("chat.messages.delete", "{}", NO)]);
    holds("delete/user", &[("schedule_user_deletion", "{}", YES), ("schedule_file_deletion", "{}", NO)]);
    holds(
        "approve/expense_report",
        &[("mcp__expenses__approve_claim", "{}", YES), ("expenses.claims.approve", "{}", YES)],
    );
    holds("create///parking_permit", &[("permits.parking.create", "{}", YES)]);
    holds(
        "disable/mfa",
        &[("update_user", r#"{"mfa_enabled":false}"#, YES), ("update_user", r#"{"mfa_enabled":true}"#, NO)],
    );
    holds("force_push/", &[("git.push", r#"{"force":true}"#, YES), ("git.push", r#"{"force":false}"#, NO)]);
    holds("restart/", &[("restart_server", "{}", YES), ("start_server", "{}", NO)]);
    holds(
        "///stationery",
        &[("buy_supplies", r#"{"category":"stationery"}"#, YES), ("buy_supplies", r#"{"category":"coffee"}"#, NO)],
    );
    // A search for words that open like a statement is still a search.
    holds(
        "/",
        &[
            ("search_deals", r#"{"query":"delete old ones"}"#, NO),
            ("search_deals", r#"{"query":"DELETE FROM deals"}"#, YES),
        ],
    );
}
