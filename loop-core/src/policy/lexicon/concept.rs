//! Concepts: what is done and to what, as a closed set read from `concepts.txt`.

use std::{fmt, sync::LazyLock};

use hashbrown::HashMap;

/// The data file; its head documents the format.
static TEXT: &str = include_str!("concepts.txt");

/// One kind of doing or thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concept(u8);

/// A set of concepts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Concepts(u128, u128);

impl Concepts {
    /// No concept.
    pub const NONE: Self = Self(0, 0);
    /// Every concept, also those that no line names: what cannot be told.
    pub const ALL: Self = Self(u128::MAX, u128::MAX);
    /// The most concepts that a lexicon can have.
    pub const MAX: usize = 256;

    /// The set of the named concepts; names that the lexicon lacks are left out.
    #[must_use]
    pub fn named(names: &[&str]) -> Self {
        names.iter().filter_map(|name| Concept::named(name)).collect()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0 && self.1 == 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 | other.1)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0, self.1 & other.1)
    }

    /// This set but for what is in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0, self.1 & !other.1)
    }

    /// Whether the sets share a concept.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0 || self.1 & other.1 != 0
    }

    /// Whether `concept` is in it.
    #[must_use]
    pub const fn has(self, concept: Concept) -> bool {
        self.meets(concept.alone())
    }

    /// The set and every concept below one of its own.
    #[must_use]
    pub fn with_children(self) -> Self {
        self.iter().fold(self, |set, concept| {
            set.with(lexicon().below.get(usize::from(concept.0)).copied().unwrap_or_default())
        })
    }

    /// The concepts in the order of the file.
    pub fn iter(self) -> impl Iterator<Item = Concept> {
        (0..=u8::MAX).map(Concept).filter(move |concept| self.has(*concept))
    }
}

impl FromIterator<Concept> for Concepts {
    fn from_iter<I: IntoIterator<Item = Concept>>(concepts: I) -> Self {
        concepts.into_iter().fold(Self::NONE, |set, concept| set.with(concept.alone()))
    }
}

impl Concept {
    /// The concept of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        lexicon().by_name.get(name).copied()
    }

    /// The set of this one.
    #[must_use]
    pub const fn alone(self) -> Concepts {
        if self.0 < 128 { Concepts(1 << self.0, 0) } else { Concepts(0, 1 << (self.0 - 128)) }
    }

    /// The name in the data file.
    #[must_use]
    pub fn name(self) -> &'static str {
        lexicon().names.get(usize::from(self.0)).copied().unwrap_or("unknown")
    }

    /// The first word of doing, for paraphrases.
    #[must_use]
    pub fn verb(self) -> Option<&'static str> {
        lexicon().verbs.get(usize::from(self.0)).copied().flatten()
    }

    /// The first naming word, for paraphrases.
    #[must_use]
    pub fn noun(self) -> Option<&'static str> {
        lexicon().nouns.get(usize::from(self.0)).copied().flatten()
    }

    /// A stable small number, for indexes.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for Concept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Concepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL { f.write_str("all") } else { f.debug_set().entries(self.iter()).finish() }
    }
}

impl serde::Serialize for Concepts {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if *self == Self::ALL { to.collect_seq(["all"]) } else { to.collect_seq(self.iter().map(Concept::name)) }
    }
}

impl<'de> serde::Deserialize<'de> for Concepts {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        if names.iter().any(|name| name == "all") {
            return Ok(Self::ALL);
        }
        let read = |name: &String| {
            Concept::named(name).ok_or_else(|| serde::de::Error::custom(format_args!("unknown concept `{name}`")))
        };
        names.iter().map(read).collect()
    }
}

impl schemars::JsonSchema for Concepts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Concepts".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "array", "items": {"type": "string"}})
    }
}

/// What one word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// As a verb.
    pub does: Concepts,
    /// As a noun.
    pub names: Concepts,
}

/// The lexicon, read once.
pub struct Lexicon {
    names: Vec<&'static str>,
    by_name: HashMap<&'static str, Concept, foldhash::fast::FixedState>,
    verbs: Vec<Option<&'static str>>,
    nouns: Vec<Option<&'static str>>,
    below: Vec<Concepts>,
    words: HashMap<&'static str, Entry, foldhash::fast::FixedState>,
    /// Phrases written in one (`auditlog`) that are no words of their own.
    joined: HashMap<String, Entry, foldhash::fast::FixedState>,
    /// Doing this to a noun of doing is that doing.
    pub perform: Concepts,
    /// A thing of its own within another.
    pub part: Concepts,
    /// Says nothing about what it is.
    pub generic: Concepts,
    /// Says less than the word before it.
    pub soft: Concepts,
    /// Concepts that have a doing word: their nouns name a doing.
    pub deeds: Concepts,
    /// How many words the longest phrase has.
    pub longest: usize,
}

