//! People: who asks, who is there, and what they were given.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::OfRepo;
use crate::access::{Role, User};
use crate::db::people;
use crate::http::auth::Viewer;
use crate::http::problem::{self, Path, Problem};
use crate::state::Server;

/// A person.
#[derive(Serialize)]
pub(super) struct Person {
    login: String,
    /// The forge's number of the account; none: the operator.
    forge_id: Option<i64>,
    /// Of the whole installation.
    admin: bool,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        Self { login: user.login, forge_id: Some(user.forge_id), admin: user.admin }
    }
}

/// Who asks.
pub(super) async fn me(viewer: Viewer) -> Json<Person> {
    let forge_id = viewer.principal.user().map(|user| user.forge_id);
    let admin = viewer.principal.is_server_admin();
    Json(Person { login: viewer.actor, forge_id, admin })
}

/// Everybody that ever logged in.
pub(super) async fn list(State(server): State<Arc<Server>>) -> Result<Json<Vec<Person>>, Problem> {
    Ok(Json(people::all(&server.db).await?.into_iter().map(Person::from).collect()))
}

#[derive(Deserialize)]
pub(super) struct Named {
    login: String,
}

async fn find(server: &Server, named: &Named) -> Result<User, Problem> {
    people::by_login(&server.db, &named.login).await?.ok_or_else(|| {
        let login = &named.login;
        let sentence = format!("{login} never logged in here; a person does so once first.");
        Problem::new(StatusCode::NOT_FOUND, sentence)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    admin: bool,
}

/// Makes somebody an admin of the installation, or takes it back.
pub(super) async fn change(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    Path(named): Path<Named>,
    problem::Json(changed): problem::Json<Changed>,
) -> Result<StatusCode, Problem> {
    let user = find(&server, &named).await?;
    people::set_admin(&server.db, &user, changed.admin, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody's role in a repo.
#[derive(Serialize)]
pub(super) struct Member {
    #[serde(flatten)]
    person: Person,
    role: Role,
}

/// Who may do what in the repo, of those that logged in.
pub(super) async fn members(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
) -> Result<Json<Vec<Member>>, Problem> {
    let members = people::members(&server.db, &repo).await?;
    let members = members.into_iter().map(|(user, role)| Member { person: user.into(), role });
    Ok(Json(members.collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    role: Role,
}

/// Gives somebody a role in the repo, beside what the forge lets them do.
pub(super) async fn grant(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    problem::Json(given): problem::Json<Given>,
) -> Result<StatusCode, Problem> {
    let user = find(&server, &named).await?;
    people::grant(&server.db, &repo, &user, Some(given.role), &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back what was given here. What the forge lets them do, stays.
pub(super) async fn take_back(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    let user = find(&server, &named).await?;
    people::grant(&server.db, &repo, &user, None, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
