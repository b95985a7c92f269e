//! How much harm a tool can do, told by its name.
//!
//! The name is cut into words ([`super::name`]) and looked up in the table below:
//! 1. a destroying word anywhere, or a name that touches credentials, is [`Risk::High`], whatever else it says:
//!    `preview_delete` and `read_secret` are high;
//! 2. otherwise a changing word anywhere is [`Risk::Medium`];
//! 3. otherwise a reading word makes it [`Risk::Low`], unless a word that can be a deed stands before it or is
//!    joined to it: `get_payment`, `orders.list` and `refund_policy_lookup` are low, `email_list` and
//!    `fetch_and_email` are not;
//! 4. anything else, above all an unknown verb, is [`Risk::Medium`].
//!
//! A participle describes and does nothing: `list_deleted_events` is low.

use super::name::{Tokens, tokens};
pub use crate::base::Risk;

/// The risk a tool's name tells, [`Risk::Medium`] where it tells nothing. Never [`Risk::Critical`].
#[must_use]
pub fn classify(tool: &str) -> Risk {
    of(&tokens(tool))
}

/// The risk that a name already cut into words tells.
#[must_use]
pub fn of(name: &Tokens) -> Risk {
    told(name).unwrap_or(Risk::Medium)
}

/// The risk that a name tells, when it tells any: `None` where no word of it is known.
#[must_use]
pub fn told(name: &Tokens) -> Option<Risk> {
    if touches_credentials(name) {
        return Some(Risk::High);
    }
    let mut changes = false;
    let mut deed_before_reading = false;
    let mut reading = None;
    let mut joined = false;
    for word in name.iter() {
        match effect(word) {
            Some(Effect::Destroys) => return Some(Risk::High),
            Some(Effect::Changes) => changes = true,
            Some(Effect::CouldBeDeed) if reading.is_none() => deed_before_reading = true,
            Some(Effect::CouldBeDeed) => changes |= joined,
            Some(Effect::Reads) => reading = Some(word),
            None => {}
        }
        joined = matches!(word, "and" | "or" | "then" | "n");
    }
    match reading {
        Some(last)
            if !changes && (!deed_before_reading || name.iter().next_back().is_some_and(|end| looks_up(last, end))) =>
        {
            Some(Risk::Low)
        }
        None if !changes && !deed_before_reading => None,
        _ => Some(Risk::Medium),
    }
}

/// `order_search` reads although `order` can be a deed; `email_list` could mean to e-mail the list.
fn looks_up(reading: &str, end: &str) -> bool {
    reading == end && matches!(end, "search" | "lookup" | "get" | "read" | "fetch" | "query" | "find" | "describe")
}

enum Effect {
    Destroys,
    Changes,
    CouldBeDeed,
    Reads,
}

#[rustfmt::skip]
fn effect(word: &str) -> Option<Effect> {
    Some(match word {
        "delete" | "deletes" | "deleting" | "deletion" | "del" | "rm" | "rmdir" | "remove" | "removes" | "removal"
        | "wipe" | "drop" | "purge" | "truncate" | "destroy" | "erase" | "erasure" | "revoke" | "unlink" | "shred"
        | "expunge" | "obliterate" | "nuke" | "terminate" | "kill" | "uninstall" | "deprovision" | "decommission"
        | "teardown" | "trash" | "sudo" | "mkfs" => Effect::Destroys,

        "send" | "write" | "create" | "insert" | "update" | "upsert" | "modify" | "edit" | "patch" | "put" | "set"
        | "add" | "append" | "overwrite" | "replace" | "rename" | "move" | "merge" | "push" | "publish" | "submit"
        | "execute" | "exec" | "run" | "invoke" | "eval" | "pay" | "buy" | "sell" | "export" | "import" | "bulk"
        | "batch" | "grant" | "assign" | "approve" | "reject" | "cancel" | "enable" | "disable" | "install" | "deploy"
        | "restart" | "reset" | "rotate" | "rollback" | "restore" | "make" | "sync" | "forward" | "reply" | "prescribe"
        | "reboot" | "shutdown" | "toggle" | "change" | "apply" | "sign" | "archive" | "payout" | "checkout" | "rebuild"
        | "reindex" | "activate" | "deactivate" | "migrate" | "register" | "unregister" | "subscribe" | "unsubscribe"
        | "attach" | "detach" | "configure" | "provision" | "scale" | "resize" | "promote" | "demote" | "escalate"
        | "suspend" | "resume" | "pause" | "freeze" | "ban" | "prune" | "encrypt" | "decrypt" | "refresh" | "reload"
        | "retry" | "replay" | "dispatch" | "broadcast" | "finalise" | "finalize" | "confirm" | "accept" | "decline"
        | "settle" | "void" | "redeem" | "mint" | "swap" | "liquidate" | "allocate" | "rebalance" | "hire" | "enrol"
        | "enroll" | "onboard" | "offboard" | "impersonate" | "authorise" | "authorize" | "allow" | "deny" | "permit"
        | "override" | "bypass" | "force" | "revert" | "transform" | "convert" | "generate" | "initiate" | "place"
        => Effect::Changes,

        "email" | "mail" | "message" | "text" | "call" | "post" | "tweet" | "order" | "refund" | "transfer" | "wire"
        | "charge" | "payment" | "purchase" | "book" | "ship" | "release" | "invoice" | "upload" | "share" | "copy"
        | "schedule" | "comment" | "notify" | "invite" | "trade" | "vote" | "fund" | "save" | "store" | "start"
        | "stop" | "open" | "close" | "lock" | "unlock" | "block" | "use" | "process" | "download" | "clear" | "clean" | "commit" | "clone"
        | "build" | "test" | "trigger" | "request" | "issue" | "credit" | "shell" | "bash" | "donate" | "deposit" | "tag"
        | "label" | "pin" | "capture" | "fire" | "mount" | "format" | "login" | "logout" | "mute" | "follow"
        | "withdraw" | "remit" | "bid" => Effect::CouldBeDeed,

        "read" | "query" | "list" | "get" | "search" | "fetch" | "count" | "preview" | "describe" | "find" | "show"
        | "view" | "lookup" | "inspect" | "check" | "explain" | "summarise" | "summarize" | "browse"
        | "retrieve" | "ls" | "grep" | "diff" | "whoami" | "ping" | "validate" | "compare" | "analyse" | "analyze"
        | "calculate" | "estimate" | "exists" | "peek"
        => Effect::Reads,

        // Written without a separator: `deletefile`. The participle describes.
        _ if word.starts_with("delete") && word != "deleted" => Effect::Destroys,
        _ if word.starts_with("destroy") && word != "destroyed" => Effect::Destroys,
        _ => return None,
    })
}

