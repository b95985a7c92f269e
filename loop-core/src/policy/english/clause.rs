//! One piece of a text: what is done to what, under which conditions.

use super::{
    asking,
    doing::{Item, attachment, deeds, items},
    place, quantity,
    token::{Kind, Token},
    words::{self, is},
};
use crate::policy::{
    condition::{Condition, Deed, Limit, Range},
    deed::known,
    lexicon::Concepts,
};

/// The tokens of a piece; those that were placed are taken.
pub struct Words {
    tokens: Vec<Token>,
    taken: Vec<bool>,
}

impl Words {
    fn new(tokens: Vec<Token>) -> Self {
        let taken = vec![false; tokens.len()];
        Self { tokens, taken }
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// What a token is, unless it is taken.
    pub fn kind(&self, at: usize) -> Option<&Kind> {
        if self.taken.get(at).copied().unwrap_or(true) { None } else { self.tokens.get(at).map(|token| &token.kind) }
    }

    /// The word at a place; empty when taken or not there. Also that of names, comparisons and the like.
    pub fn word(&self, at: usize) -> &str {
        if self.taken.get(at).copied().unwrap_or(true) { "" } else { self.raw_word(at) }
    }

    /// As [`Words::kind`], taken or not.
    pub fn raw_kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    /// As [`Words::word`], taken or not.
    pub fn raw_word(&self, at: usize) -> &str {
        self.tokens.get(at).map(|token| token.word.as_str()).unwrap_or_default()
    }

    /// The token as written.
    pub fn raw(&self, at: usize) -> &str {
        self.tokens.get(at).map(|token| token.raw.as_str()).unwrap_or_default()
    }

    /// Whether it is written like a name.
    pub fn proper(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.proper)
    }

    /// Takes a token; answers its word.
    pub fn take(&mut self, at: usize) -> String {
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = true;
        }
        self.raw_word(at).to_owned()
    }

    /// Takes every token that fits; answers their words.
    pub fn take_all(&mut self, mut fits: impl FnMut(&Kind, &str) -> bool) -> Vec<String> {
        let all: Vec<usize> =
            (0..self.len()).filter(|at| self.kind(*at).is_some_and(|kind| fits(kind, self.raw_word(*at)))).collect();
        all.into_iter().map(|at| self.take(at)).collect()
    }

    /// `length` words from a place on, joined by `_`; none when one of them is taken or no word.
    pub fn phrase(&self, at: usize, length: usize) -> Option<String> {
        let mut phrase = String::new();
        for place in at..at + length {
            if self.kind(place) != Some(&Kind::Word) {
                return None;
            }
            if place > at {
                phrase.push('_');
            }
            phrase.push_str(self.raw_word(place));
        }
        Some(phrase)
    }

    /// Replaces words that nothing lists by what they were most likely meant to be.
    fn correct(&mut self) {
        for at in 0..self.tokens.len() {
            // `rolling back`: known with the word behind it.
            let phrase = self.phrase(at, 2).is_some_and(|phrase| words::is_known(&phrase));
            let Some(token) =
                self.tokens.get_mut(at).filter(|token| token.kind == Kind::Word && !token.proper && !phrase)
            else {
                continue;
            };
            if !words::is_known(&token.word)
                && let Some(meant) = words::corrected(&token.word)
            {
                meant.clone_into(&mut token.word);
            }
        }
    }

    /// Whether any token, taken or not, is of such a kind.
    pub fn any_kind(&self, is: &dyn Fn(&Kind) -> bool) -> bool {
        self.tokens.iter().any(|token| is(&token.kind))
    }

    /// Whether any word, taken or not, is such a one.
    pub fn any_raw(&self, is: impl Fn(&str) -> bool) -> bool {
        self.tokens.iter().any(|token| is(&token.word))
    }
}

