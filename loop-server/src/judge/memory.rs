//! What the model answered before: findings of the newest few thousand questions.

use std::collections::HashMap;

use loop_core::{
    base::id::RuleId,
    policy::judge::{Answer, CallDigest, Question},
};

/// How many answers one generation holds; there are two, and an answer has 1.5 KiB at most.
const GENERATION: usize = 2_048;

/// What an answer is known by: the rule as it reads, and the exact call, whose digest only its tenant makes.
pub type Key = (RuleId, u64, CallDigest);

/// The key of a question.
#[must_use]
pub const fn key(question: &Question) -> Key {
    (question.rule, question.revision, question.call)
}

/// Answers by their question. When the young are too many they become the old ones, and the old are forgotten, but for
/// those that were asked for again.
#[derive(Debug, Default)]
pub struct Memory {
    young: HashMap<Key, Answer>,
    old: HashMap<Key, Answer>,
}

impl Memory {
    /// What was answered.
    pub fn get(&mut self, key: &Key) -> Option<Answer> {
        if let Some(answer) = self.young.get(key) {
            return Some(answer.clone());
        }
        let answer = self.old.remove(key)?;
        self.put(*key, answer.clone());
        Some(answer)
    }

    /// Remembers an answer.
    pub fn put(&mut self, key: Key, answer: Answer) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, answer);
    }
}

#[cfg(test)]
mod tests {
    use loop_core::{
        base::{Seed, TenantId, Time, id::RuleId, secret::MasterKey},
        policy::judge::{Answer, CallDigest, Finding},
    };

    use super::{GENERATION, Key, Memory};

    fn key(revision: u64) -> Key {
        let rule = RuleId::draw(Time::EPOCH, &mut Seed::new([1; 32]));
        (rule, revision, CallDigest::of(&MasterKey::new([1; 32]), &TenantId::default_tenant(), "a", None))
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_asked_for() {
        let mut memory = Memory::default();
        let answer = Answer { finding: Finding::Covered, note: String::new() };
        for n in 0..GENERATION as u64 * 10 {
            memory.put(key(n), answer.clone());
            assert!(memory.get(&key(0)).is_some(), "{n}");
            assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION);
        }
        assert!(memory.get(&key(1)).is_none() && memory.get(&key(GENERATION as u64 * 10 - 1)).is_some());
    }
}
