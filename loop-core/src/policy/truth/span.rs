//! How true something is, and between what its truth lies.

/// Three-valued truth; the order makes `all` a minimum and `any` a maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    No,
    /// It cannot be told: a rule that hangs on it matches.
    Unclear,
    /// It holds.
    Yes,
}

/// What is known of a truth: it lies between both. They are one, but for stored calls that lack a needed fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// At least.
    pub least: Truth,
    /// At most.
    pub most: Truth,
}

impl Span {
    /// Nothing is known.
    pub const OPEN: Self = Self { least: Truth::No, most: Truth::Yes };

    pub(super) const fn of(truth: Truth) -> Self {
        Self { least: truth, most: truth }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.min(other.most) }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.max(other.most) }
    }

    /// Two findings on one question: what both say, or unclear where they differ. So no finding can hide another,
    /// whichever way the condition is used.
    pub(super) fn beside(self, other: Self) -> Self {
        let both = |a: Truth, b: Truth| if a == b { a } else { Truth::Unclear };
        let corners = [
            both(self.least, other.least),
            both(self.least, other.most),
            both(self.most, other.least),
            both(self.most, other.most),
        ];
        Self {
            least: corners.into_iter().min().unwrap_or(Truth::No),
            most: corners.into_iter().max().unwrap_or(Truth::Yes),
        }
    }

    pub(super) const fn not(self) -> Self {
        Self { least: opposite(self.most), most: opposite(self.least) }
    }
}

const fn opposite(truth: Truth) -> Truth {
    match truth {
        Truth::No => Truth::Yes,
        Truth::Unclear => Truth::Unclear,
        Truth::Yes => Truth::No,
    }
}

pub(in crate::policy) const fn yes(truth: bool) -> Truth {
    if truth { Truth::Yes } else { Truth::No }
}

/// Folds findings by [`Span::beside`].
#[derive(Default)]
pub(super) struct Found(pub(super) Option<Span>);

impl Found {
    pub(super) fn add(&mut self, span: Span) {
        self.0 = Some(self.0.map_or(span, |before| before.beside(span)));
    }

    pub(super) fn or(self, absent: Truth) -> Span {
        self.0.unwrap_or(Span::of(absent))
    }
}