/// What a piece says.
#[derive(Debug, Default)]
pub struct Clause {
    /// What is done to what; one of them.
    pub deeds: Vec<Deed>,
    /// Tools by name; one of them, instead of deeds.
    pub tools: Vec<Condition>,
    /// What is done to things that the lexicon lacks; one of them, beside deeds.
    pub spoken: Vec<Condition>,
    /// What must hold besides.
    pub conditions: Vec<Condition>,
    /// Proper names.
    pub named: Vec<String>,
    /// Words that could not be placed.
    pub unresolved: Vec<String>,
    /// It speaks of everything.
    everything: bool,
    /// Words could not be placed that may be doings or things, not only how something seems.
    misread: bool,
    /// Nouns among the unresolved words.
    pub unplaced: Vec<String>,
    /// It speaks of what the piece before left: `anything else`, `larger ones`.
    rest: bool,
    /// It says `only`.
    pub only: bool,
    /// It names people who do it, not agents.
    people: bool,
}

/// Whether a condition holds wherever another one does, as far as both say only what is done.
pub fn covers(lift: &Condition, guard: &Condition) -> bool {
    let within = |guard: &Deed, lift: &Deed| {
        let does = lift.does.is_empty() || (!guard.does.is_empty() && guard.does.without(lift.does).is_empty());
        let things =
            lift.things.is_empty() || (!guard.things.is_empty() && guard.things.without(lift.things).is_empty());
        does && things
    };
    match (lift, guard) {
        (_, Condition::Any(all)) if !all.is_empty() => all.iter().all(|one| covers(lift, one)),
        (_, Condition::All(all)) => all.iter().any(|one| matches!(one, Condition::Deed(_)) && covers(lift, one)),
        (Condition::Any(lifts), _) => lifts.iter().any(|lift| covers(lift, guard)),
        (Condition::Deed(lift), Condition::Deed(guard)) => within(guard, lift),
        _ => false,
    }
}

impl Clause {
    /// Whether nothing was understood.
    pub fn is_empty(&self) -> bool {
        self.deeds.is_empty()
            && self.spoken.is_empty()
            && self.tools.is_empty()
            && self.conditions.is_empty()
            && self.named.is_empty()
    }

    /// Takes over what the piece before was about, where this one says that it means the same: `larger ones`,
    /// `… but production needs approval`.
    pub fn refer_to(&mut self, before: &Self, permitted: bool, unclear: bool) {
        let silent = self.what().is_none();
        if silent && (self.rest || (self.is_empty() && !unclear) || (permitted && !self.conditions.is_empty())) {
            self.deeds = before.deeds.clone();
            self.spoken = before.spoken.clone();
            let looks = known().read.with(known().draft);
            for deed in self.deeds.iter_mut().filter(|deed| deed.does.without(looks).is_empty()) {
                // All else that is done to what may be looked at.
                deed.does = Concepts::NONE;
            }
            if self.deeds.is_empty() && self.rest && !before.named.is_empty() {
                self.deeds.push(Deed::default());
            }
        }
        if self.rest && self.named.is_empty() {
            self.named.clone_from(&before.named);
        }
    }

    /// Whether it says nothing beyond what is done.
    pub fn lifts_nothing(&self) -> bool {
        let looks = known().read.with(known().draft).with(known().execute).with(known().database);
        self.besides().is_empty() && (self.people || self.deeds.iter().all(|deed| deed.does.without(looks).is_empty()))
    }

    /// What `only …` guards: the same without its conditions, or all that is more than looking.
    pub fn but_only(&self) -> Option<Condition> {
        if !self.lifts_nothing() || self.people {
            return self.what();
        }
        let mut all = vec![Condition::Deed(Deed::of(
            Concepts::NONE,
            self.deeds.iter().fold(Concepts::NONE, |things, deed| things.with(deed.things)).without(known().database),
        ))];
        all.extend(self.besides());
        Some(Condition::all(all))
    }

    fn what(&self) -> Option<Condition> {
        let deeds = self.deeds.iter().cloned().map(Condition::Deed);
        let what: Vec<Condition> = deeds.chain(self.spoken.iter().chain(&self.tools).cloned()).collect();
        (!what.is_empty()).then(|| Condition::any(what))
    }

