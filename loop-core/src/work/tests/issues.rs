//! Making, changing and deleting issues.

use proptest::prelude::*;
use serde_json::json;

use super::given::{Outcome, World, field, unprocessable};
use crate::{
    access::{Caller, Ctx, claim_key::Claimed},
    base::id::IssueId,
    work::{
        HypothesisData, IssueStatus, IssueType, WorkError, claim,
        count::counts,
        history,
        issue::{self, NewIssue, Patch},
        label,
    },
};

#[test]
fn a_new_issue_has_a_number_of_its_own_and_what_was_said_of_it() -> Outcome {
    let world = World::new();
    let (first, second) = (world.task("one")?, world.task("two")?);
    assert_eq!((first.number, second.number), (1, 2));
    assert!(first.id < second.id);
    assert_eq!((first.status, first.priority, first.completed_at), (IssueStatus::Triage, 0, None));
    assert_eq!(world.get(&first)?, first);
    let done = world.make(NewIssue { status: IssueStatus::Done, ..NewIssue::titled("x", IssueType::Plan) })?;
    assert_eq!(done.completed_at, Some(done.created_at));
    Ok(())
}

#[test]
fn what_is_out_of_bounds_is_refused_by_its_field_and_leaves_nothing() -> Outcome {
    let world = World::new();
    let plain = || NewIssue::titled("t", IssueType::Task);
    let guess = |confidence| HypothesisData {
        statement: "s".to_owned(),
        confidence,
        evidence: Vec::new(),
        validation_criteria: "v".to_owned(),
        prediction: None,
    };
    let large = json!({ "a": "x".repeat(issue::MAX_PAYLOAD) });
    let cases = [
        ("title", NewIssue { title: String::new(), ..plain() }),
        ("title", NewIssue { title: "é".repeat(501), ..plain() }),
        ("priority", NewIssue { priority: 5, ..plain() }),
        ("description", NewIssue { description: Some("d".repeat(issue::MAX_DESCRIPTION + 1)), ..plain() }),
        ("signalPayload", NewIssue { signal_payload: large.as_object().cloned(), ..plain() }),
        ("hypothesis.confidence", NewIssue { hypothesis: Some(guess(1.01)), ..plain() }),
        ("hypothesis.confidence", NewIssue { hypothesis: Some(guess(f64::NAN)), ..plain() }),
        ("labelIds", NewIssue { label_ids: vec!["l".to_owned(); issue::MAX_LABELS + 1], ..plain() }),
    ];
    for (name, new) in cases {
        let refused = world.make(new).expect_err("refused");
        assert_eq!(field(&refused), name, "{refused}");
    }
    let gone = [
        ("Parent issue not found", NewIssue { parent_id: Some("nope".to_owned()), ..plain() }),
        ("Project not found", NewIssue { project_id: Some("nope".to_owned()), ..plain() }),
        ("Label not found", NewIssue { label_ids: vec!["nope".to_owned()], ..plain() }),
    ];
    for (text, new) in gone {
        assert_eq!(unprocessable(&world.make(new).expect_err("refused")), text);
    }
    assert_eq!(world.read(|tx, tenant| Ok(counts(tx, tenant, None)?.total()))?, 0);
    assert!(world.make(NewIssue { title: "é".repeat(500), ..plain() }).is_ok());
    Ok(())
}

#[test]
fn a_part_has_no_parts() -> Outcome {
    let world = World::new();
    let root = world.task("root")?;
    let part = world.part("part", &root)?;
    let deep = world.part("deep", &part).expect_err("refused");
    assert!(unprocessable(&deep).contains("1-level hierarchy limit"));
    let other = world.task("other")?;
    let under = |id: IssueId| Patch { parent_id: Some(Some(id.to_string())), ..Patch::default() };
    for (of, to) in [(&other, &other), (&other, &part), (&root, &other)] {
        assert!(matches!(world.patch(of, under(to.id)), Err(WorkError::Unprocessable(_))), "{} {}", of.title, to.title);
    }
    assert_eq!(world.patch(&other, under(root.id))?.parent_id, Some(root.id));
    let free = world.patch(&other, Patch { parent_id: Some(None), ..Patch::default() })?;
    assert_eq!((free.parent_id, free.active_at), (None, Some(free.updated_at)));
    let id = root.id;
    let parts = world.read(move |tx, tenant| Ok(issue::children(tx, tenant, &id)?))?;
    assert_eq!(parts.iter().map(|one| one.id).collect::<Vec<_>>(), [part.id]);
    world.delete(&root)?;
    assert_eq!(unprocessable(&world.part("late", &root).expect_err("refused")), "Parent issue not found");
    Ok(())
}

