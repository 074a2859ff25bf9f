//! Containers beside and inside of a job: 1, 4, 5 and 9.

use anyhow::Result;

use crate::example::{Example, installation, pushed, shows};
use crate::registry::{Registry, docker, free_port};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_world_is_pulled_and_run() -> Result<()> {
    let hub = Registry::open().await?;
    let image = format!("{}/library/hello-world", hub.host);
    // Pushed there, and gone from the engine under that name: what is run was pulled.
    docker(&["tag", "hello-world", &image])?;
    docker(&["push", &image])?;
    docker(&["rmi", &image])?;
    let (slipway, example) = (installation().await?, Example::of("01-hello-world")?);
    example.replace("hello-world", &image)?;
    example.add(&slipway).await?;
    let logs = example.passes(&slipway).await?;
    shows(&logs[0], &["Digest: sha256:", "Hello from Docker!"]);
    slipway.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_session_speaks_to_redis() -> Result<()> {
    let logs = pushed("04-redis").await?;
    shows(&logs[0], &["hello from the first command", "cmd=client"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn further_commands_run_in_a_running_container() -> Result<()> {
    let logs = pushed("05-secondary-commands").await?;
    shows(&logs[0], &["\nwritten by a second command", "\nby its input, too", "httpd -f -p 80"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_fetched_from_nginx_by_its_mapped_port() -> Result<()> {
    let (slipway, example) = (installation().await?, Example::of("09-nginx")?);
    let port = free_port()?;
    example.replace("8088:80", &format!("{port}:80"))?;
    example.add(&slipway).await?;
    let logs = example.passes(&slipway).await?;
    shows(&logs[0], &["test is successful", "\nLive: "]);
    let page = reqwest::get(format!("http://127.0.0.1:{port}/")).await?.error_for_status()?;
    shows(&page.text().await?, &["<h1>Fresh fish, every morning</h1>"]);
    slipway.remove().await
}
