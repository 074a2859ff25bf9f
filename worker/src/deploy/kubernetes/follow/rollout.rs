//! One rollout that is followed: takes what the watches tell, judges it, and ends with a verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::Utc;
use slipway_pipelines::wire::{Finding, FindingArea};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::explain::{Judged, LogKey, Seen, WATCHED, Wanted, judge, timed_out};
use super::sight::Sight;
use super::watch::{Told, Watched, What};
use super::{Applied, Followed, Set, ask, watch};

/// Changes that come together are judged together.
const TOGETHER: Duration = Duration::from_millis(100);

/// Time alone changes causes, too: a grace passes, a pull gets slow.
const TICK: Duration = Duration::from_secs(1);

/// A doom that is true stays so for this long.
const SURE: Duration = Duration::from_millis(500);

/// The logs of a doomed rollout are waited for no longer.
const LOGS: Duration = Duration::from_secs(4);

/// How many logs one rollout asks for.
const MOST_LOGS: usize = 200;

/// A log that still grows is read anew after this.
const GROWN: Duration = Duration::from_secs(15);

/// How often the API is asked whether it is there.
const BEAT: Duration = Duration::from_secs(10);

/// How often the room of the nodes is counted anew, while a finding speaks of it.
const ROOM: Duration = Duration::from_secs(60);

/// Progress of one object is told no more often.
const STEADY: Duration = Duration::from_secs(3);

enum Answer {
    Log(LogKey, String),
    Room(Option<Vec<serde_json::Value>>),
    Beat(Result<(), String>),
}

/// See the module.
pub(super) struct Rollout<'a> {
    set: &'a Set<'a>,
    hop: &'a (dyn Fn(&str, &str) + Send + Sync),
    found: &'a (dyn Fn(Vec<Finding>) + Send + Sync),
    wanted: Vec<Wanted>,
    watches: Vec<Watched>,
    unread: BTreeSet<usize>,
    seen: Seen,
    sight: Sight,
    asks: JoinSet<Answer>,
    asked: BTreeMap<LogKey, Instant>,
    logs: usize,
    beat: Instant,
    room: Option<Instant>,
    shown: Vec<Finding>,
    crashes: Vec<Finding>,
    told: BTreeMap<String, (Instant, String)>,
    healthy_since: Option<Instant>,
    doomed_since: Option<Instant>,
}

impl<'a> Rollout<'a> {
    pub(super) fn new(
        set: &'a Set<'a>,
        hop: &'a (dyn Fn(&str, &str) + Send + Sync),
        found: &'a (dyn Fn(Vec<Finding>) + Send + Sync),
    ) -> Self {
        let wanted = set.applied.iter().map(|one| Wanted {
            kind: kind(one),
            namespace: one.namespace.clone(),
            name: one.name.clone(),
            uid: one.uid.clone(),
            generation: one.generation,
            images: one.images.clone(),
        });
        let watches = watch::needed(set.applied);
        let unread = watches.iter().enumerate().filter(|(_, one)| one.needed).map(|(i, _)| i);
        Self {
            set,
            hop,
            found,
            wanted: wanted.collect(),
            unread: unread.collect(),
            watches,
            seen: Seen::since(Utc::now()),
            sight: Sight::default(),
            asks: JoinSet::new(),
            asked: BTreeMap::new(),
            logs: 0,
            beat: Instant::now() + BEAT,
            room: None,
            shown: Vec::new(),
            crashes: Vec::new(),
            told: BTreeMap::new(),
            healthy_since: None,
            doomed_since: None,
        }
    }

    pub(super) async fn run(mut self) -> Followed {
        let (mut told, watching) = watch::begin(self.set.client, &self.watches);
        let followed = loop {
            self.listen(&mut told).await;
            if let Some(followed) = self.tick().await {
                break followed;
            }
        };
        drop(watching);
        followed
    }

