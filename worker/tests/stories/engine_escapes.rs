//! Ways out of a job by its engine, each of which is shut with a sentence.

use std::path::PathBuf;
use std::time::Duration;

use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::JobOutcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::engine_bench::{docker_job, left_overs};
use crate::fixture::{Story, docker};

/// A job that waits, and its engine's socket.
async fn waiting(story: &mut Story) -> (AttemptId, PathBuf) {
    let work = docker_job(&[
        "mkdir inside && ln -s / root && ln -s ../../.. up && ln -s /proc/self/root magic",
        "docker run -d --name db busybox sleep 600",
        "echo begun; sleep 600",
    ])
    .await;
    let attempt = story.give(work);
    let begun = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("\nbegun").then_some(())
    };
    story.server.until(attempt, "it to begin", begun).await;
    let socket = story.dir().join("data/engines").join(attempt.to_string()).join("docker.sock");
    (attempt, socket)
}

/// Sends these bytes and gives what comes back until the other side ends, or says no more.
async fn said(socket: &PathBuf, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.expect("it listens");
    // It may refuse before it has read all.
    let _refused = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _it_may_stay_open = tokio::time::timeout(Duration::from_secs(20), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn asked(socket: &PathBuf, method: &str, path: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: \
         application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let answer = said(socket, request.as_bytes()).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let text = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, text)
}

fn creates(host: &str) -> (&'static str, &'static str, String) {
    let body = format!(r#"{{"Image":"busybox","Cmd":["true"],"HostConfig":{host}}}"#);
    ("POST", "/v1.41/containers/create", body)
}

fn refused_creations(others: &str) -> Vec<(&'static str, &'static str, String)> {
    let mut all: Vec<_> = [
        r#"{"Privileged":true}"#,
        r#"{"privileged":true}"#,
        r#"{"Privileged":false,"Privileged":true}"#,
        r#"{"CapAdd":["SYS_ADMIN"]}"#,
        r#"{"Devices":[{"PathOnHost":"/dev/vda","PathInContainer":"/dev/vda","CgroupPermissions":"rwm"}]}"#,
        r#"{"PidMode":"host"}"#,
        r#"{"IpcMode":"host"}"#,
        r#"{"UTSMode":"host"}"#,
        r#"{"UsernsMode":"host"}"#,
        r#"{"CgroupnsMode":"host"}"#,
        r#"{"SecurityOpt":["seccomp=unconfined"]}"#,
        r#"{"MaskedPaths":[]}"#,
        r#"{"CgroupParent":"/"}"#,
        r#"{"Runtime":"other"}"#,
        r#"{"Binds":["/:/host"]}"#,
        r#"{"Binds":["/etc/passwd:/p"]}"#,
        r#"{"Binds":["/build/acme/app/../../..:/host"]}"#,
        r#"{"Binds":["/build/acme/app/root:/host"]}"#,
        r#"{"Binds":["/build/acme/app/root/etc:/host"]}"#,
        r#"{"Binds":["/build/acme/app/up:/host"]}"#,
        r#"{"Binds":["/build/acme/app/magic:/host"]}"#,
        r#"{"Binds":["/build/acme/app/inside/../../../../etc:/host"]}"#,
        r#"{"Binds":["/proc/1/root:/host"]}"#,
        r#"{"Binds":["/run/../run/docker.sock:/s"]}"#,
        r#"{"Mounts":[{"Type":"bind","Source":"/","Target":"/host"}]}"#,
        r#"{"Mounts":[{"Type":"volume","Source":"v","Target":"/host","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":"/"}}}}]}"#,
        r#"{"NetworkMode":"container:0000"}"#,
    ]
    .map(creates)
    .into();
    for key in ["NetworkMode", "PidMode", "IpcMode"] {
        all.push(creates(&format!(r#"{{"{key}":"container:{others}"}}"#)));
    }
    all.push(creates(&format!(r#"{{"VolumesFrom":["{others}"]}}"#)));
    all.push(creates(&format!(r#"{{"Links":["{others}:x"]}}"#)));
    all
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn every_way_out_is_shut_with_a_sentence() {
    let mut story = Story::begin(&[]).await;
    let (attempt, socket) = waiting(&mut story).await;
    // Another's: the job's own container is not the job's to touch either.
    let own = story.job_container(attempt).await;
    let mut cases = refused_creations(&own);
    let text = |body: &str| body.to_owned();
    cases.extend([
        ("POST", "/containers/db/exec", text(r#"{"Cmd":["id"],"Privileged":true}"#)),
        ("POST", "/containers/db/update", text(r#"{"Devices":[{"PathOnHost":"/dev/vda"}]}"#)),
        ("POST", "/containers/create?name=../x", text(r#"{"Image":"busybox"}"#)),
        ("POST", "/containers/create?name=x%2Fy", text(r#"{"Image":"busybox"}"#)),
        (
            "POST",
            "/volumes/create",
            text(r#"{"Name":"v","DriverOpts":{"type":"none","o":"bind","device":"/"}}"#),
        ),
        ("POST", "/volumes/create", text(r#"{"Name":"../v"}"#)),
        ("POST", "/volumes/create", text(r#"{"Name":"v","Driver":"other"}"#)),
        ("POST", "/networks/create", text(r#"{"Name":"n","Driver":"macvlan"}"#)),
        ("POST", "/networks/create", text(r#"{"Name":"n","Driver":"host"}"#)),
        (
            "POST",
            "/networks/create",
            text(r#"{"Name":"n","Options":{"com.docker.network.bridge.name":"docker0"}}"#),
        ),
        (
            "POST",
            "/networks/create",
            text(r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.0.0.0/8"}]}}"#),
        ),
        ("POST", "/networks/create", text(r#"{"Name":"host"}"#)),
        ("POST", "/networks/bridge/connect", format!(r#"{{"Container":"{own}"}}"#)),
        ("POST", "/networks/bridge/disconnect", format!(r#"{{"Container":"{own}","Force":true}}"#)),
        ("DELETE", "/networks/bridge", text("")),
        ("POST", "/build?networkmode=host", text("")),
        ("POST", "/build?version=2&networkmode=host", text("")),
        ("POST", "/build?remote=http://169.254.169.254/", text("")),
        ("POST", "/build?version=2&remote=https://example.com/x.git", text("")),
        ("POST", "/build?version=2&session=another&remote=client-session", text("")),
        ("POST", "/build?version=2&entitlements=security.insecure", text("")),
        ("POST", "/build?securityopt=%5B%22seccomp%3Dunconfined%22%5D", text("")),
        ("POST", "/build?t=..%2Fx", text("")),
        ("POST", "/build?labels=%7B%22slipway.attempt%22%3A%22x%22%7D", text("")),
        ("POST", "/build/cancel?id=another", text("")),
        ("POST", "/images/create?fromSrc=http://169.254.169.254/&repo=x", text("")),
        ("POST", "/images/create?fromImage=..%2F..%2Fcontainers", text("")),
        ("POST", "/images/load", text("no archive")),
        ("DELETE", "/images/busybox", text("")),
        ("POST", "/images/busybox/tag?repo=a%2F..%2Fb&tag=1", text("")),
        ("POST", "/images/busybox/push", text("")),
        ("POST", "/session", text("")),
        ("POST", "/grpc", text("")),
        ("POST", "/exec/0123456789/start", text("{}")),
        ("GET", "/plugins", text("")),
        ("POST", "/swarm/init", text("{}")),
        ("GET", "/nodes", text("")),
        ("GET", "/services", text("")),
        ("POST", "/secrets/create", text("{}")),
        ("GET", "/configs", text("")),
        ("GET", "/tasks", text("")),
        ("POST", "/containers/db/checkpoints", text("{}")),
        ("GET", "/images/search?term=x", text("")),
        ("POST", "/containers/create", text("{")),
        ("POST", "/containers/create", text("[]")),
        ("POST", "/containers/create", text(r#"{"Image":7}"#)),
        ("GET", "/containers/json?filters=%5B%5D", text("")),
        ("GET", "/containers/json?all=1&all=0", text("")),
        ("GET", "/containers/%2e%2e/json", text("")),
        ("GET", "//containers/json", text("")),
        ("GET", "/containers/db/json/", text("")),
        ("GET", "/v1.41/../info", text("")),
        ("GET", "/V1.41/info", text("")),
        ("GET", "/v1.12/info", text("")),
    ]);
    for action in ["json", "logs", "top", "export", "stats", "archive?path=/", "changes"] {
        cases.push(("GET", Box::leak(format!("/containers/{own}/{action}").into()), String::new()));
    }
    for action in ["kill", "stop", "start", "pause", "attach", "wait", "rename?name=x", "exec"] {
        cases.push(("POST", Box::leak(format!("/containers/{own}/{action}").into()), text("{}")));
    }
    cases.push(("DELETE", Box::leak(format!("/containers/{own}?force=1").into()), String::new()));
    cases.push(("POST", Box::leak(format!("/commit?container={own}").into()), String::new()));
    for (method, path, body) in &cases {
        let (status, answer) = asked(&socket, method, path, body).await;
        assert!((400..500).contains(&status), "{method} {path} {body}: {status} {answer}");
        let message = serde_json::from_str::<serde_json::Value>(&answer).expect("JSON");
        let message = message["message"].as_str().expect("a message").to_owned();
        assert!(message.len() > 10, "{method} {path} {body}: {message}");
        for ours in ["slipway.", "/data/engines", story.dir().to_str().expect("text")] {
            assert!(!message.contains(ours) || message.contains("label"), "{path}: {message}");
        }
    }
    assert_eq!(
        story.containers(attempt).await,
        ["running", "running"],
        "nothing was made or ended"
    );
    story.server.cancel("enough");
    story.came(attempt).await;
    story.end().await;
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_two_requests_to_somebody_else_are_one_or_none_here() {
    let mut story = Story::begin(&[]).await;
    let (attempt, socket) = waiting(&mut story).await;
    let create = r#"{"Image":"busybox","HostConfig":{"Privileged":true}}"#;
    let length = create.len();
    let hidden = format!(
        "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{create}"
    );
    let cases = [
        // A second request in the body of the first, for who reads the other length.
        format!(
            "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!(
            "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 900\r\n\r\n{hidden}"
        ),
        format!("GET /_ping HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{hidden}"),
        // One after the other is two, each of which is looked at.
        format!("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n{hidden}"),
        format!(
            "GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n{hidden}"
        ),
        format!("GET http://engine/_ping HTTP/1.1\r\nHost: x\r\n\r\n{hidden}"),
        format!("GET /_ping HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n{hidden}"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        format!("CONNECT engine:80 HTTP/1.1\r\nHost: x\r\n\r\n{hidden}"),
        format!(
            "POST /containers/db/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n{hidden}"
        ),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000)),
        "GET /_ping HTTP/1.1\r\n".to_owned() + &"X: y\r\n".repeat(5000) + "\r\n",
        "\0\0\0\0\r\n\r\n".to_owned(),
    ];
    for bytes in &cases {
        let mut stream = UnixStream::connect(&socket).await.expect("it listens");
        // It may end the connection before it has read all.
        let _ended = stream.write_all(bytes.as_bytes()).await;
        let _ended = stream.shutdown().await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _open = tokio::time::timeout(Duration::from_secs(5), reading).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains("HTTP/1.1 201"), "{bytes:.200}: {answer}");
        assert!(!answer.contains("\"Id\":"), "{bytes:.200}: {answer}");
    }
    // What is too large, in one piece and in many.
    let large = format!(r#"{{"Image":"{}"}}"#, "a".repeat(9 << 20));
    let (status, message) = asked(&socket, "POST", "/containers/create", &large).await;
    assert!(status == 413 || status == 0, "{status} {message}");
    assert_eq!(story.containers(attempt).await, ["running", "running"]);
    let (status, _) = asked(&socket, "GET", "/_ping", "").await;
    assert_eq!(status, 200, "it is still there");
    story.server.cancel("enough");
    story.came(attempt).await;
    story.end().await;
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_makes_has_no_more_rights_than_the_job_and_a_build_none_of_the_machine() {
    let files = [
        ("host/Dockerfile", "FROM busybox\nRUN --network=host true\n"),
        ("insecure/Dockerfile", "FROM busybox\nRUN --security=insecure true\n"),
    ];
    let mut story = Story::begin(&files).await;
    let came = story
        .run(
            docker_job(&[
                "docker run --rm busybox grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status >theirs",
                "grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status >ours; cmp ours theirs",
                "! docker run --rm busybox mount -t tmpfs none /mnt",
                "! docker run --rm busybox mknod /x b 8 0",
                "! docker run --rm busybox sh -c 'echo 1 >/proc/sys/kernel/panic'",
                "test \"$(docker run --rm busybox ls /sys/firmware 2>/dev/null | wc -l)\" = 0",
                "DOCKER_BUILDKIT=1 && export DOCKER_BUILDKIT",
                "! docker build -t x host",
                "! docker build -t x insecure",
                // Folders that change while they are looked at.
                "mkdir -p a/b && echo mine >a/b/passwd",
                "(while :; do mv a/b a/c && ln -s /etc a/b && rm a/b && mv a/c a/b; done) 2>/dev/null & swap=$!",
                "for i in 1 2 3 4 5 6 7 8 9 10; do docker run --rm -v $PWD/a/b:/b:ro busybox cat /b/passwd || true; done >seen 2>/dev/null; kill $swap",
                "! grep root: seen",
            ])
            .await,
        )
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let attempt = story.attempts()[0];
    story.end().await;
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
    let there = docker().inspect_image("busybox").await;
    assert!(there.is_ok(), "everybody's images are left alone");
}
