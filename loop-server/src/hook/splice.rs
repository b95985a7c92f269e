//! Adding and removing parts of a JSON text without touching a byte of the rest.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// An array or an object within a text.
pub(super) struct Container<'t> {
    /// Where its bracket opens.
    open: usize,
    items: Vec<Item<'t>>,
}

/// One of its values.
pub(super) struct Item<'t> {
    /// Its name; empty in an array.
    pub(super) key: String,
    /// Its text.
    pub(super) value: &'t str,
    /// Where it ends.
    end: usize,
}

/// The text that lies between two places of it.
fn piece(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

impl<'t> Container<'t> {
    /// Reads an object that is a part of `text`; `None` for anything else, and for one that names a member twice.
    pub(super) fn object(text: &str, part: &'t str) -> Option<Self> {
        let Members(members) = serde_json::from_str(part).ok()?;
        let mut names: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return None;
        }
        Some(Self::of(text, part, members))
    }

    /// Reads an array that is a part of `text`; `None` for anything else.
    pub(super) fn array(text: &str, part: &'t str) -> Option<Self> {
        let Items(items) = serde_json::from_str(part).ok()?;
        Some(Self::of(text, part, items.into_iter().map(|item| (String::new(), item)).collect()))
    }

    fn of(text: &str, part: &'t str, items: Vec<(String, &'t RawValue)>) -> Self {
        let place = |part: &str| part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let items = items.into_iter().map(|(key, value)| {
            let value = value.get();
            Item { key, value, end: place(value).saturating_add(value.len()) }
        });
        Self { open: place(part.trim_start()), items: items.collect() }
    }

    pub(super) fn items(&self) -> &[Item<'t>] {
        &self.items
    }

    /// The text of a member, and its place among them.
    pub(super) fn member(&self, key: &str) -> Option<(usize, &'t str)> {
        self.items.iter().enumerate().find(|(_, item)| item.key == key).map(|(at, item)| (at, item.value))
    }

    /// `text` with another item before all others. `item` brings the space before it.
    pub(super) fn with_first(&self, text: &str, item: &str) -> String {
        let inside = self.open.saturating_add(1);
        let comma = if self.items.is_empty() { "" } else { "," };
        format!("{}{item}{comma}{}", piece(text, 0, inside), piece(text, inside, text.len()))
    }

    /// `text` without an item, and without the space before it. Undoes [`Self::with_first`].
    pub(super) fn without(&self, text: &str, at: usize) -> String {
        let ends = |at: usize| self.items.get(at).map_or(text.len(), |item| item.end);
        let end = ends(at);
        let (from, to) = match at.checked_sub(1) {
            Some(before) => (ends(before), end),
            None if self.items.len() > 1 => {
                let comma = piece(text, end, text.len()).find(',').unwrap_or_default();
                (self.open.saturating_add(1), end.saturating_add(comma).saturating_add(1))
            }
            None => (self.open.saturating_add(1), end),
        };
        format!("{}{}", piece(text, 0, from), piece(text, to, text.len()))
    }
}

struct Members<'t>(Vec<(String, &'t RawValue)>);
struct Items<'t>(Vec<&'t RawValue>);

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = map.next_entry()? {
            all.push(member);
        }
        Ok(all)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = list.next_element()? {
            all.push((String::new(), item));
        }
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Collect).map(Self)
    }
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let items = from.deserialize_seq(Collect)?;
        Ok(Self(items.into_iter().map(|(_, item)| item).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::Container;

    #[test]
    fn items_come_and_go_without_touching_the_rest() {
        for text in [" [ ] ", "[1]", "[ 1 , [2,3] , {\"a\": 4} ]\n"] {
            let list = Container::array(text, text).expect("an array");
            let more = list.with_first(text, "\n  0");
            let again = Container::array(&more, &more).expect("an array");
            assert_eq!(again.items().len(), list.items().len() + 1, "{more}");
            assert_eq!(again.without(&more, 0), text);
        }
        let text = r#"{ "a" : 1 , "b,c" : [ ] , "d" : {} }"#;
        let object = Container::object(text, text).expect("an object");
        assert_eq!(object.member("b,c"), Some((1, "[ ]")));
        assert_eq!(object.without(text, 0), r#"{ "b,c" : [ ] , "d" : {} }"#);
        assert_eq!(object.without(text, 1), r#"{ "a" : 1 , "d" : {} }"#);
        assert_eq!(object.without(text, 2), r#"{ "a" : 1 , "b,c" : [ ] }"#);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        for text in ["", "[]", "1", "{\"a\":1", "{\"a\":1,\"\\u0061\":2}", "{} {}", "{// no\n}"] {
            assert!(Container::object(text, text).is_none(), "{text}");
        }
        assert!(Container::array("{}", "{}").is_none());
    }
}
