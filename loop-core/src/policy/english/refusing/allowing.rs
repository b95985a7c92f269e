//! What a text allows: `is fine`, `may`, `no approval needed`.

use super::{
    super::{
        line::{Line, Sign},
        words::{Group, List},
    },
    says_doing, turned,
};

/// Reads what is allowed.
pub fn allowed(line: &mut Line) {
    for at in 0..line.len() {
        if line.sign(at) != Sign::Plain {
            continue;
        }
        let word = line.word(at);
        let next = line.word(at + 1);
        let found = match word {
            "allow" | "permit" if line.begins(at) => Some((at, at + 1)),
            "approve" | "accept" | "authorise" | "authorize" if line.begins(at) && by_itself(line, at) => {
                Some((at, at + 1))
            }
            "let" if !matches!(line.before(at, 1), "not" | "never" | "to") => passes(line, at),
            "feel" if next == "free" => Some((at, at + 2 + usize::from(line.word(at + 2) == "to"))),
            "go" if next == "ahead" => Some((at, at + 2)),
            "go" | "carry" if matches!(next, "right" | "straight") && List::Onward.has(line.word(at + 2)) => {
                Some((at, at + 3))
            }
            "be" if line.says(at + 1, &["my", "guest"]) => Some((at, at + 3)),
            "go" | "goes" if next == "through" => Some((at, at + 2)),
            "you" if next == "like" || next == "want" => Some((at, at + 2)),
            "no" if matches!(next, "approval" | "review" | "need" | "sign_off" | "permission")
                || List::Harmless.has(next) =>
            {
                Some((at - usize::from(matches!(line.before(at, 1), "is" | "are" | "be" | "have")), at + 2))
            }
            "not" if matches!(next, "need" | "require") => Some((at, at + 2)),
            "not" if line.ends(at + 1) && matches!(line.before(at, 1), "do" | "does" | "need") => {
                Some((at - 1, at + 1))
            }
            "not" if next == "be" && line.before(at, 1) == "need" && line.is(at + 2, Group::Approved) => {
                Some((at - 1, at + 3))
            }
            "not" if turned(line, at) => Some((at - 1, at + 1)),
            "yes" if at > 0 && line.ends(at + 1) => Some((at, at + 1)),
            "straight" if next == "through" => Some((at, at + 2)),
            "at" if next == "will" => Some((at, at + 2)),
            "without" if matches!(next, "asking" | "approval" | "review" | "sign_off") => Some((at, at + 2)),
            "may" | "can" | "could" if next != "you" && may(line, at) => Some((at, at + 1)),
            "gets" | "get" if next == "to" && says_doing(line, at + 2) => Some((at, at + 2)),
            _ if line.is(at, Group::Fine) && is_fine(line, at) => {
                let mut from = at;
                while List::FineBack.has(line.before(from, 1)) {
                    from -= 1;
                }
                Some((from, at + 1))
            }
            _ => None,
        };
        if let Some((from, to)) = found {
            line.mark(from, to, Sign::Permit);
        }
    }
}

/// `let refunds through`
fn passes(line: &mut Line, at: usize) -> Option<(usize, usize)> {
    let through = (at + 2..line.end_of(at).min(at + 10))
        .find(|at| matches!(line.word(*at), "through" | "pass" | "proceed" | "happen"))?;
    line.mark(through, through + 1, Sign::Gone);
    Some((at, at + 1 + usize::from(matches!(line.word(at + 1), "it" | "them" | "the"))))
}

fn is_fine(line: &Line, at: usize) -> bool {
    let before = line.before(at, 1);
    let only = at.checked_sub(1).is_some_and(|before| line.sign(before) == Sign::Only);
    let opens = line.begins(at) && (line.is(at + 1, Group::Under) || matches!(line.word(at + 1), "in" | "for" | "if"));
    if only || opens || before == "it" && line.word(at + 1) == "to" {
        return true;
    }
    List::FineLead.has(before)
        || line.ends(at + 1)
        || matches!(line.word(at), "allowed" | "permitted" | "freely" | "unattended")
}

/// `may read`, but not `that may harm`.
fn may(line: &Line, at: usize) -> bool {
    let below = line.is(at.wrapping_sub(2), Group::Over) || line.is(at.wrapping_sub(2), Group::Under);
    (below || !matches!(line.before(at, 1), "that" | "which" | "who" | "it" | "what"))
        && !matches!(line.before(at, 2), "if" | "when" | "whenever" | "that" | "which")
        && !matches!(line.before(at, 1), "if" | "when")
}

/// `approve … automatically`
fn by_itself(line: &Line, at: usize) -> bool {
    (at..line.end_of(at))
        .any(|at| matches!(line.word(at), "automatically" | "freely" | "straightaway" | "auto" | "default"))
}
