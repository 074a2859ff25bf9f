//! `services: docker`: jobs with an engine of their own.

use slipway_pipelines::wire::JobOutcome;

use crate::engine_bench::docker_job;
use crate::fixture::Story;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_containers_of_its_own() {
    let mut story = Story::begin(&[("word", "from the work tree\n")]).await;
    let work = docker_job(&[
        "docker version",
        "docker run --rm busybox echo in a container",
        "docker run --rm -v $PWD:/src busybox cat /src/word",
        "echo piped | docker run --rm -i busybox cat",
        "docker run -d --name db busybox sh -c 'echo up; sleep 600'",
        "docker ps --format '{{.Names}} {{.Image}}' | grep '^db busybox'",
        "docker exec db echo inside",
        "docker logs db | grep up",
        "docker inspect -f '{{.Name}} {{.HostConfig.NetworkMode}} {{.State.Status}}' db",
        "docker rm -f db",
        "docker ps -aq | wc -l",
    ])
    .await;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    println!("{}", came.log);
    story.end().await;
}
