//! Who is let through to a route. Each route says what it needs where it is added, so a route
//! without a rule can not be written, and the list of them is the table that the tests check.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{RequestPartsExt, Router};
use slipway_pipelines::names::RepoName;

use super::auth::{self, reads_pages};
use super::pages;
use super::problem::{Path, Problem};
use crate::access::{Needs, Principal, Role};
use crate::db::people;
use crate::db::repos::{Repo, by_name};
use crate::state::Server;

/// One route and what it needs.
#[derive(Clone, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests compare it with what is written down"))]
pub(super) struct Known {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) needs: Needs,
}

/// Routes, each with its guard.
pub(super) struct Routes {
    server: Arc<Server>,
    router: Router<Arc<Server>>,
    known: Vec<Known>,
    prefix: &'static str,
}

impl Routes {
    /// None yet; all of them below `prefix`.
    pub(super) fn new(server: &Arc<Server>, prefix: &'static str) -> Self {
        Self { server: Arc::clone(server), router: Router::new(), known: Vec::new(), prefix }
    }

    fn on<H, T>(mut self, (method, path): (Method, &str), needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        let path = format!("{}{path}", self.prefix);
        let gate = Gate { server: Arc::clone(&self.server), needs };
        let filter = MethodFilter::try_from(method.clone()).expect("one of the five above");
        let guarded = on(filter, handler).route_layer(from_fn_with_state(gate, guard));
        self.router = self.router.route(&path, guarded);
        self.known.push(Known { method, path, needs });
        self
    }

    pub(super) fn get<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        self.on((Method::GET, path), needs, handler)
    }

    pub(super) fn post<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        self.on((Method::POST, path), needs, handler)
    }

    pub(super) fn put<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        self.on((Method::PUT, path), needs, handler)
    }

    pub(super) fn patch<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        self.on((Method::PATCH, path), needs, handler)
    }

    pub(super) fn delete<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        self.on((Method::DELETE, path), needs, handler)
    }

    /// What answers, and which routes there are.
    pub(super) fn finish(self) -> (Router<Arc<Server>>, Vec<Known>) {
        (self.router, self.known)
    }
}

/// Marks an answer that the guard let the handler give. For the tests: a stranger's 404 and that
/// of a thing which is not there are the same to everybody else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted;

#[derive(Clone)]
struct Gate {
    server: Arc<Server>,
    needs: Needs,
}

async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Err(refusal) = admit(&mut parts, &gate).await {
        return refusal.into_response(&parts, &gate.server);
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    response.extensions_mut().insert(Admitted);
    response
}

/// Why somebody is not let through.
enum Refusal {
    /// They are nobody.
    Stranger,
    /// For them there is no such thing.
    NotFound,
    /// They see the repo, and may not do this in it.
    Less { repo: RepoName, needs: Role, has: Role },
    /// It concerns the whole installation.
    NoServerAdmin,
    /// It could not be found out.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl Refusal {
    fn into_response(self, parts: &Parts, server: &Server) -> Response {
        let sentence = match self {
            Self::Stranger => return auth::nobody(parts, server),
            Self::NotFound => return pages::not_found_to(&parts.headers),
            Self::Problem(problem) => return problem.into_response(),
            Self::Less { repo, needs, has } => format!(
                "This needs the role {needs} in {repo}, and you have {has}. Ask an admin of the \
                 repository, or use a token that is for more."
            ),
            Self::NoServerAdmin => {
                "This needs an admin of the installation: its admin token, or a person that has \
                 been made one (slipway user admin)."
                    .to_owned()
            }
        };
        if reads_pages(&parts.headers) {
            return pages::refused(&sentence);
        }
        Problem::new(StatusCode::FORBIDDEN, sentence).into_response()
    }
}

/// Finds out who asks, and whether they may; leaves the answer for the handler.
async fn admit(parts: &mut Parts, gate: &Gate) -> Result<(), Refusal> {
    let Gate { server, needs } = gate;
    if *needs == Needs::Nobody {
        return Ok(());
    }
    let principal = auth::principal(parts, server).await?.ok_or(Refusal::Stranger)?;
    match *needs {
        Needs::Nobody | Needs::Person => {}
        Needs::Server if principal.is_server_admin() => {}
        Needs::Server => return Err(Refusal::NoServerAdmin),
        Needs::Repo(least) => {
            let repo = of_path(parts, server).await?;
            let role = people::role(&server.db, &principal, &repo).await?;
            let has = role.ok_or(Refusal::NotFound)?;
            if has < least {
                return Err(Refusal::Less { repo: repo.name, needs: least, has });
            }
            parts.extensions.insert(has);
            parts.extensions.insert(repo);
        }
    }
    parts.extensions.insert::<Principal>(principal);
    Ok(())
}

/// The repo in the path; the same 404 whether it is not there or may not be seen.
async fn of_path(parts: &mut Parts, server: &Arc<Server>) -> Result<Repo, Refusal> {
    let Ok(Path(names)) = parts.extract::<Path<HashMap<String, String>>>().await else {
        return Err(Refusal::NotFound);
    };
    let name = names.get("owner").zip(names.get("repo"));
    let name = name.and_then(|(owner, repo)| format!("{owner}/{repo}").parse::<RepoName>().ok());
    let name = name.ok_or(Refusal::NotFound)?;
    by_name(&server.db, &name).await?.ok_or(Refusal::NotFound)
}
