//! Lists beside ones that are worked out from all issues.

use proptest::prelude::*;

use super::given::{Outcome, World, field};
use crate::{
    base::id::LabelId,
    work::{
        Issue, IssueStatus, IssueType, WorkError,
        issue::{NewIssue, Patch},
        label,
        list::{self, Filter, MAX_SEARCH},
        search, words,
    },
};

impl World {
    fn page(&self, filter: &Filter, limit: u32, offset: u32) -> Result<(Vec<Issue>, u64), WorkError> {
        let filter = filter.clone();
        self.read(move |tx, tenant| list::page(tx, tenant, &filter, limit, offset))
    }
}

const WORDS: [&str; 6] = ["alpha", "alphabet", "beta", "Gamma", "gam", "delta"];

fn wanted(filter: &Filter, issue: &Issue) -> bool {
    let has = |word: &String| {
        let held = search::words([issue.title.as_str(), issue.description.as_deref().unwrap_or("")]);
        held.iter().any(|one| one.starts_with(word))
    };
    (filter.statuses.is_empty() || filter.statuses.contains(&issue.status))
        && (filter.kinds.is_empty() || filter.kinds.contains(&issue.kind))
        && filter.project.is_none_or(|id| issue.project_id == Some(id))
        && filter.label.is_none_or(|id| issue.label_ids.contains(&id))
        && filter.priority.is_none_or(|priority| issue.priority == priority)
        && filter.parent.is_none_or(|id| issue.parent_id == Some(id))
        && filter.search.iter().all(|text| search::asked(text).unwrap().iter().all(has))
}

/// Indices that pick what an issue is.
type Made = (usize, usize, u8, usize, usize, usize, usize);

fn made() -> impl Strategy<Value = Made> {
    (0..6_usize, 0..5_usize, 0..5_u8, 0..3_usize, 0..3_usize, 0..6_usize, 0..6_usize)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_list_holds_what_its_filter_says_page_by_page(
        first in prop::collection::vec(made(), 1..60),
        changes in prop::collection::vec((0..60_usize, made(), any::<bool>()), 0..20),
        asked in prop::collection::vec(
            (prop::option::of(0..6_usize), prop::option::of(0..5_usize), any::<bool>(), prop::option::of(0..5_u8),
             prop::option::of(0..2_usize), prop::option::of(0..2_usize), any::<bool>(), prop::option::of(0..6_usize)), 1..12),
    ) {
        let world = World::new();
        let projects = [world.project().unwrap().id, world.project().unwrap().id];
        let labels: Vec<LabelId> = ["x", "y"].map(|name| world.write(move |tx, cx| label::create(tx, cx, name, "c")).unwrap().id).into();
        let root = world.task("root").unwrap();
        let text = |a: usize, b: usize| format!("{} {}", WORDS[a], WORDS[b]);
        let of = |labels: &[LabelId], n: usize| labels.iter().take(n).map(ToString::to_string).collect::<Vec<_>>();
        let mut live = vec![root.clone()];
        for (n, (status, kind, priority, project, label, a, b)) in first.into_iter().enumerate() {
            let new = NewIssue {
                status: IssueStatus::ALL[status], priority, description: Some(WORDS[b].to_owned()),
                project_id: projects.get(project).map(ToString::to_string), label_ids: of(&labels, label),
                parent_id: (n % 4 == 0).then(|| root.id.to_string()),
                ..NewIssue::titled(text(a, a), IssueType::ALL[kind])
            };
            live.push(world.make(new).unwrap());
        }
        for (at, (status, kind, priority, project, label, a, b), delete) in changes {
            let at = at % live.len();
            if at == 0 { continue }
            if delete {
                world.delete(&live.remove(at)).unwrap();
                continue;
            }
            let patch = Patch {
                title: Some(text(a, b)), status: Some(IssueStatus::ALL[status]), kind: Some(IssueType::ALL[kind]),
                priority: Some(priority), project_id: Some(projects.get(project).map(ToString::to_string)),
                label_ids: Some(of(&labels, label)), ..Patch::default()
            };
            live[at] = world.patch(&live[at], patch).unwrap();
        }
        for (status, kind, two, priority, project, label, parent, word) in asked {
            let statuses = status.map(|at| IssueStatus::ALL.iter().copied().skip(at).take(1 + usize::from(two)).collect());
            let filter = Filter {
                statuses: statuses.unwrap_or_default(),
                kinds: kind.map(|at| IssueType::ALL[at]).into_iter().collect(),
                project: project.map(|at| projects[at]), label: label.map(|at| labels[at]), priority,
                parent: (parent && !two).then_some(root.id),
                search: word.map(|at| WORDS[at].get(..if two { 2 } else { 4 }).unwrap_or(WORDS[at]).to_uppercase()),
            };
            let expected: Vec<_> = live.iter().filter(|issue| wanted(&filter, issue)).map(|issue| issue.id).collect();
            for limit in [1_u32, 7, 200] {
                let mut found = Vec::new();
                loop {
                    let (page, total) = world.page(&filter, limit, found.len() as u32).unwrap();
                    prop_assert_eq!(total, expected.len() as u64, "{:?}", filter);
                    if page.is_empty() { break }
                    prop_assert!(page.len() <= limit as usize);
                    found.extend(page.into_iter().map(|issue| issue.id));
                }
                prop_assert_eq!(&found, &expected, "{:?} by {}", filter, limit);
            }
        }
    }
}

