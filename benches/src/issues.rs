//! Issues, many and quickly, for benches that need a full table.

use loop_core::{
    store::wait,
    work::{
        IssueStatus, IssueType, WorkError,
        issue::{self, NewIssue},
    },
};

use crate::{Outcome, workload::Loop};

/// How many issues one transaction makes.
const CHUNK: usize = 500;
/// Words that titles are made of.
const WORDS: [&str; 12] = [
    "checkout", "sign", "mail", "latency", "invoice", "search", "export", "webhook", "login", "timeout", "report",
    "billing",
];

/// The issue number `n` of a bench: of every kind, state and priority in turn, its title two words and its number.
#[must_use]
pub fn nth(n: usize, status: Option<IssueStatus>) -> NewIssue {
    let of = |words: &[&'static str], n: usize| words.get(n % words.len()).copied().unwrap_or_default();
    let kind = IssueType::ALL.get(n % IssueType::ALL.len()).copied().unwrap_or(IssueType::Task);
    let turn = IssueStatus::ALL.get(n / 5 % IssueStatus::ALL.len()).copied().unwrap_or(IssueStatus::Todo);
    NewIssue {
        status: status.unwrap_or(turn),
        priority: u8::try_from(n % 5).unwrap_or(0),
        description: Some("What was seen, since when and by whom, in a line or two as issues have it".to_owned()),
        ..NewIssue::titled(format!("{} {} {n}", of(&WORDS, n), of(&WORDS, n / 7)), kind)
    }
}

/// Makes so many issues, all in one state if it is given, many in a transaction.
///
/// # Errors
/// Storage failures.
pub fn fill(to: &Loop, count: usize, status: Option<IssueStatus>) -> Outcome<()> {
    for from in (0..count).step_by(CHUNK) {
        let numbers = from..(from + CHUNK).min(count);
        let cx = to.engine.context(to.caller.clone())?;
        let made = to.engine.write(cx, "bench.fill", move |tx, cx| {
            for n in numbers.clone() {
                issue::create(tx, cx, &nth(n, status))?;
            }
            Ok::<_, WorkError>(())
        });
        wait(made)?;
    }
    Ok(())
}
