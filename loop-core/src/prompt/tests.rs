//! Templates, versions, selection, reviews and outcomes over a store.

use proptest::prelude::*;

use super::{
    Conditions, Outcome, PromptError, PromptTemplate, Renderer, Surroundings, VersionStatus, choose, context, defaults,
    health,
    review::{self, NewReview},
    template::{self, NewTemplate, Patch},
    version::{self, NewVersion},
};
use crate::{
    access::{Caller, Ctx, Scopes, claim_key::PREVIEW},
    base::{Seed, TenantId, Time, secret::Secret},
    engine::CATALOG,
    store::{Lane, StoreExt, Tx, memory::MemoryStore},
    work::{
        AuthorType, Issue, IssueStatus, IssueType,
        issue::{self, NewIssue},
        label,
        list::{self, Filter},
    },
};

const START: Time = Time::from_micros(1_795_000_000_000_000);

struct World {
    store: MemoryStore,
    clock: std::cell::Cell<i64>,
}

impl World {
    fn new() -> Self {
        let world = Self { store: MemoryStore::new(CATALOG), clock: std::cell::Cell::new(0) };
        world.run(|tx, cx| Ok(defaults::plant(tx, cx.tenant(), cx.now)?)).unwrap();
        world
    }

    /// Runs a use case a second later than the one before.
    fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, PromptError> + Send + 'static,
    ) -> Result<T, PromptError> {
        self.clock.set(self.clock.get() + 1);
        let (n, now) = (self.clock.get(), START.plus_seconds(self.clock.get()));
        let done = self.store.transact("test", Lane::Normal, move |tx| {
            let caller = Caller { scopes: Scopes::all(), ..Caller::system(TenantId::default_tenant(), "admin") };
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&n.to_be_bytes());
            work(tx, &Ctx::new(caller, now, Seed::new(seed)))
        });
        done.wait()
    }

    fn template(&self, slug: &'static str, conditions: &'static str, specificity: u8) -> PromptTemplate {
        let conditions: Conditions = serde_json::from_str(conditions).unwrap();
        let new = NewTemplate {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: None,
            conditions,
            specificity,
            project_id: None,
        };
        self.run(move |tx, cx| template::create(tx, cx, &new)).unwrap()
    }

    fn version(&self, template: &PromptTemplate, content: &str) -> version::PromptVersion {
        let new = text(content);
        let id = template.id;
        self.run(move |tx, cx| version::create(tx, cx, id.as_str(), &new)).unwrap()
    }

    fn issue(&self, kind: IssueType) -> Issue {
        self.run(move |tx, cx| Ok(issue::create(tx, cx, &NewIssue::titled("an issue", kind))?)).unwrap()
    }

    fn chosen(&self, issue: &Issue) -> Option<(String, u32)> {
        let issue = issue.clone();
        let chosen = self.run(move |tx, cx| Ok(choose(tx, cx.tenant(), &issue)?)).unwrap();
        chosen.map(|chosen| (chosen.template.slug, chosen.version.version))
    }

    fn promote(
        &self,
        template: &PromptTemplate,
        version: &version::PromptVersion,
        percent: Option<u8>,
    ) -> Result<version::PromptVersion, PromptError> {
        let (template, version) = (template.id, version.id);
        self.run(move |tx, cx| version::promote(tx, cx, template.as_str(), version.as_str(), percent))
    }

    fn states(&self, template: &PromptTemplate) -> Vec<(u32, VersionStatus)> {
        let id = template.id;
        let versions = self.run(move |tx, cx| version::list(tx, cx.tenant(), id, 0, 100)).unwrap();
        versions.iter().rev().map(|version| (version.version, version.status)).collect()
    }

    fn review(&self, version: &version::PromptVersion, mark: u8) -> Result<review::PromptReview, PromptError> {
        let new = NewReview {
            version_id: version.id.to_string(),
            issue_id: "i1".to_owned(),
            clarity: mark,
            completeness: mark,
            relevance: mark,
            feedback: None,
            author_type: AuthorType::Agent,
        };
        self.run(move |tx, cx| review::create(tx, cx, &new))
    }

    fn improvements(&self) -> Vec<Issue> {
        let all = self.run(|tx, cx| Ok(list::page(tx, cx.tenant(), &Filter::default(), 200, 0)?.0)).unwrap();
        all.into_iter().filter(|issue| issue.title.starts_with("Improve prompt template")).collect()
    }

    fn close(&self, issue: &Issue) {
        let id = issue.id;
        let patch = issue::Patch { status: Some(IssueStatus::Done), ..issue::Patch::default() };
        self.run(move |tx, cx| Ok(issue::patch(tx, cx, id.as_str(), &patch)?)).unwrap();
    }
}