impl Lexicon {
    /// The entry of a base form; the words of a phrase are joined by `_`.
    #[must_use]
    pub fn entry(&self, word: &str) -> Option<Entry> {
        self.words.get(word).or_else(|| self.joined.get(word)).copied()
    }

    /// Every listed word.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.words.keys().copied()
    }
}

/// The lexicon.
#[must_use]
pub fn lexicon() -> &'static Lexicon {
    static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| load(TEXT));
    &LEXICON
}

fn load(text: &'static str) -> Lexicon {
    let mut lexicon = Lexicon {
        names: Vec::new(),
        by_name: HashMap::default(),
        verbs: Vec::new(),
        nouns: Vec::new(),
        below: Vec::new(),
        words: HashMap::default(),
        joined: HashMap::default(),
        perform: Concepts::NONE,
        part: Concepts::NONE,
        generic: Concepts::NONE,
        soft: Concepts::NONE,
        deeds: Concepts::NONE,
        longest: 1,
    };
    let mut parents: Vec<Vec<&'static str>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut columns = line.split(':');
        let head = columns.next().unwrap_or_default();
        let verbs = columns.next().unwrap_or_default();
        let nouns = columns.next().unwrap_or_default();
        let Ok(at) = u8::try_from(lexicon.names.len()) else { break };
        let concept = Concept(at).alone();
        let mut words = head.split_whitespace().filter(|word| *word != "<");
        let name = words.next().unwrap_or_default();
        lexicon.names.push(name);
        lexicon.by_name.insert(name, Concept(at));
        parents.push(Vec::new());
        for word in words {
            match word {
                "!perform" => lexicon.perform = lexicon.perform.with(concept),
                "!part" => lexicon.part = lexicon.part.with(concept),
                "!generic" => lexicon.generic = lexicon.generic.with(concept),
                "!soft" => lexicon.soft = lexicon.soft.with(concept),
                parent => parents.last_mut().into_iter().for_each(|list| list.push(parent)),
            }
        }
        for word in verbs.split_whitespace() {
            let entry = lexicon.words.entry(word).or_default();
            entry.does = entry.does.with(concept);
        }
        for word in nouns.split_whitespace() {
            let entry = lexicon.words.entry(word).or_default();
            entry.names = entry.names.with(concept);
        }
        if !verbs.trim().is_empty() {
            lexicon.deeds = lexicon.deeds.with(concept);
        }
        lexicon.verbs.push(verbs.split_whitespace().next());
        lexicon.nouns.push(nouns.split_whitespace().next());
    }
    for (word, entry) in &lexicon.words {
        if word.contains('_') {
            lexicon.joined.insert(word.replace('_', ""), *entry);
        }
    }
    lexicon.longest = lexicon.words.keys().map(|word| word.split('_').count()).max().unwrap_or(1);
    lexicon.below = below(&lexicon.names, &parents);
    lexicon
}

/// For each concept everything below it. Parents may stand anywhere in the file.
fn below(names: &[&str], parents: &[Vec<&str>]) -> Vec<Concepts> {
    let mut below = vec![Concepts::NONE; names.len()];
    // As many rounds as there may be levels; a ring of parents ends here too.
    for _ in 0..8 {
        for (at, list) in (0_u8..).zip(parents) {
            let own = Concept(at).alone().with(below.get(usize::from(at)).copied().unwrap_or_default());
            for parent in list {
                let found = names.iter().position(|name| name == parent);
                if let Some(set) = found.and_then(|parent| below.get_mut(parent)) {
                    *set = set.with(own);
                }
            }
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::{Concept, Concepts, TEXT, lexicon};

    #[test]
    fn the_file_is_well_formed() {
        let lines = || TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let names: Vec<&str> = lines().map(|line| line.split([' ', ':']).next().unwrap()).collect();
        assert!(names.len() <= Concepts::MAX, "{} concepts", names.len());
        for line in lines() {
            let head = line.split(':').next().unwrap();
            assert_eq!(line.matches(':').count(), 2, "{line}");
            for word in head.split_whitespace().skip(1).filter(|word| *word != "<") {
                assert!(matches!(word, "!perform" | "!part" | "!generic" | "!soft") || names.contains(&word), "{line}");
            }
        }
        assert_eq!(names.len(), lexicon().names.len());
    }

    #[test]
    fn a_concept_means_what_stands_below_it() {
        let spend = Concepts::named(&["spend"]).with_children();
        assert!(spend.has(Concept::named("transfer").unwrap()));
        assert!(spend.has(Concept::named("spend").unwrap()));
        assert!(!spend.has(Concept::named("refund").unwrap()));
    }

    #[test]
    fn names_come_back_from_json() {
        for set in [Concepts::NONE, Concepts::ALL, Concepts::named(&["pay", "file"])] {
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<Concepts>(&json).unwrap(), set);
        }
        assert!(serde_json::from_str::<Concepts>(r#"["flyingcarpet"]"#).is_err());
    }
}
