//! `services: docker`: jobs with an engine of their own, as their commands use it.

use slipway_pipelines::plan::PhasePlan;
use slipway_pipelines::wire::JobOutcome;

use crate::engine_bench::{docker_job, left_overs};
use crate::fixture::{Came, Story, phase};

/// Runs these commands, all of which are to succeed.
async fn passes(files: &[(&str, &str)], script: &[&str]) -> Came {
    let mut story = Story::begin(files).await;
    let came = story.run(docker_job(script).await).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let attempt = story.attempts().last().copied().expect("one");
    story.end().await;
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_containers_of_its_own() {
    passes(
        &[],
        &[
            "docker version && docker info >/dev/null",
            "docker run --rm busybox echo in a container",
            "echo piped | docker run --rm -i busybox cat | grep piped",
            "docker run --rm busybox sh -c 'exit 7' || test $? = 7",
            "docker run -d --name db -l tier=back busybox sh -c 'echo up; sleep 600'",
            "test \"$(docker ps --format '{{.Names}} {{.Image}}')\" = 'db busybox'",
            "test \"$(docker ps -q -f name=^/?db$ -f label=tier=back | wc -l)\" = 1",
            "test \"$(docker ps -q -f name=^d$ | wc -l)\" = 0",
            "docker exec db echo inside | grep inside",
            "echo in | docker exec -i db cat | grep in",
            "docker exec db sh -c 'exit 3' || test $? = 3",
            "docker logs db | grep up",
            "test \"$(docker inspect -f '{{.Name}} {{.Config.Image}} {{.HostConfig.NetworkMode}}' db)\" = '/db busybox bridge'",
            "docker inspect db | grep -i slipway && exit 1 || true",
            "docker top db && docker stats --no-stream db",
            "echo word >word && docker cp word db:/root/word && docker exec db cat /root/word | grep word",
            "docker cp db:/root/word back && cmp word back",
            "docker pause db && docker unpause db && docker restart -t 0 db",
            "docker rename db other && docker kill other && docker wait other",
            "docker run --name again busybox true && ! docker run --name again busybox true",
            "docker container prune -f && test -z \"$(docker ps -aq)\"",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_the_work_tree_and_volumes_are_mounted() {
    passes(
        &[("word", "from the work tree\n"), ("conf/a", "b\n")],
        &[
            "docker run --rm -v $PWD:/src busybox cat /src/word | grep tree",
            "docker run --rm -v $PWD:/src -w /src busybox sh -c 'echo back >made && mkdir sub'",
            "grep back made && test -d sub && ls made",
            "docker run --rm -v $PWD/conf:/c:ro busybox sh -c 'cat /c/a && ! touch /c/x'",
            "docker run --rm -v $PWD/conf/a:/etc/a busybox cat /etc/a",
            "docker run --rm -v $PWD/new/deep:/n busybox touch /n/file && test -f new/deep/file",
            "! docker run --rm --mount type=bind,src=$PWD/none,dst=/n busybox true",
            "ln -s conf inside && docker run --rm -v $PWD/inside:/c busybox cat /c/a",
            "docker volume create data && docker run --rm -v data:/d busybox touch /d/kept",
            "docker run --rm -v data:/d busybox ls /d | grep kept",
            "test \"$(docker volume ls -q)\" = data",
            "docker run --name holder -v data:/d -v /anonymous busybox true",
            "docker run --rm --volumes-from holder busybox sh -c 'ls /d | grep kept && ls -d /anonymous'",
            "test \"$(docker inspect -f '{{range .Mounts}}{{.Name}} {{end}}' holder | grep -c data)\" = 1",
            "docker rm holder && docker volume rm data && docker volume prune -f",
            "docker run --rm --tmpfs /t busybox touch /t/x",
            // Another client, in a container of the job: it sees the same.
            "docker run -d --name seen busybox sleep 600",
            "docker run --rm -v /var/run/docker.sock:/var/run/docker.sock slipway-tests/docker-client:1 docker ps | grep seen || true",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn published_ports_are_on_the_jobs_localhost_and_containers_find_each_other() {
    let serve = "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www";
    let web = format!("docker run -d --name web -p 8080:80 busybox sh -c '{serve}'");
    let fetch = "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://localhost:8080/ && break; sleep 1; done | grep hello";
    let any = format!("docker run -d --name any -p 80 busybox sh -c '{serve}'");
    let named = format!(
        "docker run -d --name api --network back --network-alias service busybox sh -c '{serve}'"
    );
    let back = format!(
        "docker run -d --name front --network back -p 127.0.0.1:9090:80 busybox sh -c '{serve}'"
    );
    passes(
        &[],
        &[
            &web,
            fetch,
            "docker port web | grep '0.0.0.0:8080'",
            "docker ps | grep '0.0.0.0:8080->80/tcp'",
            "! docker run -d --name second -p 8080:80 busybox sleep 600",
            "docker run --rm --network host busybox wget -qO- http://localhost:8080/ | grep hello",
            "docker run --rm --link web:peer busybox wget -qO- http://peer/ | grep hello",
            "wget -qO- http://$(docker inspect -f '{{.NetworkSettings.IPAddress}}' web)/ | grep hello",
            &any,
            "wget -qO- http://$(docker port any 80 | sed s/0.0.0.0/localhost/)/ | grep hello",
            "docker rm -f web && ! wget -qO- http://localhost:8080/",
            &web,
            fetch,
            "docker stop -t 0 web && docker start web",
            fetch,
            "docker network create back && docker network ls | grep back",
            &named,
            "docker run --rm --network back busybox wget -qO- http://api/ | grep hello",
            "docker run --rm --network back busybox wget -qO- http://service/ | grep hello",
            "! docker run --rm busybox wget -T 2 -qO- http://service/",
            "docker network connect back web && docker exec web wget -qO- http://api/ | grep hello",
            &back,
            "for i in 1 2 3 4 5; do wget -qO- http://localhost:9090/ && break; sleep 1; done | grep hello",
            "! docker network rm back",
            "docker rm -f api front && docker network disconnect back web && docker network rm back",
            "docker run --rm --network none busybox ip addr | grep -v eth0",
            "docker run --rm --add-host host.docker.internal:host-gateway busybox cat /etc/hosts | grep host.docker.internal",
        ],
    )
    .await;
}

const DOCKERFILE: &str = "FROM busybox\nARG WORD=none\nCOPY word /word\nRUN echo $WORD >/arg\nCMD [\"cat\", \"/word\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn images_are_built_by_both_builders_and_are_the_jobs() {
    let files = [
        ("Dockerfile", DOCKERFILE),
        ("word", "built\n"),
        ("next/Dockerfile", "FROM app:1\nRUN grep built /word\n"),
    ];
    for kit in ["DOCKER_BUILDKIT=0", "DOCKER_BUILDKIT=1"] {
        let choose = format!("export {kit}");
        passes(
            &files,
            &[
                &choose,
                "docker build -t app:1 -t registry.example.com/acme/app --build-arg WORD=given .",
                "docker run --rm app:1 | grep built && docker run --rm app:1 cat /arg | grep given",
                "docker run --rm registry.example.com/acme/app | grep built",
                "docker images && test \"$(docker images -q | sort -u | wc -l)\" = 1",
                "docker images app --format '{{.Repository}}:{{.Tag}}' | grep '^app:1$'",
                "docker image inspect -f '{{.RepoTags}}' app:1 | grep -v slipway",
                "docker build -t next next && docker run --rm next cat /word | grep built",
                "docker build -q . && docker history app:1",
                "docker tag app:1 other:2 && docker run --rm other:2 | grep built",
                "docker save app:1 other:2 >saved.tar && docker rmi app:1",
                "! docker run --rm app:1 true && docker run --rm other:2 true",
                "docker load <saved.tar | grep 'Loaded image: app:1' && docker run --rm app:1 | grep built",
                "docker run --name done app:1 sh -c 'echo more >/more' && docker commit done committed:1",
                "docker run --rm committed:1 cat /more | grep more",
                "docker export done | docker import - flat:1 && docker run --rm flat:1 cat /more | grep more",
                "docker rmi -f other:2 && docker image prune -f && docker system df",
                "! docker rmi busybox",
                "! docker build --network host -t x .",
                "printf 'FROM busybox\\nRUN exit 4\\n' | docker build -t broken - || true; ! docker run --rm broken",
            ],
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn jobs_do_not_see_what_others_made_and_may_use_the_same_names() {
    let mut story = Story::begin(&[("Dockerfile", "FROM busybox\nRUN echo first >/word\n")]).await;
    let first = docker_job(&[
        "docker build -t app . && docker run -d --name db app sleep 600",
        "docker network create back && docker volume create data",
        "docker inspect -f '{{.Id}}' db && docker inspect -f '{{.Id}}' app",
        "echo begun; sleep 600",
    ])
    .await;
    let attempt = story.give(first);
    let begun = |told: &crate::server::Told| {
        let text = String::from_utf8_lossy(&told.log).into_owned();
        text.contains("\nbegun").then_some(text)
    };
    let log = story.server.until(attempt, "it to begin", begun).await;
    let ids: Vec<String> = log
        .lines()
        .map(|line| line.trim().trim_start_matches("sha256:"))
        .filter(|line| line.len() == 64 && line.chars().all(|c| c.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect();
    let (container, image) = (ids[ids.len() - 2].clone(), ids[ids.len() - 1].clone());
    let short = &container[..12];
    let engine_name = format!("slipway.{attempt}.db");
    let mut script = Vec::new();
    for called in ["db", &container, short, &engine_name] {
        for command in [
            "inspect",
            "logs",
            "top",
            "exec -i {} true #",
            "attach",
            "kill",
            "stop",
            "rm",
            "commit",
            "export",
            "pause",
            "restart",
            "rename {} x #",
            "wait",
            "port",
            "diff",
            "cp {}:/etc/passwd . #",
            "update --memory 10m",
            "start",
            "stats --no-stream",
        ] {
            let command = if command.contains("{}") {
                command.replace("{}", called)
            } else {
                format!("{command} {called}")
            };
            script.push(format!("! docker {command} </dev/null >/dev/null"));
        }
        script.push(format!("! docker run --rm --network container:{called} busybox true"));
        script.push(format!("! docker run --rm --pid container:{called} busybox true"));
        script.push(format!("! docker run --rm --ipc container:{called} busybox true"));
        script.push(format!("! docker run --rm --volumes-from {called} busybox true"));
        script.push(format!("! docker run --rm --link {called}:x busybox true"));
    }
    for called in ["app", &image, &image[..12], &format!("slipway/job-{attempt}/app:latest")] {
        script.push(format!("! docker run --rm --pull never {called} cat /word"));
        script.push(format!("! docker create {called} true"));
        script.push(format!("! docker image inspect {called} && ! docker history {called}"));
        script.push(format!("! docker tag {called} mine && ! docker save {called} >/dev/null"));
        script.push(format!("! docker rmi {called}"));
    }
    script.push("! docker network connect back x; ! docker network inspect back".to_owned());
    script.push(format!("! docker network inspect slipway.{attempt}.back"));
    script.push(format!("! docker run --rm --network slipway.{attempt}.bridge busybox true"));
    script.push("! docker volume inspect data && ! docker volume rm data".to_owned());
    script.push(format!("! docker volume rm slipway.{attempt}.data"));
    script.push(format!("! docker run --rm -v slipway.{attempt}.data:/d busybox ls /d/x"));
    // All of it under the same names.
    script.push("test -z \"$(docker ps -aq)$(docker images -q)\"".to_owned());
    script.push("sed -i s/first/second/ Dockerfile && docker build -t app .".to_owned());
    script.push("docker run --name db app cat /word | grep second".to_owned());
    script.push("docker network create back && docker volume create data".to_owned());
    script.push(
        "docker container prune -f && docker network prune -f && docker system prune -af --volumes"
            .to_owned(),
    );
    script.push("docker rm -f $(docker ps -aq) || true".to_owned());
    let texts: Vec<&str> = script.iter().map(String::as_str).collect();
    let second = story.run(docker_job(&texts).await).await;
    assert_eq!(second.outcome, JobOutcome::Passed, "{}", second.log);
    let told = story.server.told(attempt);
    assert!(told.finish.is_none(), "the first is unharmed");
    let running = story.containers(attempt).await;
    assert_eq!(running, ["running", "running"], "its own and db");
    story.server.cancel("enough");
    story.came(attempt).await;
    let attempts = story.attempts().to_vec();
    story.end().await;
    for attempt in attempts {
        assert_eq!(left_overs(attempt).await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_left_of_an_engine_is_removed_at_its_next_start() {
    let mut story = Story::begin(&[("Dockerfile", "FROM busybox\nRUN echo x >/word\n")]).await;
    let work = docker_job(&[
        "mkdir held && docker build -t app . && docker run -d -p 8080:80 -v $PWD/held:/h -v named:/n -v /anonymous app sleep 600",
        "docker network create back && echo begun && sleep 600",
    ])
    .await;
    let attempt = story.give(work);
    let begun = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("\nbegun").then_some(())
    };
    story.server.until(attempt, "it to begin", begun).await;
    assert!(left_overs(attempt).await.len() >= 5);
    story.kill_worker().await;
    story.start_worker(None);
    story.until_containers(attempt, "they should be gone", <[String]>::is_empty).await;
    // A job comes after the sweep.
    let came = story.run(crate::fixture::job(&["true"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_containers_stand_still_and_end_with_it() {
    let mut story = Story::begin(&[]).await;
    story.server.lease(2);
    let work =
        docker_job(&["docker run -d --name db busybox sleep 600", "echo begun; sleep 600"]).await;
    let attempt = story.give(work);
    let begun = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("\nbegun").then_some(())
    };
    story.server.until(attempt, "it to begin", begun).await;
    story.server.go_away(true);
    story.until_containers(attempt, "all frozen", |all| all == ["paused", "paused"]).await;
    story.server.go_away(false);
    story.until_containers(attempt, "all thawed", |all| all == ["running", "running"]).await;
    story.server.cancel("canceled by thor");
    let came = story.came(attempt).await;
    assert!(matches!(came.outcome, JobOutcome::Canceled { .. }), "{:?}", came.outcome);
    assert_eq!(story.containers(attempt).await, Vec::<String>::new());
    story.end().await;
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_containers_share_its_limits() {
    let mut story = Story::begin(&[]).await;
    let mut work = docker_job(&[
        "docker run --rm -m 100g busybox cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true",
        "docker run --name eats busybox sh -c 'x=a; while :; do x=$x$x; done' || test $? = 137",
        "test \"$(docker inspect -f '{{.State.OOMKilled}}' eats)\" = true",
        "docker run --rm -v $PWD:/src busybox sh -c 'head -c 60000000 /dev/zero >/src/big'; sleep 600",
    ])
    .await;
    work.limits.memory_bytes = 64 << 20;
    work.limits.disk_bytes = 32 << 20;
    work.plan.phases.after_failure = PhasePlan::Absent;
    work.plan.phases.before_script = phase(&["true"]);
    let came = story.run(work).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{}", came.log) };
    assert!(reason.contains("to disk; its limit is 32 MiB."), "{reason}\n{}", came.log);
    let attempt = story.attempts()[0];
    story.end().await;
    assert_eq!(left_overs(attempt).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_on_another_machine_is_refused_with_a_sentence() {
    let mut story = Story::without_worker(&[]).await;
    let proxy = crate::engine_bench::over_tcp().await;
    story.start_worker(Some(proxy));
    let came = story.run(docker_job(&["true"]).await).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{}", came.log) };
    assert!(
        reason.starts_with("`services: docker` needs an engine on the worker's own"),
        "{reason}"
    );
    story.end().await;
}