fn text(content: &str) -> NewVersion {
    NewVersion {
        content: content.to_owned(),
        changelog: None,
        author_type: AuthorType::Human,
        author_name: "Ada".to_owned(),
    }
}

#[test]
fn every_type_has_a_default_template_that_renders_without_a_key_of_more_power() {
    let world = World::new();
    let renderer = Renderer::default();
    for kind in IssueType::ALL {
        let issue = world.issue(*kind);
        let around = Surroundings { loop_url: "http://loop.example".to_owned(), loop_token: Secret::new(PREVIEW) };
        let (chosen, data) = world
            .run(move |tx, cx| {
                let chosen = choose(tx, cx.tenant(), &issue)?.unwrap();
                let data = context(tx, cx.tenant(), &issue, &chosen, &around)?;
                Ok((chosen, data))
            })
            .unwrap();
        assert_eq!(chosen.template.conditions.kind, Some(*kind));
        text(&chosen.version.content).check().unwrap();
        let prompt = renderer.render(&chosen.version, &data).unwrap();
        for said in ["an issue", "#", "agentSummary", "/api/prompt-reviews", chosen.version.id.as_str(), PREVIEW] {
            assert!(prompt.contains(said), "{kind}: {said} in {prompt}");
        }
        assert!(!prompt.contains("{{") && !prompt.contains("\n\n\n\n"), "{prompt}");
    }
}

#[test]
fn a_deleted_template_frees_its_slug_and_is_not_chosen() {
    let world = World::new();
    let task = world.issue(IssueType::Task);
    assert_eq!(world.chosen(&task), Some(("task-execution".to_owned(), 1)));
    world.run(|tx, cx| template::delete(tx, cx, "tpl_default_task_execution")).unwrap();
    assert_eq!(world.chosen(&task), None);
    let again = world.run(|tx, cx| template::delete(tx, cx, "tpl_default_task_execution"));
    assert_eq!(again, Err(PromptError::NoTemplate));
    let other = world.template("task-execution", "{}", 10);
    assert_eq!(world.chosen(&task), None, "it has no version yet");
    world.version(&other, "x");
    assert_eq!(world.chosen(&task), Some(("task-execution".to_owned(), 1)));
    let taken = NewTemplate {
        slug: "task-execution".into(),
        name: "x".into(),
        description: None,
        conditions: Conditions::default(),
        specificity: 0,
        project_id: None,
    };
    assert_eq!(world.run(move |tx, cx| template::create(tx, cx, &taken)), Err(PromptError::SlugTaken));
}

