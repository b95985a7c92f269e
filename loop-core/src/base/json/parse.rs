//! The reader (RFC 8259), stricter than the grammar where two readers could disagree: duplicate keys, lone
//! surrogates and numbers beyond any use are errors.

use std::borrow::Cow;

use super::{
    special::special,
    view::{Data, Doc, Node},
};

/// What a document may at most be. The length of the text is the caller's to bound.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How deep arrays and objects may nest.
    pub depth: u32,
    /// How many values and members in all.
    pub nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, nodes: 200_000 }
    }
}

/// The longest accepted number, in characters.
const NUMBER_MAX: usize = 128;
/// The most digits an exponent may have.
const EXPONENT_DIGITS_MAX: usize = 5;
/// Objects with up to so many members look for duplicates as they go; larger ones sort their keys.
const SMALL_OBJECT: u32 = 12;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON.
    #[error("invalid JSON at byte {at}")]
    Syntax {
        /// Where reading stopped.
        at: usize,
    },
    /// Not UTF-8.
    #[error("invalid UTF-8 at byte {at}")]
    Utf8 {
        /// The first bad byte.
        at: usize,
    },
    /// Nested deeper than the limit.
    #[error("JSON nests deeper than {limit} levels")]
    Depth {
        /// The limit.
        limit: u32,
    },
    /// More values than the limit.
    #[error("JSON holds more than {limit} values")]
    Nodes {
        /// The limit.
        limit: u32,
    },
    /// An object names a member twice.
    #[error("duplicate key `{key}`")]
    Duplicate {
        /// The name, cut to 64 characters.
        key: String,
    },
    /// A number too long or with too large an exponent to mean anything.
    #[error("number out of range at byte {at}")]
    Number {
        /// Where it starts.
        at: usize,
    },
}

pub(super) fn parse<'a>(text: &'a [u8], limits: Limits, nodes: Vec<Node<'a>>) -> Result<Doc<'a>, Error> {
    let text = std::str::from_utf8(text).map_err(|error| Error::Utf8 { at: error.valid_up_to() })?;
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, limits, nodes };
    reader.space();
    reader.value(Cow::Borrowed(""), limits.depth)?;
    reader.space();
    if reader.at == text.len() { Ok(Doc { nodes: reader.nodes }) } else { Err(reader.syntax()) }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: Limits,
    nodes: Vec<Node<'a>>,
}

impl<'a> Reader<'a> {
    const fn syntax(&self) -> Error {
        Error::Syntax { at: self.at }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    fn slice(&self, from: usize, to: usize) -> Result<&'a str, Error> {
        self.text.get(from..to).ok_or(Error::Syntax { at: from })
    }

    fn value(&mut self, key: Cow<'a, str>, depth: u32) -> Result<(), Error> {
        let at = self.nodes.len();
        if at >= self.limits.nodes as usize {
            return Err(Error::Nodes { limit: self.limits.nodes });
        }
        let data = match self.peek() {
            Some(b'"') => Data::String(self.string()?),
            Some(b'{') => return self.object(key, depth),
            Some(b'[') => return self.array(key, depth),
            Some(b'-' | b'0'..=b'9') => Data::Number(Cow::Borrowed(self.number()?)),
            Some(b't') => self.word("true", Data::Bool(true))?,
            Some(b'f') => self.word("false", Data::Bool(false))?,
            Some(b'n') => self.word("null", Data::Null)?,
            _ => return Err(self.syntax()),
        };
        self.nodes.push(Node { key, data, next: (at as u32).saturating_add(1) });
        Ok(())
    }

