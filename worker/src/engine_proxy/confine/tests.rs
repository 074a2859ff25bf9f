//! What a container may ask, and what every container gets.

use serde_json::{Value, json};

use super::*;

fn bounds() -> Bounds {
    Bounds { memory: 1 << 30, pids: 100, cpu_millis: 1500, cgroup: Some("/slipway-7".to_owned()) }
}

fn with_host(host: &Value) -> Result<Wish, Refusal> {
    confine(&json!({"Image": "busybox", "HostConfig": host}), &bounds())
}

#[test]
fn a_container_of_a_job_is_confined() {
    let host = json!({
        "Memory": 1_u64 << 40,
        "NanoCpus": 500_000_000,
        "CapDrop": ["ALL"],
        "CapAdd": ["CAP_CHOWN", "setuid"],
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "Ulimits": [{"Name": "nofile", "Soft": 1_000_000, "Hard": 1_000_000}],
        "LogConfig": {"Type": "syslog", "Config": {"syslog-address": "tcp://10.0.0.1"}},
        "MaskedPaths": null,
        "OomScoreAdj": 0,
    });
    let wish = with_host(&host).expect("allowed");
    let wanted = json!({
        "CapAdd": ["CHOWN", "SETUID"],
        "CapDrop": ["ALL"],
        "CgroupParent": "/slipway-7",
        "LogConfig": {"Type": "json-file", "Config": {"max-file": "1", "max-size": "20m"}},
        "Memory": 1 << 30,
        "MemorySwap": 1 << 30,
        "NanoCpus": 500_000_000,
        "OomScoreAdj": 0,
        "PidsLimit": 100,
        "Privileged": false,
        "RestartPolicy": {"Name": "no"},
        "SecurityOpt": ["no-new-privileges"],
        "Ulimits": [
            {"Name": "nofile", "Soft": 16_384, "Hard": 16_384},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
    });
    assert_eq!(Value::Object(wish.host), wanted);
    assert_eq!(wish.warnings.len(), 1, "{:?}", wish.warnings);
}

#[test]
fn a_container_that_asks_nothing_has_what_the_job_has() {
    let wish = with_host(&Value::Null).expect("allowed");
    let capabilities: Vec<&str> = crate::sandbox::CAPABILITIES.into();
    let wanted = json!({
        "CapAdd": capabilities,
        "CapDrop": ["ALL"],
        "CgroupParent": "/slipway-7",
        "LogConfig": {"Type": "json-file", "Config": {"max-file": "1", "max-size": "20m"}},
        "Memory": 1 << 30,
        "MemorySwap": 1 << 30,
        "NanoCpus": 1_500_000_000,
        "PidsLimit": 100,
        "Privileged": false,
        "RestartPolicy": {"Name": "no"},
        "SecurityOpt": ["no-new-privileges"],
        "Ulimits": [
            {"Name": "nofile", "Soft": 16_384, "Hard": 16_384},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
    });
    assert_eq!(Value::Object(wish.host), wanted);
}

#[test]
fn what_reaches_out_of_the_job_is_refused_with_a_sentence() {
    let cases = [
        json!({"Privileged": true}),
        json!({"CapAdd": ["SYS_ADMIN"]}),
        json!({"CapAdd": ["ALL"]}),
        json!({"CapAdd": ["cap_net_raw"]}),
        json!({"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm"}]}),
        json!({"DeviceCgroupRules": ["c *:* rwm"]}),
        json!({"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}),
        json!({"PidMode": "host"}),
        json!({"IpcMode": "host"}),
        json!({"UTSMode": "host"}),
        json!({"UsernsMode": "host"}),
        json!({"CgroupnsMode": "host"}),
        json!({"Cgroup": "host"}),
        json!({"NetworkMode": "ns:/proc/1/ns/net"}),
        json!({"SecurityOpt": ["seccomp=unconfined"]}),
        json!({"SecurityOpt": ["apparmor:unconfined"]}),
        json!({"SecurityOpt": ["label=disable"]}),
        json!({"SecurityOpt": ["no-new-privileges:false"]}),
        json!({"MaskedPaths": []}),
        json!({"ReadonlyPaths": []}),
        json!({"Runtime": "sysbox"}),
        json!({"CgroupParent": "/"}),
        json!({"OomKillDisable": true}),
        json!({"OomScoreAdj": -1000}),
        json!({"Sysctls": {"kernel.core_pattern": "|/x"}}),
        json!({"Sysctls": {"net.ipv4.ip_forward": "1"}}),
        json!({"StorageOpt": {"size": "100G"}}),
        json!({"VolumeDriver": "nfs"}),
        json!({"Ulimits": [{"Name": "rtprio", "Soft": 99, "Hard": 99}]}),
        json!({"BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1}]}),
        json!({"CpuRealtimeRuntime": 1000}),
        json!({"Binds": ["/a:/b:rshared"]}),
        json!({"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"Propagation": "shared"}}]}),
        json!({"Mounts": [{"Type": "npipe", "Source": "/a", "Target": "/b"}]}),
        json!({"Mounts": [{"Type": "volume", "Source": "v", "Target": "/b", "VolumeOptions": {"DriverConfig":
            {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}}}]}),
        json!({"Mounts": [{"Type": "volume", "Source": "v", "Target": "/b", "VolumeOptions": {"DriverConfig": {"Name": "nfs"}}}]}),
        json!({"privileged": true}),
        json!({"PRIVILEGED": true}),
        json!({"binds": ["/:/host"]}),
        json!({"Annotations": {"run.oci.keep_original_groups": "1"}}),
        json!({"NoSuchKey": 1}),
    ];
    for host in cases {
        let refused = with_host(&host).expect_err(&host.to_string());
        assert!(
            refused.status.is_client_error() && refused.message.len() > 20,
            "{host}: {refused:?}"
        );
    }
}

#[test]
fn keys_beside_the_known_ones_are_refused_wherever_they_stand() {
    let cases = [
        json!({"Image": "a", "hostconfig": {"Privileged": true}}),
        json!({"Image": "a", "HOSTCONFIG": {"Privileged": true}}),
        json!({"Image": "a", "Privileged": true}),
        json!({"Image": "a", "Labels": {"slipway.attempt": "another"}}),
        json!({"Image": "a", "Labels": 7}),
        json!({"Image": "a", "HostConfig": []}),
        json!({"Image": "a", "NetworkingConfig": {"EndpointsConfig": {"n": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}}}}}),
        json!({"Image": "a", "NetworkingConfig": {"EndpointsConfig": {"n": {"DriverOpts": {"a": "b"}}}}}),
        json!({"Image": ""}),
        json!({}),
        json!([]),
        Value::Null,
    ];
    for body in cases {
        assert!(confine(&body, &bounds()).is_err(), "{body}");
    }
    // What clients send along and says nothing.
    let plain = json!({"Image": "a", "Isolation": "", "HostConfig": {"Isolation": "", "CpuCount": 0,
        "IOMaximumIOps": 0, "Devices": [], "Annotations": null, "ConsoleSize": [0, 0]}});
    confine(&plain, &bounds()).expect("allowed");
}

#[test]
fn of_two_keys_of_one_name_the_one_that_is_checked_is_the_one_that_is_passed_on() {
    let text = r#"{"Image":"a","HostConfig":{"Privileged":false,"Privileged":true}}"#;
    let body = serde_json::from_str(text).expect("JSON");
    assert!(confine(&body, &bounds()).is_err());
    let text = r#"{"Image":"a","HostConfig":{"Privileged":true,"Privileged":false}}"#;
    let body = serde_json::from_str(text).expect("JSON");
    assert_eq!(confine(&body, &bounds()).expect("allowed").host["Privileged"], false);
}

#[test]
fn ports_and_mounts_are_read_as_clients_write_them() {
    let host = json!({
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "53/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "Binds": ["/build/acme/app:/src:ro", "data:/data"],
        "Mounts": [{"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 100, "Options": [["exec"]]}}],
        "NetworkMode": "host",
    });
    let wish = with_host(&host).expect("allowed");
    let mut ports: Vec<String> = wish
        .ports
        .iter()
        .map(|port| format!("{}:{:?}:{}", port.ip, port.port, port.container))
        .collect();
    ports.sort();
    assert_eq!(ports, ["0.0.0.0:Some(8080):80/tcp", "127.0.0.1:None:53/udp"]);
    assert_eq!(wish.network, NetworkWish::Job);
    let sources: Vec<&Source> = wish.mounts.iter().map(|mount| &mount.source).collect();
    let memory = Source::Memory(json!({"SizeBytes": 100}));
    let path = Source::Path("/build/acme/app".to_owned());
    assert_eq!(sources, [&path, &Source::Volume(Some("data".to_owned())), &memory]);
    for wrong in ["a", "/a:b", ":/b", "/a:/b:rw:ro", "/a:/b:exec"] {
        assert!(with_host(&json!({"Binds": [wrong]})).is_err(), "{wrong}");
    }
    for wrong in [
        json!({"0/tcp": [{}]}),
        json!({"80/sctp": [{}]}),
        json!({"x": [{}]}),
        json!({"80/tcp": [{"HostIp": "example.com"}]}),
        json!({"80/tcp": [{"HostPort": "99999"}]}),
    ] {
        assert!(with_host(&json!({"PortBindings": wrong})).is_err(), "{wrong}");
    }
}

#[test]
fn commands_are_never_privileged() {
    assert!(exec(&json!({"Cmd": ["id"], "Privileged": true})).is_err());
    assert!(exec(&json!({"Cmd": ["id"], "privileged": true})).is_err());
    let kept = exec(&json!({"Cmd": ["id"], "Privileged": false, "Detach": true})).expect("allowed");
    assert_eq!(kept, json!({"Cmd": ["id"], "Privileged": false}));
}
