//! What jobs are kept from: the cloud's metadata address, and services of the worker's machine.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use slipway_pipelines::plan::{EnvVar, ImageBuild, ImageBuildPlan};
use slipway_pipelines::wire::{JobOutcome, JobWork};

use crate::fixture::{IMAGE, Story, job};

const METADATA: &str = "169.254.169.254";

/// A cloud's metadata service, as a machine sees it: on another machine, one hop away.
struct Cloud {
    name: String,
    serving: std::process::Child,
}

fn sh(command: &str) -> (bool, String) {
    let output = Command::new("sh").args(["-c", command]).output().expect("sh runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn must(command: &str) {
    let (ok, said) = sh(command);
    assert!(ok, "{command}: {said}; this story needs root, iproute2 and network namespaces");
}

impl Cloud {
    fn begin() -> Self {
        let name = format!("cloud{}", std::process::id() % 100_000);
        must(&format!(
            "mkdir -p /tmp/{name} && echo the-machines-keys >/tmp/{name}/index.html
             ip netns add {name} && ip link add {name}a type veth peer name {name}b
             ip link set {name}b netns {name} && ip address add 198.19.254.1/30 dev {name}a
             ip link set {name}a up && ip netns exec {name} ip link set lo up
             ip netns exec {name} ip address add 198.19.254.2/30 dev {name}b
             ip netns exec {name} ip link set {name}b up
             ip netns exec {name} ip address add {METADATA}/32 dev lo
             ip netns exec {name} ip route add default via 198.19.254.1
             ip route add {METADATA}/32 via 198.19.254.2"
        ));
        let serving = Command::new("ip")
            .args(["netns", "exec", &name, "busybox", "httpd", "-f", "-h", &format!("/tmp/{name}")])
            .args(["-p", &format!("{METADATA}:80")])
            .spawn()
            .expect("httpd starts");
        Self { name, serving }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ended = self.serving.kill();
        let _reaped = self.serving.wait();
        let name = &self.name;
        let _gone = sh(&format!(
            "ip route del {METADATA}/32; ip link del {name}a; ip netns del {name}; rm -r /tmp/{name}"
        ));
    }
}

/// A service of the machine that listens on all its addresses; answers its port.
fn service_of_the_machine() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 512];
            let _heard = stream.read(&mut asked);
            let _told = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nthe-machine-s-own\n");
        }
    });
    port
}

/// What the metadata service answers the machine itself.
fn asked(address: &str) -> std::io::Result<String> {
    let mut stream = std::net::TcpStream::connect((address, 80))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The same from a container.
fn get(address: &str) -> String {
    let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
    format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {host} {port} | grep the-machine")
}

/// What the machine is called from a container on a bridge of it.
const GATEWAY: &str = "$(ip route | awk '/^default/ { print $3 }')";

/// Tries to reach both; what it got is in the log.
fn trying(port: u16) -> JobWork {
    let (cloud, machine) = (get(&format!("{METADATA}:80")), get(&format!("{GATEWAY}:{port}")));
    job(&[
        &format!("{cloud} || echo kept from the cloud"),
        &format!("{machine} || echo kept from the machine"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_reaches_neither_the_clouds_metadata_nor_the_machines_services() {
    let cloud = Cloud::begin();
    let port = service_of_the_machine();
    // It has only just been started.
    let begun = std::time::Instant::now();
    while asked(METADATA).is_err() && begun.elapsed().as_secs() < 10 {
        std::thread::yield_now();
    }
    let keys = asked(METADATA).expect("the machine reaches it");
    assert!(keys.contains("the-machines-keys"), "{keys}");

    // A container that is no job's reaches both: so it is the guard that keeps jobs away.
    let network = format!("walls-{}", uuid::Uuid::now_v7());
    must(&format!("docker network create {network}"));
    let both = format!("{}; {}", get(&format!("{METADATA}:80")), get(&format!("{GATEWAY}:{port}")));
    let free = Command::new("docker")
        .args(["run", "--rm", "--network", &network, IMAGE, "sh", "-c", &both])
        .output()
        .expect("docker runs");
    let free = String::from_utf8_lossy(&free.stdout).into_owned();
    must(&format!("docker network rm {network}"));
    assert_eq!(
        free,
        "the-machines-keys
the-machine-s-own
"
    );

    let dockerfile = format!(
        "FROM {IMAGE}\nARG AT\nRUN echo $AT; {} || echo kept the build away\n",
        get(&format!("{METADATA}:80"))
    );
    let mut story = Story::begin(&[("Dockerfile", &dockerfile)]).await;
    let mut work = trying(port);
    work.plan.images = vec![ImageBuildPlan {
        name: "app".to_owned(),
        build: ImageBuild {
            context: ".".to_owned(),
            dockerfile: "Dockerfile".to_owned(),
            target: None,
            // Never from the cache.
            args: vec![EnvVar { name: "AT".to_owned(), value: network }],
            secrets: Vec::new(),
        },
        tags: Vec::new(),
        platforms: Vec::new(),
        push: None,
    }];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    for kept in ["kept from the cloud", "kept from the machine"] {
        assert!(came.log.contains(&format!("\n{kept}\n")), "{kept}: {}", came.log);
    }
    for reached in ["the-machines-keys", "the-machine-s-own"] {
        assert!(!came.log.contains(reached), "{}", came.log);
    }
    story.end().await;
    drop(cloud);
}
