//! Tools by their names, programs with what they are told, SQL without a limit, texts word for word.

use super::{
    path,
    tape::Tape,
    token::Kind,
    words::{Group, List, groups, is},
};
use crate::policy::{condition::Condition, mentions};

/// Takes tools that are named exactly or by a pattern.
pub fn tools(tape: &mut Tape) -> Vec<Condition> {
    let mut tools = Vec::new();
    for at in 0..tape.len() {
        let raw = tape.raw(at).to_owned();
        let plain = !raw.is_empty() && !raw.contains(char::is_whitespace);
        let clock = raw.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '-' | '.' | '–'));
        match tape.kind(at) {
            Some(Kind::Quoted | Kind::Name) if clock => continue,
            Some(Kind::Quoted) if plain && raw.contains('*') => tools.push(Condition::ToolLike(raw)),
            Some(Kind::Name) if path::file_name(&raw) => continue,
            Some(Kind::Quoted) if raw.contains('/') || path::file_name(&raw) || names_other(tape, at) => continue,
            // A name as programs have them, or one that the text calls a tool.
            Some(Kind::Quoted) if plain && (raw.contains(['_', '.', ':', '-']) || is_tool(tape, at)) => {
                tools.push(Condition::Tool(raw));
            }
            Some(Kind::Quoted) if plain && alone(tape, at) => tools.push(Condition::Tool(raw)),
            Some(Kind::Name) => tools.push(Condition::Tool(raw)),
            Some(Kind::Glob) if raw.contains('_') => tools.push(Condition::ToolLike(raw)),
            _ => continue,
        }
        tape.take(at);
        for place in [at + 1, at.wrapping_sub(1)] {
            if matches!(tape.word(place), "tool" | "tools" | "function" | "method") {
                tape.take(place);
            }
        }
    }
    tools
}

fn is_tool(tape: &Tape, at: usize) -> bool {
    ["tool", "tools", "call", "calls", "calling", "function", "use", "using", "invoke", "invoking", "run", "running"]
        .iter()
        .any(|word| tape.before(at, 1) == *word || tape.raw_word(at + 1) == *word)
}

/// Whether nothing else is said that could be done.
fn alone(tape: &Tape, at: usize) -> bool {
    (0..tape.len()).all(|other| {
        other == at
            || tape.is_mark(other)
            || tape.is_taken(other)
            || tape.raw_is(other, Group::Small)
            || tape.raw_is(other, Group::Calling)
            || tape.raw_kind(other) == Some(&Kind::Quoted)
    })
}

/// Whether a quoted name is that of an agent, a group, a label: `requests by "nightly"`, `tagged "temporary"`.
fn names_other(tape: &Tape, at: usize) -> bool {
    List::NameLead.has(tape.before(at, 1)) && !is_tool(tape, at)
}

/// Takes commands: a program and the words behind it.
pub fn commands(tape: &mut Tape) -> Option<Condition> {
    let spoken = tape.any_raw(|word| List::Shell.has(word));
    let mut all: Vec<Vec<String>> = Vec::new();
    for at in 0..tape.len() {
        let program = tape.word(at).to_owned();
        let quoted = tape.kind(at) == Some(&Kind::Quoted);
        if quoted && program.split_whitespace().next().is_some_and(|first| is(Group::Programs, first)) {
            let raw = tape.raw(at).to_owned();
            tape.take(at);
            all.push(raw.split_whitespace().map(str::to_owned).collect());
            continue;
        }
        let program_here = tape.kind(at) == Some(&Kind::Word) && tape.is(at, Group::Programs);
        let product = is(Group::Services, &program) && !spoken && !commanded_next(tape, at);
        let placed = List::ProgramLead.has(tape.before(at, 1))
            && !tape.any_raw(|word| matches!(word, "command" | "commands" | "output" | "piping"))
            && !commanded_next(tape, at)
            && (tape.before(at, 1) != "a" || program != "git");
        // `SSH keys`: what a key is for.
        let thing = List::ProgramWord.has(&program) && tape.raw(at) != program
            || List::ProgramThing.has(tape.raw_word(at + 1))
            || matches!(program.as_str(), "kill" | "make" | "az" | "apt" | "shutdown" | "reboot") && !spoken;
        // `helm charts`: things that the program keeps, not what it is told.
        let next = tape.raw_word(at + 1);
        let kept = tape.raw_kind(at + 1) == Some(&Kind::Word) && List::Kept.has(next);
        if !program_here || product || placed || thing || kept {
            continue;
        }
        tape.take(at);
        let mut command = vec![program];
        let flag = (at + 1..at + 4).find(|at| tape.raw(*at).starts_with('-'));
        let begin = flag
            .filter(|flag| {
                (at + 1..*flag).all(|at| {
                    matches!(tape.raw_word(at), "with" | "using" | "command" | "commands" | "the" | "run" | "runs")
                })
            })
            .unwrap_or(at + 1);
        for behind in begin..tape.len() {
            let word = tape.raw(behind).to_owned();
            if matches!(word.as_str(), "with" | "using") && tape.raw(behind + 1).starts_with('-') {
                tape.take(behind);
                continue;
            }
            let own = groups(&word.to_lowercase());
            let ends = matches!(tape.kind(behind), None | Some(Kind::Mark(_)))
                || own.has(Group::Small)
                || own.has(Group::Programs)
                    && !word.starts_with('-')
                    && command.first().is_some_and(|first| first != "sudo")
                || own.has(Group::Calling)
                || matches!(word.as_str(), "commands" | "command" | "changes" | "edits" | "anywhere");
            if ends {
                break;
            }
            tape.take(behind);
            command.push(word.trim_matches(|c| c == ',').to_owned());
        }
        // `Helm upgrades and uninstalls`, `terraform apply or destroy`
        let mut next = at + command.len();
        let told = |tape: &Tape, at: usize| {
            let word = tape.word(at);
            let single = word.strip_suffix('s').unwrap_or(word);
            List::Told.has(single).then(|| single.to_owned())
        };
        if let [program, sub] = command.as_mut_slice() {
            let program = program.clone();
            if let Some(single) = sub.strip_suffix('s').filter(|single| List::Told.has(single)) {
                *sub = single.to_owned();
            }
            while matches!(tape.raw_word(next), "and" | "or")
                && let Some(other) = told(tape, next + 1)
            {
                tape.take(next + 1);
                all.push(vec![program.clone(), other]);
                next += 2;
            }
        }
        all.push(command);
    }
    (!all.is_empty()).then_some(Condition::Command(all))
}

