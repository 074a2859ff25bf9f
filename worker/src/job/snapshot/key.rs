//! What makes a snapshot another one. Everything is part of the key that decides what the phases
//! find and do, and whose it is: repo, trust, and of a fork the pull request.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};
use slipway_pipelines::plan::{JobPlan, Phase, PhasePlan, SnapshotPlan};
use slipway_pipelines::wire::{Assignment, JobWork, Trust};

use crate::deploy::expand;

/// Of what a snapshot holds and how: raised when that changes.
const FORMAT: &str = "slipway snapshot 1";

/// The phases that a snapshot can stand for, in order.
pub(super) const PHASES: [Phase; 3] = [Phase::BeforeInstall, Phase::Install, Phase::BeforeScript];

/// What a key is made of.
pub(super) struct Parts<'a> {
    pub(super) assignment: &'a Assignment,
    pub(super) work: &'a JobWork,
    pub(super) plan: &'a SnapshotPlan,
    /// Digest or id of the image.
    pub(super) image: &'a str,
    pub(super) build_dir: &'a str,
    /// Variables every job has.
    pub(super) builtin: &'a [(String, String)],
    /// The work tree on this machine.
    pub(super) tree: &'a Path,
}

/// A key, and what of the file's own list it is made of, for people.
pub(super) struct Key {
    pub(super) hex: String,
    pub(super) parts: Vec<String>,
}

/// The commands of a phase.
pub(super) fn commands(plan: &JobPlan, phase: Phase) -> &[slipway_pipelines::plan::Command] {
    let phases = &plan.phases;
    let plan = match phase {
        Phase::BeforeInstall => &phases.before_install,
        Phase::Install => &phases.install,
        Phase::BeforeScript => &phases.before_script,
        Phase::Prepare
        | Phase::Script
        | Phase::Images
        | Phase::Keep
        | Phase::BeforeCache
        | Phase::AfterSuccess
        | Phase::AfterFailure
        | Phase::BeforeDeploy
        | Phase::Deploy
        | Phase::AfterDeploy
        | Phase::AfterScript => return &[],
    };
    match plan {
        PhasePlan::Absent | PhasePlan::Skip => &[],
        PhasePlan::Run { commands } => commands,
    }
}

/// Makes the key.
pub(super) fn key(parts: &Parts<'_>) -> std::io::Result<Key> {
    let mut hash = Fields(Sha256::new());
    let plan = &parts.work.plan;
    hash.text(FORMAT).text(parts.assignment.repo.as_str()).text(parts.work.trust.word());
    let pull = parts.assignment.trigger.event.pull_request();
    if let (Trust::Fork, Some(pull)) = (parts.work.trust, pull) {
        // One stranger's commands never prepare another's job.
        hash.text(&pull.number.to_string());
    }
    hash.text(parts.image).text(std::env::consts::ARCH).text(parts.build_dir);
    hash.text(&plan.language).text(&plan.git.clone.to_string());
    hash.list(plan.apt.iter());
    for phase in PHASES.into_iter().filter(|phase| *phase <= parts.plan.after) {
        hash.text(phase.name()).list(commands(plan, phase).iter().map(|command| &command.0));
    }
    for variable in &plan.env {
        hash.text(&variable.name).text(&variable.value);
    }
    // Their names: a job that sees a secret fewer does not get what was made with it.
    let mut secrets: Vec<_> = parts.work.secrets.iter().map(|one| one.name.to_string()).collect();
    secrets.sort();
    hash.list(secrets.iter());
    let mut said = Vec::new();
    for entry in &parts.plan.key {
        let text = expanded(&entry.0, parts);
        hash.text(&text);
        match file(parts.tree, &text)? {
            Some(digest) => {
                hash.text(&digest);
                said.push(format!("the file {text}"));
            }
            None => said.push(format!("the text {text:?}")),
        }
    }
    Ok(Key { hex: hex::encode(hash.0.finalize()), parts: said })
}

