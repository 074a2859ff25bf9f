//! The two shells that images have: busybox' `sh`, and `bash`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use slipway_pipelines::plan::JobImage;
use slipway_pipelines::wire::JobWork;

use crate::fixture::IMAGE;

/// busybox with this machine's bash; made when the engine does not have it, and kept.
const WITH_BASH: &str = "slipway-test/bash:1";

/// An image of each shell.
pub(crate) fn images() -> [&'static str; 2] {
    [IMAGE, with_bash()]
}

/// The job in this image.
pub(crate) fn within(image: &str, mut work: JobWork) -> JobWork {
    work.plan.image = JobImage::Named { reference: image.to_owned() };
    work
}

/// An image in which jobs run by bash.
pub(crate) fn with_bash() -> &'static str {
    make(WITH_BASH, "FROM busybox\nCOPY root/ /\n", |dir| take_bash(&dir.join("root")));
    WITH_BASH
}

/// Builds an image of that name unless the engine has it.
pub(crate) fn make(name: &str, dockerfile: &str, context: impl FnOnce(&Path)) {
    let mut inspect = Command::new("docker");
    inspect.args(["image", "inspect", name]).stdout(Stdio::null()).stderr(Stdio::null());
    if inspect.status().expect("docker runs").success() {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("Dockerfile"), dockerfile).expect("written");
    context(dir.path());
    let mut build = Command::new("docker");
    build.env("DOCKER_BUILDKIT", "0").args(["build", "--quiet", "--tag", name]).arg(dir.path());
    let built = build.output().expect("docker runs");
    assert!(built.status.success(), "{name}: {}", String::from_utf8_lossy(&built.stderr));
}

/// Puts this machine's bash, with what it loads, below `root`.
pub(crate) fn take_bash(root: &Path) {
    take(&[PathBuf::from("/bin/bash")], root);
}

/// Puts these programs of this machine, with what they load, below `root`.
pub(crate) fn take(programs: &[PathBuf], root: &Path) {
    let listed = Command::new("ldd").args(programs).output().expect("ldd runs").stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let libraries = listed.split_whitespace().filter(|word| word.starts_with('/'));
    let libraries = libraries.map(|path| PathBuf::from(path.trim_end_matches(':')));
    for path in libraries.chain(programs.iter().cloned()) {
        let to = root.join(path.strip_prefix("/").expect("a whole path"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(path, to).expect("copied");
    }
}
