//! A work tree that is read out of a job's container.

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptionsBuilder};
use futures::TryStreamExt as _;
use slipway_worker::deploy::{ContainerTree, WorkTree as _};

use crate::bench::Bench;

#[tokio::test]
async fn it_comes_as_a_tar_below_the_folders_own_name() {
    let bench = Bench::new().await;
    let request = bench.request(&[
        ("Dockerfile", "FROM scratch\nCOPY app /build/acme/app\nCMD [\"/none\"]\n"),
        ("app/run", "#!/bin/sh\n"),
        ("app/dist/made", "by the job\n"),
    ]);
    let image = bench.build(request).await.expect("it is built").id;
    let body = ContainerCreateBody { image: Some(image), ..ContainerCreateBody::default() };
    let made = bench.docker.create_container(None::<CreateContainerOptions>, body).await;
    let container = made.expect("a container").id;
    let tree =
        ContainerTree { docker: &bench.docker, container: &container, dir: "/build/acme/app" };
    let pieces: Result<Vec<_>, String> = tree.tar().try_collect().await;
    let lost = ContainerTree { dir: "/build/nowhere", ..tree };
    let none: Result<Vec<_>, String> = lost.tar().try_collect().await;
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    bench.docker.remove_container(&container, Some(options)).await.expect("removed");

    let tar = pieces.expect("a tar").concat();
    let mut paths = Vec::new();
    for entry in tar::Archive::new(tar.as_slice()).entries().expect("a tar") {
        let entry = entry.expect("an entry");
        paths.push(entry.path().expect("a path").display().to_string());
    }
    paths.sort();
    assert_eq!(paths, ["app/", "app/dist/", "app/dist/made", "app/run"]);
    let sentence = none.expect_err("there is no such folder");
    assert!(sentence.starts_with("the engine does not give the work tree: "), "{sentence}");
}
