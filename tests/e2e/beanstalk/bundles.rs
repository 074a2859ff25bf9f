//! What is in the bundle.

use slipway_pipelines::plan::Template;
use slipway_worker::deploy::{DeployOutcome, LocalImage};

use crate::bench::{Bench, file, folder, packed, unpacked};

async fn bundled(bench: &Bench) -> Vec<(String, u32, String)> {
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    unpacked(&bench.aws.bundle("prod").expect("a bundle"))
}

fn names(files: &[(String, u32, String)]) -> Vec<&str> {
    files.iter().map(|(name, ..)| name.as_str()).collect()
}

#[tokio::test]
async fn git_and_what_gitignore_names_stay_out_and_the_order_is_the_names() {
    let mut bench = Bench::new().await;
    bench.tree(packed(&[
        ("z", "last"),
        (".git/config", "secret"),
        (".gitignore", "*.log\n/target\n!keep.log\n"),
        ("a.log", "x"),
        ("keep.log", "kept"),
        ("target/x", "x"),
        ("sub/.gitignore", "local\n"),
        ("sub/local", "x"),
        ("sub/target/x", "not at the top"),
        ("vendor/lib/.git", "gitdir: elsewhere"),
        ("vendor/lib/a", "a"),
    ]));
    let files = bundled(&bench).await;
    let expected =
        [".gitignore", "keep.log", "sub/.gitignore", "sub/target/x", "vendor/lib/a", "z"];
    assert_eq!(names(&files), expected);
    assert!(bench.log().contains("6 files (.gitignore is honoured)"), "{}", bench.log());
}

#[tokio::test]
async fn ebignore_stands_in_for_gitignore() {
    let mut bench = Bench::new().await;
    bench.tree(packed(&[
        (".ebignore", "tests/\n"),
        (".gitignore", "dist\n"),
        ("dist/app.js", "built by the job"),
        ("tests/a", "x"),
    ]));
    let files = bundled(&bench).await;
    assert_eq!(names(&files), [".ebignore", ".gitignore", "dist/app.js"]);
}

#[tokio::test]
async fn links_and_modes_are_kept_and_the_same_tree_is_the_same_bundle() {
    let tree = |reversed: bool| {
        let mut tar = tar::Builder::new(Vec::new());
        folder(&mut tar, "app/");
        let mut files = [("bin/run", "#!/bin/sh\n", 0o755), ("etc/conf", "x", 0o600)];
        if reversed {
            files.reverse();
        }
        for (path, text, mode) in files {
            file(&mut tar, path, text, mode);
        }
        for (kind, path, target) in [
            (tar::EntryType::Symlink, "app/link", "bin/run"),
            (tar::EntryType::Link, "app/twin", "app/etc/conf"),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            header.set_mode(0o777);
            tar.append_link(&mut header, path, target).expect("packed");
        }
        tar.into_inner().expect("packed")
    };
    let mut bench = Bench::new().await;
    bench.tree(tree(false));
    let files = bundled(&bench).await;
    let one = |name: &str, mode, text: &str| (name.to_owned(), mode, text.to_owned());
    assert_eq!(
        files,
        [
            one("bin/run", 0o100_755, "#!/bin/sh\n"),
            one("etc/conf", 0o100_600, "x"),
            one("link", 0o120_777, "bin/run"),
            one("twin", 0o100_777, "x"),
        ]
    );
    bench.tree(tree(true));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.count("PutObject"), 1, "it is the same bundle");
}

#[tokio::test]
async fn images_are_pinned_to_what_this_job_pushed() {
    let mut bench = Bench::new().await;
    let compose =
        "services:\n  web:\n    image: acme/app:latest  # ours\n  db:\n    image: postgres:16\n";
    bench.tree(packed(&[("docker-compose.yml", compose), ("Procfile", "x")]));
    let digest = format!("acme/app@sha256:{}", "1".repeat(64));
    let image = LocalImage { id: "sha256:2".to_owned(), pushed: Some(digest.clone()) };
    bench.images.insert("web".to_owned(), image);
    let files = bundled(&bench).await;
    let expected = compose.replace("acme/app:latest", &digest);
    assert_eq!(files[1].2, expected);
    let log = bench.log();
    assert!(log.contains(&format!("docker-compose.yml: acme/app:latest → {digest}")), "{log}");
    assert!(log.contains("docker-compose.yml: postgres:16 is not pinned"), "{log}");
}

#[tokio::test]
async fn a_zip_file_goes_as_it_is() {
    let mut bench = Bench::new().await;
    bench.tree(packed(&[("dist/app.zip", "PK as it is"), (".gitignore", "dist\n")]));
    bench.target.zip_file = Some(Template("./dist/app.zip".to_owned()));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.bundle("prod").as_deref(), Some(b"PK as it is".as_slice()));
    let mut bench = Bench::new().await;
    bench.target.zip_file = Some(Template("dist/none.zip".to_owned()));
    let reason = bench.fails().await;
    assert!(reason.contains("\"dist/none.zip\" is not a file of the work tree"), "{reason}");
}

#[tokio::test]
async fn a_tree_of_which_everything_is_ignored_is_told() {
    let mut bench = Bench::new().await;
    bench.tree(packed(&[(".ebignore", "*\n")]));
    assert!(bench.fails().await.starts_with("there is nothing to bundle"));
}
