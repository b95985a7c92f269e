//! How long a rule in English takes to be read and compiled: `cargo bench -p loop-benches --bench english`.
//!
//! The sentences are those of the labelled sets, each timed by itself. A sentence is read once, when its rule is made
//! or loaded, so what counts is the middle one; the slowest and one of the greatest length are told beside it.

use std::hint::black_box;

use loop_benches::{
    Outcome,
    report::{Watch, bounded, checking, median},
};
use loop_core::{
    base::{Seed, Time, id::RuleId},
    policy::{CompiledRule, Rule, RuleAction, english, rulebook},
};

const SETS: [&str; 2] =
    [include_str!("../../loop-core/tests/english/dev.json"), include_str!("../../loop-core/tests/english/wide.json")];
/// How long compiling may take in the middle, in microseconds.
const BUDGET: f64 = 100.0;

#[derive(serde::Deserialize)]
struct Set {
    rules: Vec<Sentence>,
}

#[derive(serde::Deserialize)]
struct Sentence {
    text: String,
}

fn rule(text: &str) -> Rule {
    Rule::new(RuleId::draw(Time::EPOCH, &mut Seed::new([3; 32])), text, RuleAction::Approve)
}

/// Microseconds for `work`, the best of several runs: on a shared machine the only number that repeats.
fn best(mut work: impl FnMut()) -> f64 {
    let runs = if checking() { 1 } else { 20 };
    let times = (0..runs).map(|_| {
        let watch = Watch::start();
        work();
        watch.elapsed().as_secs_f64() * 1e6
    });
    times.fold(f64::MAX, f64::min)
}

/// The longest text that a rule may have: parts of sentences, one after the other.
fn longest(sentences: &[String]) -> String {
    let joined = sentences.iter().map(|text| text.trim_end_matches('.')).collect::<Vec<_>>().join(", and ");
    joined.chars().take(rulebook::MAX_TEXT).collect()
}

fn main() -> Outcome<()> {
    let mut sentences: Vec<String> = Vec::new();
    for set in SETS {
        sentences.extend(serde_json::from_str::<Set>(set)?.rules.into_iter().map(|sentence| sentence.text));
    }
    // The lexicon is loaded once.
    black_box(english::read("refunds need approval"));
    let mut read: Vec<f64> =
        sentences.iter().map(|text| best(|| drop(black_box(english::read(black_box(text)))))).collect();
    let mut compiled: Vec<f64> = sentences
        .iter()
        .map(|text| {
            let rule = rule(text);
            let clone = best(|| drop(black_box(rule.clone())));
            best(|| drop(black_box(CompiledRule::compile(black_box(rule.clone()))))) - clone
        })
        .collect();
    let long = longest(&sentences);
    let longest = best(|| drop(black_box(english::read(black_box(&long)))));
    let most = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let (read_most, compiled_most) = (most(&read), most(&compiled));
    if checking() {
        println!("{} sentences are read", sentences.len());
        return Ok(());
    }
    println!(
        "{} sentences; the slowest is read in {read_most:.0} µs, compiled in {compiled_most:.0} µs",
        sentences.len()
    );
    println!("one of {} characters is read in {longest:.0} µs", rulebook::MAX_TEXT);
    bounded("read a sentence, p50", median(&mut read), "µs", BUDGET);
    bounded("compile a rule, p50", median(&mut compiled), "µs", BUDGET);
    Ok(())
}
