//! An image with a docker client, for jobs that have an engine.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
};
use futures::TryStreamExt as _;
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::plan::JobImage;
use slipway_pipelines::wire::JobWork;
use tokio::sync::OnceCell;

use crate::fixture::{docker, job};

/// busybox and the docker client of this machine.
pub(crate) const CLIENT: &str = "slipway-tests/docker-client:1";
/// Debian's has a client of BuildKit; others may come first in the path.
const PROGRAMS: [&str; 2] = ["/usr/bin/docker", "/usr/local/bin/docker"];

static MADE: OnceCell<()> = OnceCell::const_new();

/// A job with an engine of its own, in an image with a client.
pub(crate) async fn docker_job(script: &[&str]) -> JobWork {
    MADE.get_or_init(make).await;
    let mut work = job(script);
    work.plan.docker = true;
    // Each command starts a container or two, on whatever machine.
    work.limits.timeout_seconds = 600;
    work.limits.silence_seconds = 300;
    work.plan.image = JobImage::Named { reference: CLIENT.to_owned() };
    work
}

async fn make() {
    let docker = docker();
    if docker.inspect_image(CLIENT).await.is_ok() {
        return;
    }
    let program = PROGRAMS.into_iter().find(|path| Path::new(path).exists());
    let program = program.expect("a docker client is installed");
    let mut tar = tar::Builder::new(Vec::new());
    put(&mut tar, "/bin/busybox", "bin/busybox");
    let applets = Command::new("/bin/busybox").arg("--list").output().expect("busybox runs");
    for applet in String::from_utf8_lossy(&applets.stdout).lines() {
        if applet == "busybox" {
            continue;
        }
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        tar.append_link(&mut header, format!("bin/{applet}"), "/bin/busybox").expect("packed");
    }
    put(&mut tar, program, "bin/docker");
    for library in libraries(program) {
        put(&mut tar, &library, library.trim_start_matches('/'));
    }
    for (path, text) in
        [("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", "root:x:0:\n")]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("packed");
    }
    for folder in ["root", "tmp", "var/run"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        header.set_mode(0o755);
        tar.append_data(&mut header, folder, std::io::empty()).expect("packed");
    }
    let body = tar.into_inner().expect("packed");
    let (repository, tag) = CLIENT.split_once(':').expect("a tag");
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(repository)
        .tag(tag)
        .changes(vec!["ENV PATH=/bin".to_owned(), "CMD [\"sh\"]".to_owned()]);
    let made =
        docker.create_image(Some(options.build()), Some(bollard::body_full(body.into())), None);
    made.try_collect::<Vec<_>>().await.expect("an image");
}

fn put(tar: &mut tar::Builder<Vec<u8>>, from: &str, to: &str) {
    let bytes = std::fs::read(from).unwrap_or_else(|error| panic!("{from}: {error}"));
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, to, bytes.as_slice()).expect("packed");
}

/// What a program is linked with; nothing if it is static.
fn libraries(program: &str) -> Vec<String> {
    let shown = Command::new("ldd").arg(program).output().expect("ldd runs");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(str::to_owned)
        .collect()
}

/// What the engine still has of an attempt: containers, networks, volumes, names of images, and
/// mounts and control groups of this machine.
pub(crate) async fn left_overs(attempt: AttemptId) -> Vec<String> {
    let docker = docker();
    let label = format!("slipway.attempt={attempt}");
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let mut left = Vec::new();
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    for container in docker.list_containers(Some(options)).await.expect("a list") {
        left.push(format!("container {:?}", container.names));
    }
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    for network in docker.list_networks(Some(options)).await.expect("a list") {
        left.push(format!("network {:?}", network.name));
    }
    let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let volumes = docker.list_volumes(Some(options)).await.expect("a list").volumes;
    for volume in volumes.unwrap_or_default() {
        left.push(format!("volume {}", volume.name));
    }
    let options = ListImagesOptionsBuilder::new().all(true).build();
    for image in docker.list_images(Some(options)).await.expect("a list") {
        let ours = |name: &&String| name.contains(&attempt.to_string());
        left.extend(image.repo_tags.iter().filter(ours).map(|name| format!("image {name}")));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("a table");
    let pinned = mounts.lines().filter(|line| line.contains(&attempt.to_string()));
    left.extend(pinned.map(|line| format!("mount {line}")));
    for hierarchy in ["memory", "pids", "cpu", "."] {
        let group = format!("/sys/fs/cgroup/{hierarchy}/slipway-{attempt}");
        if Path::new(&group).exists() {
            left.push(group);
        }
    }
    left
}

/// The engine's socket as an address of the network, as another machine's would be.
pub(crate) async fn over_tcp() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let far = tokio::net::UnixStream::connect("/var/run/docker.sock").await;
                let mut far = far.expect("an engine");
                let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    format!("tcp://{address}")
}
