//! The terms of published tools: what a decision has to know of their manifests.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::{
    base::{
        Risk,
        id::{LoopId, ToolId},
    },
    tool::manifest::{Summary, ToolStatus, Visibility},
};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a decision reads of one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The manifest.
    pub id: ToolId,
    /// The tool's name.
    pub name: Arc<str>,
    /// Whose it is.
    pub owner: LoopId,
    /// Its version: of several approved ones by one owner the highest is used.
    pub version: semver::Version,
    /// The field it works in, as a domain.
    pub category: Arc<str>,
    /// The risk it admits.
    pub risk: Risk,
    /// Whether it wants a human to approve each call.
    pub asks: bool,
    /// Whether it is its owner's alone.
    pub private: bool,
    /// Whether it may be called at all.
    pub approved: bool,
    /// What one call costs, in credits.
    pub cost: u64,
}

impl Terms {
    /// The terms of a manifest as it is stored; `None` when its version is none, which no manifest is published with.
    #[must_use]
    pub fn of(summary: Summary) -> Option<Self> {
        Some(Self {
            id: summary.id,
            name: summary.name.into(),
            owner: summary.owner,
            version: semver::Version::parse(&summary.version).ok()?,
            category: summary.category.into(),
            risk: summary.risk,
            asks: summary.requires_approval_default,
            private: summary.visibility == Visibility::Private,
            approved: summary.status == ToolStatus::Approved,
            cost: summary.credit_cost,
        })
    }

    /// Whether a loop may call it.
    #[must_use]
    pub fn serves(&self, caller: Option<LoopId>) -> bool {
        self.approved && (!self.private || caller == Some(self.owner))
    }
}

/// The published tools of a tenant. A clone shares everything.
#[derive(Debug, Clone, Default)]
pub struct Published(Arc<Maps>);

#[derive(Debug, Clone, Default)]
struct Maps {
    by_id: Map<ToolId, Arc<Terms>>,
    by_name: Map<Arc<str>, Versions>,
}

/// Everything that was published under one name.
#[derive(Debug, Clone, Default)]
struct Versions {
    all: Vec<Arc<Terms>>,
    /// The one that each owner means: the highest approved.
    own: SmallVec<[Arc<Terms>; 1]>,
    /// The one that everybody else means.
    shared: Option<Arc<Terms>>,
}

impl Published {
    /// Whether nothing is published.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.by_id.is_empty()
    }

    /// Takes in manifests that are new or changed.
    pub fn put(&mut self, changed: Vec<Terms>) {
        if changed.is_empty() {
            return;
        }
        let maps = Arc::make_mut(&mut self.0);
        let mut touched: Vec<Arc<str>> = Vec::with_capacity(changed.len());
        for terms in changed {
            let terms = Arc::new(terms);
            if let Some(old) = maps.by_id.insert(terms.id, Arc::clone(&terms))
                && let Some(versions) = maps.by_name.get_mut(&old.name)
            {
                versions.all.retain(|one| one.id != old.id);
                touched.push(Arc::clone(&old.name));
            }
            maps.by_name.entry(Arc::clone(&terms.name)).or_default().all.push(Arc::clone(&terms));
            touched.push(Arc::clone(&terms.name));
        }
        touched.sort_unstable();
        touched.dedup();
        for name in touched {
            if let Some(versions) = maps.by_name.get_mut(&name) {
                versions.choose();
            }
        }
    }

    /// The manifest with this id, approved or not.
    #[must_use]
    pub fn get(&self, id: ToolId) -> Option<&Terms> {
        self.0.by_id.get(&id).map(Arc::as_ref)
    }

    /// What a loop means by a name: its own tool, or else the one of whoever took the name first among those whose
    /// tool is for others.
    #[must_use]
    pub fn named(&self, name: &str, caller: Option<LoopId>) -> Option<&Terms> {
        let versions = self.0.by_name.get(name)?;
        let own = versions.own.iter().find(|terms| Some(terms.owner) == caller);
        own.or(versions.shared.as_ref()).map(Arc::as_ref)
    }
}

