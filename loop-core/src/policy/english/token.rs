//! A rule's text cut into words, numbers, names and marks.

mod number;
mod plain;

use number::join_numbers;
use plain::plain;

use super::words::{Groups, List, groups};

use crate::{
    base::Decimal,
    policy::money::{self, Currency},
};

/// One piece of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// As written, for reports.
    pub raw: String,
    /// In lower case, without apostrophes.
    pub word: String,
    /// It starts with a capital letter and does not open a sentence.
    pub proper: bool,
    /// The groups of its word.
    pub groups: Groups,
}

impl Token {
    fn new(kind: Kind, raw: &str, word: String, proper: bool) -> Self {
        let groups = if kind == Kind::Word { groups(&word) } else { Groups::default() };
        Self { kind, raw: raw.to_owned(), word, proper, groups }
    }

    /// A word in small letters.
    #[must_use]
    pub fn word(word: &str) -> Self {
        Self::new(Kind::Word, word, word.to_owned(), false)
    }

    /// A mark.
    #[must_use]
    pub fn mark(c: char) -> Self {
        Self::new(Kind::Mark(c), c.encode_utf8(&mut [0; 4]), String::new(), false)
    }
}

/// Kinds of pieces.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A word.
    Word,
    /// A number without a currency.
    Number(Decimal),
    /// An amount of money.
    Money(Decimal, Currency),
    /// A percentage.
    Percent(Decimal),
    /// Text in quotes or backticks.
    Quoted,
    /// A name as programs have them: `wire_transfer`, `s3:GetObject`, `users.delete`.
    Name,
    /// An e-mail address.
    Email,
    /// A domain.
    Domain,
    /// A path, or a file's name that starts with a dot.
    Path,
    /// A pattern with `*`.
    Glob,
    /// A channel, without its `#`.
    Channel,
    /// `>`, `>=`, `<`, `<=`
    Compare,
    /// `,` `;` `.` `:` `(` `)`
    Mark(char),
}

/// Cuts a text. Invisible and direction-changing characters are dropped, typographic quotes made plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let text = spoken(plain(text));
    let mut tokens = Vec::new();
    let mut rest = text.as_str();
    let mut opens = true;
    while let Some(first) = rest.chars().next() {
        let (piece, after) = if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        } else if let Some((quoted, after)) = quoted(rest) {
            tokens.push(Token::new(Kind::Quoted, quoted, quoted.to_lowercase(), false));
            rest = after;
            opens = false;
            continue;
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest.split_at_checked(end).unwrap_or((rest, ""))
        };
        // `the night-desk agent`
        let hyphened = piece.contains('-') && piece.chars().all(|c| c.is_alphanumeric() || c == '-');
        let next = || after.split_whitespace().next().unwrap_or_default().to_lowercase();
        if hyphened && ["agent", "bot", "assistant"].iter().any(|kind| next().starts_with(kind)) {
            tokens.push(Token::new(Kind::Word, piece, piece.to_lowercase(), false));
            (rest, opens) = (after, false);
            continue;
        }
        rest = after;
        chunk(piece, &mut opens, &mut tokens);
    }
    join_numbers(&join_phrases(tokens))
}

/// A text all in capitals is told softer, so that no word of it is taken for a name.
fn spoken(text: String) -> String {
    let shouted = !text.chars().any(char::is_lowercase) && text.split_whitespace().count() > 2;
    if shouted { text.to_lowercase() } else { text }
}

/// Joins what is one word in meaning: `10 pm`, `no one`, `with the exception of`.
fn join_phrases(tokens: Vec<Token>) -> Vec<Token> {
    const PHRASES: &[(&[&str], &str)] = &[
        (&["with", "the", "exception", "of"], "except"),
        (&["with", "exception", "of"], "except"),
        (&["as", "well", "as"], "and"),
        (&["no", "one"], "nobody"),
        (&["out", "of", "the", "question"], "forbidden"),
        (&["under", "no", "circumstances"], "never"),
        (&["in", "no", "case"], "never"),
        (&["at", "no", "time"], "never"),
        (&["on", "no", "account"], "never"),
        (&["off", "limits"], "forbidden"),
        (&["upwards", "of"], "over"),
        (&["north", "of"], "over"),
        (&["in", "excess", "of"], "over"),
        (&["south", "of"], "under"),
        (&["high", "risk"], "high_risk"),
        (&["rather", "than"], "except"),
    ];
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let fits = |phrase: &[&str]| {
            phrase.iter().enumerate().all(|(ahead, word)| {
                tokens.get(at + ahead).is_some_and(|token| token.kind == Kind::Word && token.word == *word)
            })
        };
        if let Some((phrase, meant)) = PHRASES.iter().find(|(phrase, _)| fits(phrase)) {
            joined.push(Token::new(Kind::Word, &token.raw, (*meant).to_owned(), false));
            at += phrase.len();
            continue;
        }
        let half = tokens.get(at + 1).filter(|next| matches!(next.word.as_str(), "am" | "pm"));
        if let (Kind::Number(_), Some(half)) = (&token.kind, half) {
            let raw = format!("{}{}", token.raw, half.word);
            joined.push(Token::new(Kind::Word, &raw.clone(), raw, false));
            at += 2;
            continue;
        }
        joined.push(token.clone());
        at += 1;
    }
    joined
}

