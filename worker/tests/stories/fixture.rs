//! A worker on this machine's engine, a repository with one commit, and jobs to give it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptions;
use chrono::Utc;
use slipway_pipelines::ids::{
    AttemptId, AttemptNumber, JobId, JobNumber, RunId, RunNumber, StageIndex,
};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::{
    Actor, Command as Line, JobImage, JobPlan, PhasePlan, Phases, SecretScope, Trigger,
    TriggerEvent,
};
use slipway_pipelines::wire::{
    Assignment, AttemptEvent, GitSource, JobOutcome, JobWork, Limits, PlanWork, SecretText,
    StepOutcome, Trust, Work,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::repository::{commit, git, link, repository};
use crate::server::{Server, Told};

/// The image that every engine of the tests has.
pub(crate) const IMAGE: &str = "busybox:latest";

/// One story.
pub(crate) struct Story {
    pub(crate) server: Server,
    dir: tempfile::TempDir,
    commit: String,
    pub(crate) repo: RepoName,
    /// Where workers are told to find the repo; none: in its folder.
    pub(crate) source: Option<GitSource>,
    pub(crate) event: TriggerEvent,
    /// What the worker's operator decides.
    pub(crate) operator: slipway_worker::Operator,
    /// Where the ref pointed before.
    pub(crate) before: Option<String>,
    /// How many containers wait for jobs: none, unless a story is about them.
    pub(crate) warm: u32,
    pub(crate) snapshots: slipway_worker::SnapshotSettings,
    shutdown: CancellationToken,
    worker: Option<JoinHandle<anyhow::Result<()>>>,
    attempts: Vec<AttemptId>,
    /// The memory that workers give out; none: all of the engine's.
    pub(crate) memory: Option<u64>,
    /// How long workers wait for their jobs at the end.
    pub(crate) drain: Duration,
    force: CancellationToken,
}

/// What a job of a story came to.
pub(crate) struct Came {
    pub(crate) outcome: JobOutcome,
    pub(crate) log: String,
    pub(crate) told: Told,
}

impl Story {
    /// A server, a repository of these files, and a worker on the usual engine.
    pub(crate) async fn begin(files: &[(&str, &str)]) -> Self {
        let mut story = Self::without_worker(files).await;
        story.start_worker(None);
        story
    }

    /// The same before the worker starts.
    pub(crate) async fn without_worker(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let commit = repository(dir.path(), files);
        Self {
            server: Server::start().await,
            dir,
            commit,
            repo: "acme/app".parse().expect("a name"),
            source: None,
            event: TriggerEvent::Push { branch: "main".to_owned() },
            operator: slipway_worker::Operator::default(),
            before: None,
            warm: 0,
            snapshots: slipway_worker::SnapshotSettings::default(),
            shutdown: CancellationToken::new(),
            worker: None,
            attempts: Vec::new(),
            memory: None,
            drain: slipway_worker::DRAIN,
            force: CancellationToken::new(),
        }
    }

    /// Starts the worker.
    pub(crate) fn start_worker(&mut self, engine: Option<String>) {
        let config = slipway_worker::Config {
            server: self.server.url.parse().expect("a URL"),
            token: "registration".to_owned().into(),
            name: "of the tests".to_owned(),
            slots: 2,
            labels: Vec::new(),
            memory: self.memory,
            drain: self.drain,
            data_dir: self.dir.path().join("data"),
            engine,
            warm: self.warm,
            snapshots: self.snapshots.clone(),
            aws: slipway_worker::deploy::Aws::default(),
            operator: self.operator.clone(),
            keep_failed_most: 2,
        };
        self.shutdown = CancellationToken::new();
        self.force = CancellationToken::new();
        let life = slipway_worker::run_until(config, self.shutdown.clone(), self.force.clone());
        let server = self.server.clone();
        self.worker = Some(tokio::spawn(async move {
            let ended = life.await;
            if let Err(error) = &ended {
                server.worker_failed(&format!("{error:#}"));
            }
            ended
        }));
    }

    /// Tells the worker to stop, or to stop at once, and does not wait.
    pub(crate) fn tell_worker_to_stop(&self, at_once: bool) {
        self.shutdown.cancel();
        if at_once {
            self.force.cancel();
        }
    }

    /// Stops the worker and waits for it.
    pub(crate) async fn stop_worker(&mut self) {
        self.shutdown.cancel();
        let worker = self.worker.take().expect("a worker runs");
        let ended = tokio::time::timeout(Duration::from_secs(50), worker).await;
        ended.expect("the drain is bounded").expect("no panic").expect("it stops in peace");
    }

    /// Ends the worker as a crash does: nothing is cleaned up.
    pub(crate) async fn kill_worker(&mut self) {
        let runtime = self.worker.take().expect("a worker runs");
        runtime.abort();
        let _aborted = runtime.await;
    }

    /// The story's own folder: `repo.git`, `work`, and `data` of the worker.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The repo as a folder of this machine.
    pub(crate) fn local_source(&self) -> GitSource {
        GitSource { url: self.dir().join("repo.git").display().to_string(), credential: None }
    }

    /// From here on assignments are about this commit.
    pub(crate) fn at(&mut self, commit: &str) {
        commit.clone_into(&mut self.commit);
    }

    /// Git in the working clone of whoever pushes.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.dir().join("work"), args)
    }

    /// Commits these files there.
    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        commit(&self.dir().join("work"), files, message)
    }

    /// Pushes from there.
    pub(crate) fn push(&self, what: &str) {
        self.git(&["push", "--quiet", "--force", "../repo.git", what]);
    }

    /// Another bare repo in the same folder, perhaps with a submodule beside it; gives its commit.
    pub(crate) fn other_repo(
        &self,
        name: &str,
        files: &[(&str, &str)],
        submodule: Option<(&str, &str)>,
    ) -> String {
        let work = self.dir().join(format!("work-{name}"));
        std::fs::create_dir(&work).expect("a folder");
        git(&work, &["init", "--quiet", "--initial-branch=main", "."]);
        if let Some((other, commit)) = submodule {
            let modules =
                format!("[submodule \"{other}\"]\n\tpath = {other}\n\turl = ../{other}.git\n");
            link(&work, other, commit, &modules);
        }
        let made = commit(&work, files, "First");
        git(
            self.dir(),
            &["clone", "--quiet", "--bare", &format!("work-{name}"), &format!("{name}.git")],
        );
        made
    }

    /// Puts a submodule into the working clone.
    pub(crate) fn link(&self, path: &str, commit: &str, modules: &str) {
        link(&self.dir().join("work"), path, commit, modules);
    }

    /// From here on jobs name a commit that the repository does not have.
    pub(crate) fn forget_commit(&mut self) {
        self.commit = "0123456789012345678901234567890123456789".to_owned();
    }

    fn assignment(&self, work: Work) -> Assignment {
        Assignment {
            attempt: AttemptId::from(Uuid::now_v7()),
            number: AttemptNumber(1),
            token: SecretText::new("attempt".to_owned()),
            lease_seconds: 30,
            repo: self.repo.clone(),
            run: RunId::from(Uuid::now_v7()),
            run_number: RunNumber(7),
            source: self.source.clone().unwrap_or_else(|| self.local_source()),
            trigger: Trigger {
                event: self.event.clone(),
                commit: self.commit.parse().expect("a commit"),
                before: self.before.as_ref().map(|before| before.parse().expect("a commit")),
                message: "it's $(date) \"quoted\"".to_owned(),
                author: "A. Thor".to_owned(),
                actor: Actor::Local { name: "thor".to_owned() },
            },
            work,
        }
    }

    /// Gives a job.
    pub(crate) fn give(&mut self, work: JobWork) -> AttemptId {
        let assignment = self.assignment(Work::Job(Box::new(work)));
        let attempt = assignment.attempt;
        self.attempts.push(attempt);
        self.server.give(assignment);
        attempt
    }

    /// Gives a planning.
    pub(crate) fn give_plan(&mut self) -> AttemptId {
        let work = PlanWork { default_branch: "main".to_owned(), images: BTreeMap::new() };
        let assignment = self.assignment(Work::Plan(work));
        let attempt = assignment.attempt;
        self.server.give(assignment);
        attempt
    }

    /// Gives a job and waits for its outcome.
    pub(crate) async fn run(&mut self, work: JobWork) -> Came {
        let attempt = self.give(work);
        self.came(attempt).await
    }

    /// Waits for the outcome of a job.
    pub(crate) async fn came(&self, attempt: AttemptId) -> Came {
        let told = self
            .server
            .until(attempt, "the end of the job", |told| {
                told.finish.is_some().then(|| told.clone())
            })
            .await;
        let outcome = told.finish.as_ref().expect("finished").outcome.clone();
        Came { outcome, log: String::from_utf8_lossy(&told.log).into_owned(), told }
    }

    /// The attempts so far.
    pub(crate) fn attempts(&self) -> &[AttemptId] {
        &self.attempts
    }

    /// The containers of an attempt that the engine has.
    pub(crate) async fn containers(&self, attempt: AttemptId) -> Vec<String> {
        let docker = docker();
        let label = format!("slipway.attempt={attempt}");
        let filters = std::collections::HashMap::from([("label".to_owned(), vec![label])]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let list = docker.list_containers(Some(options)).await.expect("a list");
        list.into_iter().filter_map(|one| one.state.map(|state| state.to_string())).collect()
    }

    /// The job's own container of an attempt, by its id.
    pub(crate) async fn job_container(&self, attempt: AttemptId) -> String {
        let label = format!("slipway.attempt={attempt}");
        let filters = std::collections::HashMap::from([("label".to_owned(), vec![label])]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let list = docker().list_containers(Some(options)).await.expect("a list");
        let own = list.into_iter().find(|one| {
            one.command.as_deref().is_some_and(|command| command.contains("while :; do sleep"))
        });
        own.and_then(|one| one.id).expect("it runs")
    }

    /// Waits until the attempt's containers are as wanted.
    pub(crate) async fn until_containers(
        &self,
        attempt: AttemptId,
        what: &str,
        wanted: impl Fn(&[String]) -> bool,
    ) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let containers = self.containers(attempt).await;
            if wanted(&containers) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}, but they are {containers:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The worker stops, and nothing is left of any job.
    pub(crate) async fn end(mut self) {
        self.stop_worker().await;
        for attempt in &self.attempts {
            assert_eq!(self.containers(*attempt).await, Vec::<String>::new(), "containers left");
        }
        self.end_without_worker();
    }

    /// Nothing is left on the disk of a worker that has stopped.
    pub(crate) fn end_without_worker(self) {
        let spool = std::fs::read_dir(self.dir.path().join("data/spool")).expect("the spool");
        assert_eq!(spool.count(), 0, "files are left in the spool");
        let git = std::fs::read_dir(self.dir.path().join("data/git")).expect("the mirrors");
        for entry in git {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            assert!(name == "acme" || name == "gitconfig", "left over: {name}");
        }
    }
}

impl Came {
    /// The steps that ended, with how.
    pub(crate) fn steps(&self) -> Vec<(String, StepOutcome)> {
        let mut titles = std::collections::HashMap::new();
        let mut ended = Vec::new();
        for event in &self.told.events {
            match event {
                AttemptEvent::StepStarted { step, title, .. } => {
                    titles.insert(*step, title.clone());
                }
                AttemptEvent::StepFinished { step, outcome, .. } => {
                    ended.push((titles[step].clone(), outcome.clone()));
                }
                AttemptEvent::ImageResolved { .. }
                | AttemptEvent::ImageBuilt { .. }
                | AttemptEvent::Service { .. }
                | AttemptEvent::Published { .. }
                | AttemptEvent::Deployment { .. } => {}
            }
        }
        ended
    }

    /// What stands in the log between the begin and the end of the step of this title.
    pub(crate) fn log_of(&self, wanted: &str) -> String {
        let mut range = (None, None, None);
        for event in &self.told.events {
            match event {
                AttemptEvent::StepStarted { step, title, log_from, .. } if title == wanted => {
                    range = (Some(*step), Some(*log_from), None);
                }
                AttemptEvent::StepFinished { step, log_to, .. } if range.0 == Some(*step) => {
                    range.2 = Some(*log_to);
                }
                _ => {}
            }
        }
        let at = |offset: Option<u64>| usize::try_from(offset.expect("reported")).expect("small");
        String::from_utf8_lossy(&self.told.log[at(range.1)..at(range.2)]).into_owned()
    }
}

/// The engine.
pub(crate) fn docker() -> Docker {
    Docker::connect_with_unix("/var/run/docker.sock", 60, bollard::API_DEFAULT_VERSION)
        .expect("an engine")
}

/// A job whose script is these commands.
pub(crate) fn job(script: &[&str]) -> JobWork {
    JobWork {
        job: JobId::from(Uuid::now_v7()),
        number: JobNumber(1),
        plan: JobPlan {
            number: JobNumber(1),
            name: "test".to_owned(),
            stage: StageIndex(0),
            axes: Vec::new(),
            allow_failure: false,
            language: "generic".to_owned(),
            image: JobImage::Named { reference: IMAGE.to_owned() },
            services: Vec::new(),
            env: Vec::new(),
            phases: Phases { script: phase(script), ..Default::default() },
            images: Vec::new(),
            secrets: SecretScope::All,
            deploys: Vec::new(),
            timeout: None,
            silence: None,
            git: slipway_pipelines::plan::GitOptions::default(),
            apt: Vec::new(),
            docker: false,
            order: slipway_pipelines::plan::Order::default(),
            carry: slipway_pipelines::plan::Carry::default(),
            machine: slipway_pipelines::plan::Machine::default(),
        },
        stage_name: "Test".to_owned(),
        secrets: Vec::new(),
        trust: Trust::Trusted,
        limits: Limits {
            timeout_seconds: 120,
            silence_seconds: 60,
            log_bytes: 64 * 1024 * 1024,
            memory_bytes: 512 * 1024 * 1024,
            pids: 256,
            cpu_millis: 2000,
            disk_bytes: 1 << 30,
        },
        keep_failed_seconds: 0,
        url: "http://127.0.0.1/acme/app/runs/7/jobs/1".to_owned(),
        started_at: Utc::now(),
    }
}

/// These commands.
pub(crate) fn phase(commands: &[&str]) -> PhasePlan {
    let commands = commands.iter().map(|command| Line((*command).to_owned())).collect();
    PhasePlan::Run { commands }
}
