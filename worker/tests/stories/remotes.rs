//! Repos behind HTTP: tokens, pull requests, submodules, and hosts in trouble.

use std::path::Path;

use slipway_pipelines::plan::{GitOptions, PullRequest, TriggerEvent};
use slipway_pipelines::wire::{JobOutcome, PlanReport, PlanResult};

use crate::fixture::{Story, job};
use crate::git_server::{GitServer, Mood, basic};

const TOKEN: &str = "t0ken-of-acme-9f2c";

fn reason(outcome: &JobOutcome) -> &str {
    match outcome {
        JobOutcome::Errored { reason } => reason,
        other => panic!("not errored but {other:?}"),
    }
}

/// Does any file below hold one of these words?
fn is_written(dir: &Path, words: &[&str]) -> bool {
    std::fs::read_dir(dir).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return is_written(&path, words);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        words.iter().any(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
    })
}

async fn planned(story: &mut Story) -> PlanReport {
    let attempt = story.give_plan();
    story.server.until(attempt, "a plan", |told| told.plan.clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_repo_is_read_with_its_token_which_then_stands_nowhere() {
    let files = [("hello.txt", "private\n"), (".ci.yml", "image: busybox\nscript: true\n")];
    let mut story = Story::begin(&files).await;
    let forge = GitServer::start(story.dir(), Some(TOKEN)).await;
    story.source = Some(forge.source("repo.git", Some(TOKEN)));
    let report = planned(&mut story).await;
    assert!(matches!(report.result, PlanResult::Planned { .. }), "{report:?}");
    let came = story.run(job(&["cat hello.txt", "cat .git/config", "env"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nprivate\n"), "{}", came.log);
    assert!(came.log.contains("/repo.git\n"), "origin is there: {}", came.log);
    let words = [TOKEN, &basic(TOKEN)];
    assert!(!words.iter().any(|word| came.log.contains(word)), "{}", came.log);
    assert!(!is_written(&story.dir().join("data"), &words));
    let asked = forge.asked();
    assert!(asked.iter().all(|asked| !asked.uri.contains(TOKEN)));
    assert!(asked.iter().all(|asked| asked.authorization.is_some()), "sent at once: {asked:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_give_the_repo_is_named_with_the_cause() {
    let mut story = Story::begin(&[(".ci.yml", "image: busybox\nscript: true\n")]).await;
    let forge = GitServer::start(story.dir(), Some(TOKEN)).await;
    let elsewhere = GitServer::start(story.dir(), None).await;
    let host = forge.address.trim_start_matches("http://").to_owned();
    let with = "The commit can not be had: the repo can not be read with the credential that \
                Slipway has: ";
    let cases = [
        (Some("a-wrong-token"), Mood::Serving, format!("{with}{host} ")),
        (Some(TOKEN), Mood::Answering(403), format!("{with}{host} answers 403")),
        (Some(TOKEN), Mood::Answering(404), format!("{with}{host} ")),
        (
            None,
            Mood::Serving,
            "The commit can not be had: the repo can not be read without a \
                               credential: "
                .to_owned(),
        ),
        (
            Some(TOKEN),
            Mood::Answering(503),
            format!("The commit can not be had: {host} has trouble: it answers 503."),
        ),
        (
            Some(TOKEN),
            Mood::Pointing(elsewhere.address.clone()),
            format!("The commit can not be had: {host} answers 301 and points elsewhere"),
        ),
    ];
    for (token, mood, wanted) in cases {
        forge.mood(mood);
        story.source = Some(forge.source("repo.git", token));
        let came = story.run(job(&["true"])).await;
        let reason = reason(&came.outcome);
        assert!(reason.starts_with(&wanted), "{reason}\nwanted {wanted}");
        assert!(!reason.contains("token-"), "{reason}");
        assert!(!reason.contains(&*story.dir().to_string_lossy()), "{reason}");
    }
    assert!(elsewhere.asked().is_empty(), "the token went nowhere else");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_away_and_a_commit_that_is_gone_are_told_apart() {
    let mut story = Story::begin(&[]).await;
    let mut away = story.local_source();
    // A port where nothing listens.
    away.url = "http://127.0.0.1:1/acme/app.git".to_owned();
    story.source = Some(away);
    let came = story.run(job(&["true"])).await;
    let wanted = "The commit can not be had: 127.0.0.1:1 does not answer.";
    assert_eq!(reason(&came.outcome), wanted);
    let forge = GitServer::start(story.dir(), None).await;
    story.source = Some(forge.source("repo.git", None));
    story.forget_commit();
    let came = story.run(job(&["true"])).await;
    let wanted = "The commit can not be had: commit 0123456 is not in the repo any more: the \
                  branch was force-pushed or deleted.";
    assert_eq!(reason(&came.outcome), wanted);
    story.end().await;
}

/// A pull request whose merge commit the forge has made.
fn pull_request(story: &mut Story, fork: bool) -> (PullRequest, String) {
    let base = story.git(&["rev-parse", "HEAD"]);
    story.git(&["checkout", "--quiet", "-b", "feature"]);
    let head = story.commit(&[("new.txt", "from the branch\n")], "Add a file");
    story.git(&["checkout", "--quiet", "-b", "merging", &base]);
    story.commit(&[("base.txt", "from the base\n")], "Go on");
    story.git(&["merge", "--quiet", "--no-ff", "-m", "Merge it", "feature"]);
    let merge = story.git(&["rev-parse", "HEAD"]);
    story.push("feature:refs/pull/7/head");
    story.push("merging:refs/pull/7/merge");
    let pull = PullRequest {
        number: 7,
        title: "A $(title)".to_owned(),
        base: "main".to_owned(),
        head_branch: "feature".to_owned(),
        head_repo: Some("thor/app".to_owned()),
        head: head.parse().expect("a commit"),
        fork,
        draft: false,
    };
    (pull, merge)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_planned_and_built_at_its_merge_commit() {
    let mut story = Story::begin(&[(".ci.yml", "image: busybox\nscript: true\n")]).await;
    let (pull, merge) = pull_request(&mut story, true);
    let (head, forge) = (pull.head.clone(), GitServer::start(story.dir(), Some(TOKEN)).await);
    story.source = Some(forge.source("repo.git", Some(TOKEN)));
    story.event = TriggerEvent::PullRequest(Box::new(pull));
    story.at(head.as_str());
    let report = planned(&mut story).await;
    assert_eq!(report.merge_commit.as_ref().map(|commit| commit.as_str()), Some(merge.as_str()));
    assert_eq!(report.message.as_deref(), Some("Add a file"), "what the head says");
    assert!(matches!(report.result, PlanResult::Planned { .. }), "{report:?}");
    story.at(&merge);
    let says = "echo $TRAVIS_PULL_REQUEST $CI_PULL_REQUEST_BRANCH $TRAVIS_PULL_REQUEST_SLUG \
                $TRAVIS_PULL_REQUEST_IS_DRAFT $TRAVIS_EVENT_TYPE $TRAVIS_BRANCH";
    let came = story
        .run(job(&[
            "cat new.txt base.txt",
            says,
            "echo head $TRAVIS_PULL_REQUEST_SHA",
            "echo commit $TRAVIS_COMMIT range $TRAVIS_COMMIT_RANGE",
        ]))
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let base = story.git(&["rev-parse", "merging^1"]);
    for line in [
        "\nfrom the branch\nfrom the base\n",
        "\n7 feature thor/app false pull_request main\n",
        &format!("\nhead {head}\n"),
        &format!("\ncommit {merge} range {base}...{head}\n"),
    ] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    story.end().await;
}

/// Puts a repo `lib`, which has one of its own, into the story's; gives the commit.
fn with_submodules(story: &mut Story, address: &str) {
    let deep = story.other_repo("deep", &[("deep.txt", "deepest\n")], None);
    let lib = story.other_repo("lib", &[("lib.txt", "of the lib\n")], Some(("deep", &deep)));
    let modules = format!("[submodule \"a lib\"]\n\tpath = vendor/lib\n\turl = {address}\n");
    story.link("vendor/lib", &lib, &modules);
    let commit = story.commit(&[], "With a submodule");
    story.push("HEAD:refs/heads/main");
    story.at(&commit);
}

#[tokio::test(flavor = "multi_thread")]
async fn submodules_are_there_with_their_git() {
    let mut story = Story::begin(&[]).await;
    with_submodules(&mut story, "../lib.git");
    let look = job(&[
        "cat vendor/lib/lib.txt vendor/lib/deep/deep.txt",
        "cat vendor/lib/.git && test -e \"vendor/lib/$(sed 's/gitdir: //' vendor/lib/.git)/HEAD\"",
    ]);
    // Of a folder of this machine, and of a host with a token.
    for over_http in [false, true] {
        let forge = GitServer::start(story.dir(), Some(TOKEN)).await;
        story.source = over_http.then(|| forge.source("repo.git", Some(TOKEN)));
        let came = story.run(look.clone()).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
        assert!(came.log.contains("\nof the lib\ndeepest\n"), "{}", came.log);
    }
    let mut work = job(&["test -z \"$(ls vendor/lib)\""]);
    work.plan.git = GitOptions { submodules: false, ..GitOptions::default() };
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submodule_that_can_not_be_read_is_named() {
    let mut story = Story::begin(&[]).await;
    let forge = GitServer::start(story.dir(), Some(TOKEN)).await;
    story.source = Some(forge.source("repo.git", Some(TOKEN)));
    let address = forge.address.replace("http://", "http://me:my-password@");
    with_submodules(&mut story, &format!("{address}/not-there.git"));
    let came = story.run(job(&["true"])).await;
    let said = reason(&came.outcome);
    let wanted = format!(
        "The commit can not be had: the submodule vendor/lib at {}/not-there.git can not be read: ",
        forge.address
    );
    assert!(said.starts_with(&wanted), "{said}");
    assert!(!said.contains("my-password"), "{said}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forks_submodules_are_read_without_the_token() {
    let mut story = Story::begin(&[]).await;
    with_submodules(&mut story, "../lib.git");
    let (pull, merge) = pull_request(&mut story, true);
    let forge = GitServer::start(story.dir(), Some(TOKEN)).await;
    story.source = Some(forge.source("repo.git", Some(TOKEN)));
    story.event = TriggerEvent::PullRequest(Box::new(pull));
    story.at(&merge);
    let came = story.run(job(&["true"])).await;
    let said = reason(&came.outcome);
    assert!(said.contains("the submodule vendor/lib at "), "{said}");
    assert!(said.contains("can not be read without a credential"), "{said}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_as_deep_as_the_file_says() {
    let mut story = Story::begin(&[]).await;
    for number in 0..4 {
        story.commit(&[("count.txt", &number.to_string())], "Count");
    }
    let commit = story.commit(&[("count.txt", "last")], "Last");
    story.push("HEAD:refs/heads/main");
    story.at(&commit);
    let grafted = "test -e .git/shallow && echo shallow || echo whole";
    for (depth, wanted) in [(Some(2), "shallow"), (None, "whole")] {
        let mut work = job(&["cat count.txt", grafted]);
        work.plan.git = GitOptions { depth, ..GitOptions::default() };
        let came = story.run(work).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
        assert!(came.log.contains(&format!("\n{wanted}\n")), "{}", came.log);
    }
    let mut work = job(&["pwd; ls -a | wc -l; echo \"<$TRAVIS_COMMIT_MESSAGE>\""]);
    work.plan.git = GitOptions { clone: false, ..GitOptions::default() };
    story.forget_commit();
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\n/build/acme/app\n2\n<>\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tags_clone_knows_the_tag() {
    let mut story = Story::begin(&[]).await;
    story.event = TriggerEvent::Tag { tag: "v1.2".to_owned() };
    let came = story
        .run(job(&[
            "test \"$(cat .git/refs/tags/v1.2)\" = \"$TRAVIS_COMMIT\"",
            "echo $TRAVIS_TAG $TRAVIS_BRANCH $TRAVIS_EVENT_TYPE",
        ]))
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nv1.2 v1.2 push\n"), "{}", came.log);
    story.end().await;
}