    fn besides(&self) -> Vec<Condition> {
        let named = (!self.named.is_empty()).then(|| Condition::Named(self.named.clone()));
        named.into_iter().chain(self.conditions.iter().cloned()).collect()
    }

    /// The condition of a piece that guards; none when nothing was understood.
    pub fn guard(&self) -> Option<Condition> {
        if self.misread && !self.is_empty() {
            // What could not be placed may be what is done, or to what.
            let mut all = vec![Condition::Deed(Deed::default())];
            all.extend(self.besides());
            if self.deeds.iter().any(|deed| deed.does.meets(known().read)) {
                return self.what().map(|what| {
                    let besides = Condition::all(self.besides());
                    Condition::any(vec![Condition::all(all), Condition::all(vec![what, besides])])
                });
            }
            return Some(Condition::all(all));
        }
        let mut all = self.besides();
        match self.what() {
            Some(what) => all.insert(0, what),
            None if all.is_empty() && self.everything => return Some(Condition::Risky),
            None if all.is_empty() => return None,
            None => all.splice(0..0, self.scope()).for_each(drop),
        }
        Some(Condition::all(all))
    }

    /// What a piece without a doing is about, as its conditions tell.
    fn scope(&self) -> Option<Condition> {
        let has = |is: fn(&Condition) -> bool| self.conditions.iter().any(|condition| deep(condition, is));
        if has(|condition| matches!(condition, Condition::Command(_) | Condition::Unbounded(_))) {
            return None;
        }
        let told = |condition: &Condition| {
            matches!(
                condition,
                Condition::Recipient(_) | Condition::Place(_) | Condition::Attachment | Condition::Data(_)
            )
        };
        if has(told) {
            return Some(Condition::Deed(Deed::of(known().send, Concepts::NONE)));
        }
        if has(|condition| matches!(condition, Condition::Amount { .. })) {
            return Some(Condition::all(vec![Condition::Deed(Deed::default()), Condition::Money]));
        }
        Some(Condition::Deed(Deed::default()))
    }

    /// The condition of a piece that lifts a guard.
    pub fn lift(&self) -> Option<Condition> {
        let mut all = self.besides();
        all.extend(self.what());
        (!all.is_empty()).then(|| Condition::all(all))
    }
}

fn deep(condition: &Condition, is: fn(&Condition) -> bool) -> bool {
    match condition {
        Condition::Any(inner) | Condition::All(inner) => inner.iter().any(|one| deep(one, is)),
        other => is(other),
    }
}

