//! Writing an object member by member, where building a value first would cost more than the writing.

use super::write::write_string;

/// An object that is being written. Names are the program's own and need no escape.
pub(crate) struct Object<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> Object<'o> {
    /// Opens an object at the end of `out`.
    pub(crate) fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Writes a member's name; what the caller appends is its value.
    pub(crate) fn name(&mut self, name: &'static str) -> &mut String {
        self.out.push_str(if self.empty { "\"" } else { ",\"" });
        self.empty = false;
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    /// Writes a member that is JSON already.
    pub(crate) fn json(&mut self, name: &'static str, value: &str) {
        self.name(name).push_str(value);
    }

    /// Writes members that are JSON already.
    pub(crate) fn members(&mut self, members: &str) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        self.out.push_str(members);
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        write_string(value, self.name(name));
    }

    /// Writes a text, if there is one.
    pub(crate) fn some_text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Closes the object.
    pub(crate) fn close(self) {
        self.out.push('}');
    }
}
