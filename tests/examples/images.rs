//! Images that jobs build, run in, push and become: 2, 3, 8, 11 and 13.

use anyhow::{Result, ensure};

use crate::example::{Example, installation, pushed, shows};
use crate::registry::{PASSWORD, Registry, USER, docker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_is_built_from_a_dockerfile_and_tested_in_it() -> Result<()> {
    let logs = pushed("02-python").await?;
    shows(&logs[0], &["test_case_does_not_matter", "\nOK", " of them different"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scala_is_built_from_a_dockerfile_and_runs_in_it() -> Result<()> {
    let logs = pushed("03-scala").await?;
    shows(&logs[0], &["Scala code runner version", "\nHello, Slipway, from Scala."]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_becomes_an_image_that_the_next_job_and_a_person_start_from() -> Result<()> {
    let (hub, slipway) = (Registry::open().await?, installation().await?);
    let example = Example::of("08-base-image")?;
    let image = format!("{}/acme/tools", hub.host);
    example.replace("acme/tools", &image)?;
    example.add(&slipway).await?;
    keys(&example, &slipway).await?;
    let logs = example.passes(&slipway).await?;
    shows(&logs[0], &["\nGreetings, stranger."]);
    shows(&logs[1], &["\nGreetings, friend.", "\nmade in job 1.1"]);
    let by_hand = docker(&["run", "--rm", &format!("{image}:latest"), "greet", "developer"])?;
    ensure!(by_hand == "Greetings, developer.\n", "{by_hand}");
    docker(&["rmi", &format!("{image}:latest")])?;
    slipway.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variable_of_the_host_reaches_a_build_and_no_layer() -> Result<()> {
    const TOKEN: &str = "t0p-s3cret-of-the-host";
    let (slipway, example) = (installation().await?, Example::of("11-host-variables")?);
    example.add(&slipway).await?;
    example.secret(&slipway, "API_TOKEN", TOKEN).await?;
    let logs = example.passes(&slipway).await?;
    let commit = &example.commit()?[..7];
    shows(&logs[0], &["built from ", "fetched with a token of 22 bytes"]);
    ensure!(!logs[0].contains(TOKEN), "the log shows the token");

    let found = docker(&["images", "-q", &format!("slipway/{}/*:{commit}", example.repo)])?;
    let image = found.lines().next().unwrap_or_default();
    let history = docker(&["history", "--no-trunc", "--format", "{{.CreatedBy}}", image])?;
    ensure!(history.contains("API_TOKEN") && !history.contains(TOKEN), "{history}");
    let about = docker(&["inspect", image])?;
    ensure!(!about.contains(TOKEN), "{about}");
    let files = docker(&["run", "--rm", "--network=none", image, "grep", "-r", "built", "/app"])?;
    ensure!(files.contains(commit), "it is the image of this commit: {files}");
    let looked = format!("! grep -rl {TOKEN} /app /etc /root /run /tmp /var 2>/dev/null");
    docker(&["run", "--rm", "--network=none", image, "sh", "-c", &looked])?;
    slipway.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_pushed_as_to_docker_hub() -> Result<()> {
    let (hub, slipway) = (Registry::locked().await?, installation().await?);
    let example = Example::of("13-docker-hub")?;
    let image = format!("{}/acme/greet", hub.host);
    example.replace("acme/greet", &image)?;
    example.add(&slipway).await?;
    keys(&example, &slipway).await?;
    let logs = example.passes(&slipway).await?;
    shows(&logs[0], &["sha256:"]);
    ensure!(!logs[0].contains(PASSWORD), "the log shows the password");
    let tags = format!("http://{}/v2/acme/greet/tags/list", hub.host);
    let client = reqwest::Client::new();
    ensure!(client.get(&tags).send().await?.status() == 401, "it is locked");
    let answer = client.get(&tags).basic_auth(USER, Some(PASSWORD)).send().await?;
    let listed = answer.error_for_status()?.text().await?;
    shows(&listed, &["\"latest\"", &example.commit()?[..7]]);
    slipway.remove().await
}

async fn keys(example: &Example, slipway: &slipway_harness::Installation) -> Result<()> {
    example.secret(slipway, "DOCKER_USERNAME", USER).await?;
    example.secret(slipway, "DOCKER_PASSWORD", PASSWORD).await
}
