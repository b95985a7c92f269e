//! Running a template over data. Values are borrowed, never copied, and every step and every byte is counted, so that no
//! template can take more than its share whatever it is given.
//!
//! It does as Handlebars 4.7 does without escaping and without strictness: what is missing is empty.

use std::{borrow::Cow, io};

use serde_json::{Number, Value as Json, ser::Formatter};

use super::{
    partial,
    program::{Choice, Expr, Node, Path, Program, Scope, Start},
};

/// The longest text that a template may make, in bytes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// The most steps that it may take to get there.
pub const MAX_STEPS: u32 = 200_000;

/// Why a template could not be run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// It makes too long a text.
    #[error("the prompt is longer than {MAX_OUTPUT} bytes")]
    TooLong,
    /// It takes too many steps.
    #[error("the prompt takes more than {MAX_STEPS} steps to render")]
    TooManySteps,
    /// It is one that was stored before it was checked as strictly as today.
    #[error("the prompt's template is not valid")]
    Invalid,
}

/// Runs a program over data.
pub(super) fn run(program: &Program, data: &Json) -> Result<String, RenderError> {
    let mut run = Run { root: data, out: String::with_capacity(4 << 10), steps: 0, frames: Vec::new() };
    run.frames.push(Frame { this: Cow::Borrowed(data), item: None, names: [None, None] });
    run.nodes(&program.0)?;
    Ok(run.out)
}

static NOTHING: Json = Json::Null;

struct Run<'v> {
    root: &'v Json,
    out: String,
    steps: u32,
    frames: Vec<Frame<'v>>,
}

/// What a scope sees.
struct Frame<'v> {
    this: Cow<'v, Json>,
    /// The item that a loop is at.
    item: Option<Item<'v>>,
    /// The names behind `as`.
    names: [Option<&'v str>; 2],
}

#[derive(Clone, Copy)]
struct Item<'v> {
    index: usize,
    last: bool,
    key: Option<&'v str>,
}

impl Item<'_> {
    fn key(&self) -> Json {
        self.key.map_or_else(|| self.index.into(), Json::from)
    }
}

