//! Artifacts and test reports, and what the store gives that no worker of ours made.

use std::io::{Cursor, Read as _, Write as _};

use slipway_pipelines::plan::{ArtifactsPlan, ArtifactsWhen, Template};
use slipway_pipelines::wire::{
    BlobKind, JobOutcome, JobWork, Secret, SecretText, StepOutcome, TestOutcome,
};
use tar::{Builder, EntryType, Header};

use crate::fixture::{Came, Story, job, phase};

fn kept(script: &[&str], paths: &[&str], when: ArtifactsWhen) -> JobWork {
    let mut work = job(script);
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let name = Some("the build".to_owned());
    let expire = Some(std::time::Duration::from_secs(3600));
    work.plan.carry.artifacts = Some(ArtifactsPlan { paths, name, expire, when });
    work
}

fn outcome(came: &Came, title: &str) -> StepOutcome {
    let found = came.steps().into_iter().find(|(one, _)| one == title);
    found.unwrap_or_else(|| panic!("no step {title} in {:?}", came.steps())).1
}

const KEEP: &str = "Keep the artifact the build";

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_a_zip_of_what_the_patterns_name() {
    let mut story = Story::begin(&[("dist/of-git.txt", "g")]).await;
    let script = [
        "mkdir -p dist/sub out && echo a >dist/a.txt && echo b >dist/sub/b.bin && echo no >no.txt",
        "ln -s a.txt dist/link && ln -s ../../etc/passwd dist/away && ln -s /etc/passwd dist/abs",
        "mkfifo dist/pipe && ln dist/a.txt out/same && echo c >out/c && ln out/c out/d",
        "chmod 755 dist/a.txt && ln -s dist through",
    ];
    let paths = ["dist/**", "out/d", "./out/s*", "none/*", "through/a.txt"];
    let came = story.run(kept(&script, &paths, ArtifactsWhen::Success)).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let said = came.log_of(KEEP);
    for line in [
        "Artifact: dist/abs is not kept: it is a symlink that leads out of the work tree.",
        "Artifact: dist/away is not kept: it is a symlink that leads out of the work tree.",
        "Artifact: dist/pipe is not kept: it is a device or a pipe.",
        "Artifact: /build/acme/app/through is a symlink, which is not followed.",
        "Artifact the build: 6 files, ",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    let (offer, bytes) = story.server.blob(BlobKind::Artifact, "the build");
    assert_eq!(offer.expire_seconds, Some(3600));
    let mut listed: Vec<_> =
        offer.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    listed.sort_unstable();
    let wanted = [
        ("dist/a.txt", 2),
        ("dist/link", 0),
        ("dist/of-git.txt", 1),
        ("dist/sub/b.bin", 2),
        ("out/d", 2),
        ("out/same", 2),
    ];
    assert_eq!(listed, wanted);
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut text = String::new();
    let mut file = zip.by_name("dist/a.txt").expect("in it");
    file.read_to_string(&mut text).expect("read");
    assert_eq!((text.as_str(), file.unix_mode().map(|mode| mode & 0o777)), ("a\n", Some(0o755)));
    drop(file);
    assert!(zip.by_name("dist/link").expect("in it").is_symlink());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_kept_after_the_end_that_they_are_for() {
    let mut story = Story::begin(&[]).await;
    for (when, passing, failing) in [
        (ArtifactsWhen::Success, true, false),
        (ArtifactsWhen::Failure, false, true),
        (ArtifactsWhen::Always, true, true),
    ] {
        for (command, wanted) in [("true", passing), ("false", failing)] {
            let came = story.run(kept(&["echo x >f", command], &["f"], when)).await;
            let done = came.steps().iter().any(|(title, _)| title == KEEP);
            assert_eq!(done, wanted, "{when:?} {command}");
        }
    }
    // What matches nothing is said, and is the user's to judge.
    let came = story.run(kept(&["true"], &["dist/*", "a\x1bb"], ArtifactsWhen::Always)).await;
    assert_eq!(came.outcome, JobOutcome::Passed);
    let reason = "Warning: no file of the work tree matches dist/*, a?b: nothing kept.".to_owned();
    assert_eq!(outcome(&came, KEEP), StepOutcome::Skipped { reason });
    // So is what is too much.
    let many = "i=0; mkdir d; while [ $i -le 10000 ]; do : >d/$i; i=$((i+1)); done";
    let came = story.run(kept(&[many], &["d"], ArtifactsWhen::Always)).await;
    assert_eq!(came.outcome, JobOutcome::Passed);
    let reason =
        "The artifact the build is not kept. Its patterns name more than 10000 files: name \
                  fewer, or make one archive of them in the script and name that."
            .to_owned();
    assert_eq!(outcome(&came, KEEP), StepOutcome::Failed { reason });
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_read_whatever_came_of_the_script() {
    let mut story = Story::begin(&[]).await;
    let good = "<testsuite name=\"s\"><testcase name=\"one\" time=\"0.5\"/><testcase name=\"two\">\
                <failure message=\"wanted hunter22\">got less</failure></testcase></testsuite>";
    let write = format!("mkdir -p reports/deep; echo '{good}' >reports/deep/good.xml");
    let mut work =
        job(&[&write, "echo '<testsuite>' >reports/cut.xml", "ln -s / reports/l.xml", "false"]);
    work.plan.carry.reports.junit = vec!["reports/**/*.xml".to_owned()];
    let name = "PASSWORD".parse().expect("a name");
    work.secrets = vec![Secret { name, value: SecretText::new("hunter22".to_owned()) }];
    let attempt = story.give(work);
    let came = story.came(attempt).await;
    assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{:?}", came.outcome);
    let said = came.log_of("Read test reports");
    assert_eq!(
        said,
        "Read test reports\nTests: reports/cut.xml is not read: it ends in the middle.\nTests: \
         reports/l.xml is not read: it is a symlink, which is not followed.\nTests: 1 passed, 1 \
         failed, in 2 files.\n"
    );
    let cases = story.server.report(attempt).expect("reported").cases;
    let told: Vec<_> = cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect();
    assert_eq!(told, [("one", TestOutcome::Passed), ("two", TestOutcome::Failed)]);
    assert_eq!(cases[1].message, "wanted [secure]\ngot less");
    let mut work = job(&["true"]);
    work.plan.carry.reports.junit = vec!["*.xml".to_owned()];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed);
    assert!(matches!(outcome(&came, "Read test reports"), StepOutcome::Skipped { .. }));
    story.end().await;
}

/// An archive as a worker makes it, with these entries: type, path, content or link.
fn archive(paths: &[&str], entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let manifest = serde_json::json!({ "paths": paths }).to_string();
    let file = (EntryType::Regular, ".slipway-paths.json", manifest.as_str());
    for (kind, path, content) in std::iter::once(&file).chain(entries) {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        // By hand: the crate refuses to write what a worker must refuse to read.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        let linked = matches!(kind, EntryType::Symlink | EntryType::Link);
        if linked {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let data = if linked { "" } else { content };
        header.set_size(data.len() as u64);
        header.set_cksum();
        tar.append(&header, data.as_bytes()).expect("written");
    }
    zstd::encode_all(tar.into_inner().expect("a tar").as_slice(), 1).expect("compressed")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_gives_is_not_trusted() {
    use EntryType::{Char, Fifo, Link, Regular, Symlink};
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["ls /opt/in /opt/evil /evil 2>/dev/null || echo all clean"]);
    work.plan.carry.cache.directories = vec![Template("/opt/in".to_owned())];
    // Makes the name known.
    let mut first = work.clone();
    first.plan.phases.script = phase(&["mkdir -p /opt/in; echo x >/opt/in/f"]);
    story.run(first).await;
    let name = story.server.kept(BlobKind::Cache).pop().expect("stored");
    let file = (Regular, "opt/in/f", "x");
    let many: Vec<u8> = {
        let mut bomb = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
        let head = zstd::decode_all(archive(&["/opt/in"], &[]).as_slice()).expect("decoded");
        // Without the end of its tar, and then a file that says it has ten times the limit.
        bomb.write_all(&head[..head.len() - 1024]).expect("written");
        let mut header = Header::new_gnu();
        header.set_path("opt/in/bomb").expect("a path");
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(80 << 30);
        header.set_cksum();
        bomb.write_all(header.as_bytes()).expect("written");
        bomb.finish().expect("finished")
    };
    for (bytes, why) in [
        (archive(&["/opt/in"], &[file, (Regular, "opt/in/../evil", "x")]), "climbs by `..`"),
        (archive(&["/opt/in"], &[file, (Regular, "/opt/in/evil", "x")]), "is absolute"),
        (archive(&["/opt/in"], &[file, (Regular, "opt/evil", "x")]), "is outside of the paths"),
        (archive(&["/opt/in"], &[file, (Regular, "opt/inside", "x")]), "is outside of the paths"),
        (archive(&["/opt/in"], &[file, (Char, "opt/in/null", "")]), "is a device or a pipe"),
        (archive(&["/opt/in"], &[file, (Fifo, "opt/in/pipe", "")]), "is a device or a pipe"),
        (archive(&["/opt/in"], &[file, (Link, "opt/in/h", "etc/passwd")]), "is outside of"),
        (archive(&["/opt/in"], &[file, (Link, "opt/in/h", "../etc/passwd")]), "climbs by `..`"),
        (
            archive(&["/opt/in"], &[(Symlink, "opt/in/l", "/"), (Regular, "opt/in/l/evil", "x")]),
            "leads through a symlink",
        ),
        (
            archive(&["/etc"], &[(Regular, "etc/evil", "x")]),
            "It holds /etc: it belongs to the system",
        ),
        (archive(&["/opt/../etc"], &[]), "It holds /opt/../etc: it is not a plain path"),
        (many, "It has more than 8192.0 MiB"),
        (zstd::encode_all(&b"no tar"[..], 1).expect("compressed"), "It"),
        (b"nothing of the kind".to_vec(), "It"),
    ] {
        story.server.put_blob(BlobKind::Cache, &name, bytes);
        let came = story.run(work.clone()).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
        let said = came.log_of("Fetch the cache");
        assert!(said.contains("\nCache not fetched. ") && said.contains(why), "{why}: {said}");
        assert!(came.log.contains("\nall clean\n") && !came.log.contains("\n/"), "{}", came.log);
    }
    // A link may lead where it will, as long as nothing is written through it.
    let venv = archive(&["/opt/in"], &[file, (Symlink, "opt/in/python", "/usr/bin/python3")]);
    story.server.put_blob(BlobKind::Cache, &name, venv);
    let mut look = work.clone();
    look.plan.phases.script = phase(&["readlink /opt/in/python; cat /opt/in/f"]);
    let came = story.run(look).await;
    assert!(came.log.contains("\n/usr/bin/python3\nx"), "{}", came.log);
    story.server.lie_about(&name);
    let came = story.run(work).await;
    let said = came.log_of("Fetch the cache");
    assert!(
        said.ends_with("\nCache not fetched. Its bytes are not those that were stored.\n"),
        "{said}"
    );
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_cache_goes_through_small_hands() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["mkdir big; i=0; while [ $i -lt 8 ]; do \
                          dd if=/dev/zero of=big/$i bs=1M count=25; echo $i >>big/$i; \
                          i=$((i+1)); done"]);
    work.plan.carry.cache.directories = vec![Template("big".to_owned())];
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let stored = came.log_of("Store the cache");
    assert!(stored.contains("Cache: 1 directory, 200.1 MiB stored ("), "{stored}");
    work.plan.phases.script = phase(&["tail -c 2 big/7; du -k big/7"]);
    let came = story.run(work).await;
    let fetched = came.log_of("Fetch the cache");
    assert!(fetched.contains("Cache: 1 directory, 200.1 MiB from branch main."), "{fetched}");
    assert!(came.log.contains("\n7\n"), "{}", came.log);
    assert!(
        peak_mebibytes() < 200,
        "the worker, its server and the test took {} MiB",
        peak_mebibytes()
    );
    story.end().await;
}

/// The most memory that this process ever had: where each test is a process, it is this story's.
fn peak_mebibytes() -> u64 {
    if std::env::var_os("NEXTEST").is_none() {
        return 0;
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kib / 1024
}
