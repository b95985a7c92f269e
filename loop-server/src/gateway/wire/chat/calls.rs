//! The calls of a chat completion, joined from fragments. A whole call is one fragment.

use loop_core::base::json::{Kind, View, write};

use super::super::{
    CALLS_MAX, Proposed, Unreadable, arguments,
    spelling::{self, says},
};

/// The calls that were begun, in order.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// How many lists of fragments have come.
    lists: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    At(u32),
    Legacy,
    /// No index, or one that jumps.
    Astray,
}

#[derive(Debug)]
struct Call {
    choice: u32,
    /// The last list of fragments that it stood in.
    list: u64,
    place: Place,
    /// The type it gave.
    kind: String,
    /// Which of `function` and `custom` it gave.
    body: Option<&'static str>,
    name: String,
    text: String,
    /// The text of an object that came instead of a text.
    object: Option<String>,
    fault: Option<Unreadable>,
}

impl Calls {
    /// Takes a choice's `tool_calls` of one chunk.
    pub(super) fn fragments(&mut self, choice: u32, list: View<'_>) -> Result<(), Unreadable> {
        if list.kind() != Kind::Array {
            return Err(Unreadable::Structure);
        }
        self.lists = self.lists.saturating_add(1);
        let here = self.lists;
        list.items().try_for_each(|item| {
            let index = item.get("index").and_then(spelling::whole);
            let call = self.take(choice, item, index)?;
            if std::mem::replace(&mut call.list, here) == here {
                // Some clients make two calls of two fragments in one list.
                call.fault = Some(Unreadable::Fragments);
            }
            Ok(())
        })
    }

    /// Takes a choice's `tool_calls` of a whole answer, where their order is their index.
    pub(super) fn whole(&mut self, choice: u32, list: View<'_>) -> Result<(), Unreadable> {
        if list.kind() != Kind::Array {
            return Err(Unreadable::Structure);
        }
        list.items().zip(0..).try_for_each(|(item, index)| self.take(choice, item, Some(index)).map(drop))
    }

    /// Takes a choice's `function_call`.
    pub(super) fn legacy(&mut self, choice: u32, body: View<'_>) -> Result<(), Unreadable> {
        if !body.is_object() {
            return Err(Unreadable::Structure);
        }
        self.at(choice, Place::Legacy)?.body("function", body, "arguments")
    }

    fn take(&mut self, choice: u32, item: View<'_>, index: Option<u32>) -> Result<&mut Call, Unreadable> {
        if !item.is_object() {
            return Err(Unreadable::Structure);
        }
        spelling::exact(item, &["index", "id", "type", "function", "custom"])?;
        let next = self.calls.iter().filter(|call| call.choice == choice && matches!(call.place, Place::At(_))).count();
        let place = match index {
            Some(index) if index as usize <= next => Place::At(index),
            _ => Place::Astray,
        };
        let call = self.at(choice, place)?;
        match item.get("type").filter(|kind| says(*kind)).map(View::as_str) {
            // Some upstreams send an empty one with later fragments.
            None | Some(Some("")) => {}
            Some(Some(kind)) if call.kind.is_empty() => kind.clone_into(&mut call.kind),
            Some(Some(kind)) if call.kind == kind => {}
            Some(_) => call.fault = Some(Unreadable::Fragments),
        }
        for (name, text) in [("function", "arguments"), ("custom", "input")] {
            if let Some(body) = item.get(name).filter(|body| !body.is_null()) {
                call.body(name, body, text)?;
            }
        }
        let known = |member: View<'_>| matches!(member.key(), "index" | "id" | "type" | "function" | "custom");
        for body in item.members().filter(|member| !known(*member) && member.is_object()) {
            // The body of a type that is not known: a name in it is decided too.
            if let Some(name) = body.get("name").and_then(View::as_str) {
                call.named(name);
            }
        }
        Ok(call)
    }

    fn at(&mut self, choice: u32, place: Place) -> Result<&mut Call, Unreadable> {
        let at = match self.calls.iter().position(|call| call.choice == choice && call.place == place) {
            Some(at) => at,
            None if self.calls.len() >= CALLS_MAX => return Err(Unreadable::TooLarge),
            None => {
                self.calls.push(Call {
                    choice,
                    list: 0,
                    place,
                    kind: String::new(),
                    body: None,
                    name: String::new(),
                    text: String::new(),
                    object: None,
                    fault: (place == Place::Astray).then_some(Unreadable::Fragments),
                });
                self.calls.len() - 1
            }
        };
        self.calls.get_mut(at).ok_or(Unreadable::Structure)
    }

    /// The calls as they are now complete.
    pub(super) fn proposed(&self) -> Result<Vec<Proposed>, Unreadable> {
        let mut out = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            call.proposed(&mut out)?;
        }
        Ok(out)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.calls.iter().map(|call| call.name.clone()).collect()
    }
}

impl Call {
    /// Takes a `function`, `custom` or `function_call`.
    fn body(&mut self, body: &'static str, value: View<'_>, text: &str) -> Result<(), Unreadable> {
        if !value.is_object() {
            return Err(Unreadable::Structure);
        }
        spelling::exact(value, &["name", "arguments", "input"])?;
        if self.body.is_some_and(|before| before != body) {
            self.fault = Some(Unreadable::Fragments);
        }
        self.body = Some(body);
        match value.get("name").filter(|name| !name.is_null()).map(View::as_str) {
            None => {}
            Some(Some(name)) => self.named(name),
            Some(None) => self.fault = Some(Unreadable::Name),
        }
        match value.get(text).map(View::kind) {
            None | Some(Kind::Null) => {}
            Some(Kind::String(text)) if self.object.is_none() => self.text.push_str(text),
            Some(Kind::Object) if self.text.is_empty() && self.object.is_none() => {
                let mut json = String::new();
                if let Some(object) = value.get(text) {
                    write(object, &mut json);
                }
                self.object = Some(json);
            }
            Some(_) => self.fault = Some(Unreadable::Arguments),
        }
        Ok(())
    }

    /// A name comes once: readers differ on whether a second one is appended or takes the first one's place.
    fn named(&mut self, name: &str) {
        if name.is_empty() {
            return;
        }
        if !self.name.is_empty() {
            self.fault = Some(Unreadable::Fragments);
            return;
        }
        name.clone_into(&mut self.name);
    }

    fn proposed(&self, out: &mut Vec<Proposed>) -> Result<(), Unreadable> {
        let arguments = match (self.kind.as_str(), self.body) {
            ("" | "function", Some("function")) => match &self.object {
                Some(object) => Ok(object.clone()),
                None => arguments::of_text(&self.text),
            },
            ("" | "custom", Some("custom")) if self.object.is_none() => Ok(arguments::of_custom(&self.text)),
            ("" | "function" | "custom", _) => Err(Unreadable::Structure),
            (kind, _) => {
                // Decided under its type's name; nobody here knows what its fragments would mean.
                super::super::call::push(out, Proposed::refused(kind, Unreadable::Structure, self.choice))?;
                if self.name.is_empty() {
                    return Ok(());
                }
                Err(Unreadable::Structure)
            }
        };
        let arguments = self.fault.map_or(arguments, Err);
        super::super::call::push(out, Proposed::new(&self.name, arguments, self.choice))
    }
}