    /// Takes what is told until the next moment at which something is to be judged.
    async fn listen(&mut self, told: &mut mpsc::Receiver<Told>) {
        let soaked = self.healthy_since.map(|since| since + self.set.soak);
        let tick = Instant::now() + TICK;
        let until = soaked.filter(|at| *at > Instant::now()).map_or(tick, |at| at.min(tick));
        let until = until.min(self.set.deadline.max(Instant::now() + TOGETHER));
        tokio::select! {
            Some(first) = told.recv() => {
                self.take(first);
                let together = Instant::now() + TOGETHER;
                while let Ok(Some(next)) = timeout_at(together, told.recv()).await {
                    self.take(next);
                }
            }
            Some(Ok(answer)) = self.asks.join_next(), if !self.asks.is_empty() => {
                self.answer(answer);
            }
            () = sleep_until(until) => {}
        }
    }

    fn take(&mut self, Told { watch, what }: Told) {
        let Watched { kind, namespace, needed, .. } = &self.watches[watch];
        let name = match namespace {
            Some(place) => format!("{kind} in {place}"),
            None => kind.clone(),
        };
        match what {
            What::Put(object) => self.seen.put(kind, object),
            What::Gone(id) => self.seen.remove(kind, &id),
            What::All(objects) => {
                self.seen.replace(kind, namespace.as_deref(), objects);
                self.unread.remove(&watch);
            }
            What::Failed(said) => {
                if *needed {
                    self.sight.failed(&name, said);
                }
                return;
            }
            What::Ended if *needed => {
                self.sight.failed(&name, "the API does not have it".to_owned());
                return;
            }
            What::Ended => return,
        }
        self.sight.answered(&name);
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Log(key, text) => {
                self.seen.logs.insert(key, text);
            }
            Answer::Room(pods) => self.seen.everywhere = pods,
            Answer::Beat(Ok(())) => self.sight.answered(API),
            Answer::Beat(Err(said)) => self.sight.failed(API, said),
        }
    }

    async fn tick(&mut self) -> Option<Followed> {
        let now = Instant::now();
        if now >= self.beat {
            self.beat = now + BEAT;
            let client = self.set.client.clone();
            self.asks.spawn(async move { Answer::Beat(ask::answers(client).await) });
        }
        if let Some((reason, finding)) = self.sight.lost() {
            let mut findings = self.judge().findings;
            findings.insert(0, finding);
            (self.found)(findings.clone());
            return Some(Followed::Lost { reason, findings });
        }
        if !self.unread.is_empty() {
            return (now >= self.set.deadline).then(|| self.unseen());
        }
        let judged = self.judge();
        self.show(&judged);
        self.ask(&judged);
        self.verdict(judged).await
    }

    /// The deadline passed before the cluster had answered.
    fn unseen(&self) -> Followed {
        let left: Vec<&str> =
            self.unread.iter().map(|watch| self.watches[*watch].kind.as_str()).collect();
        let reason = format!("the cluster did not show its {} in time", left.join(", "));
        let finding = super::super::explain::watch_lost(&left.join(", "), &reason);
        (self.found)(vec![finding.clone()]);
        Followed::Lost { reason, findings: vec![finding] }
    }

    fn judge(&self) -> Judged {
        judge(&self.seen, &self.wanted, self.set.previous_rendered, Utc::now())
    }

    fn show(&mut self, judged: &Judged) {
        for (subject, healthy, line) in &judged.objects {
            let known = self.told.get(subject);
            let now = Instant::now();
            let same = known.is_some_and(|(_, told)| told == line);
            let early = known.is_some_and(|(at, _)| now - *at < STEADY);
            if same || (early && !healthy) {
                continue;
            }
            self.told.insert(subject.clone(), (now, line.clone()));
            let name = if *healthy { "healthy" } else { "rollout" };
            (self.hop)(name, &format!("{subject}: {line}"));
        }
        let crashed = |one: &&Finding| one.code.area() == FindingArea::Runtime;
        if judged.findings.iter().any(|one| crashed(&one)) {
            self.crashes = judged.findings.iter().filter(crashed).cloned().collect();
        }
        if judged.findings != self.shown {
            self.shown.clone_from(&judged.findings);
            (self.found)(judged.findings.clone());
        }
    }

    fn ask(&mut self, judged: &Judged) {
        for key in &judged.logs {
            let fresh = |at: &Instant| key.previous || at.elapsed() < GROWN;
            if self.logs < MOST_LOGS && !self.asked.get(key).is_some_and(fresh) {
                self.logs += 1;
                self.asked.insert(key.clone(), Instant::now());
                let (client, key) = (self.set.client.clone(), key.clone());
                self.asks.spawn(async move {
                    let text = ask::log(client, &key).await;
                    Answer::Log(key, text)
                });
            }
        }
        let stale = self.room.is_none_or(|asked| asked.elapsed() >= ROOM);
        if judged.wants_room && stale {
            self.room = Some(Instant::now());
            let client = self.set.client.clone();
            self.asks.spawn(async move { Answer::Room(ask::everywhere(client).await) });
        }
    }

    async fn verdict(&mut self, mut judged: Judged) -> Option<Followed> {
        let now = Instant::now();
        if !judged.healthy || !self.sight.clear() {
            self.healthy_since = None;
        } else if self.healthy_since.is_none() {
            self.healthy_since = Some(now);
            if !self.set.soak.is_zero() {
                let soak = format!("must stay so for {} s", self.set.soak.as_secs());
                (self.hop)("soak", &soak);
            }
        }
        if self.healthy_since.is_some_and(|since| now - since >= self.set.soak) {
            return self.confirm().await;
        }
        let logged = self.logs >= MOST_LOGS
            || judged.logs.iter().all(|key| self.seen.logs.contains_key(key));
        match &judged.doomed {
            None => self.doomed_since = None,
            Some(reason) => {
                let held = now - *self.doomed_since.get_or_insert(now);
                if held >= LOGS || (held >= SURE && logged) {
                    let (reason, findings) = (reason.clone(), judged.findings);
                    return Some(Followed::Doomed { reason, findings });
                }
            }
        }
        let late = now >= self.set.deadline && (logged || now >= self.set.deadline + LOGS);
        late.then(|| {
            // What ends again and again is ready in between, perhaps at this very moment.
            if judged.findings.is_empty() {
                judged.findings.clone_from(&self.crashes);
            }
            let (reason, findings) = timed_out(judged);
            (self.found)(findings.clone());
            Followed::Doomed { reason, findings }
        })
    }

    /// A last look at the objects themselves: a watch may be late, the verdict may not.
    async fn confirm(&mut self) -> Option<Followed> {
        for applied in self.set.applied {
            if !watch::follows(applied) {
                continue;
            }
            match ask::object(self.set.client, applied).await {
                Ok(Some(object)) => self.seen.put(&applied.api.kind, object),
                Ok(None) => self.seen.remove(&applied.api.kind, &applied.uid),
                Err(said) => {
                    self.sight.failed(API, said);
                    self.healthy_since = None;
                    return None;
                }
            }
        }
        let judged = self.judge();
        self.show(&judged);
        if !judged.healthy {
            self.healthy_since = None;
            return None;
        }
        let line = |(subject, _, line): (String, bool, String)| format!("{subject}: {line}");
        Some(Followed::Healthy { summary: judged.objects.into_iter().map(line).collect() })
    }
}

const API: &str = "the API";

/// The kind; with its group where it has the name of one that is followed and is another.
fn kind(applied: &Applied) -> String {
    let kind = applied.api.kind.clone();
    if WATCHED.contains(&kind.as_str()) && !watch::follows(applied) {
        return format!("{kind}.{}", applied.api.group);
    }
    kind
}
