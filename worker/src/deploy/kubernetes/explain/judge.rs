//! The whole set at one moment: health of each object, findings, and whether it is doomed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use slipway_pipelines::wire::{Finding, FindingCode, FindingVerdict};

use super::cause::Cause;
use super::health::{self, Health};
use super::seen::{LogKey, Seen, Wanted};
use super::{claims, controllers, difference, jobs, pods, revision, traffic};

/// What follows from what was seen.
#[derive(Debug, Default)]
pub(in super::super) struct Judged {
    /// All objects are what they should be.
    pub healthy: bool,
    /// Each object: its subject, whether it is healthy, and its numbers.
    pub objects: Vec<(String, bool, String)>,
    /// Root cause first.
    pub findings: Vec<Finding>,
    /// Why it can not become live, as one sentence.
    pub doomed: Option<String>,
    /// Logs that belong to the findings.
    pub logs: BTreeSet<LogKey>,
    /// The pods of all namespaces would tell what takes the room.
    pub wants_room: bool,
}

/// Judges the set.
pub(in super::super) fn judge(
    seen: &Seen,
    set: &[Wanted],
    previous: Option<&str>,
    now: DateTime<Utc>,
) -> Judged {
    let mut judged = Judged { healthy: true, ..Judged::default() };
    let found: Vec<(&Wanted, Option<&Value>)> =
        set.iter().map(|wanted| (wanted, seen.get(&wanted.kind, &wanted.uid))).collect();
    let state = |wanted: &Wanted, object: Option<&Value>| match object {
        _ if !WATCHED.contains(&wanted.kind.as_str()) => Health::Healthy("applied".to_owned()),
        Some(object) if controllers::superseded(seen, wanted, object).is_some() => {
            Health::Not("somebody else changed it".to_owned())
        }
        Some(object) => health::of(seen, wanted, object),
        None => Health::Not("it is not there any more".to_owned()),
    };
    let states: Vec<Health> = found.iter().map(|(w, object)| state(w, *object)).collect();
    let settled = found.iter().zip(&states).all(|((wanted, _), state)| {
        !PODS.contains(&wanted.kind.as_str()) || matches!(state, Health::Healthy(_))
    });
    let mut ranked: Vec<(usize, Finding)> = Vec::new();
    for ((wanted, object), state) in found.iter().zip(states) {
        let (healthy, line) = match state {
            Health::Healthy(line) => (true, line),
            Health::Not(line) => (false, line),
        };
        judged.healthy &= healthy;
        judged.objects.push((wanted.subject(), healthy, line));
        if !healthy {
            let mut view = View { seen, wanted, previous, now, settled };
            ranked.extend(view.explain(*object, &mut judged));
        }
    }
    ranked.sort_by_key(|(pods, finding)| {
        let symptom = SYMPTOMS.contains(&finding.code);
        (symptom, finding.verdict, std::cmp::Reverse(*pods), finding.code)
    });
    judged.findings = ranked.into_iter().map(|(_, finding)| finding).collect();
    if judged.doomed.is_some()
        && let Some(root) = judged.findings.first()
    {
        judged.doomed = Some(format!("{}: {}", root.subject, root.sentence));
    }
    judged
}

/// Kinds with a health of their own.
pub(in super::super) const WATCHED: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Pod",
    "Service",
    "Ingress",
    "PersistentVolumeClaim",
];

/// Kinds that have pods.
const PODS: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"];

/// What follows from other causes stands after them.
const SYMPTOMS: [FindingCode; 11] = [
    FindingCode::ProgressDeadlineExceeded,
    FindingCode::GenerationBehind,
    FindingCode::RolloutCannotMove,
    FindingCode::StatefulSetStuck,
    FindingCode::DisruptionBudgetBlocks,
    FindingCode::AutoscalerActs,
    FindingCode::SelectorOverlap,
    FindingCode::PodsTerminating,
    FindingCode::JobBackoffLimitExceeded,
    FindingCode::Unexplained,
    FindingCode::TimedOut,
];

/// Findings that the nodes' room explains.
const ROOM: [FindingCode; 4] = [
    FindingCode::InsufficientCpu,
    FindingCode::InsufficientMemory,
    FindingCode::InsufficientResource,
    FindingCode::TooManyPods,
];

struct View<'a> {
    seen: &'a Seen,
    wanted: &'a Wanted,
    previous: Option<&'a str>,
    now: DateTime<Utc>,
    settled: bool,
}

