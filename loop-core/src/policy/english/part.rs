//! Parts of a text: what is guarded, what is allowed, what is excepted.

use super::{
    asking,
    line::{Line, Sign},
    refusing,
    tape::GAP,
    token::{Kind, Token},
    words::{Group, List},
};

/// What a part does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// It says what the rule is about.
    Guard,
    /// It allows something.
    Permit,
    /// It takes something out of what stands before.
    Except,
    /// It may only be looked at.
    ReadOnly,
}

/// A part.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it does.
    pub stance: Stance,
    /// It says `only`, and where.
    pub only: Option<usize>,
    /// A sentence begins with it.
    pub opens: bool,
    /// It says in words that something is asked or refused.
    pub asked: bool,
    /// Those words come first: `never push`, `ask before`.
    pub led: bool,
    /// A noun follows them: `block refunds`, `no refunds`.
    pub nominal: bool,
    /// Its tokens without those that only ask, refuse or allow.
    pub tokens: Vec<Token>,
}

/// A run of tokens between marks.
#[derive(Debug, Default)]
struct Run {
    tokens: Vec<Token>,
    only: Option<usize>,
    guard: bool,
    led: bool,
    nominal: bool,
    permit: bool,
    except: bool,
    excepted: bool,
    read_only: bool,
    opens: bool,
    /// It stands behind `but`, `;` or a full stop.
    fresh: bool,
    /// It goes on behind an exception with what stands before it: `files not in /tmp must not be deleted`.
    resumes: bool,
}

impl Run {
    const fn stance(&self) -> Option<Stance> {
        if self.except || self.excepted {
            Some(Stance::Except)
        } else if self.read_only {
            Some(Stance::ReadOnly)
        } else if self.guard {
            Some(Stance::Guard)
        } else if self.permit {
            Some(Stance::Permit)
        } else {
            None
        }
    }
}

impl Run {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).filter(|token| token.kind == Kind::Word).map_or("", |token| token.word.as_str())
    }

    /// Whether it only says why: `they are too risky`, `we had fraud last year`, `because …`.
    fn explains(&self) -> bool {
        let verb = |word: &str| List::ExplainVerb.has(word);
        let told = List::ExplainSubject.has(self.word(0))
            && (verb(self.word(1)) || matches!(self.word(0), "weve" | "theyre" | "its" | "were" | "youve"));
        let about = self.tokens.iter().all(|token| matches!(token.kind, Kind::Word | Kind::Mark(_) | Kind::Number(_)));
        let because = matches!(self.word(0), "because" | "since" | "as")
            && !matches!(self.word(1), "well" | "does" | "do" | "long" | "for");
        // `…, the rolls are expensive`: what something is, behind what was asked.
        let aside = matches!(self.word(0), "the" | "our" | "these" | "those")
            && (2..self.tokens.len()).any(|at| List::AsideVerb.has(self.word(at)))
            && self.stance().is_none()
            && !self.opens;
        let lets = self.except || self.excepted || self.read_only || self.only.is_some();
        !lets
            && about
            && (aside || (told && !self.guard && !self.permit) || (because && !self.guard) || (told && self.vague()))
    }

    /// Whether it says how something seems.
    fn vague(&self) -> bool {
        self.tokens.iter().any(|token| token.groups.has(Group::Vague)) && !self.guard
    }

    /// Whether it tells what to do with what was named before: `put them in the vault`.
    fn refers(&self) -> bool {
        !self.word(0).ends_with("ing")
            && (0..self.tokens.len()).any(|at| matches!(self.word(at), "them" | "it" | "those" | "instead"))
    }

    /// As a part that guards without saying so.
    fn guarded(self) -> Part {
        let Self { tokens, only, opens, .. } = self;
        Part { stance: Stance::Guard, only, opens, asked: false, led: false, nominal: false, tokens }
    }

    fn is_consequence(&self) -> bool {
        self.word(0) == "so" && self.tokens.len() > 1
    }
}

/// Reads a text's signs and cuts it into parts.
#[must_use]
pub fn parts(tokens: Vec<Token>) -> Vec<Part> {
    let mut line = Line::new(tokens);
    asking::waited(&mut line);
    refusing::exceptions(&mut line);
    asking::read(&mut line);
    refusing::only(&mut line);
    refusing::read(&mut line);
    refusing::allowed(&mut line);
    asking::targets(&mut line);

    join(runs(&line))
}

