//! Each cause that the explainer knows of Elastic Beanstalk, told by an AWS that behaves so. The
//! last story counts them: a code without its story fails.

use std::time::Duration;

use slipway_harness::aws::{On, Script, Step};
use slipway_pipelines::plan::{RollbackPolicy, Template};
use slipway_pipelines::wire::{DeployProgress, Finding, FindingArea, FindingCode, FindingVerdict};
use slipway_worker::deploy::DeployOutcome;

use crate::bench::{Bench, LABEL};
use crate::large::large_tree;

fn template(text: &str) -> Option<Template> {
    Some(Template(text.to_owned()))
}

/// Deploys what will not become live, and gives the root cause.
async fn root(bench: &Bench) -> Finding {
    let outcome = bench.deploy().await;
    assert_ne!(outcome, DeployOutcome::Live, "{}", bench.log());
    bench.shows_no_key();
    let found = bench.findings();
    let root = found.first().unwrap_or_else(|| panic!("nothing was found\n{}", bench.log()));
    for finding in &found {
        assert!(!finding.subject.is_empty() && !finding.sentence.is_empty(), "{finding:?}");
        assert!(!finding.next.is_empty(), "{finding:?}");
    }
    root.clone()
}

/// A bench whose next update goes so.
async fn playing(steps: impl IntoIterator<Item = Step>) -> Bench {
    let bench = Bench::new().await;
    bench.aws.environment("app", "prod").script(Script::of(steps));
    bench
}

fn error(message: &str) -> Step {
    Step::updating().event("ERROR", message)
}

async fn application_missing() -> Bench {
    let mut bench = Bench::new().await;
    bench.target.app = template("shop");
    bench
}

async fn environment_missing() -> Bench {
    let mut bench = Bench::new().await;
    bench.target.env = template("staging");
    bench
}

async fn environment_not_ready() -> Bench {
    let mut bench = Bench::new().await;
    bench.target.wait_timeout = Some(Duration::from_millis(300));
    bench.aws.environment("app", "prod").playing(Script::of([Step::updating()]));
    bench
}

async fn bucket_refused() -> Bench {
    let bench = Bench::new().await;
    bench.aws.bucket("acme-bundles", "eu-central-1", true);
    bench
}

async fn bundle_too_large() -> Bench {
    let mut bench = Bench::new().await;
    bench.target.zip_file = template("app.zip");
    bench.large = Some(large_tree("app.zip", 501));
    bench
}

async fn label_taken() -> Bench {
    let mut bench = Bench::new().await;
    bench.target.label = template("old");
    bench
}

async fn version_failed() -> Bench {
    let bench = Bench::new().await;
    bench.aws.process_versions(&["PROCESSING", "FAILED"]);
    bench
}

async fn version_quota() -> Bench {
    let bench = Bench::new().await;
    let code = "TooManyApplicationVersionsException";
    bench.aws.refuse("CreateApplicationVersion", code, "1000 versions", 1);
    bench
}

async fn mixed_versions() -> Bench {
    let mixed = Step::ready().instances([(On::New, "Deployed"), (On::Old, "Deployed")]);
    let mut bench = playing([Step::updating(), mixed]).await;
    bench.target.wait_timeout = Some(Duration::from_millis(1500));
    bench
}

async fn unhealthy() -> Bench {
    let ill = Step::ready().health("Severe").cause("ELB health is failing on all instances.");
    let mut bench = playing([Step::updating(), Step::ready(), ill]).await;
    bench.soak = Duration::from_secs(3);
    bench
}