/// Reads a piece. `before` is the piece it may refer to.
pub fn read(tokens: Vec<Token>, before: Option<&Clause>) -> Clause {
    let mut words = Words::new(tokens);
    words.correct();
    let mut clause = Clause::default();
    asking::take(&mut words);
    clause.tools = tools(&mut words);
    clause.only = words.any_raw(|word| word == "only");
    clause.people = words.any_raw(|word| is("people", word) && !is("filler", word));
    clause.rest = before.is_some() && rest(&mut words);
    clause.everything = words.any_raw(|word| matches!(word, "anything" | "everything" | "any" | "all"));
    let branches = words.any_raw(|word| word.starts_with("branch")) || before.is_some_and(about_branches);
    clause.conditions.extend(branch_patterns(&mut words, branches));
    clause.conditions.extend(commands(&mut words));
    let commanded =
        !clause.conditions.is_empty() && deep_any(&clause.conditions, |c| matches!(c, Condition::Command(_)));
    let quantities = quantity::take(&mut words);
    let limits = limits(&words);
    clause.conditions.extend(quantities.into_iter().map(|one| if limits { beyond(one) } else { one }));
    clause.conditions.extend(place::agents(&mut words));
    clause.conditions.extend(texts(&mut words));
    clause.conditions.extend(place::recipients(&mut words, before.is_some()));
    clause.conditions.extend(place::channels(&mut words));
    clause.conditions.extend(place::times(&mut words));
    let unbounded = unbounded(&mut words);
    let items = items(&mut words);
    clause.conditions.extend(place::paths(&mut words, branches));
    let looked = items.iter().any(|item| item.verb && item.reading.entry.does.meets(known().read));
    let sends =
        !looked && items.iter().any(|item| item.reading.entry.does.with(item.reading.entry.names).meets(known().send));
    clause.conditions.extend(place::data(&mut words, sends));
    clause.conditions.extend(place::environments(&mut words));
    let items: Vec<Item> = items.into_iter().filter(|item| words.kind(item.at).is_some()).collect();
    for item in &items {
        (item.at..item.at + item.length).for_each(|at| drop(words.take(at)));
    }
    clause.conditions.extend(attachment(&mut words, &items));
    let doing = deeds(&mut words, &items, before);
    let coordinated = doing.coordinated;
    clause.deeds = doing.deeds;
    clause.spoken = doing.spoken;
    clause.conditions.extend(doing.more);
    if commanded {
        // Running a command is how it is done, not what is done.
        let runs = known().execute;
        clause.deeds.retain(|deed| !deed.does.is_empty() && !deed.does.without(runs).is_empty());
    }
    if deep_any(&clause.conditions, |condition| matches!(condition, Condition::Data(_))) {
        // To transfer, move or copy data is to give it away.
        let moved = Concepts::named(&["transfer", "move", "create", "migrate", "sync"]);
        for deed in clause.deeds.iter_mut().filter(|deed| deed.does.meets(moved)) {
            deed.does = deed.does.with(known().send);
        }
    }
    let read_only = (1..words.len()).any(|at| {
        words.raw_word(at) == "read_only"
            && matches!(
                words.raw_word(at - 1),
                "is" | "are" | "be" | "stay" | "stays" | "remain" | "remains" | "kept" | "as"
            )
    });
    if read_only {
        // What may only be read: anything more is guarded.
        for deed in clause.deeds.iter_mut().filter(|deed| deed.does.without(known().read).is_empty()) {
            deed.does = Concepts::NONE;
        }
    }
    if unbounded {
        let does = clause.deeds.iter().fold(Concepts::NONE, |does, deed| does.with(deed.does));
        clause.deeds.clear();
        clause.conditions.push(Condition::Unbounded(if does.is_empty() { Concepts::ALL } else { does }));
    }
    if deep_any(&clause.conditions, |condition| matches!(condition, Condition::Path(_))) {
        // The path says which files; tools that edit them need not be named for it.
        let files = Concepts::named(&["file"]).with_children();
        clause.deeds.iter_mut().for_each(|deed| deed.things = deed.things.without(files));
    }
    let (named, party) = names(&mut words, &clause, coordinated);
    clause.named = named;
    clause.conditions.extend(party);
    if clause.named.is_empty()
        && let Some(before) = before
        && !clause.deeds.is_empty()
    {
        clause.named.clone_from(&before.named);
    }
    let sent = |condition: &Condition| matches!(condition, Condition::Recipient(_) | Condition::Place(_));
    if clause.conditions.iter().any(|condition| condition.any_part(&sent)) {
        // To write to somebody is to send; where it goes is no thing it is done to.
        let writes = Concepts::named(&["create", "write", "comment"]);
        let places = Concepts::named(&["channel", "dns", "address_thing", "account"]);
        for deed in &mut clause.deeds {
            if deed.does.meets(writes) && deed.things.is_empty() {
                deed.does = deed.does.with(known().send);
            }
            deed.things = deed.things.without(places);
        }
    }
    let measured = |condition: &Condition| matches!(condition, Condition::Percent(_) | Condition::Amount { .. });
    if clause.conditions.iter().any(|condition| condition.any_part(&measured)) {
        // `a margin below 8%`: the measure is no thing it is done to.
        let measures = Concepts::named(&["margin", "price", "budget"]);
        clause.deeds.retain(|deed| {
            !deed.does.is_empty() || deed.things.is_empty() || !deed.things.without(measures).is_empty()
        });
    }
    clause.unplaced = doing.unplaced;
    clause.unresolved.clone_from(&clause.unplaced);
    clause.unresolved.extend(left(&mut words));
    clause.misread = clause.unresolved.iter().any(|word| !is("vague", &word.to_lowercase()));
    clause
}

