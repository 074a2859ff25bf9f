//! An image with a docker client, for jobs that have an engine.

use std::path::Path;
use std::process::Command;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt as _;
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
