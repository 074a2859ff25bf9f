//! Building images.

use std::time::Duration;

use futures::StreamExt as _;
use slipway_pipelines::wire::SecretText;
use slipway_worker::image::{EngineBuilder, ImageBuilder as _};

use crate::bench::{Bench, PATIENCE, secret};

#[tokio::test]
async fn a_dockerfile_becomes_an_image_and_the_second_build_comes_from_the_cache() {
    let bench = Bench::new().await;
    let salt = bench.repo.name();
    let dockerfile = format!("FROM busybox:latest\nRUN echo built-for-{salt} | tee /made\n");
    let first = bench.build(bench.request(&[("Dockerfile", &dockerfile)])).await.expect("built");
    assert!(first.id.starts_with("sha256:"), "{}", first.id);
    let log = bench.log.text();
    let run = log.find("RUN echo built-for-").expect("the step is named");
    let printed = log.rfind(&format!("built-for-{salt}\n")).expect("its output is shown");
    assert!(run < printed, "{log}");
    assert!(!log.contains("[internal]"), "{log}");

    let second = bench.build(bench.request(&[("Dockerfile", &dockerfile)])).await.expect("built");
    let log = bench.log.text();
    assert!(log.contains("(cached)"), "{log}");
    let layers = async |id: &str| {
        let seen = bench.docker.inspect_image(id).await.expect("the engine has it");
        seen.root_fs.and_then(|root| root.layers).expect("layers")
    };
    assert_eq!(layers(&first.id).await, layers(&second.id).await);
}

#[tokio::test]
async fn a_target_stage_stops_the_build_there() {
    let bench = Bench::new().await;
    let dockerfile = "FROM busybox:latest AS one\nENV STAGE=one\nFROM one AS two\nENV STAGE=two\n";
    let mut request = bench.request(&[("Dockerfile", dockerfile)]);
    request.target = Some("one".to_owned());
    let built = bench.build(request).await.expect("built");
    let seen = bench.docker.inspect_image(&built.id).await.expect("the engine has it");
    let env = seen.config.and_then(|config| config.env).unwrap_or_default();
    assert!(env.contains(&"STAGE=one".to_owned()), "{env:?}");
}

#[tokio::test]
async fn build_arguments_reach_the_build_and_secrets_leave_no_trace_in_the_image() {
    let bench = Bench::new().await;
    let value = format!("hush-{}", uuid::Uuid::new_v4().simple());
    let dockerfile = "FROM busybox:latest\nARG GREETING\n\
        RUN --mount=type=secret,id=TOKEN sh -c 'wc -c </run/secrets/TOKEN >/length'\n\
        RUN echo \"$GREETING\" >/greeting && test ! -e /run/secrets/TOKEN\n";
    let mut request = bench.request(&[("Dockerfile", dockerfile)]);
    request.args = vec![("GREETING".to_owned(), SecretText::new("good day".to_owned()))];
    request.secrets = vec![secret("TOKEN", &value), secret("UNUSED", "another-one")];
    let built = bench.build(request).await.expect("built");

    let log = bench.log.text();
    assert!(log.contains("RUN --mount=type=secret"), "the steps are shown: {log}");
    assert!(!log.contains(&value), "{log}");
    let history = bench.docker.image_history(&built.id).await.expect("a history");
    assert!(!format!("{history:?}").contains(&value));
    let seen = bench.docker.inspect_image(&built.id).await.expect("the engine has it");
    assert!(!format!("{seen:?}").contains(&value));

    let mut layers = Vec::new();
    let mut stream = std::pin::pin!(bench.docker.export_image(&built.id));
    while let Some(piece) = stream.next().await {
        layers.extend_from_slice(&piece.expect("the image's bytes"));
    }
    let has = |needle: &str| layers.windows(needle.len()).any(|part| part == needle.as_bytes());
    assert!(has("good day"), "the argument reached the build");
    assert!(has(&format!("{}\n", value.len())), "the secret reached its RUN");
    assert!(!has(&value), "the secret stands in a layer");
}

#[tokio::test]
async fn a_secret_that_a_step_prints_is_not_in_the_sentence() {
    let bench = Bench::new().await;
    let dockerfile = "FROM busybox:latest\n\
        RUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN; exit 4\n";
    let mut request = bench.request(&[("Dockerfile", dockerfile)]);
    request.secrets = vec![secret("TOKEN", "correct-horse-battery")];
    let failed = bench.build(request).await.expect_err("exit 4");
    assert_eq!(
        failed.sentence,
        "RUN cat /run/secrets/TOKEN; exit 4 exited with 4; its last lines: [secure]"
    );
}