#[test]
fn a_walk_goes_on_where_it_read_to() -> Outcome {
    let world = World::new();
    let project = world.project()?.id;
    for n in 0..700_usize {
        let project_id = (n % 3 != 0).then(|| project.to_string());
        let new = NewIssue { priority: u8::from(n % 2 == 0), project_id, ..NewIssue::titled("t", IssueType::Task) };
        world.make(new)?;
    }
    let filter = Filter { project: Some(project), priority: Some(1), ..Filter::default() };
    let (page, total) = world.page(&filter, 200, 100)?;
    let numbers: Vec<u64> = page.iter().map(|issue| issue.number).collect();
    let expected: Vec<u64> = (0..700).filter(|n| n % 3 != 0 && n % 2 == 0).map(|n| n + 1).collect();
    assert_eq!(total, expected.len() as u64);
    assert_eq!(numbers, expected.into_iter().skip(100).take(200).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn searches_are_bounded_and_what_has_no_word_finds_nothing() -> Outcome {
    let world = World::new();
    world.task("something")?;
    let asking = |text: String| Filter { search: Some(text), ..Filter::default() };
    assert_eq!(field(&world.page(&asking("x".repeat(MAX_SEARCH + 1)), 9, 0).expect_err("refused")), "search");
    let many: Vec<String> = (0..20).map(|n| format!("w{n}")).collect();
    assert_eq!(field(&world.page(&asking(many.join(" ")), 9, 0).expect_err("refused")), "search");
    assert_eq!(world.page(&asking("\"'*".to_owned()), 9, 0)?.1, 0);
    assert_eq!(world.page(&asking("  ".to_owned()), 9, 0)?.1, 1);
    let unknown = Filter { label: LabelId::parse("l00000000000000000000000"), ..Filter::default() };
    assert_eq!(world.page(&unknown, 9, 0)?.1, 0);
    Ok(())
}

#[test]
fn issues_without_words_do_not_make_every_search_read_many_of_them() -> Outcome {
    let world = World::new();
    for _ in 0..50 {
        world.task("…")?;
        // What is not in the index yet.
        let listed = world.read(|tx, tenant| Ok(tx.count_holders(&words::ISSUE_WORDS, tenant, "-")?))?;
        assert!(listed < 7, "{listed}");
    }
    Ok(())
}
