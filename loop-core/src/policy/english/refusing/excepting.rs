//! What a text excepts and restricts: `except`, `other than`, `only`.

use super::{
    super::{
        line::{Line, Sign},
        words::{Group, List},
    },
    says_doing,
};

/// Reads exceptions and `only`; before anything else, so that their words are not taken for something else.
pub fn exceptions(line: &mut Line) {
    for at in 0..line.len() {
        let (word, next) = (line.word(at).to_owned(), line.word(at + 1).to_owned());
        let length = match (word.as_str(), next.as_str()) {
            ("apart" | "aside", "from") | ("other" | "different", "than") | ("different" | "other", "from") => 2,
            ("save", "for" | "those" | "where" | "when" | "if") => 2,
            ("with", "the") if matches!(line.word(at + 2), "exception" | "sole") => {
                3 + usize::from(line.word(at + 2) == "sole")
                    + usize::from(line.word(at + 3) == "of" || line.word(at + 4) == "of")
            }
            ("but", "not") | ("though" | "although", "not") if !says_doing(line, at + 2) => 2,
            ("if", "not") => 2,
            ("not", "counting" | "including") => 2,
            ("as", "long") if line.word(at + 2) == "as" => 0,
            ("but" | "bar", _) if List::Everyone.has(line.before(at, 1)) => 1,
            ("bar", _) if !line.begins(at) && !says_doing(line, at + 1) => 1,
            ("not", "for" | "when" | "if" | "in" | "on" | "to" | "at" | "from" | "where")
                if line.begins(at) && at > 0 =>
            {
                1
            }
            ("save", _) => 0,
            _ if line.is(at, Group::Except) && word != "bar" => 1,
            _ => 0,
        };
        if length == 0 {
            continue;
        }
        // `anything but`: what stands before goes with it, so that `nobody but` refuses nothing by itself.
        let mut to = at + length;
        while List::ExceptTail.has(line.word(to)) && !(matches!(line.word(to), "to" | "in" | "at" | "with" | "on")) {
            to += 1;
        }
        line.mark(at, to, Sign::Except);
    }
    for at in 0..line.len() {
        let trailing =
            line.is(at, Group::Excepted) && (line.ends(at + 1) || matches!(line.before(at, 1), "is" | "are"));
        let uncounted =
            line.says(at, &["not", "count"]) || line.says(at, &["not", "apply"]) || line.says(at, &["not", "included"]);
        if (trailing || uncounted) && at > 0 {
            let mut from = at;
            while matches!(line.before(from, 1), "is" | "are" | "be" | "do" | "does" | "remain") {
                from -= 1;
            }
            line.mark(from, at + 1 + usize::from(uncounted), Sign::Excepted);
        }
    }
}

/// Reads `only`, where it restricts who, to whom, where or what.
pub fn only(line: &mut Line) {
    for at in 0..line.len() {
        let word = line.word(at);
        let limited = matches!(word, "limited" | "restricted" | "confined") && line.word(at + 1) == "to";
        // `is read only for bots` says how it is.
        let read_only =
            matches!(line.before(at, 1), "read" | "view") && !matches!(line.word(at + 1), "by" | "to" | "from");
        if (matches!(word, "only" | "solely" | "exclusively") && !read_only) || limited {
            let from = at - usize::from(limited && matches!(line.before(at, 1), "is" | "are"));
            line.mark(from, at + 1, Sign::Only);
        }
    }
}
