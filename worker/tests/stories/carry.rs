//! What jobs carry (TRAVIS_SEMANTICS §11): caches and workspaces.

use std::time::Duration;

use slipway_pipelines::plan::{CacheTool, EnvVar, PhasePlan, Template, Workspace};
use slipway_pipelines::wire::{BlobKind, JobOutcome, JobWork, StepOutcome};

use crate::fixture::{Came, Story, job, phase};

fn cached(script: &[&str], directories: &[&str]) -> JobWork {
    let mut work = job(script);
    work.plan.carry.cache.directories =
        directories.iter().map(|text| Template((*text).to_owned())).collect();
    work
}

/// Carries a workspace by that name.
fn making(script: &[&str], name: &str, paths: &[&str]) -> JobWork {
    let mut work = job(script);
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    work.plan.carry.workspaces.create = vec![Workspace { name: name.to_owned(), paths }];
    work
}

fn outcome(came: &Came, title: &str) -> StepOutcome {
    let found = came.steps().into_iter().find(|(one, _)| one == title);
    found.unwrap_or_else(|| panic!("no step {title} in {:?}", came.steps())).1
}

fn passed(came: &Came) {
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_what_the_next_run_finds() {
    let mut story = Story::begin(&[]).await;
    let directories = ["deps", "$HOME/.tool/cache", "~/.other", "${NOPE}/gone", "missing"];
    let fill = [
        "test ! -e deps && mkdir -p deps/sub ~/.tool/cache ~/.other",
        "echo one >deps/sub/a && ln -s sub/a deps/link && ln deps/sub/a deps/hard",
        "echo two >~/.tool/cache/b && chmod 750 ~/.tool/cache && touch -d '2020-01-02 03:04:05' deps/sub/a",
    ];
    let first = story.run(cached(&fill, &directories)).await;
    passed(&first);
    assert!(first.log.contains("\nFetch the cache\nCache: nothing stored yet.\n"), "{}", first.log);
    let stored = first.log_of("Store the cache");
    assert!(stored.starts_with("Store the cache\nCache: 3 directories, "), "{stored}");
    assert!(stored.contains(" stored ("), "{stored}");
    assert_eq!(outcome(&first, "Store the cache"), StepOutcome::Done);
    let look = [
        "cat deps/sub/a deps/link deps/hard ~/.tool/cache/b; test -d ~/.other; test -L deps/link",
        "stat -c '%a %Y %h' ~/.tool/cache deps/sub/a",
    ];
    let second = story.run(cached(&look, &directories)).await;
    passed(&second);
    let fetched = second.log_of("Fetch the cache");
    assert!(
        fetched.contains("Cache: 3 directories, ") && fetched.ends_with(" from branch main.\n")
    );
    assert!(second.log.contains("\none\none\none\ntwo\n"), "{}", second.log);
    assert!(second.log.contains("\n1577934245 2\n") || second.log.contains(" 1577934245 2\n"));
    let unchanged = StepOutcome::Skipped { reason: "Cache: unchanged, not stored.".to_owned() };
    assert_eq!(outcome(&second, "Store the cache"), unchanged);
    assert_eq!(story.server.sent(), [BlobKind::Cache]);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_carried_happens_at_its_place() {
    let mut story = Story::begin(&[]).await;
    let made = story.run(making(&["echo made >w"], "earlier", &["w"])).await;
    passed(&made);
    for failing in [false, true] {
        let script = if failing { "echo the-script; false" } else { "echo the-script" };
        let mut work = cached(&[script, "mkdir -p kept; date +%N >kept/now"], &["kept"]);
        work.plan.carry.workspaces.uses = vec!["earlier".to_owned()];
        work.plan.carry.workspaces.create =
            vec![Workspace { name: "later".to_owned(), paths: vec!["kept".to_owned()] }];
        let phases = &mut work.plan.phases;
        phases.before_install = phase(&["cat w; echo before-install"]);
        phases.before_cache = phase(&["echo before-cache; echo b >kept/b; (exit 7)"]);
        phases.after_success = phase(&["echo after-success"]);
        phases.after_failure = phase(&["echo after-failure"]);
        phases.after_script = phase(&["echo after-script"]);
        let came = story.run(work).await;
        let after = if failing { "\nafter-failure\n" } else { "\nafter-success\n" };
        let order = [
            "\nFetch the cache\n",
            "\nTake the workspace earlier\nWorkspace earlier: 1 path, 5 bytes.\n",
            "\nmade\nbefore-install\n",
            "\nthe-script\n",
            "\nbefore-cache\n",
            "\nMake the workspace later\nWorkspace later: 1 path, ",
            "\nStore the cache\n",
            after,
            "\nafter-script\n",
        ];
        let mut at = 0;
        for wanted in order {
            let found = came.log[at..].find(wanted);
            at += found.unwrap_or_else(|| panic!("no {wanted:?} from {at} in {}", came.log));
        }
        let as_the_script = matches!(came.outcome, JobOutcome::Failed { .. }) == failing;
        assert!(as_the_script, "{:?}", came.outcome);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_script_stores_nothing() {
    let mut story = Story::begin(&[]).await;
    let mut work = cached(&["true"], &["kept"]);
    work.plan.phases.install = phase(&["mkdir kept; false"]);
    work.plan.phases.before_cache = phase(&["echo unreached"]);
    let came = story.run(work).await;
    assert!(matches!(came.outcome, JobOutcome::Errored { .. }));
    assert!(!came.log.contains("Store the cache") && !came.log.contains("\nunreached"));
    assert_eq!(story.server.sent(), []);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_shell_expands_whatever_state_it_is_in() {
    let mut story = Story::begin(&[]).await;
    let directories = ["$LATE/x", "a b/${UNSET:-c}", "*.glob", "$(echo computed)", "$UNSET/no"];
    let script = [
        "export LATE=/opt/late; mkdir -p /opt/late/x 'a b/c' one.glob two.glob computed",
        "for d in /opt/late/x 'a b/c' one.glob two.glob computed; do echo in >\"$d/f\"; done",
        "set -euf; cd /tmp; alias cd=false; trap 'echo trapped' EXIT",
    ];
    let mut work = cached(&script, &directories);
    work.plan.phases.after_success = phase(&["echo goes on in $PWD"]);
    let came = story.run(work).await;
    passed(&came);
    let stored = came.log_of("Store the cache");
    assert!(stored.contains("\nCache: 5 directories, 15 bytes stored ("), "{stored}");
    assert!(came.log.contains("\ngoes on in /tmp\n") && came.log.contains("\ntrapped\n"));
    // What a variable was when it was stored is where it comes back to.
    let mut work = cached(&["cat /opt/late/x/f 'a b/c/f' two.glob/f computed/f"], &directories);
    work.plan.phases.before_install = phase(&["test -e /opt/late/x/f"]);
    let came = story.run(work).await;
    passed(&came);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_outside_of_allowed_places_are_refused_in_words() {
    let mut story = Story::begin(&[]).await;
    let directories =
        ["/", "/etc", "../../../proc/self", "/build", "/usr/bin", ".", "linked", "fifo", "good"];
    let script = ["mkdir good; ln -s good linked; mkfifo fifo good/fifo; echo x >good/f"];
    let came = story.run(cached(&script, &directories)).await;
    passed(&came);
    let stored = came.log_of("Store the cache");
    for line in [
        "Cache: / is not kept: it is the whole file system.",
        "Cache: /etc is not kept: it belongs to the system.",
        "Cache: /proc/self is not kept: it belongs to the system.",
        "Cache: /build is not kept: it holds the worker's own files.",
        "Cache: /usr/bin is not kept: it belongs to the system.",
        "Cache: /build/acme/app is not kept: it holds the work tree: files of another commit would \
         take the place of this one's.",
        "Cache: /build/acme/app/linked is a symlink, which is not followed: name the folder it leads \
         to.",
        "Cache: /build/acme/app/fifo is no file and no folder.",
        "Cache: 1 file not kept: devices and pipes are not.",
        "Cache: 1 directory, 2 bytes stored (",
    ] {
        assert!(stored.contains(&format!("\n{line}")), "{line} is not in {stored}");
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_have_their_usual_folders() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&[
        "mkdir -p ~/.cache/pip ~/.cargo/registry target vendor/bundle node_modules /opt/gems",
        "for d in ~/.cache/pip ~/.cargo target vendor/bundle node_modules /opt/gems; do echo x >$d/f; done",
        "export GEM_HOME=/opt/gems",
    ]);
    work.plan.carry.cache.tools = CacheTool::ALL.to_vec();
    let came = story.run(work.clone()).await;
    passed(&came);
    let stored = came.log_of("Store the cache");
    // apt's folder is not in this image, and the others have nothing yet.
    assert!(stored.contains("\nCache: 6 directories, 12 bytes stored ("), "{stored}");
    // With a lock file it is what npm has fetched.
    work.plan.carry.cache.tools = vec![CacheTool::Npm];
    work.plan.phases.script = phase(&["mkdir -p ~/.npm node_modules; echo {} >package-lock.json"]);
    let came = story.run(work).await;
    let stored = came.log_of("Store the cache");
    assert!(stored.contains("\nCache: 1 directory, 0 bytes stored ("), "{stored}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_other_variables_have_other_caches() {
    let mut story = Story::begin(&[]).await;
    let mut work = cached(&["mkdir -p kept; echo $A >kept/a"], &["kept"]);
    for value in ["1", "2"] {
        work.plan.env = vec![EnvVar { name: "A".to_owned(), value: value.to_owned() }];
        let came = story.run(work.clone()).await;
        assert!(came.log.contains("Cache: nothing stored yet."), "{}", came.log);
    }
    assert_eq!(story.server.kept(BlobKind::Cache).len(), 2);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_costs_the_cache_and_nothing_else() {
    let mut story = Story::begin(&[]).await;
    story.server.store_away(true);
    let mut work = cached(&["mkdir kept; echo ran"], &["kept"]);
    work.plan.carry.cache.timeout = Some(Duration::from_secs(1));
    let came = story.run(work).await;
    passed(&came);
    assert!(came.log.contains("\nCache not fetched. It took longer than 1 s.\n"), "{}", came.log);
    assert!(came.log.contains("\nran\n"), "{}", came.log);
    assert!(came.log.contains("\nCache not stored. It took longer than 1 s.\n"), "{}", came.log);
    assert!(matches!(outcome(&came, "Store the cache"), StepOutcome::Failed { .. }));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_nobody_made_ends_the_job_in_words() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo unreached"]);
    work.plan.carry.workspaces.uses = vec!["dist".to_owned()];
    work.plan.phases.after_script = phase(&["echo unreached"]);
    let came = story.run(work).await;
    let reason = "There is no workspace dist. No job of this run has made it: name it under \
                  `workspaces.create` of a job in an earlier stage, and see in that job's log \
                  whether it was kept.";
    assert_eq!(came.outcome, JobOutcome::Errored { reason: reason.to_owned() });
    assert!(!came.log.contains("\nunreached"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_may_be_the_whole_tree() {
    let mut story = Story::begin(&[("a file", "of git")]).await;
    let came = story.run(making(&["echo built >out"], "all of it", &[".", "/opt/none"])).await;
    passed(&came);
    let mut work = job(&["cat out 'a file'"]);
    work.plan.carry.workspaces.uses = vec!["all of it".to_owned()];
    work.plan.phases.install = PhasePlan::Skip;
    let came = story.run(work).await;
    passed(&came);
    assert!(came.log.contains("\nbuilt\nof git"), "{}", came.log);
    story.end().await;
}
