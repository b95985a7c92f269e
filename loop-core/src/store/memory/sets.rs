//! Sets of ids by term.

use std::ops::Bound;

use imbl::OrdSet;

/// One tenant's sets of one table.
#[derive(Clone, Default)]
pub(super) struct Sets(OrdSet<(String, String)>);

impl Sets {
    pub(super) fn put(&mut self, id: &str, words: &[&str]) {
        self.0.extend(words.iter().map(|word| ((*word).to_owned(), id.to_owned())));
    }

    pub(super) fn remove(&mut self, id: &str, words: &[&str]) -> usize {
        let held = words.iter().filter(|word| self.0.remove(&((**word).to_owned(), id.to_owned())).is_some());
        held.count()
    }

    pub(super) fn holders(&self, term: &str, after: Option<&str>, limit: u32, offset: u32) -> Vec<String> {
        let ids = self.of(term, after).map(|(_, id)| id.clone());
        ids.skip(offset as usize).take(limit as usize).collect()
    }

    pub(super) fn count(&self, term: &str) -> u64 {
        self.of(term, None).count() as u64
    }

    pub(super) fn under(&self, prefix: &str, after: Option<(&str, &str)>, limit: u32) -> Vec<(String, String)> {
        let named = self.from(prefix, "").take_while(|(term, _)| term.starts_with(prefix));
        let later = named.filter(|(term, id)| after.is_none_or(|after| (term.as_str(), id.as_str()) > after));
        later.take(limit as usize).cloned().collect()
    }

    fn of<'s>(&'s self, term: &'s str, after: Option<&'s str>) -> impl Iterator<Item = &'s (String, String)> {
        let of_term = self.from(term, after.unwrap_or("")).take_while(move |(held, _)| held == term);
        of_term.filter(move |(_, id)| after.is_none_or(|after| id.as_str() > after))
    }

    fn from(&self, term: &str, id: &str) -> impl Iterator<Item = &(String, String)> {
        self.0.range((Bound::Included((term.to_owned(), id.to_owned())), Bound::Unbounded))
    }
}