impl View<'_> {
    fn explain(&mut self, object: Option<&Value>, judged: &mut Judged) -> Vec<(usize, Finding)> {
        let Some(object) = object else {
            let finding = self.gone();
            judged.doomed.get_or_insert_default();
            return vec![(1, finding)];
        };
        match self.wanted.kind.as_str() {
            "Service" => self.plain(traffic::service(self.seen, object, self.settled), judged),
            "Ingress" => {
                let what = "the ingress has no address yet";
                self.plain(vec![traffic::pending(self.seen, object, what)], judged)
            }
            "PersistentVolumeClaim" => {
                self.plain(claims::pending(self.seen, object).into_iter().collect(), judged)
            }
            _ => self.workload(object, judged),
        }
    }

    /// What was applied was deleted, or replaced by another of the same name.
    fn gone(&self) -> Finding {
        let place = self.wanted.namespace.as_deref().unwrap_or_default();
        let other = self.seen.named(&self.wanted.kind, place, &self.wanted.name).is_some();
        let what = if other { "made anew" } else { "deleted" };
        Finding::new(
            FindingCode::RolloutSuperseded,
            FindingVerdict::Fatal,
            self.wanted.subject(),
            format!("{} was {what} by somebody else after it was applied", self.wanted.subject()),
            "Deploy again, once nobody else changes it.",
        )
    }

    fn plain(&self, causes: Vec<Cause>, judged: &mut Judged) -> Vec<(usize, Finding)> {
        causes.into_iter().map(|cause| (1, self.finding(cause, None, judged))).collect()
    }

    fn finding(&self, cause: Cause, pods: Option<(usize, usize)>, judged: &mut Judged) -> Finding {
        judged.logs.extend(cause.log.clone());
        judged.wants_room |= ROOM.contains(&cause.code);
        // A cause of the whole workload dooms it alone; one of a pod only where all have it.
        if pods.is_none() && cause.verdict == FindingVerdict::Fatal {
            judged.doomed.get_or_insert_default();
        }
        let subject = match pods {
            Some((some, all)) if self.wanted.kind != "Pod" => {
                format!("{some}/{all} pods of {}", self.wanted.subject())
            }
            _ => self.wanted.subject(),
        };
        cause.finding(subject, self.seen)
    }

    fn workload(&self, object: &Value, judged: &mut Judged) -> Vec<(usize, Finding)> {
        let (current, old) = revision::pods(self.seen, self.wanted, object);
        let mut own = controllers::causes(self.seen, self.wanted, object, self.now);
        own.extend(jobs::cause(object));
        own.extend(traffic::terminating(&old, self.now));
        let mut groups: Vec<(usize, Cause)> = Vec::new();
        let mut hopeless = 0;
        for pod in &current {
            let causes = pods::causes(self.seen, pod, self.wanted, self.now);
            hopeless += usize::from(causes.iter().any(|c| c.verdict == FindingVerdict::Fatal));
            for cause in causes {
                collapse(&mut groups, cause);
            }
        }
        // A job makes another pod itself, as often as it may.
        let retried = self.wanted.kind == "Job"
            && groups.iter().all(|(_, cause)| RETRIED.contains(&cause.code));
        if !current.is_empty() && hopeless == current.len() && !retried {
            judged.doomed.get_or_insert_default();
        }
        let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64);
        let replicas = replicas
            .or_else(|| object.pointer("/status/desiredNumberScheduled").and_then(Value::as_u64));
        let all = replicas.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(current.len());
        let difference =
            self.previous.and_then(|previous| difference::of(previous, self.wanted, object));
        let mut found = self.plain(own, judged);
        for (count, cause) in groups {
            let mut finding = self.finding(cause, Some((count, all)), judged);
            finding.difference.clone_from(&difference);
            found.push((count, finding));
        }
        found
    }
}

const RETRIED: [FindingCode; 3] =
    [FindingCode::CrashLoop, FindingCode::OomKilled, FindingCode::InitContainerFailed];

/// Equal pods are one cause: told once, since the first, as often as the most.
fn collapse(groups: &mut Vec<(usize, Cause)>, cause: Cause) {
    let equal = |(_, known): &&mut (usize, Cause)| {
        known.code == cause.code && known.sentence == cause.sentence
    };
    match groups.iter_mut().find(equal) {
        Some((pods, known)) => {
            *pods += 1;
            known.since = [known.since, cause.since].into_iter().flatten().min();
            known.count = known.count.max(cause.count);
            known.verdict = known.verdict.min(cause.verdict);
        }
        None => groups.push((1, cause)),
    }
}

/// The deadline passed: the causes that were seen, or that there is none.
pub(in super::super) fn timed_out(judged: Judged) -> (String, Vec<Finding>) {
    let mut findings = judged.findings;
    let late: Vec<String> = judged
        .objects
        .iter()
        .filter(|(_, healthy, _)| !healthy)
        .map(|(subject, _, line)| format!("{subject}: {line}"))
        .collect();
    if findings.iter().all(|finding| finding.code == FindingCode::Unexplained) {
        let subject = judged.objects.iter().find(|(_, healthy, _)| !healthy);
        let subject = subject.map_or("the deployment", |(subject, _, _)| subject.as_str());
        let sentence = if late.is_empty() {
            "it was healthy, but not for as long as `soak` wants".to_owned()
        } else {
            late.join("; ")
        };
        findings.push(Finding::new(
            FindingCode::TimedOut,
            FindingVerdict::Transient,
            subject,
            sentence,
            "Raise `timeout:` of the deploy, or look at the object with kubectl describe.",
        ));
    }
    let root = findings.first().map(|root| format!("{}: {}", root.subject, root.sentence));
    (format!("not live in time; {}", root.unwrap_or_default()), findings)
}

/// Nobody knows any more what is true.
pub(in super::super) fn watch_lost(what: &str, said: &str) -> Finding {
    Finding::new(
        FindingCode::WatchLost,
        FindingVerdict::Transient,
        what,
        format!("the cluster does not let {what} be watched any more"),
        "See whether the API answers and the credentials still hold; then look at the rollout.",
    )
    .seen("API", said)
}
