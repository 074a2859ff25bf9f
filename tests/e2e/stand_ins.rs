//! The stand-ins themselves: what the stories are told is what GitHub would say.

use anyhow::Result;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use slipway_harness::git;
use slipway_harness::github::{APP_ID, GitHub, Trouble};

struct Api {
    http: Client,
    github: GitHub,
}

impl Api {
    async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value)> {
        let url = self.github.api_url().join(path)?;
        let request = self.http.request(method, url).header("user-agent", "story");
        let request = request.bearer_auth(token);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// What the app says to be itself.
    fn app(&self) -> Result<String> {
        let now = chrono::Utc::now().timestamp();
        let claims = json!({ "iss": APP_ID, "iat": now - 60, "exp": now + 300 });
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(self.github.app_key().as_bytes())?;
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        Ok(jsonwebtoken::encode(&header, &claims, &key)?)
    }
}

#[tokio::test]
async fn an_app_makes_a_check_and_a_person_can_not() -> Result<()> {
    let api = Api { http: Client::new(), github: GitHub::start().await? };
    let repo = api.github.create("acme/shop", true)?;
    let commit = repo.push("main", &[("a.txt", "1")], "First").await?;

    let (status, _) =
        api.call(Method::GET, "/repos/acme/shop/installation", &api.app()?, None).await?;
    assert_eq!(status, 200);
    let wanted = json!({ "repositories": ["shop"] });
    let path = "/app/installations/1/access_tokens";
    let (status, granted) = api.call(Method::POST, path, &api.app()?, Some(wanted)).await?;
    assert_eq!(status, 201, "{granted}");
    let token = granted["token"].as_str().unwrap_or_default();

    let check = json!({ "name": "Slipway", "head_sha": commit, "status": "in_progress" });
    let path = "/repos/acme/shop/check-runs";
    let (status, made) = api.call(Method::POST, path, token, Some(check.clone())).await?;
    assert_eq!(status, 201, "{made}");
    let done = json!({ "conclusion": "success", "output": { "title": "t", "summary": "s" } });
    let one = format!("{path}/{}", made["id"]);
    let (status, changed) = api.call(Method::PATCH, &one, token, Some(done)).await?;
    assert_eq!((status, &changed["status"]), (200, &json!("completed")), "{changed}");
    assert_eq!(repo.checks(&commit).len(), 1);

    let person = api.github.token();
    let (status, _) = api.call(Method::POST, path, &person, Some(check)).await?;
    assert_eq!(status, 403, "checks are for apps");
    let state = json!({ "state": "pending", "context": "story" });
    let path = format!("/repos/acme/shop/statuses/{commit}");
    let (status, _) = api.call(Method::POST, &path, &person, Some(state)).await?;
    assert_eq!(status, 201);
    for path in [
        "/repos/acme/shop",
        "/user/repos?per_page=100",
        "/repos/acme/shop/commits/main",
        "/repos/acme/shop/branches",
        "/repos/acme/shop/git/ref/heads/main",
        "/user",
    ] {
        let (status, answer) = api.call(Method::GET, path, &person, None).await?;
        assert_eq!(status, 200, "{path}: {answer}");
    }
    api.github.set_trouble(Some(Trouble::RateLimited(60)));
    assert_eq!(api.call(Method::GET, "/user", &person, None).await?.0, 403);
    api.github.finish()
}

#[tokio::test]
async fn what_github_would_not_take_is_told_at_the_end() -> Result<()> {
    let api = Api { http: Client::new(), github: GitHub::start().await? };
    let repo = api.github.create("acme/shop", false)?;
    let commit = repo.push("main", &[], "First").await?;
    let person = api.github.token();
    let path = format!("/repos/acme/shop/statuses/{commit}");
    let (status, _) =
        api.call(Method::POST, &path, &person, Some(json!({ "state": "green" }))).await?;
    assert_eq!(status, 422);
    let error = api.github.finish().expect_err("there is no state green");
    assert!(error.to_string().contains("green"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_private_repository_is_read_with_a_token_only() -> Result<()> {
    let github = GitHub::start().await?;
    let repo = github.create("acme/shop", true)?;
    let commit = repo.push("main", &[("a.txt", "1")], "First").await?;
    let dir = tempfile::tempdir()?;
    let read = |url: String| {
        let dir = dir.path().to_owned();
        tokio::task::spawn_blocking(move || {
            git(&dir, &["-c", "credential.helper=", "ls-remote", &url])
        })
    };
    assert!(read(repo.clone_url()).await?.is_err(), "nobody reads it without a token");
    let with = |token: &str| {
        repo.clone_url().replace("http://", &format!("http://x-access-token:{token}@"))
    };
    assert!(read(with("ghp_wrong")).await?.is_err(), "nor with a wrong one");
    let listed = read(with(&github.token())).await??;
    assert!(listed.contains(&commit), "{listed}");
    github.finish()
}

#[tokio::test]
async fn a_pull_request_has_a_merge_commit_until_it_does_not_go() -> Result<()> {
    let github = GitHub::start().await?;
    let repo = github.create("acme/shop", false)?;
    repo.push("main", &[("a.txt", "1\n")], "First").await?;
    let fork = github.fork(&repo, "eve/shop")?;
    let head = fork.push("mend", &[("b.txt", "2\n")], "Second").await?;
    let number = repo.propose(&fork, "mend", "main", "Mend it").await?;
    let merge = git(&repo.path, &["rev-parse", &format!("refs/pull/{number}/merge^2")])?;
    assert_eq!(merge, head);
    repo.push("main", &[("b.txt", "3\n")], "Another").await?;
    fork.push("mend", &[("b.txt", "4\n")], "Third").await?;
    let stale = git(&repo.path, &["rev-parse", &format!("refs/pull/{number}/merge^2")])?;
    assert_eq!(stale, head, "the last merge that went stays");
    github.finish()
}