/// Text in quotes at the front, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '`' | '\''))?;
    let inner = text.get(1..)?;
    let (inside, after) = inner.split_once(quote)?;
    // An apostrophe closes only where a word ends.
    let closed = quote != '\'' || after.chars().next().is_none_or(|c| !c.is_alphanumeric());
    (closed && !inside.trim().is_empty()).then(|| (inside.trim(), after))
}

/// One piece between blanks: marks around it and what it is itself.
fn chunk(piece: &str, opens: &mut bool, tokens: &mut Vec<Token>) {
    if matches!(piece, "-" | "--") {
        // `reading is fine - deleting is not`, but not `10 - 20`.
        let parts = tokens.last().is_some_and(|last| last.kind == Kind::Word);
        tokens.extend(parts.then(|| Token::mark(',')));
        return;
    }
    let opening = |c: char| matches!(c, '(' | '[' | '"' | '\'');
    let start = piece.trim_start_matches(opening);
    if start.len() < piece.len() {
        tokens.push(Token::mark('('));
    }
    let closing = |c: char| matches!(c, ',' | ';' | '!' | '?' | ')' | ']' | ':' | '"' | '\'' | '.');
    let core = start.trim_end_matches(closing);
    // A path may end in a slash and a file's name may start with a dot, but a sentence ends with one.
    let tail = start.get(core.len()..).unwrap_or_default();
    if !core.is_empty() {
        word(core, *opens, tokens);
        *opens = false;
    }
    for c in tail.chars() {
        match c {
            ',' | ';' | ')' => tokens.push(Token::mark(c)),
            ':' => tokens.push(Token::mark(',')),
            ']' => tokens.push(Token::mark(')')),
            '.' | '!' | '?' => {
                tokens.push(Token::mark('.'));
                *opens = true;
            }
            _ => {}
        }
    }
}

