//! What a planning attempt reads from git besides the one file: imports, and which paths changed.

use slipway_pipelines::plan::{PhasePlan, Plan, PullRequest, TriggerEvent};
use slipway_pipelines::wire::{GitSource, ImportSource, PlanReport, PlanResult};

use crate::fixture::Story;
use crate::git_server::GitServer;

async fn planned(story: &mut Story) -> PlanReport {
    let attempt = story.give_plan();
    story.server.until(attempt, "a plan", |told| told.plan.clone()).await
}

fn plan(report: &PlanReport) -> &Plan {
    match &report.result {
        PlanResult::Planned { plan } => plan,
        other => panic!("not planned but {other:?}; {:?}", report.diagnostics),
    }
}

/// The commands of each job's script.
fn scripts(report: &PlanReport) -> Vec<String> {
    let jobs = plan(report).jobs.iter();
    jobs.map(|job| {
        let PhasePlan::Run { commands } = &job.phases.script else { return String::new() };
        commands.iter().map(|line| line.0.as_str()).collect::<Vec<_>>().join("; ")
    })
    .collect()
}

fn refusal(report: &PlanReport) -> &str {
    match &report.result {
        PlanResult::Errored { reason } => reason,
        other => panic!("not errored but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_repo_are_imported_at_the_commit_or_at_a_named_one() {
    let main = "image: busybox\nimport: [ci/now.yml, ci/then.yml@v1, ci/there.yml@side/track]\n";
    let mut story = Story::begin(&[(".ci.yml", main), ("ci/now.yml", "script: [now]\n")]).await;
    story.commit(&[("ci/then.yml", "script: [then]\n")], "Then");
    story.git(&["tag", "-a", "v1", "-m", "One"]);
    story.commit(&[("ci/then.yml", "script: [later]\n")], "Later");
    story.git(&["checkout", "--quiet", "-b", "side/track"]);
    let there = story.commit(&[("ci/there.yml", "script: [there]\n")], "There");
    story.push("refs/tags/v1");
    story.push("side/track");
    assert_eq!(scripts(&planned(&mut story).await), ["now; then; there"]);
    // By its full id; and what is not there is said with the place.
    let by_id = format!("import: [ci/there.yml@{there}, ci/no.yml@v1, ci/now.yml@v2]\n{main}");
    let by_id =
        by_id.replacen("import: [ci/now.yml, ci/then.yml@v1, ci/there.yml@side/track]\n", "", 1);
    let commit = story.commit(&[(".ci.yml", &by_id)], "By id");
    story.push("side/track");
    story.at(&commit);
    let report = planned(&mut story).await;
    let wanted = ".ci.yml has 2 errors, the first on line 1: ci/no.yml@v1 is not there.";
    assert_eq!(refusal(&report), wanted);
    let last = &report.diagnostics.last().expect("an error").message;
    assert!(last.contains("the repo has no branch, tag or commit `v2`"), "{last}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_repo_is_read_where_the_server_grants_it() {
    const TOKEN: &str = "t0ken-of-the-other-31c7";
    let main = "image: busybox\nimport: ['acme/ci:go.yml', 'acme/ci:old.yml@v1']\n";
    let mut story = Story::begin(&[(".ci.yml", main)]).await;
    let report = planned(&mut story).await;
    let wanted = ".ci.yml has 2 errors, the first on line 2: acme/ci:go.yml is not for acme/app.";
    assert_eq!(refusal(&report), wanted);
    let files =
        [("go.yml", "script: [go]\nimport: ./more.yml\n"), ("more.yml", "script: [more]\n")];
    let commit = story.other_repo("ci", &files, None);
    let other = story.dir().join("ci.git");
    crate::repository::git(&other, &["tag", "v1", &commit]);
    let forge = GitServer::start(story.dir(), Some(TOKEN)).await;
    let source: GitSource = forge.source("ci.git", Some(TOKEN));
    let default_branch = "main".to_owned();
    story.server.let_import("acme/ci", ImportSource::Granted { source, default_branch });
    let report = planned(&mut story).await;
    let wanted = ".ci.yml has an error on line 2: acme/ci:old.yml@v1 is not there.";
    assert_eq!(refusal(&report), wanted);
    let commit = story.commit(&[(".ci.yml", "image: busybox\nimport: acme/ci:go.yml\n")], "Go");
    story.push("main");
    story.at(&commit);
    assert_eq!(scripts(&planned(&mut story).await), ["go; more"]);
    story.end().await;
}

/// Says in the job's script which folders changed.
const ASKS: &str = "\
image: busybox
jobs:
  include:
  - {script: docs, if: changes(docs/**)}
  - {script: src, if: changes(src/**)}
  - {script: always}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_push_runs_what_its_paths_ask_for() {
    let mut story = Story::begin(&[(".ci.yml", ASKS), ("src/a", "1"), ("docs/a", "1")]).await;
    // The first push of all: nothing is known.
    assert_eq!(scripts(&planned(&mut story).await), ["docs", "src", "always"]);
    let first = story.git(&["rev-parse", "HEAD"]);
    story.commit(&[("src/b", "1")], "Not at the head");
    let second = story.commit(&[("README.md", "1")], "Two commits");
    story.push("main");
    story.at(&second);
    story.before = Some(first.clone());
    let report = planned(&mut story).await;
    assert_eq!(scripts(&report), ["src", "always"]);
    let dropped = &plan(&report).dropped;
    let wanted = "`if: changes(docs/**)` does not hold: of 2 paths that changed, none matches \
                  `docs/**`.";
    assert_eq!(dropped.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>(), [wanted]);
    // What was before is gone: any path may have changed.
    story.before = Some("0123456789012345678901234567890123456789".to_owned());
    assert_eq!(scripts(&planned(&mut story).await), ["docs", "src", "always"]);
    // A tag and a run on request are not a change.
    story.before = Some(first);
    story.event = TriggerEvent::Api { branch: "main".to_owned() };
    assert_eq!(scripts(&planned(&mut story).await), ["docs", "src", "always"]);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_branch_is_compared_with_where_it_left_the_default_branch() {
    let mut story = Story::begin(&[(".ci.yml", ASKS), ("src/a", "1"), ("docs/a", "1")]).await;
    story.git(&["checkout", "--quiet", "-b", "feature"]);
    let head = story.commit(&[("docs/b", "1")], "Docs");
    story.push("feature");
    story.git(&["checkout", "--quiet", "main"]);
    story.commit(&[("src/b", "1")], "Meanwhile");
    story.push("main");
    story.at(&head);
    story.event = TriggerEvent::Push { branch: "feature".to_owned() };
    assert_eq!(scripts(&planned(&mut story).await), ["docs", "always"]);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_changes_what_it_brings() {
    let mut story = Story::begin(&[(".ci.yml", ASKS), ("src/a", "1"), ("docs/a", "1")]).await;
    story.git(&["checkout", "--quiet", "-b", "feature"]);
    let head = story.commit(&[("src/b", "1")], "Source");
    story.git(&["checkout", "--quiet", "main"]);
    story.commit(&[("docs/b", "1")], "Meanwhile");
    story.git(&["merge", "--quiet", "--no-ff", "-m", "Merge", "feature"]);
    story.push("main");
    story.push(&format!("{head}:refs/pull/7/head"));
    story.push("HEAD:refs/pull/7/merge");
    story.at(&head);
    story.event = TriggerEvent::PullRequest(Box::new(PullRequest {
        number: 7,
        title: "Source".to_owned(),
        base: "main".to_owned(),
        head_branch: "feature".to_owned(),
        head_repo: None,
        head: head.parse().expect("a commit"),
        fork: false,
        draft: false,
    }));
    assert_eq!(scripts(&planned(&mut story).await), ["src", "always"]);
    story.end().await;
}