#[test]
fn the_most_specific_that_fits_wins_and_of_equals_the_oldest() {
    let world = World::new();
    let task = world.issue(IssueType::Task);
    let wide = world.template("wide", "{}", 30);
    let narrow = world.template("narrow", r#"{"type":"task"}"#, 30);
    for template in [&narrow, &wide] {
        world.version(template, "x");
    }
    assert_eq!(world.chosen(&task).unwrap().0, "wide");
    // More of them than are read at once, none of which fits.
    for slug in
        ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"]
    {
        world.version(&world.template(slug, r#"{"signalSource":"nowhere"}"#, 90), "x");
    }
    assert_eq!(world.chosen(&task).unwrap().0, "wide");
    let id = narrow.id;
    let patch = Patch { specificity: Some(31), ..Patch::default() };
    world.run(move |tx, cx| template::patch(tx, cx, id.as_str(), &patch)).unwrap();
    assert_eq!(world.chosen(&task).unwrap().0, "narrow");
}

#[test]
fn labels_are_looked_up_by_name() {
    let world = World::new();
    world.version(&world.template("labelled", r#"{"labels":["urgent","web"]}"#, 90), "x");
    let issue = |names: &'static [&'static str]| {
        let made = world.run(move |tx, cx| {
            let mut new = NewIssue::titled("labelled", IssueType::Task);
            for name in names {
                new.label_ids.push(label::ensure(tx, cx, name, "#000000")?.id.to_string());
            }
            Ok(issue::create(tx, cx, &new)?)
        });
        world.chosen(&made.unwrap()).unwrap().0
    };
    assert_eq!(issue(&["urgent", "web", "more"]), "labelled");
    assert_eq!(issue(&["urgent"]), "task-execution");
}

#[test]
fn one_version_is_in_use_and_one_at_most_is_tried_beside_it() {
    use VersionStatus::{Active, Draft, Retired};
    let world = World::new();
    let template = world.template("t", r#"{"type":"task"}"#, 50);
    let [one, two, three] = ["one", "two", "three"].map(|content| world.version(&template, content));
    assert_eq!(world.states(&template), [(1, Active), (2, Draft), (3, Draft)]);
    assert_eq!(world.promote(&template, &one, None), Err(PromptError::AlreadyActive));
    assert_eq!(world.promote(&template, &one, Some(10)), Err(PromptError::AlreadyActive));
    assert_eq!(world.promote(&template, &two, Some(0)), Err(PromptError::NoRollout));
    assert!(matches!(world.promote(&template, &two, Some(101)), Err(PromptError::Invalid { field: "percent", .. })));
    world.promote(&template, &two, Some(30)).unwrap();
    assert_eq!(world.states(&template), [(1, Active), (2, Active), (3, Draft)]);
    world.promote(&template, &three, Some(60)).unwrap();
    assert_eq!(world.states(&template), [(1, Active), (2, Retired), (3, Active)]);
    world.promote(&template, &three, Some(0)).unwrap();
    assert_eq!(world.states(&template), [(1, Active), (2, Retired), (3, Retired)]);
    world.promote(&template, &two, Some(99)).unwrap();
    world.promote(&template, &three, None).unwrap();
    assert_eq!(world.states(&template), [(1, Retired), (2, Retired), (3, Active)]);
    world.promote(&template, &one, Some(100)).unwrap();
    assert_eq!(world.states(&template), [(1, Active), (2, Retired), (3, Retired)]);
    let foreign = world.version(&world.template("u", "{}", 0), "x");
    assert_eq!(world.promote(&template, &foreign, None), Err(PromptError::NoVersion));
}

#[test]
fn an_issue_gets_the_tried_version_always_or_never() {
    let world = World::new();
    let template = world.template("t", r#"{"type":"task"}"#, 50);
    world.version(&template, "one");
    let two = world.version(&template, "two");
    world.promote(&template, &two, Some(50)).unwrap();
    let issues: Vec<Issue> = (0..60).map(|_| world.issue(IssueType::Task)).collect();
    let of = |issue: &Issue| world.chosen(issue).unwrap().1;
    let first: Vec<u32> = issues.iter().map(of).collect();
    assert!(first.contains(&1) && first.contains(&2));
    assert_eq!(issues.iter().map(of).collect::<Vec<_>>(), first);
    world.promote(&template, &two, None).unwrap();
    assert!(issues.iter().all(|issue| of(issue) == 2));
}

#[test]
fn a_poor_version_gets_one_issue_to_have_it_improved_while_that_is_open() {
    let world = World::new();
    let template = world.template("poor", "{}", 50);
    let version = world.version(&template, "x");
    for _ in 0..2 {
        world.review(&version, 2).unwrap();
    }
    assert!(world.improvements().is_empty());
    for _ in 0..3 {
        world.review(&version, 2).unwrap();
    }
    let open = world.improvements();
    let [issue] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!(issue.title, "Improve prompt template: poor (avg review 2.0/5, 3 reviews since v1)");
    assert_eq!((issue.kind, issue.status, issue.priority), (IssueType::Task, IssueStatus::Todo, 3));
    assert!(issue.description.as_ref().unwrap().contains(version.id.as_str()));
    world.close(issue);
    world.review(&version, 2).unwrap();
    assert_eq!(world.improvements().len(), 2);
    let id = template.id;
    let (listed, total) = world.run(move |tx, cx| review::list(tx, cx.tenant(), id, 0, 4)).unwrap();
    assert!(listed.len() == 4 && total == 6 && listed.is_sorted_by(|a, b| a.id > b.id));
    let summary = world.run(move |tx, cx| Ok(health::summary(tx, cx.tenant(), id)?)).unwrap();
    assert_eq!(summary.means().map(|means| means.composite), Some(2.0));
}

#[test]
fn a_review_out_of_bounds_counts_for_nothing() {
    let world = World::new();
    let version = world.version(&world.template("t", "{}", 50), "x");
    for mark in [0, 6, 255] {
        assert!(matches!(world.review(&version, mark), Err(PromptError::Invalid { field: "clarity", .. })));
    }
    let known = world.run(move |tx, cx| Ok(health::of(tx, cx.tenant(), version.clone())?)).unwrap();
    assert_eq!((known.health.reviews, known.health.score), (0, None));
}

#[test]
fn uses_and_outcomes_are_kept_for_each_version() {
    let world = World::new();
    let version = world.version(&world.template("t", "{}", 50), "x");
    let id = version.id;
    world
        .run(move |tx, cx| {
            for (outcome, micros) in [(Outcome::Done, 2_000), (Outcome::Failed, 9_000_000), (Outcome::Done, 1_000)] {
                health::count_use(tx, cx.tenant(), id)?;
                health::record_outcome(tx, cx.tenant(), id, outcome, micros, cx.now)?;
            }
            Ok(())
        })
        .unwrap();
    let known = world.run(move |tx, cx| Ok(health::of(tx, cx.tenant(), version.clone())?)).unwrap();
    assert_eq!(known.uses, 3);
    assert!((known.health.completion_rate.unwrap() - 0.79).abs() < 1e-12);
    assert!((known.health.avg_duration_ms.unwrap() - 1.7).abs() < 1e-12);
}

/// A step of a template's life.
#[derive(Debug, Clone)]
enum Step {
    Write,
    Promote(usize, Option<u8>),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_promoted_one_version_is_in_use_and_the_template_points_to_it(
        steps in prop::collection::vec(
            prop_oneof![
                1 => Just(Step::Write),
                3 => (0_usize..6, prop::option::of(0_u8..=100)).prop_map(|(at, percent)| Step::Promote(at, percent)),
            ],
            1..24,
        )
    ) {
        let world = World::new();
        let template = world.template("t", r#"{"type":"task"}"#, 50);
        let task = world.issue(IssueType::Task);
        let mut versions = vec![world.version(&template, "x")];
        for step in steps {
            match step {
                Step::Write => versions.push(world.version(&template, "x")),
                Step::Promote(at, percent) => {
                    let _ = world.promote(&template, &versions[at % versions.len()], percent);
                }
            }
            let id = template.id;
            let now = world.run(move |tx, cx| template::get(tx, cx.tenant(), id.as_str())).unwrap();
            let mut named: Vec<_> = now.active_version_id.into_iter().chain(now.rollout.map(|r| r.version_id)).collect();
            let states = world.states(&template);
            let active: Vec<u32> =
                states.iter().filter(|(_, status)| *status == VersionStatus::Active).map(|(number, _)| *number).collect();
            let mut told: Vec<_> = versions.iter().filter(|v| active.contains(&v.version)).map(|v| v.id).collect();
            named.sort_unstable();
            told.sort_unstable();
            prop_assert_eq!(named, told);
            prop_assert!(now.rollout.is_none_or(|rollout| (1..=99).contains(&rollout.percent)));
            prop_assert!(active.contains(&world.chosen(&task).unwrap().1));
        }
    }
}
