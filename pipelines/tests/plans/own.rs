//! The keys that Slipway has and Travis has not, and those of Travis that only the worker uses.

use insta::assert_snapshot;
use slipway_pipelines::plan::{Outcome, PhasePlan, Plan};
use slipway_pipelines::wire::Limits;

use crate::tell::{compiled, push};

fn plan(file: &str, text: &str) -> Plan {
    let compiled = compiled(file, text, &push("main", ""));
    let Outcome::Plan(plan) = compiled.outcome else { panic!("no plan: {compiled:#?}") };
    let json = serde_json::to_string(&plan).expect("a plan is JSON");
    assert_eq!(serde_json::from_str::<Plan>(&json).expect("and back"), *plan);
    *plan
}

#[test]
fn a_job_says_what_it_carries() {
    let file = r"
script: make
cache:
  directories: [target, $HOME/.cargo/registry]
  cargo: true
  timeout: 300
workspaces:
  create: {name: dist, paths: [dist, out]}
  use: [deps]
snapshot: {after: install, key: [Cargo.lock, v2]}
artifacts: {paths: [dist/**], name: the build, expire: 14d, when: always}
reports: {junit: reports/*.xml}
commit: acme/app:$CI_COMMIT_SHORT
before_cache: rm -rf target/debug/incremental
";
    let job = &plan(".ci.yml", file).jobs[0];
    assert_snapshot!(serde_json::to_string(&job.carry).expect("JSON"), @r#"{"cache":{"directories":["target","$HOME/.cargo/registry"],"tools":["cargo"],"timeout":300,"branch":null},"workspaces":{"create":[{"name":"dist","paths":["dist","out"]}],"uses":["deps"]},"snapshot":{"after":"install","key":["Cargo.lock","v2"]},"artifacts":{"paths":["dist/**"],"name":"the build","expire":1209600,"when":"always"},"reports":{"junit":["reports/*.xml"]},"commit":"acme/app:$CI_COMMIT_SHORT"}"#);
    assert_snapshot!(format!("{:?}", job.phases.before_cache), @r#"Run { commands: [Command("rm -rf target/debug/incremental")] }"#);
}

#[test]
fn a_job_says_which_share_of_the_machine_it_wants() {
    let file = r"
script: make
resources: {cpu: 1.5, memory: 512m, disk: 2g, pids: 100}
ports: [8080, '9000:80']
volumes: ['models:/models:ro', 'scratch:/scratch']
retry: {max: 2, when: [infrastructure, 137]}
environment: staging
timeout: 20m
";
    let job = &plan(".ci.yml", file).jobs[0];
    assert_snapshot!(format!("{:?}", job.machine), @r#"Machine { arch: None, resources: Resources { cpu_millis: Some(1500), memory: Some(536870912), disk: Some(2147483648), pids: Some(100) }, ports: [PublishedPort { host: None, container: 8080 }, PublishedPort { host: Some(9000), container: 80 }], volumes: [VolumeMount { source: "models", target: "/models", read_only: true }, VolumeMount { source: "scratch", target: "/scratch", read_only: false }] }"#);
    assert_snapshot!(format!("{:?} {:?} {:?}", job.order.retry, job.order.environment, job.timeout), @r#"Some(RetryPolicy { max: 2, when: [Infrastructure, ExitCode(137)] }) Some(EnvironmentName("staging")) Some(1200s)"#);
}

#[test]
fn copies_of_a_job_find_their_place_in_their_environment() {
    let plan =
        plan(".ci.yml", "jobs: [{name: slow, parallel: 3, script: make}, {name: b, script: b}]\n");
    let told = plan.jobs.iter().map(|job| {
        let env: Vec<String> =
            job.env.iter().map(|var| format!("{}={}", var.name, var.value)).collect();
        format!("{} {}: {} {:?}", job.number, job.name, env.join(" "), job.order.copy)
    });
    assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    1 slow (1 of 3): CI_NODE_INDEX=1 CI_NODE_TOTAL=3 Some(ParallelCopy { index: 1, total: 3 })
    2 slow (2 of 3): CI_NODE_INDEX=2 CI_NODE_TOTAL=3 Some(ParallelCopy { index: 2, total: 3 })
    3 slow (3 of 3): CI_NODE_INDEX=3 CI_NODE_TOTAL=3 Some(ParallelCopy { index: 3, total: 3 })
    4 b:  None
    ");
}

#[test]
fn needs_are_the_numbers_of_jobs() {
    let file = r"
jobs:
  include:
    - {name: build, script: ./build}
    - {name: unit, script: ./unit, needs: build, parallel: 2}
    - {name: lint, script: ./lint}
    - {name: ship, stage: ship, script: ./ship, needs: [unit, lint]}
";
    let plan = plan(".ci.yml", file);
    let told = plan.jobs.iter().map(|job| {
        let needs: Vec<String> = job.order.needs.iter().map(ToString::to_string).collect();
        format!("{} {} needs [{}]", job.number, job.name, needs.join(", "))
    });
    assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    1 build needs []
    2 unit (1 of 2) needs [1]
    3 unit (2 of 2) needs [1]
    4 lint needs []
    5 ship needs [2, 3, 4]
    ");
}

#[test]
fn a_run_takes_turns_and_tells_people() {
    let file = r"
script: make
concurrency: {group: deploy-$CI_BRANCH, cancel: running}
jobs: {fast_finish: true}
notifications:
  email: {recipients: [ada@example.com], on_success: never}
  slack: {rooms: [acme#ci], if: branch = main}
  irc: false
";
    let plan = plan(".ci.yml", file);
    assert!(plan.fast_finish);
    assert_snapshot!(format!("{:?}", plan.concurrency), @r#"Some(Concurrency { group: Template("deploy-$CI_BRANCH"), cancel: Running })"#);
    assert_snapshot!(format!("{:?}", plan.notifications.channels[1]), @r#"Notification { channel: Slack, enabled: true, recipients: ["acme#ci"], template: [], condition: Some("branch = main"), on: NotifyOn { success: Always, failure: Always, start: Never, cancel: Always, error: Always } }"#);
}

#[test]
fn images_say_where_they_go() {
    let file = r"
script: make
images:
  - name: app
    tags: [acme/app:latest, acme/app:$CI_TAG]
    platforms: [linux/amd64, linux/arm64]
    push: {on: {tags: true}}
  - {name: tools, tags: acme/tools:1, push: true}
";
    let job = &plan(".ci.yml", file).jobs[0];
    let told: Vec<_> = job
        .images
        .iter()
        .map(|it| format!("{:?} {:?} {:?}", it.tags, it.platforms, it.push))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
    [Template("acme/app:latest"), Template("acme/app:$CI_TAG")] ["linux/amd64", "linux/arm64"] Some(ImagePush { on: DeployOn { branches: None, tags: Some(OnlyTags), repo: None, conditions: [] } })
    [Template("acme/tools:1")] [] Some(ImagePush { on: DeployOn { branches: Some(["trunk"]), tags: None, repo: None, conditions: [] } })
    "#);
}

#[test]
fn a_plan_of_before_these_keys_is_still_read() {
    let stored = r#"{"file": ".ci.yml", "stages": [{"name": "test"}], "jobs": [{
        "number": 1, "name": "test", "stage": 0, "axes": [], "allow_failure": false,
        "language": "generic", "image": {"kind": "named", "reference": "busybox"},
        "services": [], "env": [], "phases": {
            "before_install": {"kind": "absent"}, "install": {"kind": "absent"},
            "before_script": {"kind": "absent"}, "script": {"kind": "skip"},
            "after_success": {"kind": "absent"}, "after_failure": {"kind": "absent"},
            "before_deploy": {"kind": "absent"}, "after_deploy": {"kind": "absent"},
            "after_script": {"kind": "absent"}},
        "images": [{"name": "app", "build": {
            "context": ".", "dockerfile": "Dockerfile", "target": null, "args": [], "secrets": []}}],
        "secrets": {"kind": "all"}, "deploys": [], "timeout": null}]}"#;
    let plan: Plan = serde_json::from_str(stored).expect("it was a plan");
    assert_eq!(plan.jobs[0].order.needs, []);
    assert!(!plan.fast_finish);
}

#[test]
fn a_job_gets_at_most_what_the_operator_gives() {
    let given = Limits {
        timeout_seconds: 60,
        silence_seconds: 60,
        log_bytes: 1000,
        memory_bytes: 4 << 30,
        pids: 100,
        cpu_millis: 2000,
        disk_bytes: 1 << 30,
    };
    let file = "script: make\nresources: {cpu: 0.5, memory: 64g, pids: 10}\n";
    let limits = given.clone().within(&plan(".ci.yml", file).jobs[0].machine.resources);
    assert_eq!(limits, Limits { pids: 10, cpu_millis: 500, ..given });
}

#[test]
fn on_travis_a_job_without_a_script_is_errored_alone() {
    let file = "language: python\njobs: {include: [{name: a}, {name: b, script: pytest}]}\n";
    let plan = plan(".travis.yml", file);
    assert_eq!(plan.jobs.len(), 2);
    assert_eq!(plan.jobs[0].phases.script, PhasePlan::Absent);
    assert_ne!(plan.jobs[1].phases.script, PhasePlan::Absent);
}

#[test]
fn travis_keeps_what_npm_fetched_unless_it_is_told_not_to() {
    let tools = |file: &str, text: &str| {
        let plan = plan(file, &format!("language: node_js\nscript: make\n{text}"));
        plan.jobs[0].carry.cache.tools.iter().map(|tool| tool.name()).collect::<Vec<_>>()
    };
    assert_eq!(tools(".travis.yml", ""), ["npm"]);
    assert_eq!(tools(".travis.yml", "cache: yarn"), ["yarn", "npm"]);
    assert_eq!(tools(".travis.yml", "cache: npm"), ["npm"]);
    assert_eq!(tools(".travis.yml", "cache: false"), [""; 0]);
    assert_eq!(tools(".travis.yml", "cache: {npm: false, directories: [a]}"), [""; 0]);
    assert_eq!(tools(".ci.yml", ""), [""; 0]);
}
