//! The server's side of the worker API as a script: it gives out what it was given, and writes
//! down what it is told, by the same rules of offsets and places as the real one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, middleware};
use slipway_pipelines::ids::{AttemptId, ShellId};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::{
    Assignment, AttemptEvent, ClaimRequest, DeployGrant, DeployRequest, EventBatch, FinishRequest,
    HeartbeatResponse, ImportRequest, ImportSource, KeptJob, Lane, LogAppended, PlanReport,
    RegisterRequest, RegisterResponse, SecretText, ShellClaim, ShellOrder, Work,
};
use tokio::sync::{Notify, oneshot};

use crate::store::{self, Store};

/// Everything that was said about one attempt.
#[derive(Clone, Default)]
pub(crate) struct Told {
    pub(crate) log: Vec<u8>,
    pub(crate) events: Vec<AttemptEvent>,
    pub(crate) finish: Option<FinishRequest>,
    pub(crate) plan: Option<PlanReport>,
    pub(crate) deploys: Vec<(usize, DeployRequest)>,
    pub(crate) given_back: bool,
}

#[derive(Default)]
struct Script {
    jobs: VecDeque<Assignment>,
    plans: VecDeque<Assignment>,
    told: HashMap<AttemptId, Told>,
    registered: Vec<RegisterRequest>,
    /// Answers to questions about deploys, by index.
    grants: HashMap<usize, DeployGrant>,
    /// Answers to questions about imports, by repo.
    imports: HashMap<RepoName, ImportSource>,
    cancel: Option<String>,
    store: Store,
    /// Shells that somebody waits for.
    shells: VecDeque<ShellOrder>,
    /// Whoever waits for the worker's end of a shell.
    people: HashMap<ShellId, oneshot::Sender<WebSocket>>,
    /// What the worker says it keeps.
    kept: Vec<KeptJob>,
    /// The end of an attempt is answered once a heartbeat of it was refused.
    answers_late: bool,
    refused: HashSet<AttemptId>,
    /// 503 for everything.
    away: bool,
    /// 409 for every attempt.
    fenced: bool,
    lease: u64,
    /// The worker takes no more.
    draining: bool,
    claims: Vec<ClaimRequest>,
    /// Why the worker gave up.
    failed: Option<String>,
}