impl Versions {
    fn choose(&mut self) {
        // A finished version goes before one that is not.
        fn rank(terms: &Terms) -> (bool, &semver::Version, ToolId) {
            (terms.version.pre.is_empty(), &terms.version, terms.id)
        }
        self.all.sort_by(|a, b| a.owner.cmp(&b.owner).then_with(|| rank(b).cmp(&rank(a))));
        let approved = || self.all.iter().filter(|terms| terms.approved);
        let shared = || approved().filter(|terms| !terms.private);
        let first = shared().min_by_key(|terms| terms.id).map(|terms| terms.owner);
        let mut own: SmallVec<[Arc<Terms>; 1]> = SmallVec::new();
        for terms in approved() {
            if own.last().is_none_or(|last| last.owner != terms.owner) {
                own.push(Arc::clone(terms));
            }
        }
        let found = shared().find(|terms| Some(terms.owner) == first).cloned();
        (self.own, self.shared) = (own, found);
    }
}

#[cfg(test)]
mod tests {
    use super::{Published, Terms};
    use crate::{
        base::{
            Seed, Time,
            id::{LoopId, ToolId},
        },
        tool::Risk,
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn loops() -> [LoopId; 3] {
        let mut seed = Seed::new([5; 32]);
        std::array::from_fn(|_| LoopId::draw(NOW, &mut seed))
    }

    fn terms(seed: u8, owner: LoopId, version: &str) -> Terms {
        Terms {
            id: ToolId::draw(NOW, &mut Seed::new([seed; 32])),
            name: "find_leads".into(),
            owner,
            version: version.parse().unwrap(),
            category: "sales".into(),
            risk: Risk::Low,
            asks: false,
            private: true,
            approved: true,
            cost: 0,
        }
    }

    fn found(tools: &Published, caller: LoopId) -> Option<(LoopId, String)> {
        tools.named("find_leads", Some(caller)).map(|terms| (terms.owner, terms.version.to_string()))
    }

    #[test]
    fn the_highest_approved_version_is_meant() {
        let [a, ..] = loops();
        let mut tools = Published::default();
        let (second, tenth) = (terms(2, a, "1.2.0"), terms(3, a, "1.10.0"));
        tools.put(vec![second.clone(), tenth.clone(), terms(1, a, "1.0.0"), terms(4, a, "2.0.0-rc.1")]);
        let meant = |version: &str| Some((a, version.to_owned()));
        assert_eq!(found(&tools, a), meant("1.10.0"));
        let before = tools.clone();
        tools.put(vec![Terms { approved: false, ..tenth.clone() }]);
        assert_eq!(found(&tools, a), meant("1.2.0"), "a suspended version is not used");
        assert_eq!(found(&before, a), meant("1.10.0"), "a clone keeps what it was");
        assert!(tools.get(tenth.id).is_some_and(|terms| !terms.serves(Some(a))));
        assert!(tools.get(second.id).is_some_and(|terms| terms.serves(Some(a))));
        let rest = [second, terms(1, a, "1.0.0")].map(|terms| Terms { approved: false, ..terms });
        tools.put(rest.into());
        assert_eq!(found(&tools, a), meant("2.0.0-rc.1"), "an unfinished version, where there is no other");
    }

    #[test]
    fn own_tools_come_first_and_then_the_first_of_the_others() {
        let [a, b, c] = loops();
        let mut tools = Published::default();
        let open = |terms: Terms| Terms { private: false, ..terms };
        let (of_b, of_c) = (open(terms(2, b, "2.0.0")), open(terms(3, c, "1.0.0")));
        tools.put(vec![terms(1, a, "1.0.0"), of_b.clone(), of_c.clone()]);
        assert_eq!(found(&tools, a), Some((a, "1.0.0".to_owned())));
        assert_eq!(found(&tools, b), Some((b, "2.0.0".to_owned())));
        let stranger = LoopId::draw(NOW, &mut Seed::new([77; 32]));
        let (first, other) = if of_b.id < of_c.id { (of_b, of_c) } else { (of_c, of_b) };
        assert_eq!(found(&tools, stranger).map(|(owner, _)| owner), Some(first.owner));
        assert_eq!(tools.named("find_leads", None).map(|terms| terms.owner), Some(first.owner));
        assert_eq!(tools.named("other", Some(a)), None);
        tools.put(vec![Terms { private: true, ..first }]);
        assert_eq!(found(&tools, stranger).map(|(owner, _)| owner), Some(other.owner));
        tools.put(vec![Terms { approved: false, ..other }]);
        assert_eq!(found(&tools, stranger), None, "private tools are their owners' alone");
    }
}
