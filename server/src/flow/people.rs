//! People log in, and what they may do follows what the forge says, within the hour.

use slipway_pipelines::names::RepoName;

use super::FlowError;
use crate::access::User;
use crate::db::forge_rights::{self, Due};
use crate::db::people;
use crate::db::sessions;
use crate::github::GithubError;
use crate::github::people::{Account, AsPerson, Right};
use crate::state::Server;

/// So many rights are asked about in one go, so that a thousand of them do not use up the
/// requests that checks need.
const AT_ONCE: i64 = 20;

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// GitHub did not say who it is.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// It could not be stored.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

/// Takes over who somebody is and what they may do, and begins their session.
pub(crate) async fn log_in(
    server: &Server,
    person: AsPerson,
) -> Result<(User, String), LoginError> {
    let account = person.account().await?;
    let rights = person.rights().await?;
    Ok(admit(server, account, rights).await?)
}

async fn admit(
    server: &Server,
    account: Account,
    rights: Vec<Right>,
) -> Result<(User, String), FlowError> {
    let mut tx = server.db.begin().await?;
    let user = people::meet(&mut tx, account.id, &account.login).await?;
    forge_rights::set_rights(&mut tx, user.id, rights).await?;
    let session = sessions::begin(&mut tx, &user).await?;
    tx.commit().await?;
    tracing::info!(login = user.login, forge_id = user.forge_id, "somebody logged in");
    Ok((user, session))
}

/// Asks the forge anew about rights that it was last asked about an hour ago.
///
/// # Errors
/// When Postgres does not answer. A forge that does not answer is asked again later; what it said
/// before holds for a day.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    let Ok(github) = server.github() else { return Ok(()) };
    for due in forge_rights::due(&server.db, AT_ONCE).await? {
        let Due { user, forge_id, repo } = &due;
        let Ok(name) = repo.parse::<RepoName>() else { continue };
        let account = Account { id: user.forge_id, login: user.login.clone() };
        match github.role_of(&name, &account).await {
            Ok(role) => forge_rights::set_right(&server.db, user, *forge_id, role).await?,
            Err(error) => {
                tracing::warn!(repo, login = user.login, %error, "GitHub does not say who may do what");
                return Ok(());
            }
        }
    }
    Ok(())
}
