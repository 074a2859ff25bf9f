//! Every cause, told from objects as the API hands them out: those that a cluster of two nodes
//! shows are told on a real one, too (`worker/tests/kubernetes`).

mod controller;
mod evidence;
mod rollouts;
mod runtime;
mod scheduling;
mod start;
mod traffic;
mod world;

use std::collections::BTreeSet;

use slipway_pipelines::wire::{FindingArea, FindingCode, FindingVerdict};

use super::{Judged, timed_out, watch_lost};
use world::Case;

fn cases() -> Vec<Case> {
    let mut all = controller::cases();
    all.extend(scheduling::cases());
    all.extend(start::cases());
    all.extend(runtime::cases());
    all.extend(traffic::cases());
    all
}

#[test]
fn each_cause_is_told_by_its_code_with_its_numbers() {
    for case in cases() {
        let judged = case.judge();
        let found = judged.findings.iter().find(|finding| finding.code == case.code);
        let found = found.unwrap_or_else(|| {
            panic!("{} is not told; found {:#?}", case.code, judged.findings);
        });
        let said = format!("{}: {}", found.subject, found.sentence);
        assert!(said.contains(case.says), "{}: {said:?} has no {:?}", case.code, case.says);
        assert_eq!(found.verdict, case.verdict, "{}: {said}", case.code);
        assert!(found.next.ends_with(['.', '?']), "{}: {}", case.code, found.next);
        assert!(!judged.healthy, "{}: {said}", case.code);
    }
}

#[test]
fn every_code_of_a_cluster_has_a_case() {
    use FindingArea::{Controller, Job, Runtime, Scheduling, Start, Traffic, Unknown};
    let mut told: BTreeSet<FindingCode> =
        cases().iter().flat_map(|case| case.judge().findings).map(|one| one.code).collect();
    told.insert(watch_lost("Pod in web", "connection refused").code);
    let nothing = Judged::default();
    told.extend(timed_out(nothing).1.iter().map(|finding| finding.code));
    // A migration runs before the rollout, and is told by who runs it.
    told.insert(FindingCode::MigrationFailed);
    let areas = [Controller, Scheduling, Start, Runtime, Traffic, Job, Unknown];
    let missing: Vec<&str> = FindingCode::ALL
        .iter()
        .filter(|code| areas.contains(&code.area()) && !told.contains(code))
        .map(|code| code.word())
        .collect();
    assert!(missing.is_empty(), "no case tells {missing:?}");
}

#[test]
fn a_lost_watch_and_a_time_without_a_cause_are_said_and_are_no_success() {
    let lost = watch_lost("Pod in web", "connection refused");
    assert_eq!(lost.evidence[0].text, "connection refused");
    let (reason, findings) = timed_out(Judged {
        objects: vec![("Deployment web".into(), false, "1 of 2 updated".into())],
        ..Judged::default()
    });
    assert_eq!(findings[0].code, FindingCode::TimedOut);
    assert_eq!(findings[0].verdict, FindingVerdict::Transient);
    assert!(reason.contains("Deployment web: 1 of 2 updated"), "{reason}");
}

#[test]
fn the_page_of_the_explainer_has_every_code() {
    let page = include_str!("../../../../../../docs/explainer.md");
    for code in FindingCode::ALL {
        let row = format!("| `{code}` | {} |", code.meaning());
        assert!(page.contains(&row), "docs/explainer.md has no row {row}");
    }
}
