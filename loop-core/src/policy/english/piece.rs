//! Pieces of a text: what is guarded, what is allowed, what is excepted.

use super::{
    token::{Kind, Token},
    words::{is, is_known},
};

/// What a piece does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// It says what the rule is about.
    Guard,
    /// It allows something.
    Permit,
    /// It takes something out of the piece before.
    Except,
}

/// A piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// What it does.
    pub stance: Stance,
    /// Its tokens, without marks.
    pub tokens: Vec<Token>,
}

/// Cuts at full stops, semicolons, commas and `but`; then joins what has no stance of its own to its neighbour.
#[must_use]
pub fn pieces(tokens: Vec<Token>) -> Vec<Piece> {
    let mut parts: Vec<Vec<Token>> = vec![Vec::new()];
    // Parts that begin a sentence or stand behind `but`: they belong to what follows.
    let mut fresh: Vec<usize> = Vec::new();
    let mut opened = false;
    for token in tokens {
        match token.kind {
            Kind::Mark(mark @ (',' | ';' | '.')) => {
                if mark != ',' {
                    fresh.push(parts.len());
                }
                parts.push(Vec::new());
            }
            // `our rivals (a.com, b.com)`: what is listed says what the word means.
            Kind::Mark('(') => opened = true,
            Kind::Mark(_) => {}
            Kind::Word if matches!(token.word.as_str(), "but" | "however" | "otherwise" | "though" | "although") => {
                parts.push(Vec::new())
            }
            _ => {
                let Some(part) = parts.last_mut() else { continue };
                let lists = matches!(token.kind, Kind::Domain | Kind::Email | Kind::Path | Kind::Glob | Kind::Channel);
                if std::mem::take(&mut opened)
                    && lists
                    && part.last().is_some_and(|last| last.kind == Kind::Word && !is_known(&last.word))
                {
                    part.pop();
                }
                part.push(token);
            }
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut waiting: Vec<Token> = Vec::new();
    let last = parts.iter().rposition(|part| !part.is_empty()).unwrap_or(0);
    let mut opening = false;
    for (at, part) in parts.into_iter().enumerate() {
        opening |= fresh.contains(&at);
        if part.is_empty() {
            continue;
        }
        if explains(&part) && !pieces.is_empty() {
            continue;
        }
        if part.first().map(word) == Some("so") {
            // What stands before only says why.
            waiting.clear();
        }
        let opens = std::mem::take(&mut opening);
        match stance(&part, !pieces.is_empty() || at < last) {
            Some(stance) => {
                let mut tokens = std::mem::take(&mut waiting);
                if !tokens.is_empty() && !part.is_empty() {
                    tokens.push(comma());
                }
                tokens.extend(part);
                pieces.push(Piece { stance, tokens });
            }
            None => match pieces.last_mut() {
                Some(before) if !opens && waiting.is_empty() => {
                    before.tokens.push(comma());
                    before.tokens.extend(part);
                }
                _ => {
                    if !waiting.is_empty() {
                        waiting.push(comma());
                    }
                    waiting.extend(part);
                }
            },
        }
    }
    if !waiting.is_empty() {
        pieces.push(Piece { stance: Stance::Guard, tokens: waiting });
    }
    pieces.into_iter().flat_map(split_exception).collect()
}

fn comma() -> Token {
    Token { kind: Kind::Mark(','), raw: ",".to_owned(), word: String::new(), proper: false }
}

fn word(token: &Token) -> &str {
    if token.kind == Kind::Word { &token.word } else { "" }
}

/// A piece that only says why.
fn explains(part: &[Token]) -> bool {
    let first = part.first().map(word).unwrap_or_default();
    let second = part.get(1).map(word).unwrap_or_default();
    let be = matches!(second, "is" | "are" | "has" | "have" | "s" | "re" | "can" | "could");
    let refuses = part.iter().any(|token| is("guard", word(token)) && !is("permit", word(token)));
    let so = first == "so" && !refuses;
    so || matches!(first, "because" | "since" | "as")
        || part.iter().any(|token| word(token) == "instead")
        || (!refuses
            && matches!(first, "they" | "it" | "this" | "that" | "these")
            && be
            && !part.iter().any(|token| is("asking", word(token)) || is("permit", word(token))))
}

/// What a part does, when it says so.
fn stance(part: &[Token], later: bool) -> Option<Stance> {
    let words = || part.iter().map(word);
    let first = words().next().unwrap_or_default();
    let second = words().nth(1).unwrap_or_default();
    let exempting = matches!(second, "for" | "in" | "to" | "on" | "when" | "if" | "at" | "from");
    if later && (is("except", first) || (first == "not" && exempting)) {
        return Some(Stance::Except);
    }
    let pair = |a: &str, b: &str| part.iter().zip(part.iter().skip(1)).any(|(x, y)| word(x) == a && word(y) == b);
    let needless = pair("no", "approval") || pair("not", "need") || pair("not", "require") || pair("no", "review");
    if needless {
        return Some(Stance::Permit);
    }
    let fine = |word: &str| matches!(word, "ok" | "okay" | "fine");
    let guards = words().any(|word| is("guard", word) && !fine(word))
        || words().any(|word| is("asking", word) && matches!(word, "need" | "needs" | "require" | "requires" | "must"));
    if guards {
        return Some(Stance::Guard);
    }
    let permits = words().any(|word| is("permit", word)) || pair("you", "like") || pair("straight", "through");
    permits.then_some(Stance::Permit)
}

/// `… except …`, `… unless …`, `… other than …` within a piece.
fn split_exception(piece: Piece) -> Vec<Piece> {
    let at = piece.tokens.iter().enumerate().position(|(at, token)| {
        let next = piece.tokens.get(at + 1).map(word).unwrap_or_default();
        let own = word(token);
        at > 0
            && (is("except", own)
                || matches!((own, next), ("other", "than") | ("apart", "from") | ("aside", "from") | ("save", "for")))
    });
    let Some(at) = at.filter(|_| piece.stance != Stance::Except) else { return vec![piece] };
    let mut tokens = piece.tokens;
    let mut exception = tokens.split_off(at);
    // The subject's exception ends where its verb begins: `everyone except X needs …`.
    let ends = exception
        .iter()
        .position(|token| is("asking", word(token)) || matches!(word(token), "is" | "are" | "cannot" | "not"));
    let resumes = ends.filter(|_| !tokens.iter().any(|token| is("guard", word(token))));
    if let Some(ends) = resumes {
        tokens.extend(exception.split_off(ends));
    }
    vec![Piece { stance: piece.stance, tokens }, Piece { stance: Stance::Except, tokens: exception }]
}
