//! A stand-in of AWS: Elastic Beanstalk's query protocol and as much of S3 as a bundle needs, in
//! this process.
//!
//! It is ours, made from the API's own description (version 2010-12-01), and holds applications,
//! versions, environments, buckets and objects. What an environment does after an update is
//! scripted: the stand-in plays what the story wants to see. It checks that a request is signed
//! with a key it knows, that a version's bundle is in S3, and that what is named is there.
//!
//! It does not check: the signatures themselves (only the key's id and that there is one),
//! permissions (a story refuses an action by [`Aws::refuse`]), the bundle's contents, times.

mod answer;
mod call;
mod environments;
mod s3;
mod script;
mod state;
mod versions;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use tokio::task::JoinHandle;
use url::Url;

pub use call::Request;
pub use script::{On, Script, Step};
use state::{Bucket, Environment, State};

/// The key that the stand-in knows.
pub const ACCESS_KEY_ID: &str = "AKIASTANDINSTANDIN01";
/// Its secret: nothing checks it, and it must be seen nowhere.
pub const SECRET_ACCESS_KEY: &str = "standin/secret+key/that0nobody1ever2sees";
/// Where its applications are.
pub const REGION: &str = "us-east-1";

/// A stand-in that listens; it ends with this.
#[derive(Debug)]
pub struct Aws {
    state: Shared,
    elasticbeanstalk: Url,
    s3: Url,
    listening: Vec<JoinHandle<()>>,
}

/// An environment of the stand-in.
#[derive(Debug)]
pub struct OfEnvironment<'a> {
    aws: &'a Aws,
    name: String,
}

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().expect("no story panics while it holds this")
}

impl Aws {
    /// Listens on loopback.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let state = Shared::default();
        let (s3, storing) = listen(Router::new().fallback(s3::serve), &state).await;
        lock(&state).s3.clone_from(&s3.to_string());
        let (elasticbeanstalk, deploying) =
            listen(Router::new().fallback(call::serve), &state).await;
        Self { state, elasticbeanstalk, s3, listening: vec![storing, deploying] }
    }

    /// Where Elastic Beanstalk is asked.
    #[must_use]
    pub fn elasticbeanstalk_url(&self) -> Url {
        self.elasticbeanstalk.clone()
    }

    /// Where S3 is asked, path-style.
    #[must_use]
    pub fn s3_url(&self) -> Url {
        self.s3.clone()
    }

    /// There is such an application.
    pub fn application(&self, name: &str) -> &Self {
        lock(&self.state).applications.insert(name.to_owned());
        self
    }

    /// An environment of the application, made with two instances on version `old` and in good
    /// health if it is not there.
    pub fn environment(&self, application: &str, name: &str) -> OfEnvironment<'_> {
        self.application(application);
        let mut state = lock(&self.state);
        let made = || Environment::new(application, name);
        state.environments.entry(name.to_owned()).or_insert_with(made);
        let old = ("old".to_owned(), application.to_owned());
        state.versions.entry(old).or_default();
        OfEnvironment { aws: self, name: name.to_owned() }
    }

    /// There is a bucket in that region; of ours or of somebody else.
    pub fn bucket(&self, name: &str, region: &str, ours: bool) -> &Self {
        let bucket = Bucket { region: region.to_owned(), ours, ..Bucket::default() };
        lock(&self.state).buckets.insert(name.to_owned(), bucket);
        self
    }

    /// New versions have these statuses, one a look; the last stays.
    pub fn process_versions(&self, statuses: &[&'static str]) -> &Self {
        lock(&self.state).processing = statuses.iter().copied().collect();
        self
    }

    /// The next `times` calls of this action get this error. The actions of S3 are `HeadBucket`,
    /// `CreateBucket`, `PutObject`, `HeadObject` and `GetObject`.
    pub fn refuse(&self, action: &str, code: &str, message: &str, times: usize) -> &Self {
        let mut state = lock(&self.state);
        let refusals = state.refusals.entry(action.to_owned()).or_default();
        refusals.extend(std::iter::repeat_n((code.to_owned(), message.to_owned()), times));
        self
    }

    /// As [`Aws::refuse`], from the next update of an environment on: AWS goes away in mid-deploy.
    pub fn break_after_update(&self, action: &str, times: usize) -> &Self {
        lock(&self.state).after_update = Some((action.to_owned(), times));
        self
    }

    /// What instances send when they are asked for the tail of their logs.
    pub fn log_tail(&self, text: &str) -> &Self {
        lock(&self.state).tail = Some(text.to_owned());
        self
    }

    /// The version that the environment says it has.
    #[must_use]
    pub fn deployed_label(&self, environment: &str) -> Option<String> {
        lock(&self.state).environments.get(environment).map(|one| one.label.clone())
    }

    /// The bytes of the bundle that the environment's version is of.
    #[must_use]
    pub fn bundle(&self, environment: &str) -> Option<Vec<u8>> {
        let state = lock(&self.state);
        let one = state.environments.get(environment)?;
        let version = state.versions.get(&(one.label.clone(), one.application.clone()))?;
        let (bucket, key) = version.bundle.as_ref()?;
        Some(state.buckets.get(bucket)?.objects.get(key)?.bytes.clone())
    }

    /// The labels of the application's versions.
    #[must_use]
    pub fn versions(&self, application: &str) -> Vec<String> {
        let state = lock(&self.state);
        let of = state.versions.keys().filter(|(_, of)| of == application);
        of.map(|(label, _)| label.clone()).collect()
    }

    /// Every call so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    /// How often an action was called.
    #[must_use]
    pub fn count(&self, action: &str) -> usize {
        lock(&self.state).requests.iter().filter(|request| request.action == action).count()
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        for one in &self.listening {
            one.abort();
        }
    }
}

impl OfEnvironment<'_> {
    fn change(&self, change: impl FnOnce(&mut Environment)) -> &Self {
        let mut state = lock(&self.aws.state);
        change(state.environments.get_mut(&self.name).expect("it was made"));
        drop(state);
        self
    }

    /// What the next update that has no script yet does.
    pub fn script(&self, script: Script) -> &Self {
        self.change(|one| one.scripts.push_back(script))
    }

    /// It plays this now, as if somebody else had begun an update.
    pub fn playing(&self, script: Script) -> &Self {
        self.change(|one| one.play(script, None))
    }

    /// What it plays brings this version.
    pub fn coming(&self, label: &str) -> &Self {
        self.change(|one| label.clone_into(&mut one.coming))
    }

    /// It has this version.
    pub fn live(&self, label: &str) -> &Self {
        self.change(|one| {
            label.clone_into(&mut one.label);
            label.clone_into(&mut one.before);
        });
        let mut state = lock(&self.aws.state);
        let application = state.environments[&self.name].application.clone();
        state.versions.entry((label.to_owned(), application)).or_default();
        drop(state);
        self
    }

    /// It has no enhanced health.
    pub fn basic_health(&self) -> &Self {
        self.change(|one| one.enhanced = false)
    }
}

async fn listen(router: Router<Shared>, state: &Shared) -> (Url, JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = router.with_state(Arc::clone(state));
    let listening = tokio::spawn(async move {
        // Ends when it is aborted.
        let _ended = axum::serve(listener, router).await;
    });
    (Url::parse(&format!("http://{address}")).expect("a URL"), listening)
}

type Refusals = VecDeque<(String, String)>;