    fn word(&mut self, word: &'static str, data: Data<'a>) -> Result<Data<'a>, Error> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) == Some(word.as_bytes()) {
            self.at = end;
            Ok(data)
        } else {
            Err(self.syntax())
        }
    }

    /// Opens a container: its node goes in with placeholders that [`Self::close`] fills.
    fn open(&mut self, key: Cow<'a, str>, depth: u32) -> Result<(usize, u32), Error> {
        let below = depth.checked_sub(1).ok_or(Error::Depth { limit: self.limits.depth })?;
        let at = self.nodes.len();
        self.nodes.push(Node { key, data: Data::Null, next: 0 });
        self.at += 1;
        self.space();
        Ok((at, below))
    }

    fn close(&mut self, at: usize, data: Data<'a>) {
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(at) {
            node.data = data;
            node.next = next;
        }
    }

    fn array(&mut self, key: Cow<'a, str>, depth: u32) -> Result<(), Error> {
        let (at, below) = self.open(key, depth)?;
        let mut len = 0;
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.value(Cow::Borrowed(""), below)?;
                len += 1;
                if self.after_item(b']')? {
                    break;
                }
            }
        }
        self.close(at, Data::Array(len));
        Ok(())
    }

    fn object(&mut self, key: Cow<'a, str>, depth: u32) -> Result<(), Error> {
        let (at, below) = self.open(key, depth)?;
        let mut len = 0;
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.syntax());
                }
                let name = self.string()?;
                if len < SMALL_OBJECT && self.names(at).any(|old| old == name) {
                    return Err(duplicate(&name));
                }
                self.space();
                self.expect(b':')?;
                self.space();
                self.value(name, below)?;
                len += 1;
                if self.after_item(b'}')? {
                    break;
                }
            }
        }
        if len > SMALL_OBJECT {
            let mut names: Vec<&str> = self.names(at).collect();
            names.sort_unstable();
            let twice = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b);
            if let Some((name, _)) = twice {
                return Err(duplicate(name));
            }
        }
        self.close(at, Data::Object(len));
        Ok(())
    }

    /// Eats `,` or the closing byte; `true` when it was the latter.
    #[inline]
    fn after_item(&mut self, close: u8) -> Result<bool, Error> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.syntax()),
        }
    }

    /// The names read so far of the object whose node is at `at`.
    fn names(&self, at: usize) -> impl Iterator<Item = &str> {
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let node = self.nodes.get(next)?;
            next = node.next as usize;
            Some(&*node.key)
        })
    }

    fn number(&mut self) -> Result<&'a str, Error> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.syntax()),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            let exponent = self.at;
            self.digits()?;
            if self.at - exponent > EXPONENT_DIGITS_MAX {
                return Err(Error::Number { at: from });
            }
        }
        if self.at - from > NUMBER_MAX {
            return Err(Error::Number { at: from });
        }
        self.slice(from, self.at)
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Result<(), Error> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(self.syntax()) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let from = self.at;
        let rest = self.bytes.get(from..).unwrap_or_default();
        let plain = special(rest).unwrap_or(rest.len());
        self.at = from + plain;
        match self.peek() {
            Some(b'"') => {
                let text = self.slice(from, self.at)?;
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            Some(b'\\') => self.escaped(from).map(Cow::Owned),
            _ => Err(self.syntax()),
        }
    }

    /// Goes on with a string that holds an escape at the current position.
    fn escaped(&mut self, from: usize) -> Result<String, Error> {
        let mut out = self.slice(from, self.at)?.to_owned();
        loop {
            let plain = self.at;
            while matches!(self.peek(), Some(byte) if byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            out.push_str(self.slice(plain, self.at)?);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.syntax()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let byte = self.peek().ok_or(self.syntax())?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if (0xd800..0xdc00).contains(&high) {
                    self.expect(b'\\')?;
                    self.expect(b'u')?;
                    let low = self.hex4()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.syntax());
                    }
                    let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    char::from_u32(code).ok_or(self.syntax())?
                } else {
                    char::from_u32(high).ok_or(self.syntax())?
                }
            }
            _ => {
                self.at -= 1;
                return Err(self.syntax());
            }
        })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16)).ok_or(self.syntax())?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

fn duplicate(key: &str) -> Error {
    Error::Duplicate { key: key.chars().take(64).collect() }
}