/// Takes words that speak of what the piece before left.
fn rest(words: &mut Words) -> bool {
    let numbers = (0..words.len()).any(|at| {
        matches!(words.kind(at), Some(Kind::Number(_) | Kind::Money(..) | Kind::Percent(_)))
            && words.raw(at).contains(|c: char| c.is_ascii_digit())
    });
    if numbers {
        return false;
    }
    let mut found = false;
    for at in 0..words.len() {
        let word = words.word(at);
        let compares = is("over", word) || is("under", word);
        if compares || matches!(word, "else" | "rest" | "others" | "elsewhere" | "remaining" | "remainder" | "nowhere")
        {
            found = true;
            words.take(at);
        }
    }
    found
}

/// Whether numbers say how much there may be: `no more than 5 …`, `limited to $50`.
fn limits(words: &Words) -> bool {
    let asks = words.any_raw(|word| {
        matches!(
            word,
            "need"
                | "needs"
                | "require"
                | "requires"
                | "must"
                | "block"
                | "stop"
                | "forbid"
                | "fine"
                | "ok"
                | "approval"
        )
    });
    let first = (0..words.len())
        .map(|at| words.raw_word(at))
        .find(|word| !matches!(*word, "please" | "a" | "the"))
        .unwrap_or_default();
    let second = words.raw_word(1);
    let opens = matches!(first, "max" | "maximum")
        || (matches!(first, "no" | "not") && is("over", second))
        || (first == "at" && second == "most")
        || (first == "up" && second == "to");
    !asks
        && (opens
            || words
                .any_raw(|word| matches!(word, "limit" | "limited" | "cap" | "capped" | "keep" | "max" | "maximum")))
}

/// What lies beyond an upper limit.
fn beyond(condition: Condition) -> Condition {
    let over = |range: Range| match range {
        Range { from: None, to: Some(limit) } => {
            Range { from: Some(Limit { inclusive: !limit.inclusive, ..limit }), to: None }
        }
        other => other,
    };
    match condition {
        Condition::Amount { range, currency } => Condition::Amount { range: over(range), currency },
        Condition::Percent(range) => Condition::Percent(over(range)),
        Condition::Count { of, range } => Condition::Count { of, range: over(range) },
        Condition::Measure { of, range } => Condition::Measure { of, range: over(range) },
        Condition::Any(all) => Condition::Any(all.into_iter().map(beyond).collect()),
        other => other,
    }
}

fn deep_any(conditions: &[Condition], is: fn(&Condition) -> bool) -> bool {
    conditions.iter().any(|condition| deep(condition, is))
}

fn about_branches(clause: &Clause) -> bool {
    let branch = Concepts::named(&["branch"]);
    clause.deeds.iter().any(|deed| deed.things.meets(branch))
}

/// Takes tools that are named exactly or by a pattern.
fn tools(words: &mut Words) -> Vec<Condition> {
    let mut tools = Vec::new();
    for at in 0..words.len() {
        let raw = words.raw(at).to_owned();
        let plain = !raw.is_empty() && !raw.contains(char::is_whitespace);
        match words.kind(at) {
            Some(Kind::Quoted) if plain && raw.contains('*') => tools.push(Condition::ToolLike(raw)),
            Some(Kind::Quoted) if plain => tools.push(Condition::Tool(raw)),
            Some(Kind::Name) if place::file_name(&raw) => continue,
            Some(Kind::Quoted) if raw.contains('/') || place::file_name(&raw) || is_agent(words, at) => continue,
            Some(Kind::Name) => tools.push(Condition::Tool(raw)),
            Some(Kind::Glob) if raw.contains('_') => tools.push(Condition::ToolLike(raw)),
            _ => continue,
        }
        words.take(at);
    }
    tools
}