fn runs(line: &Line) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![Run { opens: true, fresh: true, ..Run::default() }];
    let mut bracket = false;
    let mut gap = false;
    for (at, token) in line.tokens.iter().enumerate() {
        let sign = line.sign(at);
        let new = match (&token.kind, sign) {
            (Kind::Mark('('), _) => {
                bracket = true;
                None
            }
            (Kind::Mark(')'), _) => {
                bracket = false;
                None
            }
            (Kind::Mark('.'), _) => Some(Run { opens: true, fresh: true, ..Run::default() }),
            (Kind::Mark(';'), _) => Some(Run { fresh: true, ..Run::default() }),
            (Kind::Mark(_), _) if bracket => None,
            (Kind::Mark(_), _) => Some(Run::default()),
            (_, Sign::Except) => Some(Run { except: true, ..Run::default() }),
            (Kind::Word, Sign::Plain) if turns(line, at) => Some(Run { fresh: true, ..Run::default() }),
            _ => None,
        };
        if let Some(new) = new {
            let mark = matches!(token.kind, Kind::Mark(_)).then(|| token.clone());
            if let (Some(mark), Some(run)) = (mark, runs.last_mut()) {
                run.tokens.push(mark);
            }
            runs.push(new);
            gap = false;
            continue;
        }
        let Some(run) = runs.last_mut() else { continue };
        gap |= matches!(sign, Sign::Guard | Sign::Permit | Sign::ReadOnly);
        if matches!(sign, Sign::Guard | Sign::Permit) {
            let small = |token: &Token| {
                matches!(token.kind, Kind::Mark(_)) || token.groups.has(Group::Small) || token.groups.has(Group::Actors)
            };
            let leads = run.tokens.iter().all(small);
            run.led |= leads;
            let noun = token.groups.has(Group::Forbid) || token.groups.has(Group::Hold) || token.word == "no";
            run.nominal |= leads && noun && sign == Sign::Guard;
        }
        match sign {
            Sign::Plain => {
                if !matches!(token.kind, Kind::Mark(')' | '(')) {
                    if std::mem::take(&mut gap)
                        && run.tokens.last().is_some_and(|last| !matches!(last.kind, Kind::Mark(_)))
                    {
                        run.tokens.push(Token::mark(GAP));
                    }
                    run.tokens.push(token.clone());
                }
            }
            Sign::Guard => {
                if run.only == Some(run.tokens.len()) {
                    // `only the CFO approves`: who decides, not what is restricted.
                    run.only = None;
                }
                if token.word == "nothing" && excepted_behind(line, at) {
                    // `nothing except reading is allowed`: everything is guarded but that.
                    run.tokens.push(Token { word: "everything".to_owned(), ..token.clone() });
                }
                // What guards behind an exception belongs to what stands before it: `all but X need approval`.
                if run.except && run.tokens.iter().any(|token| !matches!(token.kind, Kind::Mark(_))) {
                    runs.push(Run { guard: true, resumes: true, ..Run::default() });
                } else {
                    run.guard = true;
                }
            }
            Sign::Permit => {
                if run.except && run.tokens.iter().any(|token| !matches!(token.kind, Kind::Mark(_))) {
                    // `nobody but X may …`
                    let guard = runs.iter().rev().nth(1).is_some_and(|before| before.guard);
                    runs.push(Run { guard, permit: !guard, led: true, resumes: true, ..Run::default() });
                } else {
                    run.permit = true;
                }
            }
            Sign::Excepted => run.excepted = true,
            Sign::ReadOnly => run.read_only = true,
            Sign::Only => run.only = run.only.or(Some(run.tokens.len())),
            Sign::Gone | Sign::Except => {}
        }
    }
    runs
}

/// Whether an exception follows with nothing but small words between.
fn excepted_behind(line: &Line, at: usize) -> bool {
    let except = (at + 1..line.len()).find(|at| line.sign(*at) == Sign::Except || line.ends(*at));
    let small = |at: usize| {
        line.sign(at) != Sign::Plain
            || line.is(at, Group::Small)
            || line.is(at, Group::Fine)
            || line.word(at).is_empty()
    };
    except.is_some_and(|except| line.sign(except) == Sign::Except && (at + 1..except).all(small))
}

/// Whether a word begins a part of its own: `but`, and `and` or `while` between two parts that say different things.
fn turns(line: &Line, at: usize) -> bool {
    match line.word(at) {
        "but" | "however" | "otherwise" | "though" | "although" | "whereas" | "yet" => true,
        "else" => line.begins(at),
        "and" | "while" | "then" => {
            let stance = |range: std::ops::Range<usize>| {
                let mut found = None;
                for place in range {
                    let sign = line.sign(place);
                    if matches!(sign, Sign::Guard | Sign::Permit | Sign::ReadOnly) {
                        found = found.or(Some(sign));
                    }
                }
                found
            };
            let (before, behind) = (stance(line.start_of(at)..at), stance(at + 1..line.end_of(at)));
            // `… must be blocked and refunds over $100 need approval`: something new is said of something else.
            let first = (at + 1..line.end_of(at)).find(|place| line.sign(*place) != Sign::Plain);
            let tells = |place: usize| {
                let token = line.tokens.get(place);
                token.is_some_and(|token| {
                    !token.groups.has(Group::Small)
                        && !token.groups.has(Group::People)
                        && !token.groups.has(Group::Rank)
                })
            };
            let number = |place: usize| {
                let kind = line.tokens.get(place).map(|token| &token.kind);
                matches!(kind, Some(Kind::Number(_) | Kind::Money(..) | Kind::Percent(_)))
            };
            let own = first.is_some_and(|first| {
                (at + 1..first).any(tells)
                    || (first..line.end_of(at)).any(number) && !(line.start_of(at)..at).any(number)
            });
            before.is_some() && behind.is_some() && (before != behind || own || line.word(at) == "then")
        }
        _ => false,
    }
}