#[test]
fn closing_says_when_and_opening_again_forgets_it() -> Outcome {
    let world = World::new();
    let to = |status| Patch { status: Some(status), ..Patch::default() };
    for closed in [IssueStatus::Done, IssueStatus::Canceled] {
        let issue = world.task("t")?;
        let shut = world.patch(&issue, to(closed))?;
        assert_eq!(shut.completed_at, Some(shut.updated_at));
        let renamed = world.patch(&issue, Patch { title: Some("u".to_owned()), ..to(closed) })?;
        assert_eq!(renamed.completed_at, shut.completed_at);
        assert_eq!(world.patch(&issue, to(IssueStatus::Todo))?.completed_at, None);
    }
    Ok(())
}

#[test]
fn a_change_that_changes_nothing_is_not_written_down() -> Outcome {
    let world = World::new();
    let issue = world.task("same")?;
    let again = world.patch(&issue, Patch { title: Some("same".to_owned()), ..Patch::default() })?;
    assert_eq!(again, issue);
    let id = issue.id;
    let (steps, total) = world.read(move |tx, tenant| history::page(tx, tenant, id.as_str(), 9, 0))?;
    assert_eq!((steps.len(), total), (1, 1));
    Ok(())
}

#[test]
fn the_history_is_newest_first_masked_and_outlives_the_issue() -> Outcome {
    let world = World::new();
    let issue = world.task("first")?;
    let title = Some("mail ann@example.com".to_owned());
    world.patch(&issue, Patch { title, priority: Some(2), ..Patch::default() })?;
    world.delete(&issue)?;
    assert!(matches!(world.get(&issue), Err(WorkError::NoIssue)));
    assert!(matches!(world.delete(&issue), Err(WorkError::NoIssue)));
    let id = issue.id;
    let (steps, total) = world.read(move |tx, tenant| history::page(tx, tenant, id.as_str(), 2, 0))?;
    assert_eq!(total, 3);
    assert_eq!(
        steps.iter().filter_map(|step| step.op.as_deref()).collect::<Vec<_>>(),
        ["issue.delete", "issue.update"]
    );
    let changes = &steps[1].changes;
    assert_eq!(changes["priority"], json!({ "from": 0, "to": 2 }));
    assert_eq!(changes["title"]["from"], json!("first"));
    assert!(!changes["title"]["to"].to_string().contains("ann@"), "{changes:?}");
    assert_eq!(steps[1].actor.as_deref(), Some("test"));
    let (rest, _) = world.read(move |tx, tenant| history::page(tx, tenant, id.as_str(), 9, 2))?;
    assert_eq!(rest.iter().filter_map(|step| step.op.as_deref()).collect::<Vec<_>>(), ["issue.create"]);
    assert_eq!(world.read(move |tx, tenant| history::page(tx, tenant, id.as_str(), 9, 3))?, (Vec::new(), 3));
    let unknown = world.read(|tx, tenant| history::page(tx, tenant, "nope", 9, 0));
    assert!(matches!(unknown, Err(WorkError::NoIssue)));
    Ok(())
}

#[test]
fn a_root_was_active_when_it_or_a_part_of_it_last_changed() -> Outcome {
    let world = World::new();
    let root = world.task("root")?;
    let active = |world: &World| world.get(&root).map(|issue| issue.active_at);
    let part = world.part("part", &root)?;
    let other = world.part("other", &root)?;
    assert_eq!(active(&world)?, Some(other.updated_at));
    let touched = world.patch(&part, Patch { priority: Some(1), ..Patch::default() })?;
    assert_eq!((active(&world)?, touched.active_at), (Some(touched.updated_at), None));
    world.delete(&part)?;
    assert_eq!(active(&world)?, Some(other.updated_at));
    world.patch(&other, Patch { parent_id: Some(None), ..Patch::default() })?;
    assert_eq!(active(&world)?, Some(root.updated_at));
    Ok(())
}

