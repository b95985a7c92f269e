//! Which other servers there are: `NAME=URL` or `NAME=COMMAND`.

use std::str::FromStr;

use loop_core::base::secret::Secret;

/// The longest name, in bytes.
const MAX_NAME: usize = 32;

/// A server as configured.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What its tools' names begin with.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What it is shown as `Authorization: Bearer …`; only over HTTP.
    pub token: Option<Secret>,
}

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// At a URL.
    Url(String),
    /// In a process that is started for it: the program, and its arguments.
    Command(String, Vec<String>),
}

// A URL's query and any word of a command may hold secrets.
impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(..)"),
            Self::Command(..) => f.write_str("Command(..)"),
        }
    }
}

// What is wrong is told without a word of the text, which may hold secrets anywhere.
impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, place) = text.split_once('=').ok_or("an upstream is `NAME=URL` or `NAME=COMMAND`")?;
        let name = name.trim();
        let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if name.is_empty() || name.len() > MAX_NAME || !letters {
            return Err(format!("its name must have 1 to {MAX_NAME} letters, digits and `-`"));
        }
        let place = place.trim();
        let place = if place.starts_with("http://") || place.starts_with("https://") {
            Place::Url(place.to_owned())
        } else {
            let mut words = words(place)?.into_iter();
            let program = words.next().filter(|program| !program.is_empty());
            Place::Command(program.ok_or_else(|| format!("`{name}` has neither URL nor command"))?, words.collect())
        };
        Ok(Self { name: name.to_owned(), place, token: None })
    }
}

/// Servers, one per line.
#[derive(Debug, Clone)]
pub struct Specs(pub Vec<Spec>);

impl FromStr for Specs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = (1_usize..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
        let specs = lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| {
            line.parse::<Spec>().map_err(|why| if number > 1 { format!("line {number}: {why}") } else { why })
        });
        specs.collect::<Result<_, _>>().map(Self)
    }
}

impl Spec {
    /// The variable of the environment that holds its token: `LOOP_MCP_TOKEN_` and the name in capitals, `-` as `_`.
    #[must_use]
    pub fn token_variable(&self) -> String {
        format!("LOOP_MCP_TOKEN_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}

/// Splits a command into words. Quotes and backslashes mean what they mean to a shell; nothing else does, and no shell
/// is asked.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (_, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => {
                let next = letters.next().ok_or("the command ends in a backslash")?;
                word.get_or_insert_default().push(next);
            }
            (' ' | '\t', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err("a quote of the command is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{Place, Spec, Specs, words};

    #[test]
    fn commands_are_split_without_a_shell() {
        let split = |text| words(text).expect("sound");
        assert_eq!(split("npx -y  @scope/server /tmp"), ["npx", "-y", "@scope/server", "/tmp"]);
        assert_eq!(
            split(r#"run 'a b' "c \"d\"" e\ f "" $HOME;x|y"#),
            ["run", "a b", "c \"d\"", "e f", "", "$HOME;x|y"]
        );
        assert!(split("").is_empty());
        for bad in ["run 'a", "run \"a", "run a\\"] {
            assert!(words(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_and_commands_are_told_apart() {
        let of = |text: &str| text.parse::<Spec>().map(|spec| (spec.name, spec.place));
        assert_eq!(
            of("gh=https://x.example/mcp?a=b"),
            Ok(("gh".into(), Place::Url("https://x.example/mcp?a=b".into())))
        );
        assert_eq!(
            of("fs=serve --root=/tmp"),
            Ok(("fs".into(), Place::Command("serve".into(), vec!["--root=/tmp".into()])))
        );
        for bad in ["", "x", "=y", "a_b=y", "a b=y", "x=", "x=''", &format!("{}=y", "x".repeat(33))] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_what_was_given() {
        for bad in [
            "s3cret",
            "https://me:s3cret@x.example/?a=b",
            "a_s3cret=run",
            "a=run 's3cret",
            "a=run s3cret\\",
            "a=b\nc=run 's3cret",
        ] {
            let why = bad.parse::<Specs>().expect_err(bad);
            assert!(!why.contains("s3cret"), "{why}");
        }
        assert!("a=b\n\nc".parse::<Specs>().expect_err("no place").starts_with("line 3: "));
    }

    #[test]
    fn lists_are_read_by_line_and_shown_without_what_may_be_secret() {
        let specs: Specs = "\na=https://x.example/?key=s3cret\n\n b=run --key s3cret \n".parse().expect("sound");
        assert_eq!(specs.0.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(!format!("{specs:?}").contains("s3cret"));
        let odd: Specs = "c=S3CRET=s3cret run".parse().expect("sound");
        assert!(!format!("{odd:?}").contains("s3cret"));
        assert_eq!(specs.0[0].token_variable(), "LOOP_MCP_TOKEN_A");
    }
}
