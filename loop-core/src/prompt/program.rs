//! A template as it is run: the parser's tree with paths taken apart, helpers and partials found, and everything refused
//! that the evaluator does not know.

use handlebars::template::{BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template, TemplateElement};
use serde_json::Value as Json;

use super::{partial, syntax::SyntaxError};

/// A compiled template.
#[derive(Debug, PartialEq)]
pub(super) struct Program(pub Vec<Node>);

/// A piece of a program.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    /// Text as it is.
    Text(Box<str>),
    /// A value as text.
    Value(Expr),
    /// One of two bodies.
    If(Box<Choice>),
    /// A body for each item.
    Each(Box<Scope>),
    /// A body with another value as `this`.
    With(Box<Scope>),
    /// One of the partials, by its place, with another value as `this` perhaps, its lines indented.
    Partial(usize, Option<Expr>, Box<str>),
}

/// What `if` and `unless` choose from.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    pub test: Expr,
    /// Whether 0 counts as something.
    pub zero: bool,
    pub then: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// A body that sees another `this`.
#[derive(Debug, PartialEq)]
pub(super) struct Scope {
    pub of: Expr,
    /// The names behind `as`: of the value, and of its index or key.
    pub names: [Option<Box<str>>; 2],
    pub body: Vec<Node>,
    /// What stands in for nothing.
    pub otherwise: Vec<Node>,
}

/// Something with a value.
#[derive(Debug, PartialEq)]
pub(super) enum Expr {
    Path(Path),
    Literal(Json),
    /// `json x`: as JSON, indented by two.
    Json(Box<Expr>),
    /// `priority_label x`: a priority in a word.
    PriorityLabel(Box<Expr>),
    /// `lookup x y`: a member by a name that is a value itself.
    Lookup(Box<Expr>, Box<Expr>),
}

/// Where a value stands.
#[derive(Debug, PartialEq)]
pub(super) struct Path {
    /// How many scopes up, 0 for this one.
    pub up: usize,
    pub start: Start,
    pub members: Vec<Box<str>>,
}

/// What a path sets out from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// A name behind `as` if there is one, else a member of `this`.
    Any,
    /// `this` itself.
    This,
    /// The whole data.
    Root,
    /// What a scope tells of an item.
    Index,
    Key,
    First,
    Last,
}

type Parsed<T> = Result<T, SyntaxError>;

/// Takes a parsed template apart.
pub(super) fn of(template: &Template) -> Parsed<Program> {
    nodes(template).map(Program)
}

/// Where in the text something stands.
#[derive(Clone, Copy)]
struct Place(usize, usize);

impl Place {
    fn refuse<T>(self, message: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError::new(self.0, self.1, message))
    }
}

fn nodes(template: &Template) -> Parsed<Vec<Node>> {
    let mut out = Vec::with_capacity(template.elements.len());
    let mut before: &str = "";
    for (at, element) in template.elements.iter().enumerate() {
        let place = template.mapping.get(at).map_or(Place(1, 1), |mapping| Place(mapping.0, mapping.1));
        let text = if let TemplateElement::RawString(text) = element { text.as_str() } else { "" };
        match element {
            TemplateElement::RawString(text) if text.is_empty() => {}
            TemplateElement::RawString(text) => out.push(Node::Text(text.as_str().into())),
            TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                out.push(Node::Value(call(tag, place)?));
            }
            TemplateElement::HelperBlock(tag) => out.push(block(tag, place)?),
            TemplateElement::PartialExpression(tag) => out.push(include(tag, before, place)?),
            TemplateElement::Comment(_) => {}
            _ => return place.refuse("partials and decorators with a body are not supported"),
        }
        before = text;
    }
    Ok(out)
}

fn body(template: Option<&Template>) -> Parsed<Vec<Node>> {
    template.map_or_else(|| Ok(Vec::new()), nodes)
}

fn block(tag: &HelperTemplate, place: Place) -> Parsed<Node> {
    let name = tag.name.as_name().unwrap_or("");
    let [of] = tag.params.as_slice() else {
        return place.refuse(format!("`{name}` takes one value"));
    };
    let of = expr(of, place)?;
    let (then, otherwise) = (body(tag.template.as_ref())?, body(tag.inverse.as_ref())?);
    if matches!(name, "if" | "unless") {
        let mut zero = false;
        for (option, value) in &tag.hash {
            match (option.as_str(), value) {
                ("includeZero", Parameter::Literal(Json::Bool(told))) => zero = *told,
                _ => return place.refuse(format!("`{name}` knows no option `{option}`")),
            }
        }
        let (then, otherwise) = if name == "if" { (then, otherwise) } else { (otherwise, then) };
        return Ok(Node::If(Box::new(Choice { test: of, zero, then, otherwise })));
    }
    if let Some(option) = tag.hash.keys().next() {
        return place.refuse(format!("`{name}` knows no option `{option}`"));
    }
    let scope = Box::new(Scope { of, names: names(tag.block_param.as_ref()), body: then, otherwise });
    match name {
        "each" => Ok(Node::Each(scope)),
        "with" => Ok(Node::With(scope)),
        _ => place.refuse(format!("no such block: `{name}`; there are `if`, `unless`, `each` and `with`")),
    }
}

