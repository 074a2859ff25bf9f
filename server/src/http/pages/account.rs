//! Who is logged in, and the tokens of their programs.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use slipway_pipelines::ids::ApiTokenId;

use super::format::when;
use super::outcome::{Failure, Frame, page};
use crate::access::Role;
use crate::db::api_tokens::{self, MOST_DAYS, NewToken, TokenRow, USUAL_DAYS};
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: Frame,
    who: String,
    /// The account's number at the forge; none: the operator.
    forge_id: Option<i64>,
    tokens: Vec<Row>,
    /// A new one, shown this once.
    made: Option<String>,
    usual_days: i32,
    most_days: i32,
}

struct Row(TokenRow);

impl Row {
    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn scope(&self) -> String {
        let most = &self.0.most;
        self.0.repo.as_ref().map_or_else(|| most.clone(), |repo| format!("{most} in {repo}"))
    }

    /// The day: times to come are not told in words.
    fn ends(&self) -> String {
        self.0.expires_at.format("%Y-%m-%d").to_string()
    }

    fn used(&self) -> Option<String> {
        self.0.last_used_at.map(when)
    }
}

async fn render(
    server: &Server,
    viewer: &Viewer,
    made: Option<String>,
) -> Result<Response, Failure> {
    let tokens = api_tokens::list(&server.db, &viewer.principal).await?;
    page(&Account {
        page: Frame::of(viewer, "Account", None).tab("account"),
        who: viewer.actor.clone(),
        forge_id: viewer.principal.user().map(|user| user.forge_id),
        tokens: tokens.into_iter().map(Row).collect(),
        made,
        usual_days: USUAL_DAYS,
        most_days: MOST_DAYS,
    })
}

pub(super) async fn account(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
) -> Result<Response, Failure> {
    render(&server, &viewer, None).await
}

/// What the form says.
#[derive(Deserialize)]
pub(super) struct Asked {
    name: String,
    role: Role,
    days: i32,
}

type Filled<T> = Result<Form<T>, axum::extract::rejection::FormRejection>;

/// The answer holds the token, and is the only place that ever does.
pub(super) async fn create(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    asked: Filled<Asked>,
) -> Result<Response, Failure> {
    let Form(asked) = asked.map_err(|_| {
        Failure::Refused("say what the token is for, what it may do and for how long".to_owned())
    })?;
    let new = NewToken { name: asked.name, most: asked.role, repo: None, days: asked.days };
    let (_id, token) = api_tokens::create(&server.db, &viewer.principal, &new).await?;
    render(&server, &viewer, Some(token)).await
}

pub(super) async fn revoke(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(token): Path<ApiTokenId>,
) -> Result<Response, Failure> {
    api_tokens::revoke(&server.db, &viewer.principal, token).await?;
    Ok(Redirect::to("/account").into_response())
}
