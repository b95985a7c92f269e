//! Writing events and members.

use loop_core::base::json::{View, write, write_string};

/// Appends a member as it was read, behind a comma where one is due.
pub(super) fn member(out: &mut String, member: View<'_>) {
    name(out, member.key());
    write(member, out);
}

/// Appends a member's name, behind a comma where one is due; what the caller appends is its value.
pub(super) fn name(out: &mut String, name: &str) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
    write_string(name, out);
    out.push(':');
}

/// Appends those members of `object` that are named in `names`.
pub(super) fn members(out: &mut String, object: View<'_>, names: &[&str]) {
    object.members().filter(|found| names.contains(&found.key())).for_each(|found| member(out, found));
}

/// Appends a text.
pub(super) fn text(out: &mut String, key: &str, value: &str) {
    name(out, key);
    write_string(value, out);
}

/// Appends a value that is JSON already.
pub(super) fn json(out: &mut String, key: &str, value: &str) {
    name(out, key);
    out.push_str(value);
}

/// Appends the verdict. Line ends in it can only stand between its values, and would end the event.
pub(super) fn meta(out: &mut String, key: &str, meta: &str) {
    json(out, key, &meta.replace(['\n', '\r'], " "));
}

/// Events in the line ends of a stream.
#[derive(Debug)]
pub(super) struct Events {
    pub out: String,
    end: &'static str,
}

impl Events {
    pub(super) const fn new(end: &'static str) -> Self {
        Self { out: String::new(), end }
    }

    /// Writes an event; `data` holds no line end.
    pub(super) fn event(&mut self, name: Option<&str>, data: &str) {
        if let Some(name) = name {
            self.out.push_str("event: ");
            self.out.push_str(name);
            self.out.push_str(self.end);
        }
        self.out.push_str("data: ");
        self.out.push_str(data);
        self.out.push_str(self.end);
        self.out.push_str(self.end);
    }
}