/// The most tokens of a part; what would be joined to a longer one stands by itself.
const PART_MAX: usize = 512;

/// Joins runs without a stance to their neighbours.
fn join(runs: Vec<Run>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    // What waits for the stance of what follows.
    let mut waiting: Option<Run> = None;
    let mut runs = runs.into_iter().filter(|run| !run.explains()).peekable();
    while let Some(run) = runs.next() {
        // `reading is fine, anything that deletes, ask`: what is asked about stands before.
        let asked = runs.peek().is_some_and(|next| {
            next.stance() == Some(Stance::Guard)
                && !next.opens
                && !next.tokens.iter().any(|token| !matches!(token.kind, Kind::Mark(_)))
        });
        if run.is_consequence() {
            // What stands before `so` only says why.
            waiting = None;
        }
        let empty = !run.tokens.iter().any(|token| !matches!(token.kind, Kind::Mark(_)));
        if run.opens
            && let Some(waited) = waiting.take()
        {
            // A sentence without a stance: it says what the next one is about.
            waiting = Some(waited);
        }
        match run.stance() {
            None if empty && run.only.is_none() => {}
            // `Put them in the vault.`: what to do instead.
            None if run.opens && !parts.is_empty() && waiting.is_none() && run.refers() => {}
            None => match (waiting.as_mut(), parts.last_mut()) {
                (Some(waited), _) if waited.tokens.len() < PART_MAX => append(&mut waited.tokens, run.tokens),
                (Some(_), _) => {
                    let waited = waiting.replace(run).unwrap_or_default();
                    parts.push(waited.guarded());
                }
                (None, Some(part))
                    if !run.fresh
                        && part.tokens.len() < PART_MAX
                        && !(asked && matches!(part.stance, Stance::Permit | Stance::ReadOnly)) =>
                {
                    append(&mut part.tokens, run.tokens);
                }
                _ => waiting = Some(run),
            },
            Some(Stance::Except) if empty && !run.excepted => {}
            Some(stance) => {
                let before = waiting.take();
                let (opens, mut tokens, mut only) =
                    before.map_or((run.opens, Vec::new(), None), |run| (run.opens, run.tokens, run.only));
                let (asked, led) = (run.guard, run.led && tokens.is_empty());
                if stance == Stance::Except && !run.excepted && !tokens.is_empty() {
                    // `transfers, unless …`: what waited is what is guarded; `all except X is allowed` allows.
                    let allowed = runs.peek().is_some_and(|next| {
                        next.stance() == Some(Stance::Permit)
                            && !next.opens
                            && !next.tokens.iter().any(|token| !matches!(token.kind, Kind::Mark(_)))
                    });
                    let first = if allowed { Stance::Permit } else { Stance::Guard };
                    let resumed = runs.next_if(|next| next.resumes && !next.tokens.is_empty());
                    let first = resumed.as_ref().and_then(Run::stance).unwrap_or(first);
                    if let Some(next) = resumed {
                        tokens.push(Token::mark(GAP));
                        tokens.extend(next.tokens);
                    }
                    let nominal = false;
                    parts.push(Part { stance: first, only, opens, asked: false, led: false, nominal, tokens });
                    parts.push(Part { stance, only: run.only, opens: false, asked, led, nominal, tokens: run.tokens });
                    continue;
                }
                let lone = empty && tokens.is_empty();
                if lone && stance == Stance::Guard && !parts.is_empty() && !run.opens {
                    // `X: no`; `all but Y need approval`
                    continue;
                }
                only = only.or(run.only.map(|at| at + tokens.len()));
                append(&mut tokens, run.tokens);
                parts.push(Part { stance, only, opens, asked, led, nominal: led && run.nominal, tokens });
            }
        }
    }
    if let Some(run) = waiting {
        match parts.last_mut() {
            Some(part) if !run.opens && part.stance != Stance::Except => append(&mut part.tokens, run.tokens),
            _ => parts.push(run.guarded()),
        }
    }
    parts
}

fn append(tokens: &mut Vec<Token>, more: Vec<Token>) {
    if !tokens.is_empty() && !matches!(tokens.last().map(|token| &token.kind), Some(Kind::Mark(_))) && !more.is_empty()
    {
        tokens.push(Token::mark(','));
    }
    tokens.extend(more);
}
