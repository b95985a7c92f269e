//! The tape and views into it.

use std::borrow::Cow;

use super::parse::{self, Error, Limits};

/// From how much text, in bytes, the number of values is guessed at most.
const MOST_GUESSED: usize = 4096;

/// A JSON document. It borrows from the text it was read from, escaped strings apart.
#[derive(Debug, Clone, Default)]
pub struct Doc<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

/// One value on the tape, its children right behind it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// The member's name; empty for array items and the root.
    pub key: Cow<'a, str>,
    pub data: Data<'a>,
    /// Where the next sibling stands: behind the whole subtree.
    pub next: u32,
}

#[derive(Debug, Clone)]
pub(super) enum Data<'a> {
    Null,
    Bool(bool),
    /// The number's text, valid by the JSON grammar.
    Number(Cow<'a, str>),
    String(Cow<'a, str>),
    /// How many items.
    Array(u32),
    /// How many members.
    Object(u32),
}

/// A value within a document.
#[derive(Clone, Copy)]
pub struct View<'d> {
    nodes: &'d [Node<'d>],
    node: &'d Node<'d>,
    at: u32,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'d> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its exact text.
    Number(&'d str),
    /// A string, unescaped.
    String(&'d str),
    /// An array; see [`View::items`].
    Array,
    /// An object; see [`View::members`].
    Object,
}

impl<'a> Doc<'a> {
    /// Reads a document within the default [`Limits`].
    ///
    /// # Errors
    /// Anything that is not one JSON value in UTF-8, a duplicate key, or a limit passed.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        // Most values take more text than this; a guess too small costs one move of what was read.
        let guess = text.len().min(MOST_GUESSED) / 16;
        parse::parse(text, Limits::default(), Vec::with_capacity(guess))
    }

    /// Reads a document, reusing another's memory: a caller that keeps one document per thread reads
    /// without allocating.
    ///
    /// # Errors
    /// As [`Doc::parse`].
    pub fn parse_reusing(text: &'a [u8], limits: Limits, old: Doc<'_>) -> Result<Self, Error> {
        let mut old = old.nodes;
        old.clear();
        // An empty vector of one lifetime becomes one of another; collecting in place keeps its memory.
        let nodes = old.into_iter().map(|_| Node { key: Cow::Borrowed(""), data: Data::Null, next: 0 }).collect();
        parse::parse(text, limits, nodes)
    }

    /// The document of a `serde_json` value.
    #[must_use]
    pub fn from_value(value: &'a serde_json::Value) -> Self {
        let mut nodes = Vec::new();
        push(&mut nodes, Cow::Borrowed(""), value);
        Self { nodes }
    }

    /// An empty object.
    #[must_use]
    pub fn empty_object() -> Self {
        Self { nodes: vec![Node { key: Cow::Borrowed(""), data: Data::Object(0), next: 1 }] }
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> View<'_> {
        static NULL: Node<'static> = Node { key: Cow::Borrowed(""), data: Data::Null, next: 1 };
        View { nodes: &self.nodes, node: self.nodes.first().unwrap_or(&NULL), at: 0 }
    }
}

fn push<'a>(nodes: &mut Vec<Node<'a>>, key: Cow<'a, str>, value: &'a serde_json::Value) {
    use serde_json::Value;
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(bool) => Data::Bool(*bool),
        Value::Number(number) => Data::Number(Cow::Owned(number.to_string())),
        Value::String(text) => Data::String(Cow::Borrowed(text)),
        Value::Array(items) => Data::Array(u32::try_from(items.len()).unwrap_or(u32::MAX)),
        Value::Object(members) => Data::Object(u32::try_from(members.len()).unwrap_or(u32::MAX)),
    };
    let at = nodes.len();
    nodes.push(Node { key, data, next: 0 });
    match value {
        Value::Array(items) => items.iter().for_each(|item| push(nodes, Cow::Borrowed(""), item)),
        Value::Object(members) => members.iter().for_each(|(key, item)| push(nodes, Cow::Borrowed(key), item)),
        _ => {}
    }
    let next = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    if let Some(node) = nodes.get_mut(at) {
        node.next = next;
    }
}

