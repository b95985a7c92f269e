//! How well rules in English are read: labelled sets of rules and calls, each with a floor that is held.
//!
//! `LOOP_ENGLISH_SET=FILE cargo test -p loop-core --test english other -- --nocapture` judges another file and lists
//! what went wrong; `LOOP_ENGLISH_TEXTS=FILE … texts` shows how each line of a file is read.

#![cfg(test)]

mod explained;
mod families;
mod sentences;
mod set;

use set::{Report, Set, judge};

fn report(text: &str) -> Report {
    judge(&serde_json::from_str::<Set>(text).unwrap())
}

/// A set that somebody else keeps.
#[test]
fn other_sets_are_judged_on_demand() {
    let Some(path) = std::env::var_os("LOOP_ENGLISH_SET") else { return };
    let report = report(&std::fs::read_to_string(path).unwrap());
    println!("{}\n{report}", report.wrong);
    assert_eq!(report.all.harmful, 0);
}

/// How each line of a file is read.
#[test]
fn texts_are_shown_on_demand() {
    let Some(path) = std::env::var_os("LOOP_ENGLISH_TEXTS") else { return };
    for line in std::fs::read_to_string(path).unwrap().lines().filter(|line| !line.trim().is_empty()) {
        let read = loop_core::policy::english::read(line);
        println!("{line}\n    {}\n    {:?}", loop_core::policy::canonical::render(&read.condition), read.condition);
        if loop_core::policy::canonical::read(&loop_core::policy::canonical::render(&read.condition)).is_none() {
            println!("    MAKES NO SENSE as a condition");
        }
        if !read.unresolved.is_empty() {
            println!("    UNRESOLVED {:?}", read.unresolved);
        }
    }
}

/// At least so many calls of a thousand are right, and at most so many are let go that do harm.
fn holds(set: &str, per_mille: usize, harmful: usize) {
    let report = report(set);
    println!("{report}");
    assert!(report.all.per_mille() >= per_mille, "{} of a thousand are right", report.all.per_mille());
    assert!(report.all.harmful <= harmful, "{} calls do harm", report.all.harmful);
}

#[test]
fn rules_to_learn_from_are_read_at_least_so_well() {
    holds(include_str!("dev.json"), 930, 26);
    holds(include_str!("wide.json"), 908, 48);
    holds(include_str!("more.json"), 989, 3);
    holds(include_str!("extra.json"), 982, 2);
    holds(include_str!("further.json"), 979, 5);
    holds(include_str!("held.json"), 975, 5);
    holds(include_str!("latest.json"), 989, 2);
}

#[test]
fn rules_that_are_only_ever_run_are_read_at_least_so_well() {
    holds(include_str!("unseen.json"), 950, 13);
}
