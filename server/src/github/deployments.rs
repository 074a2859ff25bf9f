//! GitHub Deployments: what a repo's page and its pull requests show of environments.

use serde::Deserialize;
use serde_json::{Value, json};
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::RepoName;

use super::{Github, GithubError};
use crate::text::cut;

/// GitHub's limit of a description, in characters; ours counts bytes, with room for the ellipsis.
const LONGEST: usize = 137;

/// A deployment as it is when GitHub is told.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    pub(crate) id: DeploymentId,
    pub(crate) repo: RepoName,
    pub(crate) commit: String,
    pub(crate) environment: String,
    pub(crate) run: i32,
    pub(crate) subject: String,
    /// Its state; `was_live` once another one serves.
    pub(crate) word: String,
    pub(crate) reason: Option<String>,
    /// Its page.
    pub(crate) page: String,
    /// Where the environment can be seen.
    pub(crate) url: Option<String>,
}

#[derive(Deserialize)]
struct Made {
    id: i64,
    #[serde(default)]
    payload: Value,
}

impl Deployed {
    /// GitHub's own word, and ours where it has none as true.
    fn state(&self) -> (&'static str, &'static str) {
        match self.word.as_str() {
            "waiting" => ("queued", "It waits"),
            "approved" => ("queued", "It may start"),
            "running" => ("in_progress", "The target is being changed"),
            "verifying" => ("in_progress", "It was changed and must stay healthy"),
            "live" => ("success", "It serves, and was seen healthy"),
            "was_live" => ("inactive", "Another version serves now"),
            "failed" => ("failure", "It did not become healthy"),
            "rolled_back" => ("failure", "It was rolled back"),
            "superseded" => ("inactive", "A newer one took its place"),
            // `unknown`: said of nothing that is known to serve, nor to have failed.
            _ => ("error", "Nobody knows: the target is being looked at"),
        }
    }

    fn status(&self) -> Value {
        let (state, words) = self.state();
        let words = match &self.reason {
            Some(reason) => format!("{words}: {reason}"),
            None => words.to_owned(),
        };
        let words = words.replace(|c: char| c.is_control(), " ");
        let mut status = json!({
            "state": state,
            "description": cut(words, LONGEST),
            "log_url": self.page,
            "environment": self.environment,
            // Which one serves is said of each by us.
            "auto_inactive": false,
        });
        let is_address = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
        if let Some(url) = self.url.as_ref().filter(is_address) {
            status["environment_url"] = json!(url);
        }
        status
    }

    fn creation(&self) -> Value {
        let words = format!("run {}: {}", self.run, self.subject);
        let words = words.replace(|c: char| c.is_control(), " ");
        json!({
            "ref": self.commit,
            "environment": self.environment,
            "description": cut(words, LONGEST),
            "auto_merge": false,
            // Whether it may be deployed was decided here.
            "required_contexts": [],
            "production_environment": self.environment == "production",
            "payload": { "slipway": self.id },
        })
    }
}

impl Github {
    /// GitHub's number of this deployment, if an earlier try made it.
    pub(crate) async fn find_deployment(
        &self,
        deployed: &Deployed,
    ) -> Result<Option<i64>, GithubError> {
        let path = format!("/deployments?sha={}&per_page=100", deployed.commit);
        let all: Vec<Made> = self.get_of(&deployed.repo, &path).await?;
        let id = deployed.id.to_string();
        let ours = |made: &Made| match &made.payload {
            // Some versions of GitHub give it back as text.
            Value::String(text) => text.contains(&id),
            payload => payload["slipway"] == *id,
        };
        Ok(all.into_iter().find(ours).map(|made| made.id))
    }

    /// Makes it; answers GitHub's number.
    pub(crate) async fn create_deployment(&self, deployed: &Deployed) -> Result<i64, GithubError> {
        let path = "/deployments";
        let made: Made = self.post_of(&deployed.repo, path, &deployed.creation()).await?;
        Ok(made.id)
    }

    /// Tells what is true of it now.
    pub(crate) async fn tell_deployment(
        &self,
        deployed: &Deployed,
        id: i64,
    ) -> Result<(), GithubError> {
        let path = format!("/deployments/{id}/statuses");
        let _made: Value = self.post_of(&deployed.repo, &path, &deployed.status()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(word: &str, reason: Option<&str>) -> Deployed {
        Deployed {
            id: uuid::Uuid::nil().into(),
            repo: "acme/web".parse().expect("a name"),
            commit: "a".repeat(40),
            environment: "production".to_owned(),
            run: 3,
            subject: "Mend".to_owned(),
            word: word.to_owned(),
            reason: reason.map(str::to_owned),
            page: "http://slipway.test/x".to_owned(),
            url: Some("javascript:alert(1)".to_owned()),
        }
    }

    #[test]
    fn success_is_said_of_what_serves_and_of_nothing_else() {
        for (word, state) in [
            ("waiting", "queued"),
            ("running", "in_progress"),
            ("verifying", "in_progress"),
            ("live", "success"),
            ("was_live", "inactive"),
            ("failed", "failure"),
            ("rolled_back", "failure"),
            ("superseded", "inactive"),
            ("unknown", "error"),
            ("something new", "error"),
        ] {
            assert_eq!(deployed(word, None).status()["state"], state, "{word}");
        }
        let long = deployed("failed", Some(&"é\n".repeat(200))).status();
        let words = long["description"].as_str().expect("a text");
        assert!(words.chars().count() <= 140 && !words.contains('\n'), "{words}");
        assert_eq!(long.get("environment_url"), None, "not one that a browser may follow");
    }
}
