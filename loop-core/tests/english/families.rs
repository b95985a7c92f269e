//! Kinds of calls that people write in many ways, each with a rule that it is told by.

use loop_core::policy::{Outcome, PolicySettings, PolicySnapshot, RuleAction};

use crate::set::{Labelling, compile, decide};

/// Asserts for each call of a rule whether it is stopped.
pub fn stops(rule: &str, calls: &[(&str, &str, bool)]) {
    let compiled = compile(rule, RuleAction::Approve);
    let snapshot = PolicySnapshot::build(1, vec![compiled.clone()], Vec::new(), PolicySettings::default());
    for (tool, arguments, stopped) in calls {
        let call = Labelling {
            tool_name: (*tool).to_owned(),
            arguments: serde_json::from_str(arguments).unwrap(),
            agent_name: None,
            expect: String::new(),
            harmful: false,
            note: None,
        };
        let outcome = decide(&snapshot, &call);
        assert_eq!(outcome != Outcome::Allow, *stopped, "{rule}: {tool} {arguments} ({:?})", compiled.condition);
    }
}

#[test]
fn cloud_calls_are_read_by_what_they_change() {
    stops(
        "Changes to DNS records need approval",
        &[
            ("route53:ChangeResourceRecordSets", r#"{"HostedZoneId":"Z4"}"#, true),
            ("route53:DeleteHostedZone", r#"{"Id":"Z4"}"#, true),
            ("route53:ListResourceRecordSets", r#"{"HostedZoneId":"Z4"}"#, false),
        ],
    );
    stops(
        "Changing firewall rules needs approval",
        &[
            ("ec2:AuthorizeSecurityGroupIngress", r#"{"GroupId":"sg-7"}"#, true),
            ("ec2:RevokeSecurityGroupEgress", r#"{"GroupId":"sg-7"}"#, true),
            ("ec2:DescribeSecurityGroups", "{}", false),
        ],
    );
}

#[test]
fn commands_are_read_by_what_they_do() {
    stops(
        "Deleting git tags needs approval",
        &[
            ("shell", r#"{"command":"git tag -d v3"}"#, true),
            ("shell", r#"{"command":"git push origin :refs/tags/v3"}"#, true),
            ("shell", r#"{"command":"git tag v3"}"#, false),
        ],
    );
    stops(
        "Deleting instances needs approval",
        &[
            ("shell", r#"{"command":"gcloud compute instances delete web-2"}"#, true),
            ("shell", r#"{"command":"aws ec2 terminate-instances --instance-ids i-1"}"#, true),
            ("shell", r#"{"command":"gcloud compute instances list"}"#, false),
        ],
    );
    stops(
        "Reading secrets needs approval",
        &[
            ("run_shell", r#"{"command":"cat .env"}"#, true),
            ("read_file", r#"{"path":"/srv/app/.env.production"}"#, true),
            ("read_file", r#"{"path":"/srv/app/.env.example"}"#, false),
        ],
    );
    stops(
        "Deleting customers needs approval",
        &[
            ("http_request", r#"{"method":"DELETE","url":"https://crm.example/v1/customers/4"}"#, true),
            ("http_request", r#"{"method":"GET","url":"https://crm.example/v1/customers/4"}"#, false),
            ("http_request", r#"{"method":"DELETE","url":"https://crm.example/v1/customers/4/notes/2"}"#, false),
            ("shell", r#"{"command":"curl -X DELETE https://crm.example/v1/customers/4"}"#, true),
        ],
    );
    stops(
        "Dropping tables needs approval",
        &[
            ("mongo_run", r#"{"command":"db.visits.drop()"}"#, true),
            ("mongo_run", r#"{"command":"db.visits.find({})"}"#, false),
            ("pg.query", r#"{"text":"DROP TABLE visits"}"#, true),
        ],
    );
}

#[test]
fn what_reads_and_does_more_is_no_reading() {
    stops(
        "Reading Kubernetes objects is fine, changing them needs approval",
        &[
            ("shell", r#"{"command":"cat d.yaml | kubectl apply -f -"}"#, true),
            ("shell", r#"{"command":"kubectl get pods"}"#, false),
            ("run_kubectl", r#"{"command":"kubectl logs web-1"}"#, false),
            ("run_kubectl", r#"{"command":"kubectl -n get delete pod web-1"}"#, true),
        ],
    );
}

#[test]
fn groups_and_roles_say_which_rights_they_give() {
    stops(
        "Granting admin rights needs approval",
        &[
            ("add_group_member", r#"{"group":"Owners","user":"u4"}"#, true),
            ("okta.groups.addUser", r#"{"group":"domain-admins","user":"u4"}"#, true),
            ("grant_role", r#"{"role":"administrator","user":"u4"}"#, true),
            ("grant_role", r#"{"role":"viewer","user":"u4"}"#, false),
            ("grant_role", r#"{"user":"u4"}"#, true),
        ],
    );
}

#[test]
fn environments_are_found_in_other_names_only_when_they_are_all_of_them() {
    stops(
        "Creating accounts in production needs approval",
        &[
            ("create_account", r#"{"tenant":"production"}"#, true),
            ("create_account", r#"{"tenant":"sandbox"}"#, false),
            ("create_account", r#"{"tenant":"sandbox-live"}"#, true),
            ("create_account", r#"{"environment":"lab"}"#, false),
            ("create_account", r#"{"from":"x","environment":"dev","database":"prod"}"#, true),
        ],
    );
}

#[test]
fn words_behind_a_word_for_looking_are_things() {
    stops(
        "Changing or releasing reports needs approval",
        &[
            ("view_release_report", "{}", false),
            ("list_open_reports", "{}", false),
            ("reports.import.status", "{}", false),
            ("update_report", "{}", true),
            ("get_and_update_report", "{}", true),
            ("monitor.reports.update", "{}", true),
        ],
    );
    stops(
        "Refunds need approval",
        &[("refund_policy", "{}", false), ("refund_report_form", "{}", false), ("refund_customer", "{}", true)],
    );
    stops(
        "Reading files under /hr needs approval",
        &[("open_file", r#"{"path":"/hr/a.txt"}"#, true), ("open_file", r#"{"path":"/it/a.txt"}"#, false)],
    );
    stops(
        "Writing files under /hr needs approval",
        &[
            ("open_file", r#"{"path":"/hr/a.txt","mode":"r"}"#, false),
            ("open_file", r#"{"path":"/hr/a.txt","mode":"w"}"#, true),
        ],
    );
}

#[test]
fn an_act_may_be_done_to_whatever_its_name_leaves_open() {
    stops(
        "Enrolling students needs approval",
        &[
            ("registry.enrolments.create", r#"{"student_id":4}"#, true),
            ("enrol_student", "{}", true),
            ("enrol_supplier", "{}", false),
        ],
    );
    stops("Deleting encryption keys needs approval", &[("kms:ScheduleKeyDeletion", r#"{"KeyId":"k7"}"#, true)]);
    stops(
        "Sharing salary data needs approval",
        &[
            ("share_data", r#"{"columns":["salary","name"]}"#, true),
            ("share_data", r#"{"columns":["desk","employee"]}"#, false),
        ],
    );
}

#[test]
fn another_state_in_the_name_is_not_this_one() {
    stops(
        "Making buckets public needs approval",
        &[
            ("make_bucket_private", r#"{"bucket":"b4"}"#, false),
            ("make_bucket_public", r#"{"bucket":"b4"}"#, true),
            ("set_bucket_acl", r#"{"bucket":"public-archive","acl":"private"}"#, false),
            ("set_bucket_acl", r#"{"bucket":"b4","acl":"public-read"}"#, true),
        ],
    );
}

#[test]
fn lines_of_an_order_count_together_and_numbers_of_things_do_not() {
    stops(
        "Orders for more than 300 units need approval",
        &[
            ("place_order", r#"{"lines":[{"sku":"a","quantity":200},{"sku":"b","quantity":150}]}"#, true),
            ("place_order", r#"{"lines":[{"sku":"a","quantity":200},{"sku":"b","quantity":50}]}"#, false),
            ("place_order", r#"{"quantity":12,"order_number":99120}"#, false),
            ("place_order", r#"{"quantity":1200,"order_number":3}"#, true),
        ],
    );
    stops(
        "No more than 4 server restarts at a time",
        &[
            ("restart_servers", r#"{"servers":["a","b","c","d"]}"#, false),
            ("restart_servers", r#"{"servers":["a","b","c","d","e"]}"#, true),
        ],
    );
}