fn word(core: &str, opens: bool, tokens: &mut Vec<Token>) {
    let lower = core.to_lowercase();
    let letters = |text: &str| text.chars().any(char::is_alphabetic);
    let placed = tokens.last().is_some_and(|token| List::PathPlace.has(&token.word));
    let mut push = |kind: Kind, raw: &str, word: String| {
        let proper = !opens && raw.chars().next().is_some_and(char::is_uppercase);
        tokens.push(Token::new(kind, raw, word, proper));
    };
    if let Some(compare) = comparison(&lower) {
        return push(Kind::Compare, core, compare.to_owned());
    }
    // `>500`, `>=10k`
    let signs = lower.find(|c: char| !matches!(c, '>' | '<' | '=' | '≥' | '≤')).unwrap_or(lower.len());
    if signs > 0
        && let (Some(sign), Some(rest)) = (lower.get(..signs).and_then(comparison), core.get(signs..))
    {
        push(Kind::Compare, sign, sign.to_owned());
        return word(rest, opens, tokens);
    }
    if core.contains(|c: char| c.is_ascii_digit()) {
        let (number, more) = core.strip_suffix('+').map_or((core, false), |number| (number, true));
        if let Some(written) = money::read(number) {
            if more {
                push(Kind::Compare, ">=", ">=".to_owned());
            }
            let kind = match written.currency {
                _ if written.percent => Kind::Percent(written.value),
                Some(currency) => Kind::Money(written.value, currency),
                None => Kind::Number(written.value),
            };
            return push(kind, core, lower);
        }
    }
    if let Some(channel) = lower.strip_prefix('#') {
        return push(Kind::Channel, core, channel.to_owned());
    }
    if core.contains('*') {
        return push(Kind::Glob, core, core.to_owned());
    }
    if let Some((user, domain)) = lower.split_once('@')
        && domain.contains('.')
    {
        let kind = if user.is_empty() { Kind::Domain } else { Kind::Email };
        return push(kind, core, if user.is_empty() { domain.to_owned() } else { lower.clone() });
    }
    let path = core.starts_with(['/', '~', '\\']) || core.starts_with("./") || core.ends_with('/');
    if path || (core.starts_with('.') && letters(core)) {
        return push(Kind::Path, core, core.to_owned());
    }
    if core.contains('/') {
        let parts: Vec<&str> = core.split('/').collect();
        if !placed && parts.iter().all(|part| part.chars().all(char::is_alphabetic)) {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    push(Kind::Word, "or", "or".to_owned());
                }
                push(Kind::Word, part, part.to_lowercase());
            }
            return;
        }
        return push(Kind::Path, core, core.to_owned());
    }
    let humps = core.chars().zip(core.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let dotted = core.split('.').count() > 1 && core.split('.').all(|part| !part.is_empty()) && letters(core);
    if dotted && core.split('.').next_back().is_some_and(|end| List::TopLevel.has(&end.to_lowercase())) {
        return push(Kind::Domain, core, lower);
    }
    if core.contains('_') || core.contains(':') || dotted {
        return push(Kind::Name, core, core.to_owned());
    }
    if core.matches('-').count() > 1 && lower.contains("n't") {
        // `look-don't-touch`
        core.split('-').for_each(|part| self::word(part, opens, tokens));
        return;
    }
    let bare: String = lower
        .replace("n't", " not")
        .replace("'s", "")
        .replace("s'", "s")
        .replace("'re", "")
        .replace("'ve", "")
        .replace("'ll", "")
        .replace("'d", "")
        .replace('\'', "");
    // A product may be written with a hump; whether it is one is told later by its neighbours.
    let hyphened = bare.contains('-') && bare.split('-').all(|part| !part.is_empty());
    if let Some(verb) = bare.strip_suffix(" not") {
        let verb = match verb {
            "" => "do",
            "ca" => "can",
            "wo" | "sha" => "will",
            verb => verb,
        };
        push(Kind::Word, core, verb.to_owned());
        return push(Kind::Word, core, "not".to_owned());
    }
    if bare == "cannot" || bare == "cant" || bare == "dont" {
        return push(Kind::Word, core, "not".to_owned());
    }
    let agent = ["-bot", "-agent", "-assistant"].iter().any(|end| bare.ends_with(end));
    let ends_so = bare.rsplit('-').next().unwrap_or_default();
    let numbered = hyphened && (ends_so.chars().all(|c| c.is_ascii_digit()) || ends_so.len() == 1);
    if numbered || (hyphened && List::AgentEnd.has(ends_so)) {
        return push(Kind::Word, core, bare);
    }
    if hyphened && !agent && !super::words::is_known(&bare.replace('-', "_")) {
        for part in bare.split('-') {
            push(Kind::Word, part, part.to_owned());
        }
        return;
    }
    let kept = if agent { bare } else { bare.replace('-', "_") };
    let _ = humps;
    push(Kind::Word, core, kept);
}

fn comparison(text: &str) -> Option<&'static str> {
    Some(match text {
        ">" => ">",
        "<" => "<",
        ">=" | "=>" | "≥" => ">=",
        "<=" | "=<" | "≤" => "<=",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    fn kinds(text: &str) -> Vec<(String, Kind)> {
        tokens(text).into_iter().map(|token| (token.word, token.kind)).collect()
    }

    #[test]
    fn numbers_in_figures_and_words_become_one_piece() {
        for text in ["£5,000", "5k GBP", "five thousand pounds", "GBP 5000", "5 thousand quid"] {
            let all = kinds(text);
            assert!(
                matches!(all.as_slice(), [(_, Kind::Money(value, _))] if value.to_string() == "5000"),
                "{text}: {all:?}"
            );
        }
        assert!(matches!(kinds("20 percent").as_slice(), [(_, Kind::Percent(_))]));
        assert!(matches!(kinds(">500").as_slice(), [(_, Kind::Compare), (_, Kind::Number(_))]));
    }

    #[test]
    fn names_paths_and_addresses_are_kept_whole() {
        for (text, kind) in [
            ("deploy_all", Kind::Name),
            ("s3:PutObject", Kind::Name),
            ("users.purge", Kind::Name),
            ("`drop it`", Kind::Quoted),
            ("a@b.org", Kind::Email),
            ("acme.org,", Kind::Domain),
            ("/srv/data.", Kind::Path),
            (".envrc", Kind::Path),
            ("*.lock", Kind::Glob),
            ("#random", Kind::Channel),
        ] {
            assert_eq!(tokens(text).first().map(|token| token.kind.clone()), Some(kind), "{text}");
        }
    }

    #[test]
    fn hidden_characters_do_not_hide_words() {
        assert_eq!(kinds("re\u{200b}fund\u{202e}s"), kinds("refunds"));
        assert_eq!(kinds("r\u{435}funds"), kinds("refunds"));
        assert_eq!(kinds("\u{ff52}efunds"), kinds("refunds"));
        assert_ne!(kinds("`r\u{435}fund`"), kinds("`refund`"));
        assert_eq!(tokens("Don\u{2019}t").last().map(|token| token.word.clone()).as_deref(), Some("not"));
    }
}