impl<'v> Run<'v> {
    fn step(&mut self) -> Result<(), RenderError> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_STEPS { Err(RenderError::TooManySteps) } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> Result<(), RenderError> {
        if self.out.len().saturating_add(text.len()) > MAX_OUTPUT {
            return Err(RenderError::TooLong);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &'v [Node]) -> Result<(), RenderError> {
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Value(expr) => {
                    let value = self.value(expr)?;
                    self.text(&value)?;
                }
                Node::If(choice) => self.choose(choice)?,
                Node::Each(scope) => self.each(scope)?,
                Node::With(scope) => self.with(scope)?,
                Node::Partial(part, of, indent) => self.include(*part, of.as_ref(), indent)?,
            }
        }
        Ok(())
    }

    fn choose(&mut self, choice: &'v Choice) -> Result<(), RenderError> {
        let value = self.value(&choice.test)?;
        let zero = choice.zero && value.is_number();
        self.nodes(if zero || is_something(&value) { &choice.then } else { &choice.otherwise })
    }

    fn each(&mut self, scope: &'v Scope) -> Result<(), RenderError> {
        match self.value(&scope.of)? {
            Cow::Borrowed(Json::Array(items)) if !items.is_empty() => {
                let end = items.len().saturating_sub(1);
                for (index, value) in items.iter().enumerate() {
                    self.item(scope, value, Item { index, last: index == end, key: None })?;
                }
                Ok(())
            }
            Cow::Borrowed(Json::Object(members)) if !members.is_empty() => {
                let end = members.len().saturating_sub(1);
                for (index, (key, value)) in members.iter().enumerate() {
                    self.item(scope, value, Item { index, last: index == end, key: Some(key) })?;
                }
                Ok(())
            }
            _ => self.nodes(&scope.otherwise),
        }
    }

    fn item(&mut self, scope: &'v Scope, value: &'v Json, item: Item<'v>) -> Result<(), RenderError> {
        self.step()?;
        self.within(scope, Cow::Borrowed(value), Some(item))
    }

    fn with(&mut self, scope: &'v Scope) -> Result<(), RenderError> {
        let value = self.value(&scope.of)?;
        // As `each` and unlike `if`, 0 is something.
        if is_something(&value) || value.is_number() {
            self.within(scope, value, None)
        } else {
            self.nodes(&scope.otherwise)
        }
    }

    fn within(&mut self, scope: &'v Scope, this: Cow<'v, Json>, item: Option<Item<'v>>) -> Result<(), RenderError> {
        let [value, key] = &scope.names;
        self.frames.push(Frame { this, item, names: [value.as_deref(), key.as_deref()] });
        let done = self.nodes(&scope.body);
        self.frames.pop();
        done
    }

    fn include(&mut self, part: usize, of: Option<&'v Expr>, indent: &str) -> Result<(), RenderError> {
        let program = partial::program(part).ok_or(RenderError::Invalid)?;
        let start = self.out.len();
        match of {
            None => self.nodes(&program.0)?,
            Some(of) => {
                let this = self.value(of)?;
                self.frames.push(Frame { this, item: None, names: [None, None] });
                let done = self.nodes(&program.0);
                self.frames.pop();
                done?;
            }
        }
        if indent.is_empty() {
            return Ok(());
        }
        let made = self.out.split_off(start.min(self.out.len()));
        for line in made.split_inclusive('\n') {
            if line != "\n" {
                self.write(indent)?;
            }
            self.write(line)?;
        }
        Ok(())
    }

    fn value(&mut self, expr: &'v Expr) -> Result<Cow<'v, Json>, RenderError> {
        self.step()?;
        match expr {
            Expr::Path(path) => Ok(self.find(path)),
            Expr::Literal(value) => Ok(Cow::Borrowed(value)),
            Expr::PriorityLabel(of) => {
                let word = match self.value(of)?.as_f64() {
                    Some(0.0) => "none",
                    Some(1.0) => "urgent",
                    Some(2.0) => "high",
                    Some(3.0) => "medium",
                    Some(4.0) => "low",
                    _ => "unknown",
                };
                Ok(Cow::Owned(word.into()))
            }
            Expr::Json(of) => {
                let value = self.value(of)?;
                let mut out = Bounded { text: Vec::new(), room: MAX_OUTPUT.saturating_sub(self.out.len()) };
                pretty(&value, &mut out).map_err(|_| RenderError::TooLong)?;
                Ok(Cow::Owned(String::from_utf8(out.text).unwrap_or_default().into()))
            }
            Expr::Lookup(of, key) => {
                let (of, key) = (self.value(of)?, self.value(key)?);
                let name = match key.as_ref() {
                    Json::String(name) => Cow::Borrowed(name.as_str()),
                    Json::Number(number) => Cow::Owned(plain(number)),
                    _ => return Ok(Cow::Borrowed(&NOTHING)),
                };
                Ok(member(of, &name))
            }
        }
    }

    fn find(&self, path: &Path) -> Cow<'v, Json> {
        let nothing = || Cow::Borrowed(&NOTHING);
        let mut members = path.members.as_slice();
        let frame = self.frames.len().checked_sub(path.up.saturating_add(1)).and_then(|at| self.frames.get(at));
        let Some(frame) = frame else { return nothing() };
        let item = || self.frames.iter().rev().skip(path.up).find_map(|frame| frame.item);
        let mut value = match path.start {
            Start::Root => Cow::Borrowed(self.root),
            Start::This => frame.this.clone(),
            Start::Index => return item().map_or_else(nothing, |item| Cow::Owned(item.index.into())),
            Start::Key => return item().map_or_else(nothing, |item| Cow::Owned(item.key())),
            Start::First => return item().map_or_else(nothing, |item| Cow::Owned((item.index == 0).into())),
            Start::Last => return item().map_or_else(nothing, |item| Cow::Owned(item.last.into())),
            Start::Any => match members.split_first().and_then(|(name, rest)| Some((self.named(name)?, rest))) {
                Some((value, rest)) => {
                    members = rest;
                    value
                }
                None => frame.this.clone(),
            },
        };
        for name in members {
            value = member(value, name);
        }
        value
    }

    /// What a name behind `as` stands for.
    fn named(&self, name: &str) -> Option<Cow<'v, Json>> {
        self.frames.iter().rev().find_map(|frame| match frame.names {
            [Some(value), _] if value == name => Some(frame.this.clone()),
            [_, Some(key)] if key == name => frame.item.map(|item| Cow::Owned(item.key())),
            _ => None,
        })
    }

    fn text(&mut self, value: &Json) -> Result<(), RenderError> {
        match value {
            Json::Null => Ok(()),
            Json::Bool(value) => self.write(if *value { "true" } else { "false" }),
            Json::Number(number) => self.write(&plain(number)),
            Json::String(text) => self.write(text),
            Json::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.step()?;
                    if at > 0 {
                        self.write(",")?;
                    }
                    self.text(item)?;
                }
                Ok(())
            }
            Json::Object(_) => self.write("[object Object]"),
        }
    }
}

/// Whether `if` takes a value for something.
fn is_something(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(_) => true,
    }
}

/// A member of a value, `length` of lists and texts included.
fn member<'v>(of: Cow<'v, Json>, name: &str) -> Cow<'v, Json> {
    if name == "length" {
        let length = match of.as_ref() {
            Json::Array(items) => Some(items.len()),
            Json::String(text) => Some(text.encode_utf16().count()),
            _ => None,
        };
        if let Some(length) = length {
            return Cow::Owned(length.into());
        }
    }
    match of {
        Cow::Borrowed(value) => Cow::Borrowed(inside(value, name)),
        Cow::Owned(value) => Cow::Owned(inside(&value, name).clone()),
    }
}

fn inside<'v>(value: &'v Json, name: &str) -> &'v Json {
    let found = match value {
        Json::Object(members) => members.get(name),
        Json::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
        _ => None,
    };
    found.unwrap_or(&NOTHING)
}

/// A number as JavaScript writes it: 1.0 is 1.
fn plain(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

/// Text up to a length.
struct Bounded {
    text: Vec<u8>,
    room: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len().saturating_add(bytes.len()) > self.room {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes JSON indented by two blanks, numbers as JavaScript writes them.
fn pretty(value: &Json, out: &mut Bounded) -> Result<(), serde_json::Error> {
    let mut to = serde_json::Serializer::with_formatter(out, Pretty(serde_json::ser::PrettyFormatter::new()));
    serde::Serialize::serialize(value, &mut to)
}

struct Pretty<'a>(serde_json::ser::PrettyFormatter<'a>);

impl Formatter for Pretty<'_> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, to: &mut W, value: f64) -> io::Result<()> {
        let written = Number::from_f64(value).map_or_else(|| "null".to_owned(), |number| plain(&number));
        to.write_all(written.as_bytes())
    }
    fn begin_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_array(to)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array(to)
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(to, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array_value(to)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object(to)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object(to)
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(to, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object_value(to)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object_value(to)
    }
}
