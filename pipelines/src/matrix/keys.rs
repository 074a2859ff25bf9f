//! Which keys span the matrix, and which the jobs do not have.

use crate::language::{Node, Value};

/// Keys that span the matrix, in the order of expansion, whatever the order in the file. `env`
/// comes after them and varies fastest.
pub(super) const EXPANSION: [&str; 37] = [
    "os",
    "arch",
    "compiler",
    "osx_image",
    "jdk",
    "crystal",
    "dotnet",
    "mono",
    "solution",
    "d",
    "dart",
    "dart_task",
    "elixir",
    "otp_release",
    "elm",
    "node_js",
    "go",
    "hhvm",
    "php",
    "ghc",
    "haxe",
    "julia",
    "matlab",
    "nix",
    "perl",
    "perl6",
    "python",
    "r",
    "rvm",
    "gemfile",
    "xcode_scheme",
    "xcode_sdk",
    "rust",
    "scala",
    "smalltalk",
    "smalltalk_config",
    "smalltalk_vm",
];

/// Keys of the file that are no job's.
const OF_THE_FILE: [&str; 8] = [
    "jobs",
    "import",
    "merge_mode",
    "stages",
    "notifications",
    "version",
    "allow_failure",
    "global_env",
];

/// Does every job have what the file says under this key?
pub(super) fn is_shared(key: &str) -> bool {
    key != "env" && !EXPANSION.contains(&key) && !OF_THE_FILE.contains(&key)
}

/// Nothing, or a text, list or map without anything in it.
pub(super) fn is_blank(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { text, .. } => text.is_empty() || node.is_null(),
        Value::List(nodes) => nodes.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}

/// Blank, or of nothing but blanks.
pub(super) fn is_hollow(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => is_blank(node),
        Value::List(nodes) => nodes.iter().all(is_hollow),
        Value::Map(entries) => entries.iter().all(|entry| is_hollow(&entry.value)),
    }
}