/// The bench in which that cause is the root.
async fn of(code: FindingCode) -> Option<Bench> {
    Some(match code {
        FindingCode::ApplicationMissing => application_missing().await,
        FindingCode::EnvironmentMissing => environment_missing().await,
        FindingCode::EnvironmentNotReady => environment_not_ready().await,
        FindingCode::BucketRefused => bucket_refused().await,
        FindingCode::BundleTooLarge => bundle_too_large().await,
        FindingCode::LabelTaken => label_taken().await,
        FindingCode::VersionFailed => version_failed().await,
        FindingCode::VersionQuota => version_quota().await,
        FindingCode::CommandFailed => {
            playing([error("[Instance: i-1] Command failed on instance. Return code: 1")]).await
        }
        FindingCode::CommandTimedOut => {
            let said = "The following instances have not responded in the allowed command timeout \
                        time (they might still finish eventually on their own): [i-1].";
            playing([error(said)]).await
        }
        FindingCode::BatchFailed => {
            let said = "Unsuccessful command execution on instance id(s) 'i-1'. Aborting the \
                        operation.";
            playing([error(said)]).await
        }
        FindingCode::MixedVersions => mixed_versions().await,
        FindingCode::UnhealthyInstances => unhealthy().await,
        FindingCode::CapacityShort => {
            let said = "We currently do not have sufficient t3.micro capacity in the \
                        Availability Zone you requested (us-east-1a).";
            playing([error(said)]).await
        }
        FindingCode::OldVersionServes => playing([Step::updating(), Step::ready().on_old()]).await,
        _ => return None,
    })
}

#[tokio::test]
async fn each_cause_of_elastic_beanstalk_is_told_as_the_root() {
    let all = FindingCode::ALL.iter().copied();
    let codes = all.filter(|code| code.area() == FindingArea::ElasticBeanstalk);
    for code in codes {
        let bench = of(code).await.unwrap_or_else(|| panic!("{code} has no story"));
        let root = root(&bench).await;
        assert_eq!(root.code, code, "{root:?}\n{}", bench.log());
        assert_eq!(root.verdict, FindingVerdict::Fatal, "{code}");
    }
}

#[tokio::test]
async fn what_is_wrong_before_is_told_with_the_words_of_aws() {
    for (code, refused, words) in [
        ("InvalidClientTokenId", "CredentialsRefused", "is invalid"),
        ("ExpiredToken", "CredentialsExpired", "is expired"),
        ("AccessDenied", "Forbidden", "is not authorized"),
    ] {
        let bench = Bench::new().await;
        bench.aws.refuse("DescribeEnvironments", code, &format!("The token {words}"), 1);
        let root = root(&bench).await;
        assert_eq!(format!("{:?}", root.code), refused);
        assert_eq!(root.evidence[0].text, format!("{code}: The token {words}"));
    }
    let bench = Bench::new().await;
    bench.aws.refuse("UpdateEnvironment", "AccessDenied", "no", 1);
    assert!(root(&bench).await.subject.contains("elasticbeanstalk:UpdateEnvironment"));
}

#[tokio::test]
async fn an_aws_that_throttles_or_is_away_is_told_as_what_may_pass() {
    for (code, expected) in
        [("Throttling", FindingCode::Throttled), ("InternalFailure", FindingCode::ApiUnreachable)]
    {
        let mut bench = Bench::new().await;
        bench.settings.pace.patience = Duration::from_millis(200);
        bench.aws.refuse("DescribeEnvironments", code, "not now", 10_000);
        let root = root(&bench).await;
        assert_eq!((root.code, root.verdict), (expected, FindingVerdict::Transient));
    }
}

#[tokio::test]
async fn an_aws_that_is_away_in_mid_deploy_is_waited_for() {
    let bench = Bench::new().await;
    let long = (0..4).map(|_| Step::updating()).chain([Step::ready()]);
    bench.aws.environment("app", "prod").script(Script::of(long));
    bench.aws.break_after_update("DescribeEvents", 12);
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.count("UpdateEnvironment"), 1);
}

#[tokio::test]
async fn an_aws_that_stays_away_in_mid_deploy_is_never_called_live() {
    let mut bench = playing([Step::updating(), Step::ready()]).await;
    bench.rollback = RollbackPolicy::Never;
    bench.settings.pace.patience = Duration::from_millis(50);
    bench.target.wait_timeout = Some(Duration::from_millis(600));
    bench.aws.break_after_update("DescribeEvents", 10_000);
    let root = root(&bench).await;
    assert_eq!(root.code, FindingCode::WatchLost, "{}", bench.log());
}

#[tokio::test]
async fn an_update_that_never_ends_has_its_time() {
    let mut bench = playing([Step::updating()]).await;
    bench.rollback = RollbackPolicy::Never;
    bench.target.wait_timeout = Some(Duration::from_millis(600));
    assert_eq!(root(&bench).await.code, FindingCode::TimedOut, "{}", bench.log());
}