fn names(param: Option<&BlockParam>) -> [Option<Box<str>>; 2] {
    let text = |name: &Parameter| name.as_name().map(Into::into);
    match param {
        Some(BlockParam::Single(value)) => [text(value), None],
        Some(BlockParam::Pair((value, key))) => [text(value), text(key)],
        _ => [None, None],
    }
}

fn include(tag: &DecoratorTemplate, before: &str, place: Place) -> Parsed<Node> {
    let name = tag.name.as_name().unwrap_or("");
    let Some(part) = partial::NAMES.iter().position(|known| *known == name) else {
        return place.refuse(format!("no such partial: `{name}`; there are `{}`", partial::NAMES.join("`, `")));
    };
    if !tag.hash.is_empty() {
        return place.refuse("partials take no options");
    }
    let of = match tag.params.as_slice() {
        [] => None,
        [of] => Some(expr(of, place)?),
        _ => return place.refuse("a partial takes one value at most"),
    };
    // A partial alone on its line has its lines indented as it is; the parser took the blanks before it away then.
    let indent = tag.indent.as_deref().filter(|blanks| !before.ends_with(*blanks)).unwrap_or("");
    Ok(Node::Partial(part, of, indent.into()))
}

/// A tag without a body: a helper with arguments, or a path.
fn call(tag: &HelperTemplate, place: Place) -> Parsed<Expr> {
    if tag.params.is_empty() && tag.hash.is_empty() {
        return match &tag.name {
            Parameter::Name(_) | Parameter::Path(_) => path(tag.name.as_name().unwrap_or(""), place).map(Expr::Path),
            other => expr(other, place),
        };
    }
    let name = tag.name.as_name().unwrap_or("");
    if let Some(option) = tag.hash.keys().next() {
        return place.refuse(format!("`{name}` knows no option `{option}`"));
    }
    match (name, tag.params.as_slice()) {
        ("json", [of]) => Ok(Expr::Json(Box::new(expr(of, place)?))),
        ("priority_label", [of]) => Ok(Expr::PriorityLabel(Box::new(expr(of, place)?))),
        ("lookup", [of, key]) => Ok(Expr::Lookup(Box::new(expr(of, place)?), Box::new(expr(key, place)?))),
        ("json" | "priority_label", _) => place.refuse(format!("`{name}` takes one value")),
        ("lookup", _) => place.refuse("`lookup` takes two values"),
        _ => place.refuse(format!("no such helper: `{name}`; there are `json`, `priority_label` and `lookup`")),
    }
}

fn expr(parameter: &Parameter, place: Place) -> Parsed<Expr> {
    match parameter {
        Parameter::Literal(value) => Ok(Expr::Literal(value.clone())),
        Parameter::Name(_) | Parameter::Path(_) => path(parameter.as_name().unwrap_or(""), place).map(Expr::Path),
        Parameter::Subexpression(inner) => match inner.as_element() {
            TemplateElement::Expression(tag) => call(tag, place),
            _ => place.refuse("this is no call"),
        },
        _ => place.refuse("this is no value"),
    }
}

fn path(raw: &str, place: Place) -> Parsed<Path> {
    let mut rest = raw;
    let mut start = Start::Any;
    for prefix in ["this.", "this/", "./"] {
        if let Some(behind) = rest.strip_prefix(prefix) {
            (rest, start) = (behind, Start::This);
            break;
        }
    }
    if let Some(behind) = rest.strip_prefix("@root") {
        (rest, start) = (behind.trim_start_matches(['.', '/']), Start::Root);
    }
    let local = rest.strip_prefix('@');
    rest = local.unwrap_or(rest);
    let mut up = 0_usize;
    while let Some(behind) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("..")) {
        up = up.saturating_add(1);
        rest = behind;
        if start == Start::Any {
            start = Start::This;
        }
    }
    if local.is_some() {
        let start = match rest {
            "index" => Start::Index,
            "key" => Start::Key,
            "first" => Start::First,
            "last" => Start::Last,
            _ => return place.refuse(format!("no such variable: `@{rest}`")),
        };
        return Ok(Path { up, start, members: Vec::new() });
    }
    if matches!(rest, "this" | ".") && start != Start::Root {
        return Ok(Path { up, start: Start::This, members: Vec::new() });
    }
    Ok(Path { up, start, members: members(rest) })
}

/// The members of a path: `a.b`, `a/b`, `a.[b c]`.
fn members(text: &str) -> Vec<Box<str>> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (member, behind) = match rest.strip_prefix('[') {
            Some(raw) => raw.split_once(']').unwrap_or((raw, "")),
            None => {
                let end = rest.find(['.', '/']).unwrap_or(rest.len());
                rest.split_at_checked(end).unwrap_or((rest, ""))
            }
        };
        out.push(member.into());
        rest = behind.strip_prefix(['.', '/']).unwrap_or(behind);
    }
    out
}