fn touches_credentials(name: &Tokens) -> bool {
    let mut before = "";
    for word in name.iter() {
        let touches = match word {
            "credential" | "credentials" | "creds" | "password" | "passwords" | "passwd" | "passphrase" | "secret"
            | "secrets" | "apikey" | "apikeys" | "keychain" | "otp" | "totp" | "privatekey" => true,
            "key" | "keys" => matches!(
                before,
                "api"
                    | "private"
                    | "access"
                    | "ssh"
                    | "signing"
                    | "encryption"
                    | "master"
                    | "secret"
                    | "service"
                    | "gpg"
            ),
            // Tokens of a language model are counted, not kept.
            "token" | "tokens" => !name.iter().any(|other| {
                matches!(other, "count" | "max" | "limit" | "usage" | "budget" | "estimate" | "cost" | "per" | "text")
            }),
            _ => word.starts_with("password") || word.starts_with("credential"),
        };
        if touches {
            return true;
        }
        before = word;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Effect, Risk, classify, effect};
    use crate::tool::name::tokens;

    #[test]
    fn destroying_and_credential_touching_tools_are_high() {
        for tool in [
            "delete_file",
            "wipe_disk",
            "drop_table",
            "purge_cache",
            "rotate_credentials",
            "fs.unlink",
            "ec2:TerminateInstances",
            "mcp__crm__erase_customer_record",
            "snowflake.dropTable",
            "gmail-delete-message",
            "deletefile",
            "DELETE_ALL",
            "revoke_role",
            "mongo_delete_many",
            "list_and_delete",
            "preview_delete",
            "read_secret",
            "secretsmanager:GetSecretValue",
            "get_api_key",
            "create_access_token",
            "rotateToken",
            "list_passwords",
            "vault_read_secret",
        ] {
            assert_eq!(classify(tool), Risk::High, "{tool}");
            assert_eq!(classify(&format!("{tool}_9f3a")), Risk::High, "{tool} with a suffix");
        }
    }

    #[test]
    fn changing_and_unknown_tools_are_medium() {
        for tool in [
            "send_email",
            "write_row",
            "export_users",
            "make_payment",
            "bulk_read",
            "wire_transfer",
            "read_write_file",
            "get_or_create_user",
            "fetch_and_email",
            "email_list",
            "run_sql_query",
            "database_write",
            "find_and_replace",
            "frobnicate",
            "secretary",
            "shell",
            "",
            "___",
            "запрос",
        ] {
            assert_eq!(classify(tool), Risk::Medium, "{tool}");
        }
    }

    #[test]
    fn reading_tools_are_low_whatever_they_read() {
        for tool in [
            "read_file",
            "query_orders",
            "list_files",
            "get_payment",
            "list_payments",
            "payments.list",
            "refund_policy_lookup",
            "purchase_history_search",
            "mail_search",
            "mcp__github__get_pull_request",
            "ec2:DescribeInstances",
            "slack_read_deleted_messages",
            "get_deleted_customers",
            "count_tokens",
            "count_email_recipients",
            "preview_report",
            "getHTTPStatus",
        ] {
            assert_eq!(classify(tool), Risk::Low, "{tool}");
            assert_eq!(classify(&format!("{tool}_9f3a")), classify(&format!("{tool}_17c0")), "{tool} with a suffix");
        }
        assert_eq!(classify("read_file_9f3a"), Risk::Low);
    }

    proptest! {
        #[test]
        fn a_destroying_word_anywhere_is_high(
            before in proptest::collection::vec("[a-z]{1,8}", 0..4),
            word in prop::sample::select(vec!["delete", "wipe", "drop", "purge", "truncate", "destroy", "erase", "revoke"]),
            after in proptest::collection::vec("[a-z]{1,8}", 0..4),
        ) {
            let name = [before, vec![word.to_owned()], after].concat().join("_");
            prop_assert_eq!(classify(&name), Risk::High, "{}", name);
        }

        #[test]
        fn low_is_only_said_where_a_reading_word_stands(
            words in proptest::collection::vec("list|get|pay|order|and|tokens?|api|key|[a-z]{1,6}|\\PC{0,6}", 0..6),
        ) {
            let name = words.join("_");
            if classify(&name) == Risk::Low {
                let reads = tokens(&name).iter().any(|word| matches!(effect(word), Some(Effect::Reads)));
                prop_assert!(reads, "{}", name);
            }
        }
    }
}