/// The stand-in.
#[derive(Clone)]
pub(crate) struct Server {
    script: Arc<Mutex<Script>>,
    changed: Arc<Notify>,
    pub(crate) url: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let script = Script { lease: 30, ..Default::default() };
        let server = Self { script: Arc::new(Mutex::new(script)), changed: Arc::default(), url };
        let attempt = Router::new()
            .route("/heartbeat", post(heartbeat))
            .route("/give-back", post(give_back))
            .route("/events", post(events))
            .route("/log", put(log))
            .route("/plan", post(plan))
            .route("/import-source", post(import_source))
            .route("/deploys/{index}", post(deploy))
            .route(
                "/blobs/{kind}/{name}",
                get(store::get)
                    .post(store::offer)
                    .put(store::put)
                    .layer(DefaultBodyLimit::disable()),
            )
            .route("/tests", put(store::tests))
            .route("/finish", post(finish));
        let api = Router::new()
            .route("/register", post(register))
            .route("/claim", post(claim))
            .route("/shells/claim", post(claim_shell))
            .route("/shells/{shell}", get(shell))
            .route("/drain", post(drain))
            .nest("/attempts/{attempt}", attempt)
            .layer(DefaultBodyLimit::max(32 * 1024 * 1024))
            .layer(middleware::from_fn_with_state(server.clone(), weather))
            .with_state(server.clone());
        let app = Router::new().nest("/api/worker/v1", api);
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no panic while held")
    }

    fn change<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        let changed = change(&mut self.script());
        self.changed.notify_waiters();
        changed
    }

    /// Looks at, or changes, what is kept.
    pub(crate) fn store<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.script().store)
    }

    pub(crate) fn give(&self, assignment: Assignment) {
        self.change(|script| match assignment.work {
            Work::Plan(_) => script.plans.push_back(assignment),
            Work::Job(_) | Work::Deploy(_) => script.jobs.push_back(assignment),
        });
    }

    pub(crate) fn grant(&self, index: usize, grant: DeployGrant) {
        self.change(|script| script.grants.insert(index, grant));
    }

    pub(crate) fn let_import(&self, repo: &str, answer: ImportSource) {
        let repo = repo.parse().expect("a name");
        self.change(|script| script.imports.insert(repo, answer));
    }

    pub(crate) fn cancel(&self, reason: &str) {
        self.change(|script| script.cancel = Some(reason.to_owned()));
    }

    /// Asks the worker for a shell, and waits for its end of it.
    pub(crate) async fn shell(&self, order: ShellOrder) -> WebSocket {
        let (sender, receiver) = oneshot::channel();
        self.change(|script| {
            script.people.insert(order.shell, sender);
            script.shells.push_back(order);
        });
        let came = tokio::time::timeout(Duration::from_secs(30), receiver).await;
        came.expect("the worker comes").expect("it connects")
    }

    /// Waits until a heartbeat of the attempt was refused.
    pub(crate) async fn until_refused(&self, attempt: AttemptId) {
        let look = async {
            loop {
                let changed = self.changed.notified();
                if self.script().refused.contains(&attempt) {
                    return;
                }
                changed.await;
            }
        };
        let refused = tokio::time::timeout(Duration::from_secs(60), look).await;
        refused.expect("a heartbeat comes after the end");
    }

    /// Waits until the worker says that it keeps these.
    pub(crate) async fn until_kept(&self, wanted: &[AttemptId]) -> Vec<KeptJob> {
        let look = async {
            loop {
                let changed = self.changed.notified();
                let kept = self.script().kept.clone();
                let attempts: Vec<AttemptId> = kept.iter().map(|one| one.attempt).collect();
                if attempts == wanted {
                    return kept;
                }
                changed.await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), look).await;
        found.unwrap_or_else(|_| panic!("not {wanted:?} but {:?}", self.script().kept))
    }

    /// From here on heartbeats overtake the answer to an attempt's end.
    pub(crate) fn answer_late(&self) {
        self.change(|script| script.answers_late = true);
    }

    pub(crate) fn go_away(&self, away: bool) {
        self.change(|script| script.away = away);
    }

    pub(crate) fn fence(&self) {
        self.change(|script| script.fenced = true);
    }

    /// Whoever waits for the worker waits in vain.
    pub(crate) fn worker_failed(&self, why: &str) {
        self.change(|script| script.failed = Some(why.to_owned()));
    }

    pub(crate) fn lease(&self, seconds: u64) {
        self.change(|script| script.lease = seconds);
    }

    pub(crate) fn told(&self, attempt: AttemptId) -> Told {
        self.script().told.get(&attempt).cloned().unwrap_or_default()
    }

    pub(crate) fn registrations(&self) -> Vec<RegisterRequest> {
        self.script().registered.clone()
    }

    /// Waits for a claim of jobs that is as wanted.
    pub(crate) async fn until_claim(&self, wanted: impl Fn(&ClaimRequest) -> bool) {
        let look = async {
            loop {
                let changed = self.changed.notified();
                let jobs = |claim: &&ClaimRequest| claim.lane == Lane::Job;
                if self.script().claims.iter().filter(jobs).any(&wanted) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(60), look).await.is_err() {
            panic!("no such claim came: {:?}", self.script().claims);
        }
    }

    /// Waits until the worker has said that it takes no more.
    pub(crate) async fn until_draining(&self) {
        let look = async {
            loop {
                let changed = self.changed.notified();
                if self.script().draining {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.expect("it says that it drains");
    }

    /// Waits until what was told of the attempt is as wanted.
    pub(crate) async fn until<T>(
        &self,
        attempt: AttemptId,
        what: &str,
        wanted: impl Fn(&Told) -> Option<T>,
    ) -> T {
        let look = async {
            loop {
                let changed = self.changed.notified();
                if let Some(found) = wanted(&self.told(attempt)) {
                    return found;
                }
                let failed = self.script().failed.clone();
                assert!(failed.is_none(), "{what} can not come: the worker ended: {failed:?}");
                changed.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(300), look).await {
            Ok(found) => found,
            Err(_) => {
                let told = self.told(attempt);
                panic!(
                    "{what} did not come; the log:\n{}\nevents: {:#?}\nfinish: {:?}",
                    String::from_utf8_lossy(&told.log[..told.log.len().min(10_000)]),
                    told.events,
                    told.finish
                )
            }
        }
    }
}

async fn weather(
    State(server): State<Server>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    let (away, fenced) = {
        let script = server.script();
        (script.away, script.fenced)
    };
    if away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if fenced && request.uri().path().contains("/attempts/") {
        return StatusCode::CONFLICT.into_response();
    }
    next.run(request).await
}

async fn register(
    State(server): State<Server>,
    Json(request): Json<RegisterRequest>,
) -> Json<RegisterResponse> {
    server.change(|script| {
        script.registered.push(request);
        script.draining = false;
    });
    Json(RegisterResponse { token: SecretText::new("claims".to_owned()), expires_in: 3600 })
}

async fn drain(State(server): State<Server>) -> StatusCode {
    server.change(|script| script.draining = true);
    StatusCode::NO_CONTENT
}

async fn claim(State(server): State<Server>, Json(request): Json<ClaimRequest>) -> Response {
    server.change(|script| script.claims.push(request.clone()));
    let look = async {
        loop {
            let changed = server.changed.notified();
            if server.script().draining {
                return None;
            }
            let found = server.change_quietly(|script| match request.lane {
                Lane::Plan => script.plans.pop_front(),
                Lane::Job => script.jobs.pop_front(),
            });
            if let Some(mut assignment) = found {
                assignment.lease_seconds = server.script().lease;
                return Some(assignment);
            }
            changed.await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(5), look).await {
        Ok(Some(assignment)) => Json(assignment).into_response(),
        Ok(None) | Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn claim_shell(State(server): State<Server>, Json(claim): Json<ShellClaim>) -> Response {
    server.change(|script| script.kept = claim.kept);
    let look = async {
        loop {
            let changed = server.changed.notified();
            if let Some(order) = server.change_quietly(|script| script.shells.pop_front()) {
                return order;
            }
            changed.await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(5), look).await {
        Ok(order) => Json(order).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn shell(
    State(server): State<Server>,
    Path(shell): Path<ShellId>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(person) = server.change_quietly(|script| script.people.remove(&shell)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    upgrade.on_upgrade(async move |socket| {
        assert!(person.send(socket).is_ok(), "somebody waits for it");
    })
}

impl Server {
    fn change_quietly<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script())
    }
}

async fn heartbeat(State(server): State<Server>, Path(attempt): Path<AttemptId>) -> Response {
    let ended = server.told(attempt).finish.is_some();
    let answers_late = server.script().answers_late;
    if answers_late && ended {
        server.change(|script| script.refused.insert(attempt));
        return StatusCode::CONFLICT.into_response();
    }
    let script = server.script();
    let (lease_seconds, cancel) = (script.lease, script.cancel.clone());
    Json(HeartbeatResponse { lease_seconds, cancel }).into_response()
}

async fn give_back(State(server): State<Server>, Path(attempt): Path<AttemptId>) -> StatusCode {
    server.change(|script| script.told.entry(attempt).or_default().given_back = true);
    StatusCode::NO_CONTENT
}

async fn events(
    State(server): State<Server>,
    Path(attempt): Path<AttemptId>,
    Json(batch): Json<EventBatch>,
) -> StatusCode {
    server.change(|script| {
        let told = script.told.entry(attempt).or_default();
        let seen = told.events.len() as u64;
        assert!(batch.first <= seen + 1, "events {} after {seen}", batch.first);
        let known = usize::try_from(seen + 1 - batch.first).expect("small");
        told.events.extend(batch.events.into_iter().skip(known));
    });
    StatusCode::NO_CONTENT
}

#[derive(serde::Deserialize)]
struct Place {
    offset: usize,
}

async fn log(
    State(server): State<Server>,
    Path(attempt): Path<AttemptId>,
    Query(place): Query<Place>,
    bytes: Bytes,
) -> Response {
    let (status, length) = server.change(|script| {
        let log = &mut script.told.entry(attempt).or_default().log;
        if place.offset > log.len() {
            return (StatusCode::RANGE_NOT_SATISFIABLE, log.len());
        }
        let known = (log.len() - place.offset).min(bytes.len());
        assert_eq!(log[place.offset..place.offset + known], bytes[..known], "the log changed");
        log.extend_from_slice(&bytes[known..]);
        (StatusCode::OK, log.len())
    });
    (status, Json(LogAppended { length: length as u64 })).into_response()
}

async fn plan(
    State(server): State<Server>,
    Path(attempt): Path<AttemptId>,
    Json(report): Json<PlanReport>,
) -> StatusCode {
    server.change(|script| script.told.entry(attempt).or_default().plan = Some(report));
    StatusCode::NO_CONTENT
}

async fn deploy(
    State(server): State<Server>,
    Path((attempt, index)): Path<(AttemptId, usize)>,
    Json(request): Json<DeployRequest>,
) -> Json<DeployGrant> {
    server.change(|script| {
        script.told.entry(attempt).or_default().deploys.push((index, request));
        let reason = "nobody granted it".to_owned();
        Json(script.grants.get(&index).cloned().unwrap_or(DeployGrant::Withheld { reason }))
    })
}

async fn import_source(
    State(server): State<Server>,
    Json(request): Json<ImportRequest>,
) -> Json<ImportSource> {
    let reason = format!("is not for {}", request.importer);
    let known = server.script().imports.get(&request.repo).cloned();
    Json(known.unwrap_or(ImportSource::Refused { reason }))
}

async fn finish(
    State(server): State<Server>,
    Path(attempt): Path<AttemptId>,
    Json(request): Json<FinishRequest>,
) -> StatusCode {
    server.change(|script| {
        let told = script.told.entry(attempt).or_default();
        assert_eq!(told.log.len() as u64, request.log_length, "the log is all there");
        told.finish = Some(request);
    });
    loop {
        let changed = server.changed.notified();
        let waits = {
            let script = server.script();
            script.answers_late && !script.refused.contains(&attempt)
        };
        if !waits {
            return StatusCode::NO_CONTENT;
        }
        changed.await;
    }
}