/// `terraform apply`: a program in small letters with what it is told right behind.
fn commanded_next(tape: &Tape, at: usize) -> bool {
    tape.raw(at) == tape.raw_word(at) && (List::Told.has(tape.raw_word(at + 1)) || tape.raw(at + 1).starts_with('-'))
}

/// Takes what must be said word for word: `mentioning "project x"`, an address of the network.
pub fn texts(tape: &mut Tape) -> Option<Condition> {
    let (mut texts, mut states) = (Vec::new(), Vec::new());
    for at in 0..tape.len() {
        let raw = tape.raw(at).to_owned();
        let network = raw.contains('.') && raw.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '/' | ':'));
        let quoted =
            tape.kind(at) == Some(&Kind::Quoted) && (raw.contains(char::is_whitespace) || names_other(tape, at));
        let state = mentions::state(&raw.to_lowercase().replace(' ', "_"));
        if let Some(state) = state.filter(|_| quoted) {
            tape.take(at);
            states.push(state);
        } else if (network && tape.kind(at) == Some(&Kind::Path)) || quoted {
            tape.take(at);
            texts.push(raw);
        }
    }
    let texts = (!texts.is_empty()).then_some(Condition::Text(texts));
    let states = (!states.is_empty()).then_some(Condition::State(states));
    let all: Vec<Condition> = texts.into_iter().chain(states).collect();
    (!all.is_empty()).then(|| Condition::any(all))
}

/// Takes `without a WHERE clause`.
pub fn unbounded(tape: &mut Tape) -> bool {
    let found = (0..tape.len()).find(|at| {
        let named = tape.word(*at) == "where"
            && (1..=2).any(|back| matches!(tape.before(*at, back), "without" | "no" | "lacking" | "missing" | "lack"));
        named && (tape.raw(*at) == "WHERE" || matches!(tape.raw_word(*at + 1), "clause" | "condition" | "part"))
    });
    let Some(at) = found else { return false };
    for place in at.saturating_sub(2)..=at + 1 {
        if List::UnboundedPart.has(tape.word(place)) {
            tape.take(place);
        }
    }
    true
}

/// Takes branches: patterns, and names behind `into`.
pub fn branches(tape: &mut Tape, about: bool) -> Option<Condition> {
    let merging = |word: &str| List::Merging.has(word);
    if !about && !tape.any_raw(merging) {
        return None;
    }
    let mut patterns = Vec::new();
    for at in 0..tape.len() {
        if about && tape.kind(at) == Some(&Kind::Glob) {
            patterns.push(tape.take(at));
            continue;
        }
        if about && tape.kind(at) == Some(&Kind::Path) && tape.raw(at).ends_with('/') {
            // `branches starting with agent/`
            let prefix = tape.take(at);
            patterns.push(format!("{prefix}*"));
            continue;
        }
        let name = tape.word(at).to_owned();
        let leads = tape.before(at, 1);
        let listed = matches!(leads, "or" | "and" | ",") || tape.is_mark(at.wrapping_sub(1));
        let behind = matches!(leads, "into" | "onto" | "to" | "the" | "on" | "against")
            || (listed && !patterns.is_empty())
            || tape.raw_word(at + 1) == "branch";
        if matches!(name.as_str(), "main" | "master" | "trunk" | "develop" | "release")
            && behind
            && (name != "release" || tape.raw_word(at + 1) == "branch")
        {
            tape.take(at);
            patterns.push(name);
        }
    }
    (!patterns.is_empty()).then_some(Condition::Branch(patterns))
}