#[tokio::test]
async fn each_way_to_fail_has_one_clear_sentence() {
    let bench = Bench::new().await;
    let from = "FROM busybox:latest\n";
    let salt = bench.repo.name();
    let missing = format!("no-{salt}:1");
    let cases = [
        (
            format!("{from}RUN echo one; echo two; exit 3\n"),
            "RUN echo one; echo two; exit 3 exited with 3; its last lines: one / two".to_owned(),
        ),
        (
            format!("{from}RUN make-{salt}\n"),
            format!(
                "RUN make-{salt} exited with 127; its last lines: /bin/sh: make-{salt}: not found"
            ),
        ),
        (
            format!("{from}RUNN x\n"),
            "Dockerfile can not be read: line 2: unknown instruction: RUNN".to_owned(),
        ),
        (
            format!("{from}COPY nope /x\n"),
            "COPY nope /x: /nope is not in the build context".to_owned(),
        ),
        (format!("FROM {missing}\n"), format!("the image docker.io/library/{missing} ")),
        (
            format!("{from}COPY --from={missing} /x /y\n"),
            format!("the image docker.io/library/{missing} "),
        ),
        (format!("# syntax=no/{missing}\n{from}"), format!("the image docker.io/no/{missing} ")),
        (String::new(), "the image was not built: the Dockerfile cannot be empty".to_owned()),
    ];
    for (dockerfile, expected) in cases {
        let failed = bench.build(bench.request(&[("Dockerfile", &dockerfile)])).await;
        let sentence = failed.expect_err("it can not be built").sentence;
        assert!(sentence.starts_with(&expected), "{dockerfile:?} gave: {sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    }

    let mut elsewhere = bench.request(&[("Dockerfile", from)]);
    elsewhere.dockerfile = "docker/Api".to_owned();
    let failed = bench.build(elsewhere).await.expect_err("no such file");
    assert_eq!(failed.sentence, "there is no docker/Api in the build context");
    let mut stage = bench.request(&[("Dockerfile", from)]);
    stage.target = Some("zz".to_owned());
    let failed = bench.build(stage).await.expect_err("no such stage");
    assert_eq!(failed.sentence, "Dockerfile has no stage zz");
}

#[tokio::test]
async fn an_engine_without_buildkit_builds_by_its_classic_builder_and_refuses_secrets() {
    let bench = Bench::new().await;
    let salt = bench.repo.name();
    let builder = EngineBuilder::new(bench.docker.clone()).without_buildkit();
    let dockerfile = format!("FROM busybox:latest\nRUN echo classic-{salt}\n");
    let built = builder.build(bench.request(&[("Dockerfile", &dockerfile)]), &bench.log).await;
    assert!(built.expect("built").id.starts_with("sha256:"));
    assert!(bench.log.text().contains(&format!("classic-{salt}\n")), "{}", bench.log.text());

    let from = "FROM busybox:latest\n";
    for (dockerfile, expected) in [
        (
            format!("{from}RUN echo one-{salt} && exit 3\n"),
            format!("RUN echo one-{salt} && exit 3 exited with 3; its last lines: one-{salt}"),
        ),
        (format!("{from}RUNN x\n"), "Dockerfile can not be read: line 2".to_owned()),
        (
            format!("{from}COPY nope /x\n"),
            "COPY nope /x: nope is not in the build context".to_owned(),
        ),
        (format!("FROM no-{salt}:1\n"), format!("the image no-{salt}:1 ")),
    ] {
        let failed = builder.build(bench.request(&[("Dockerfile", &dockerfile)]), &bench.log).await;
        let sentence = failed.expect_err("it can not be built").sentence;
        assert!(sentence.starts_with(&expected), "{dockerfile:?} gave: {sentence}");
    }

    let mut request = bench.request(&[("Dockerfile", from)]);
    request.secrets = vec![secret("TOKEN", "correct-horse")];
    let failed = builder.build(request, &bench.log).await.expect_err("it can not mount");
    assert!(failed.sentence.starts_with("this engine has no BuildKit"), "{}", failed.sentence);
}

#[tokio::test]
async fn a_build_that_is_given_up_ends_on_the_engine_too() {
    let bench = Bench::new().await;
    let salt = bench.repo.name();
    let marker = format!("sleep 3600 || echo {salt}");
    let dockerfile = format!("FROM busybox:latest\nRUN {marker}\n");
    let running = || {
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        let lines = processes.filter_map(|one| std::fs::read(one.path().join("cmdline")).ok());
        lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(&marker))
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    {
        let builder = EngineBuilder::new(bench.docker.clone());
        let build = builder.build(bench.request(&[("Dockerfile", &dockerfile)]), &bench.log);
        let mut build = std::pin::pin!(build);
        while !running() {
            let look = tokio::time::timeout(Duration::from_millis(50), &mut build).await;
            assert!(look.is_err(), "it ended: {look:?}");
            assert!(tokio::time::Instant::now() < deadline, "it never ran: {}", bench.log.text());
        }
    }
    while running() {
        assert!(tokio::time::Instant::now() < deadline, "it still runs");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_dockerignore_names_does_not_reach_the_image() {
    let bench = Bench::new().await;
    let salt = bench.repo.name();
    let dockerfile = format!("FROM busybox:latest\nCOPY . /all\nRUN echo {salt}; ls -R /all\n");
    let files = [
        ("Dockerfile", dockerfile.as_str()),
        (".dockerignore", "# notes\n*.key\n!public.key\ndeep/**/tmp\n/target\n"),
        ("kept", ""),
        ("private.key", ""),
        ("public.key", ""),
        ("deep/a/tmp/file-in-tmp", ""),
        ("deep/a/beside", ""),
        ("target/debug-output", ""),
    ];
    let by_buildkit = EngineBuilder::new(bench.docker.clone());
    by_buildkit.build(bench.request(&files), &bench.log).await.expect("built");
    let log = bench.log.text();
    for name in ["kept", "public.key", "beside"] {
        assert!(log.contains(name), "{name} is missing: {log}");
    }
    for name in ["private.key", "file-in-tmp", "debug-output"] {
        assert!(!log.contains(name), "{name} is there: {log}");
    }
}