#[tokio::test]
async fn the_root_comes_first_with_its_log_and_what_follows_from_it_after() {
    let ill = Step::updating()
        .health("Degraded")
        .cause("Command failed on 1 out of 2 instances.")
        .event("ERROR", "[Instance: i-1] Command failed on instance. Return code: 1")
        .event("ERROR", "Unsuccessful command execution. Aborting the operation.");
    let bench = playing([ill.clone(), ill]).await;
    bench.aws.log_tail("npm ERR! missing script: start\n");
    let root = root(&bench).await;
    assert_eq!(root.code, FindingCode::CommandFailed);
    assert_eq!(root.log_tail.as_deref(), Some("npm ERR! missing script: start"));
    assert!(root.since.is_some(), "{root:?}");
    let difference = root.difference.as_deref().expect("there was a version before");
    assert_eq!(difference, format!("the last good version is old; this one is {LABEL}"));
    let codes: Vec<_> = bench.findings().iter().map(|finding| finding.code).collect();
    let expected =
        [FindingCode::CommandFailed, FindingCode::BatchFailed, FindingCode::UnhealthyInstances];
    assert_eq!(codes, expected);
    let health = &bench.findings()[2].evidence[0];
    assert_eq!(health.text, "Command failed on 1 out of 2 instances.");
}

#[tokio::test]
async fn what_it_waits_for_is_shown_and_goes_when_it_is_over() {
    let mixed = || Step::ready().instances([(On::New, "Deployed"), (On::Old, "Deployed")]);
    let bench = playing([Step::updating(), mixed(), mixed(), Step::ready()]).await;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert!(bench.codes().contains(&FindingCode::MixedVersions), "{}", bench.log());
    assert_eq!(bench.findings(), [], "what is live has no cause");
}

#[tokio::test]
async fn another_update_that_is_waited_for_is_shown_until_it_is_over() {
    let bench = Bench::new().await;
    let theirs = (0..4).map(|_| Step::updating()).chain([Step::ready()]);
    bench.aws.environment("app", "prod").playing(Script::of(theirs));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert!(bench.codes().contains(&FindingCode::EnvironmentNotReady), "{}", bench.log());
    assert_eq!(bench.findings(), []);
}

#[tokio::test]
async fn a_promotion_takes_the_verified_version_without_a_new_bundle() {
    let mut bench = Bench::new().await;
    bench.aws.environment("app", "prod").live("proven").live("old");
    let mut proven = bench.version(Some("proven"));
    proven.commit = "c".repeat(40).parse().expect("a commit");
    bench.promoted = Some(proven.clone());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.deployed_label("prod").as_deref(), Some("proven"));
    let DeployProgress::Live { version, .. } = bench.verdict() else { panic!("checked") };
    assert_eq!(version, proven);
    assert_eq!(bench.aws.count("PutObject"), 0);
    assert_eq!(bench.aws.count("CreateApplicationVersion"), 0);
}

#[tokio::test]
async fn a_promotion_of_a_version_that_is_gone_says_so() {
    let mut bench = Bench::new().await;
    bench.promoted = Some(bench.version(Some("long gone")));
    let root = root(&bench).await;
    assert_eq!(root.code, FindingCode::VersionFailed);
    assert!(root.sentence.contains("\"long gone\""), "{root:?}");
    assert_eq!(bench.aws.count("UpdateEnvironment"), 0);
}

#[tokio::test]
async fn on_request_an_earlier_version_serves_again() {
    let bench = Bench::new().await;
    bench.aws.environment("app", "prod").live("earlier").live("old");
    let earlier = bench.version(Some("earlier"));
    assert_eq!(bench.rollback(&earlier).await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.deployed_label("prod").as_deref(), Some("earlier"));
    bench.forget();
    let gone = bench.version(Some("gone"));
    let DeployOutcome::Failed { reason } = bench.rollback(&gone).await else {
        panic!("there is no such version")
    };
    assert!(reason.contains("has no version \"gone\" any more: deploy that commit"), "{reason}");
}
