//! Concepts that the code itself speaks of, each set looked up once.

use crate::policy::lexicon::Concepts;

/// Concepts that the code itself speaks of.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Known {
    pub read: Concepts,
    pub draft: Concepts,
    pub execute: Concepts,
    pub shell: Concepts,
    pub database: Concepts,
    pub money: Concepts,
    pub send: Concepts,
    pub files: Concepts,
    pub refund: Concepts,
    pub papers: Concepts,
    pub campaign: Concepts,
    pub partly: Concepts,
    pub holders: Concepts,
    pub message: Concepts,
    pub row: Concepts,
    pub push: Concepts,
    pub force_push: Concepts,
    pub stores: Concepts,
    pub process: Concepts,
    pub update: Concepts,
    pub enable: Concepts,
    pub disable: Concepts,
    pub other: Concepts,
    pub implied: [(Concepts, Concepts, Concepts); 11],
    pub worth: Concepts,
    pub telling: Concepts,
    pub email: Concepts,
    pub making: Concepts,
    pub transfer: Concepts,
    pub moved: Concepts,
    pub admin: Concepts,
    pub role: Concepts,
    pub lesser: Concepts,
    pub opened: Concepts,
    pub create: Concepts,
    pub business: Concepts,
    pub acts: Concepts,
    pub handing: Concepts,
    pub about: Concepts,
}

/// Those concepts, looked up once.
pub(in crate::policy) fn known() -> &'static Known {
    static KNOWN: std::sync::LazyLock<Known> = std::sync::LazyLock::new(|| Known {
        read: Concepts::named(&["read"]),
        draft: Concepts::named(&["draft"]),
        execute: Concepts::named(&["execute"]),
        shell: Concepts::named(&["shell"]),
        database: Concepts::named(&["database"]).with_children(),
        money: Concepts::named(&["spend", "refund", "charge", "discount", "credit_note", "invoice"]).with_children(),
        send: Concepts::named(&["send", "export", "upload", "share", "commit", "log", "print", "download"])
            .with_children(),
        files: Concepts::named(&["file", "shell"]).with_children(),
        refund: Concepts::named(&["refund"]),
        // What business is done about: `order_refund`, `invoice_payment`.
        papers: Concepts::named(&["buy", "booking", "invoice", "subscription", "claim", "sell"]),
        campaign: Concepts::named(&["campaign"]),
        process: Concepts::named(&["process"]),
        stores: Concepts::named(&["database"]).with_children(),
        message: Concepts::named(&["message"]),
        row: Concepts::named(&["row", "column"]),
        push: Concepts::named(&["push"]),
        force_push: Concepts::named(&["force_push"]),
        // Of these one may hold many.
        holders: Concepts::named(&[
            "database",
            "folder",
            "bucket",
            "queue",
            "channel",
            "team",
            "project",
            "campaign",
            "segment",
            "mailing_list",
            "cache",
            "backup",
            "volume",
            "namespace",
            "cluster",
            "report",
            "file",
            "shell",
            "calendar",
            "page",
        ])
        .with_children()
        .without(Concepts::named(&["row", "column"])),
        update: Concepts::named(&["update"]),
        enable: Concepts::named(&["enable"]),
        disable: Concepts::named(&["disable"]),
        other: Concepts::named(&["other_thing"]),
        // What transfers of money are about.
        worth: Concepts::named(&[
            "spend",
            "deposit",
            "refund",
            "charge",
            "invoice",
            "funds",
            "bank_account",
            "account",
            "payment_method",
            "crypto",
            "stock_share",
            "salary",
            "budget",
            "loan",
            "gift_card",
            "price",
            "rent",
            "sell",
            "tax",
            "claim",
        ])
        .with_children(),
        transfer: Concepts::named(&["transfer"]),
        telling: Concepts::named(&["send", "message", "reply"]),
        email: Concepts::named(&["email"]),
        making: Concepts::named(&["create", "update", "write", "process"]),
        moved: Concepts::named(&["move", "export"]),
        admin: Concepts::named(&["admin"]),
        role: Concepts::named(&["role"]),
        lesser: Concepts::named(&["lesser_role"]),
        // To open one of these is to look into it.
        opened: Concepts::named(&["file", "page"]).with_children(),
        create: Concepts::named(&["create"]),
        handing: Concepts::named(&["upload", "export", "share", "download"]),
        // Doings whose nouns say nothing of what they are done to: an enrolment of whom?
        acts: Concepts::named(&[
            "invite",
            "hire",
            "admit",
            "discharge",
            "refer",
            "train",
            "share",
            "deploy",
            "sign",
            "approve",
            "reject",
            "schedule",
        ]),
        business: Concepts::named(&[
            "spend",
            "refund",
            "charge",
            "invoice",
            "subscription",
            "claim",
            "sell",
            "deposit",
        ])
        .with(Concepts::named(&["discount"]))
        .with_children(),
        // What is about things of business rather than done to them.
        about: Concepts::named(&["policy_thing", "template", "setting", "report", "page", "form", "calendar"]),
        // To do this to a part of something is to do it to that thing.
        partly: Concepts::named(&[
            "read", "update", "restore", "export", "download", "upload", "share", "print", "log", "move", "migrate",
            "sync", "deploy", "import", "send",
        ])
        .with(Concepts::named(&["send"]).with_children()),
        implied: [
            (
                Concepts::named(&["execute"]),
                Concepts::named(&["instance", "pod", "cluster"]),
                Concepts::named(&["start", "create"]),
            ),
            (Concepts::named(&["create", "update"]), Concepts::named(&["admin"]), Concepts::named(&["grant"])),
            (Concepts::named(&["update"]), Concepts::named(&["secret"]), Concepts::named(&["reset"])),
            (Concepts::named(&["approve"]), Concepts::named(&["firewall"]), Concepts::named(&["create", "update"])),
            (Concepts::named(&["create"]), Concepts::named(&["event"]), Concepts::named(&["invite"])),
            (Concepts::named(&["move"]), Concepts::named(&["funds"]), Concepts::named(&["transfer"])),
            (Concepts::named(&["delete"]), Concepts::named(&["admin", "role"]), Concepts::named(&["revoke"])),
            (Concepts::named(&["create"]), Concepts::named(&["employee"]), Concepts::named(&["hire"])),
            (Concepts::named(&["delete", "stop"]), Concepts::named(&["employee"]), Concepts::named(&["dismiss"])),
            (
                Concepts::named(&["create", "execute"]),
                Concepts::named(&["migration_thing"]),
                Concepts::named(&["migrate"]),
            ),
            (
                Concepts::named(&["disable", "delete"]),
                Concepts::named(&["mfa"]),
                Concepts::named(&["disable", "delete"]),
            ),
        ],
    });
    &KNOWN
}

/// Concepts that have both a doing and a naming word.
pub(super) fn nouned() -> Concepts {
    static NOUNED: std::sync::LazyLock<Concepts> = std::sync::LazyLock::new(|| {
        Concepts::ALL.iter().filter(|concept| concept.verb().is_some() && concept.noun().is_some()).collect()
    });
    *NOUNED
}

/// Doings whose nouns name nothing but the doing: `deletion`, `export`.
#[must_use]
pub(in crate::policy) fn pure_deeds() -> Concepts {
    static PURE: std::sync::LazyLock<Concepts> = std::sync::LazyLock::new(|| {
        let also = Concepts::named(&["read", "export", "download", "upload", "execute", "mask", "send"]);
        Concepts::named(&["write"]).with_children().with(also).without(Concepts::named(&["deploy"]))
    });
    *PURE
}
