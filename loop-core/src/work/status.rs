//! The words of issues: what they are and where they stand.

/// Declares an enumeration of words with its spellings.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $word:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $text)] $word),*
        }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$word),*];

            /// The spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text),*
                }
            }

            /// Reads the exact spelling.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$word),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use words;

words! {
    /// What an issue is.
    IssueType {
        /// Something that was noticed.
        Signal = "signal",
        /// A guess that can be tested.
        Hypothesis = "hypothesis",
        /// Something to be cut into tasks.
        Plan = "plan",
        /// Something to do.
        Task = "task",
        /// Something to watch.
        Monitor = "monitor",
    }
}

words! {
    /// Where an issue stands.
    IssueStatus {
        /// Nobody has looked at it.
        Triage = "triage",
        /// Wanted, not yet.
        Backlog = "backlog",
        /// To be done: dispatched unless it is blocked.
        Todo = "todo",
        /// Somebody is at it.
        InProgress = "in_progress",
        /// Done.
        Done = "done",
        /// Given up.
        Canceled = "canceled",
    }
}

impl IssueStatus {
    /// Whether nothing more is to be done: it blocks nothing any more.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Canceled)
    }
}