/// Whether a quoted name is an agent's: `requests by "nightly"`, `the agent "nightly"`.
fn is_agent(words: &Words, at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
    matches!(before, "by" | "agent" | "bot" | "assistant" | "from")
}

/// Takes branches: patterns, and names behind `into`.
fn branch_patterns(words: &mut Words, about: bool) -> Option<Condition> {
    if !about && !words.any_raw(|word| matches!(word, "merge" | "merging" | "push" | "pushing" | "pushes" | "merges")) {
        return None;
    }
    let mut patterns = words.take_all(|kind, _| about && *kind == Kind::Glob);
    for at in 0..words.len() {
        let name = words.word(at).to_owned();
        let leads = at.checked_sub(1).map(|at| words.raw_word(at).to_owned()).unwrap_or_default();
        let listed = leads == "or" || leads == "and";
        let behind = matches!(leads.as_str(), "into" | "onto" | "to" | "the") || (listed && !patterns.is_empty());
        if matches!(name.as_str(), "main" | "master" | "trunk" | "develop") && behind {
            words.take(at);
            patterns.push(name);
        }
    }
    if patterns.is_empty() {
        return None;
    }
    Some(Condition::Branch(patterns))
}

/// Takes commands: a program and the words behind it.
fn commands(words: &mut Words) -> Option<Condition> {
    let spoken = words.any_raw(|word| {
        matches!(word, "command" | "commands" | "run" | "running" | "runs" | "execute" | "executing" | "shell")
    });
    let mut all: Vec<Vec<String>> = Vec::new();
    for at in 0..words.len() {
        let program = words.word(at).to_owned();
        if words.kind(at) == Some(&Kind::Quoted)
            && program.split_whitespace().next().is_some_and(|first| is("programs", first))
        {
            let raw = words.raw(at).to_owned();
            words.take(at);
            all.push(raw.split_whitespace().map(str::to_owned).collect());
            continue;
        }
        if words.kind(at) != Some(&Kind::Word)
            || !is("programs", &program)
            || (is("services", &program) && !spoken && !commanded_next(words, at))
            || (at.checked_sub(1).is_some_and(|at| matches!(words.raw_word(at), "to" | "on" | "in" | "from" | "via"))
                && !words.any_raw(|word| matches!(word, "command" | "commands" | "output" | "piping")))
        {
            continue;
        }
        words.take(at);
        let mut command = vec![program];
        for behind in at + 1..words.len() {
            let word = words.raw(behind).to_owned();
            let ends = matches!(words.kind(behind), None | Some(Kind::Mark(_)))
                || is("filler", &word)
                || (is("guard", &word) && !word.starts_with('-'));
            if ends {
                break;
            }
            words.take(behind);
            command.push(word);
        }
        all.push(command);
    }
    (!all.is_empty()).then_some(Condition::Command(all))
}

/// `terraform apply`: a program in small letters with what it is told right behind.
fn commanded_next(words: &Words, at: usize) -> bool {
    let behind = words.word(at + 1);
    words.raw(at) == words.word(at)
        && matches!(
            behind,
            "apply"
                | "destroy"
                | "push"
                | "pull"
                | "run"
                | "rm"
                | "exec"
                | "delete"
                | "prune"
                | "kill"
                | "publish"
                | "init"
                | "import"
                | "taint"
                | "stop"
                | "restart"
                | "up"
                | "down"
                | "compose"
        )
}

/// Takes what must be said word for word: `mentioning "project x"`, an address of the network.
fn texts(words: &mut Words) -> Option<Condition> {
    let mut texts = Vec::new();
    for at in 0..words.len() {
        let raw = words.raw(at).to_owned();
        let network = raw.contains('.') && raw.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '/' | ':'));
        let quoted = words.kind(at) == Some(&Kind::Quoted) && raw.contains(char::is_whitespace);
        if (network && words.kind(at) == Some(&Kind::Path)) || quoted {
            words.take(at);
            texts.push(raw);
        }
    }
    (!texts.is_empty()).then_some(Condition::Text(texts))
}