impl<'d> View<'d> {
    /// What the value is.
    #[must_use]
    pub fn kind(self) -> Kind<'d> {
        match &self.node.data {
            Data::Null => Kind::Null,
            Data::Bool(bool) => Kind::Bool(*bool),
            Data::Number(text) => Kind::Number(text),
            Data::String(text) => Kind::String(text),
            Data::Array(_) => Kind::Array,
            Data::Object(_) => Kind::Object,
        }
    }

    /// The name under which an object holds this value; empty for items of arrays and the root.
    #[must_use]
    pub fn key(self) -> &'d str {
        &self.node.key
    }

    /// The string, when the value is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'d str> {
        if let Kind::String(text) = self.kind() { Some(text) } else { None }
    }

    /// The truth value, when the value is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        if let Kind::Bool(bool) = self.kind() { Some(bool) } else { None }
    }

    /// The number's exact text, when the value is a number.
    #[must_use]
    pub fn as_number(self) -> Option<&'d str> {
        if let Kind::Number(text) = self.kind() { Some(text) } else { None }
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.node.data, Data::Object(_))
    }

    /// Whether the value is an array or an object.
    #[must_use]
    pub fn is_container(self) -> bool {
        matches!(self.node.data, Data::Array(_) | Data::Object(_))
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.node.data, Data::Null)
    }

    /// How many items or members; 0 for scalars.
    #[must_use]
    pub fn len(self) -> usize {
        match self.node.data {
            Data::Array(len) | Data::Object(len) => len as usize,
            _ => 0,
        }
    }

    /// Whether [`View::len`] is 0.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The member called `name`, when the value is an object that has it.
    #[must_use]
    pub fn get(self, name: &str) -> Option<View<'d>> {
        self.members().find(|member| member.key() == name)
    }

    /// The members of an object in the order of the text; nothing for other values.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        Members(self.children(self.is_object()))
    }

    /// The items of an array in order; nothing for other values.
    #[must_use]
    pub fn items(self) -> Items<'d> {
        Items(self.children(matches!(self.node.data, Data::Array(_))))
    }

    /// This value and every value below it, depth first, in the order of the text.
    pub fn walk(self) -> impl Iterator<Item = View<'d>> + use<'d> {
        let nodes = self.nodes;
        let end = if nodes.is_empty() { 0 } else { self.node.next };
        (self.at..end).filter_map(move |at| nodes.get(at as usize).map(|node| View { nodes, node, at }))
    }

    fn children(self, any: bool) -> Children<'d> {
        let first = self.at.saturating_add(1);
        Children { nodes: self.nodes, at: first, end: if any { self.node.next } else { first } }
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        super::write(*self, &mut text);
        f.write_str(&text)
    }
}

#[derive(Clone)]
struct Children<'d> {
    nodes: &'d [Node<'d>],
    at: u32,
    end: u32,
}

impl<'d> Iterator for Children<'d> {
    type Item = View<'d>;

    #[inline]
    fn next(&mut self) -> Option<View<'d>> {
        if self.at >= self.end {
            return None;
        }
        let at = self.at;
        let node = self.nodes.get(at as usize)?;
        self.at = node.next;
        Some(View { nodes: self.nodes, node, at })
    }
}

/// The members of an object; each view carries its [`View::key`].
#[derive(Clone)]
pub struct Members<'d>(Children<'d>);

/// The items of an array.
#[derive(Clone)]
pub struct Items<'d>(Children<'d>);

impl<'d> Iterator for Members<'d> {
    type Item = View<'d>;

    #[inline]
    fn next(&mut self) -> Option<View<'d>> {
        self.0.next()
    }
}

impl<'d> Iterator for Items<'d> {
    type Item = View<'d>;

    #[inline]
    fn next(&mut self) -> Option<View<'d>> {
        self.0.next()
    }
}