#[test]
fn the_key_of_a_claim_reaches_its_own_issue_until_that_is_claimed_anew() -> Outcome {
    let world = World::new();
    let (own, other) = (world.task("own")?, world.task("other")?);
    let (id, stranger) = (own.id, other.id);
    let claim = |world: &World| {
        world.write(move |tx, cx| Ok(claim::take(tx, cx, &id, &claim::Terms::default(), None)?.0.number))
    };
    let number = claim(&world)?;
    let with_key = |world: &World, issue: IssueId, number: u64, what: &'static str| {
        world.write(move |tx, cx| {
            let caller = Caller { claimed: Some(Claimed { issue: id, number }), ..cx.caller.clone() };
            let cx = Ctx::new(caller, cx.now, cx.seed());
            let patch = Patch { title: Some(what.to_owned()), ..Patch::default() };
            issue::whole(tx, &cx, issue.as_str())?;
            issue::patch(tx, &cx, issue.as_str(), &patch)
        })
    };
    assert!(with_key(&world, id, number, "a").is_ok());
    assert!(matches!(with_key(&world, stranger, number, "b"), Err(WorkError::NoIssue)));
    assert!(matches!(with_key(&world, id, number + 1, "b"), Err(WorkError::NoIssue)));
    world.write(move |tx, cx| {
        let end = claim::End { outcome: claim::Outcome::Released, by: claim::By::Other };
        Ok(claim::end(tx, cx.tenant(), &id, end, cx.now)?)
    })?;
    let again = claim(&world)?;
    assert!(matches!(with_key(&world, id, number, "c"), Err(WorkError::NoIssue)));
    assert!(with_key(&world, id, again, "d").is_ok());
    Ok(())
}

#[test]
fn a_label_named_twice_is_carried_once_and_a_deleted_one_no_more() -> Outcome {
    let world = World::new();
    let label = world.write(|tx, cx| label::create(tx, cx, "billing", "red"))?;
    let label_ids = vec![label.id.to_string(); 2];
    let issue = world.make(NewIssue { label_ids, ..NewIssue::titled("t", IssueType::Task) })?;
    assert_eq!(issue.label_ids, [label.id]);
    world.write(move |tx, cx| label::delete(tx, cx, label.id.as_str()))?;
    let id = issue.id;
    let whole = world.write(move |tx, cx| issue::whole(tx, cx, id.as_str()))?;
    assert_eq!(whole.labels, []);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// The kept counts beside those worked out from all that was done.
    #[test]
    fn counts_are_those_of_the_live_issues(steps in prop::collection::vec((0..8_usize, 0..6_usize, 0..5_usize, 0..3_usize), 1..40)) {
        let world = World::new();
        let projects = [Some(world.project().unwrap().id), Some(world.project().unwrap().id), None];
        let mut made: Vec<crate::work::Issue> = Vec::new();
        for (what, status, kind, project) in steps {
            let (status, kind, project) = (IssueStatus::ALL[status], IssueType::ALL[kind], projects[project]);
            let place = project.map(|id| id.to_string());
            match (what, made.len()) {
                (0..3, _) | (_, 0) => {
                    let new = NewIssue { status, project_id: place, ..NewIssue::titled("t", kind) };
                    made.push(world.make(new).unwrap());
                }
                (3..7, have) => {
                    let at = (what + status as usize * 7) % have;
                    let patch = Patch { status: Some(status), kind: Some(kind), project_id: Some(place), ..Patch::default() };
                    made[at] = world.patch(&made[at], patch).unwrap();
                }
                (_, have) => {
                    let gone = made.remove(status as usize % have);
                    world.delete(&gone).unwrap();
                }
            }
        }
        for project in [Some(None), Some(projects[0]), Some(projects[1])].into_iter().flatten() {
            let told = world.read(move |tx, tenant| Ok(counts(tx, tenant, project.as_ref())?)).unwrap();
            let of = |issue: &&crate::work::Issue| project.is_none() || issue.project_id == project;
            prop_assert_eq!(told.total(), made.iter().filter(of).count() as u64);
            for status in IssueStatus::ALL {
                let expected = made.iter().filter(of).filter(|issue| issue.status == *status).count() as u64;
                prop_assert_eq!(told.by_status().get(status).copied().unwrap_or(0), expected);
            }
        }
    }
}
