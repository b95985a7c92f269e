//! Relations, and that no issue comes to wait for itself.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::given::{Outcome, World, unprocessable};
use crate::work::{Issue, IssueRelation, RelationKind, WorkError, issue, relation};

impl World {
    fn relate(&self, from: &Issue, kind: RelationKind, to: &Issue) -> Result<IssueRelation, WorkError> {
        let (from, to) = (from.id, to.id);
        self.write(move |tx, cx| relation::create(tx, cx, from.as_str(), kind, to.as_str()))
    }
}

#[test]
fn a_relation_is_said_once_and_shown_on_its_own_side() -> Outcome {
    let world = World::new();
    let (a, b) = (world.task("a")?, world.task("b")?);
    let made = world.relate(&a, RelationKind::Related, &b)?;
    assert!(matches!(world.relate(&a, RelationKind::Related, &b), Err(WorkError::Conflict("Relation already exists"))));
    assert!(world.relate(&b, RelationKind::Related, &a).is_ok());
    assert!(world.relate(&a, RelationKind::Duplicate, &b).is_ok());
    let own = a.id;
    let whole = world.write(move |tx, cx| issue::whole(tx, cx, own.as_str()))?;
    assert_eq!(whole.relations.len(), 2);
    assert_eq!(
        unprocessable(&world.relate(&a, RelationKind::Blocks, &a).expect_err("refused")),
        "Cannot create a relation to the same issue"
    );
    world.write(move |tx, cx| relation::delete(tx, cx, made.id.as_str()))?;
    let again = world.write(move |tx, cx| relation::delete(tx, cx, made.id.as_str()));
    assert!(matches!(again, Err(WorkError::NoRelation)));
    assert!(world.relate(&a, RelationKind::Related, &b).is_ok());
    Ok(())
}

#[test]
fn a_deleted_issue_takes_its_relations_along() -> Outcome {
    let world = World::new();
    let (a, b, c) = (world.task("a")?, world.task("b")?, world.task("c")?);
    world.relate(&a, RelationKind::Blocks, &b)?;
    world.relate(&b, RelationKind::Blocks, &c)?;
    world.delete(&b)?;
    assert_eq!(
        unprocessable(&world.relate(&a, RelationKind::Related, &b).expect_err("refused")),
        "Related issue not found"
    );
    assert!(matches!(world.relate(&b, RelationKind::Related, &a), Err(WorkError::NoIssue)));
    // The circle through it is none any more.
    assert!(world.relate(&c, RelationKind::Blocks, &a).is_ok());
    let own = a.id;
    let left = world.read(move |tx, tenant| Ok(relation::outgoing(tx, tenant, &own)?))?;
    assert_eq!(left, []);
    Ok(())
}

#[test]
fn the_relations_of_a_page_are_those_of_each_of_its_issues() -> Outcome {
    let world = World::new();
    let issues = (0..30).map(|n| world.task(&format!("{n}"))).collect::<Result<Vec<_>, _>>()?;
    for (n, issue) in issues.iter().enumerate().filter(|(n, _)| n % 3 == 0) {
        // So many that they are not read in one piece.
        let many = if n == 15 { 29 } else { 20 };
        for other in issues.iter().filter(|other| other.id != issue.id).take(many) {
            world.relate(issue, RelationKind::Related, other)?;
            world.relate(issue, RelationKind::Duplicate, other)?;
        }
    }
    for (from, to) in [(0, 1), (1, 3), (2, 9), (0, 30), (12, 30), (5, 5)] {
        let ids: Vec<_> = issues[from..to].iter().map(|issue| issue.id).collect();
        world.read(move |tx, tenant| {
            let found = relation::of_page(tx, tenant, &ids)?;
            for id in &ids {
                assert_eq!(found.get(id).cloned().unwrap_or_default(), relation::outgoing(tx, tenant, id)?);
            }
            assert!(found.keys().all(|id| ids.contains(id)));
            Ok(())
        })?;
    }
    Ok(())
}

/// Whether some issue waits for itself, however it was said.
fn circular(edges: &BTreeSet<(usize, usize)>) -> bool {
    (0..6).any(|start| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(at) = next.pop() {
            for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
                if *to == start {
                    return true;
                }
                if seen.insert(*to) {
                    next.push(*to);
                }
            }
        }
        false
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn exactly_the_relations_that_make_no_circle_are_taken(said in prop::collection::vec((0..6_usize, 0..4_usize, 0..6_usize), 1..30)) {
        let world = World::new();
        let issues: Vec<Issue> = (0..6).map(|n| world.task(&format!("{n}")).unwrap()).collect();
        let mut edges = BTreeSet::new();
        for (a, kind, b) in said {
            let kind = RelationKind::ALL[kind];
            let edge = match kind {
                RelationKind::Blocks => Some((a, b)),
                RelationKind::BlockedBy => Some((b, a)),
                _ => None,
            };
            let mut with = edges.clone();
            with.extend(edge);
            match world.relate(&issues[a], kind, &issues[b]) {
                Ok(_) => {
                    prop_assert!(a != b && !circular(&with));
                    edges = with;
                }
                Err(WorkError::Unprocessable("Relation would create a cycle")) => prop_assert!(circular(&with)),
                Err(WorkError::Unprocessable(_)) => prop_assert_eq!(a, b),
                Err(WorkError::Conflict(_)) => prop_assert!(!circular(&with)),
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            }
        }
    }
}
