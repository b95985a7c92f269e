//! How well rules in English are read: labelled sets of rules and calls, each with a floor that is held.
//!
//! `LOOP_ENGLISH_SET=FILE cargo test -p loop-core --test english other -- --nocapture` judges another file and lists
//! what went wrong; `LOOP_ENGLISH_TEXTS=FILE … texts` shows how each line of a file is read.

#![cfg(test)]

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
        println!("{line}\n    {:?}", read.condition);
        if !read.unresolved.is_empty() {
            println!("    UNRESOLVED {:?}", read.unresolved);
        }
    }
}
