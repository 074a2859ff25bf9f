//! Links the forwarder statically, for the worker to carry: the container it runs in has nothing
//! else in it, since there may be nowhere to pull an image from.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = "src/deploy/forwarder/main.rs";

fn main() {
    println!("cargo::rerun-if-changed=src/deploy/forwarder");
    println!("cargo::rerun-if-changed=build.rs");
    let out = Path::new(&setting("OUT_DIR")).join("forwarder");
    if setting("CARGO_CFG_TARGET_OS") != "linux" {
        // Containers run Linux; a worker elsewhere says that it has no forwarder.
        std::fs::write(&out, []).expect("cargo's own folder is writable");
        return;
    }
    let mut rustc = Command::new(setting("RUSTC"));
    rustc.args(["--edition", "2024", "--crate-name", "forwarder"]);
    rustc.arg("--target").arg(setting("TARGET"));
    rustc.args(["-C", "opt-level=s", "-C", "panic=abort", "-C", "strip=symbols"]);
    rustc.args(["-C", "target-feature=+crt-static"]);
    if let Some(linker) = std::env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        rustc.arg("-C").arg(option);
    }
    let built = rustc.arg("-o").arg(&out).arg(SOURCE).status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "the forwarder did not link statically: on Debian that needs libc6-dev, on Fedora \
         glibc-static"
    );
}

/// Cargo sets these for every build script.
fn setting(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"))
}