/// Takes `without a WHERE clause`.
fn unbounded(words: &mut Words) -> bool {
    let at = (0..words.len()).find(|at| {
        words.word(*at) == "where"
            && (1..=2).filter_map(|back| at.checked_sub(back)).any(|at| words.raw_word(at) == "without")
    });
    let Some(at) = at else { return false };
    (at.saturating_sub(2)..=at)
        .filter(|at| matches!(words.word(*at), "without" | "where" | "a"))
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|at| drop(words.take(at)));
    true
}

/// Products that name nothing but these things.
const TIED: &[(&str, &[&str])] = &[
    ("s3", &["bucket"]),
    ("lambda", &["function"]),
    ("kubernetes", &["namespace", "pod", "cluster"]),
    ("route53", &["dns"]),
    ("docker", &["pod"]),
    ("ci", &["pipeline", "branch"]),
];

/// Takes proper names: products, and the other side of a payment.
fn names(words: &mut Words, clause: &Clause, coordinated: bool) -> (Vec<String>, Option<Condition>) {
    let money = clause.deeds.iter().any(|deed| deed.does.meets(known().money));
    let (mut named, mut parties) = (Vec::new(), Vec::new());
    for at in 0..words.len() {
        if words.kind(at) != Some(&Kind::Word) {
            continue;
        }
        let word = words.word(at).to_owned();
        let listed = is("services", &word);
        let unknown = words.proper(at) && !words::is_known(&word);
        if !listed && !unknown {
            continue;
        }
        let before = (1..=3)
            .filter_map(|back| at.checked_sub(back))
            .map(|at| words.raw_word(at))
            .find(|word| !matches!(*word, "and" | "or" | "the" | ""));
        // `Google Drive`: the maker of a product says less than its name.
        let maker =
            matches!(word.as_str(), "google" | "microsoft" | "amazon" | "adobe" | "atlassian" | "meta" | "apple")
                && words.proper(at + 1)
                && words.kind(at + 1) == Some(&Kind::Word);
        // `S3 buckets`: there are no others.
        let tied = TIED.iter().any(|(name, things)| {
            *name == word
                && clause.deeds.iter().any(|deed| {
                    !deed.things.is_empty() && deed.things.without(Concepts::named(things).with_children()).is_empty()
                })
        }) && !coordinated;
        if maker || tied {
            words.take(at);
            continue;
        }
        let placed = before.is_some_and(|word| {
            matches!(word, "in" | "on" | "to" | "from" | "via" | "of" | "into" | "through" | "using" | "with" | "at")
                || named.iter().any(|name| name == word)
        });
        let other_side = money && before.is_some_and(|word| matches!(word, "to" | "from" | "for"));
        if other_side {
            parties.push(words.take(at));
        } else if listed || placed {
            words.take(at);
            // A product before one of several things does not restrict the others.
            if placed || !coordinated {
                named.push(word);
            }
        }
    }
    (named, (!parties.is_empty()).then_some(Condition::Party(parties)))
}

/// What is left and says something.
fn left(words: &mut Words) -> Vec<String> {
    let mut left = Vec::new();
    for at in 0..words.len() {
        let Some(kind) = words.kind(at) else { continue };
        let word = words.word(at);
        let small = |word: &str| {
            !is("vague", word)
                && (is("filler", word)
                    || is("guard", word)
                    || is("permit", word)
                    || is("people", word)
                    || is("except", word)
                    || is("destructive", word)
                    || is("asking", word)
                    || is("receivers", word)
                    || is("items", word))
        };
        let says_nothing = match kind {
            Kind::Mark(_) => true,
            // `one` and `two` as words of their own.
            Kind::Number(_) => words.raw(at).chars().all(char::is_alphabetic),
            Kind::Compare => true,
            Kind::Word if !word.chars().any(char::is_alphanumeric) => true,
            Kind::Word => small(word),
            _ => false,
        };
        if !says_nothing {
            left.push(words.raw(at).to_owned());
        }
    }
    left
}
