//! What a page answers when it can not be shown: designed, and telling strangers nothing.

use std::borrow::Cow;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use super::format::{first_upper, now};
use crate::error::FlowError;
use crate::http::auth::Viewer;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Failure {
    /// No such thing, or not for these eyes: the same answer.
    NotFound,
    /// It can not be done now; the sentence says why.
    Refused(String),
    /// They may not; the sentence says what it takes.
    Forbidden(String),
    /// Postgres is away.
    Away(anyhow::Error),
    /// Where caches and artifacts are kept is away.
    StoreAway(anyhow::Error),
    /// A bug.
    Internal(anyhow::Error),
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::NotFound => Self::NotFound,
            FlowError::Away(error) => Self::Away(error.into()),
            FlowError::Internal(error) => Self::Internal(error),
            FlowError::StoreAway(error) => Self::StoreAway(error.into()),
            FlowError::Forbidden(sentence) => Self::Forbidden(sentence),
            FlowError::Conflict(sentence) | FlowError::Invalid(sentence) => Self::Refused(sentence),
            error @ (FlowError::Fenced | FlowError::Gap { .. } | FlowError::TooLarge(_)) => {
                Self::Internal(error.into())
            }
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        FlowError::from(error).into()
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    page: Frame,
    text: Cow<'static, str>,
}

/// What stands around every page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    /// `OWNER/NAME`, for the repo's own links.
    pub(super) repo: Option<String>,
    /// Where the page hears that it changed; empty for a page at rest.
    pub(super) events: String,
    /// Seconds after which the page looks again by itself; 0: never.
    pub(super) refresh: u32,
    /// Which entry of the navigation it belongs to.
    pub(super) tab: &'static str,
    /// The server's clock, so that a browser whose clock is wrong still counts right.
    pub(super) now: String,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    /// Who looks; none: it is not known, as on a page that says that something failed.
    pub(super) who: Option<String>,
    /// May they do what concerns the whole installation?
    pub(super) installation: bool,
}

impl Frame {
    pub(super) fn new(title: impl Into<String>, repo: Option<&str>) -> Self {
        Self {
            title: title.into(),
            repo: repo.map(str::to_owned),
            events: String::new(),
            refresh: 0,
            tab: "",
            now: now().to_rfc3339(),
            style: assets::style(),
            script: assets::script(),
            who: None,
            installation: false,
        }
    }

    /// The same, for somebody.
    pub(super) fn of(viewer: &Viewer, title: impl Into<String>, repo: Option<&str>) -> Self {
        let installation = viewer.principal.is_server_admin();
        Self { who: Some(viewer.actor.clone()), installation, ..Self::new(title, repo) }
    }

    pub(super) fn live(mut self, events: String) -> Self {
        self.events = events;
        self
    }

    pub(super) fn tab(mut self, tab: &'static str) -> Self {
        self.tab = tab;
        self
    }

    pub(super) fn refresh(mut self, seconds: u32) -> Self {
        self.refresh = seconds;
        self
    }
}

/// Renders a page; pages show what is now, so nobody may keep them.
pub(super) fn page(template: &impl Template) -> Result<Response, Failure> {
    let html = template.render().map_err(|error| Failure::Internal(error.into()))?;
    let mut response = Html(html).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title, text): (_, _, Cow<'static, str>) = match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "The address is wrong, the thing was removed, or you may not see it.".into(),
            ),
            Self::Refused(sentence) => {
                let text = format!("{}.", first_upper(&sentence));
                (StatusCode::CONFLICT, "This can not be done now", text.into())
            }
            Self::Forbidden(sentence) => {
                (StatusCode::FORBIDDEN, "You may not do this", sentence.into())
            }
            Self::Away(error) => {
                tracing::warn!(cause = format!("{error:#}"), "a page could not be read");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database is away",
                    "Nothing is lost: running jobs go on and report when it is back. \
                     This page tries again by itself."
                        .into(),
                )
            }
            Self::StoreAway(error) => {
                tracing::error!(cause = format!("{error:#}"), "the store can not be read");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The store is away",
                    "What jobs left can not be read now. This page tries again by itself.".into(),
                )
            }
            Self::Internal(error) => {
                tracing::error!(cause = format!("{error:#}"), "a page failed");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "This page failed",
                    "It is a bug of Slipway; the server's log has the cause.".into(),
                )
            }
        };
        let message = Message { page: Frame::new(title, None), text };
        let html = message.render().unwrap_or_else(|_| title.to_owned());
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::REFRESH, HeaderValue::from_static("3"));
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("3"));
        }
        response
    }
}