/// `$NAME` and `${NAME}` of variables that are known before the job; else the text as it is.
fn expanded(text: &str, parts: &Parts<'_>) -> String {
    let lookup = |name: &str| {
        let own = parts.work.plan.env.iter().rev().find(|variable| variable.name == name);
        let own = own.map(|variable| variable.value.trim_matches(['"', '\'']));
        own.or_else(|| {
            let builtin = parts.builtin.iter().rev().find(|(key, _)| key == name);
            builtin.map(|(_, value)| value.as_str())
        })
    };
    expand(text, lookup).unwrap_or_else(|_| text.to_owned())
}

/// The digest of a file, or of all files of a folder, that is in the work tree; a link is what it
/// says, not what it leads to: a tree is a stranger's.
fn file(tree: &Path, name: &str) -> std::io::Result<Option<String>> {
    let mut at = tree.to_owned();
    if name.is_empty() {
        return Ok(None);
    }
    for part in Path::new(name).components() {
        let Component::Normal(part) = part else { return Ok(None) };
        // Nothing is looked for beyond a link.
        if at != *tree && std::fs::symlink_metadata(&at).is_ok_and(|about| !about.is_dir()) {
            return Ok(None);
        }
        at.push(part);
    }
    if std::fs::symlink_metadata(&at).is_err() {
        return Ok(None);
    }
    let mut hash = Fields(Sha256::new());
    contents(&at, &mut hash)?;
    Ok(Some(hex::encode(hash.0.finalize())))
}

fn contents(at: &Path, hash: &mut Fields) -> std::io::Result<()> {
    let about = std::fs::symlink_metadata(at)?;
    if about.is_symlink() {
        hash.text("link").text(&std::fs::read_link(at)?.to_string_lossy());
    } else if about.is_dir() {
        let mut inside: Vec<PathBuf> = std::fs::read_dir(at)?
            .map(|one| one.map(|one| one.path()))
            .collect::<Result<_, _>>()?;
        inside.sort();
        hash.text("folder").text(&inside.len().to_string());
        for path in inside {
            hash.text(&path.file_name().unwrap_or_default().to_string_lossy());
            contents(&path, hash)?;
        }
    } else {
        hash.text("file").text(&about.len().to_string());
        let mut file = std::fs::File::open(at)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hash.0.update(&buffer[..count]),
            }
        }
    }
    Ok(())
}

/// Each with its length: two lists that read the same one after another are not the same.
struct Fields(Sha256);

impl Fields {
    fn text(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
        self
    }

    fn list<T: AsRef<str>>(&mut self, list: impl ExactSizeIterator<Item = T>) -> &mut Self {
        self.0.update((list.len() as u64).to_be_bytes());
        for text in list {
            self.text(text.as_ref());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_contents_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = dir.path().join("tree");
        std::fs::create_dir_all(at.join("deps")).expect("made");
        std::fs::write(dir.path().join("secret"), "of the machine").expect("written");
        std::fs::write(at.join("deps/lock"), "1").expect("written");
        std::os::unix::fs::symlink("../secret", at.join("link")).expect("linked");
        std::os::unix::fs::symlink("..", at.join("up")).expect("linked");
        let of = |name: &str| file(&at, name).expect("read");
        let (lock, folder) = (of("deps/lock").expect("there"), of("deps").expect("there"));
        let link = of("link").expect("there");
        std::fs::write(at.join("deps/lock"), "2").expect("written");
        std::fs::write(dir.path().join("secret"), "changed").expect("written");
        assert_ne!(of("deps/lock"), Some(lock));
        assert_ne!(of("deps"), Some(folder));
        assert_eq!(of("link"), Some(link), "it leads out of the tree");
        for none in ["", "no-file", "/etc/passwd", "../secret", "up/secret", "deps/../../secret"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn lists_that_read_alike_are_not_alike() {
        let of = |lists: &[&[&str]]| {
            let mut hash = Fields(Sha256::new());
            for list in lists {
                hash.list(list.iter());
            }
            hash.0.finalize()
        };
        assert_ne!(of(&[&["a", "b"]]), of(&[&["ab"]]));
        assert_ne!(of(&[&["a"], &["b"]]), of(&[&["a", "b"], &[]]));
    }
}
