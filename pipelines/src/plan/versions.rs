//! What a job is told of its versions, and the default commands with what the file says of them.

use super::languages::Language;
use super::reader::Keys;
use super::{EnvVar, words};
use crate::language::Node;

/// Versions and the environment variables in which a job finds them, as Travis sets them, in the
/// order of the matrix.
const VARIABLES: &[(&str, &[&str])] = &[
    ("compiler", &["TRAVIS_COMPILER", "CI_COMPILER"]),
    ("jdk", &["TRAVIS_JDK_VERSION", "CI_JDK_VERSION"]),
    ("crystal", &["TRAVIS_CRYSTAL_VERSION", "CI_CRYSTAL_VERSION"]),
    ("dotnet", &["TRAVIS_DOTNET_VERSION", "CI_DOTNET_VERSION"]),
    ("mono", &["TRAVIS_MONO_VERSION", "CI_MONO_VERSION"]),
    ("solution", &["TRAVIS_SOLUTION", "CI_SOLUTION"]),
    ("d", &["TRAVIS_D_VERSION", "CI_D_VERSION"]),
    ("dart", &["TRAVIS_DART_VERSION", "CI_DART_VERSION"]),
    ("elixir", &["TRAVIS_ELIXIR_VERSION", "CI_ELIXIR_VERSION"]),
    ("otp_release", &["TRAVIS_OTP_RELEASE", "CI_OTP_RELEASE"]),
    ("elm", &["TRAVIS_ELM_VERSION", "CI_ELM_VERSION"]),
    ("node_js", &["TRAVIS_NODE_VERSION", "CI_NODE_VERSION"]),
    ("go", &["TRAVIS_GO_VERSION", "CI_GO_VERSION"]),
    ("hhvm", &["TRAVIS_HHVM_VERSION", "CI_HHVM_VERSION"]),
    ("php", &["TRAVIS_PHP_VERSION", "CI_PHP_VERSION"]),
    ("ghc", &["TRAVIS_HASKELL_VERSION", "CI_HASKELL_VERSION"]),
    ("haxe", &["TRAVIS_HAXE_VERSION", "CI_HAXE_VERSION"]),
    ("julia", &["TRAVIS_JULIA_VERSION", "CI_JULIA_VERSION"]),
    ("matlab", &["TRAVIS_MATLAB_VERSION", "CI_MATLAB_VERSION"]),
    ("perl", &["TRAVIS_PERL_VERSION", "CI_PERL_VERSION"]),
    ("perl6", &["TRAVIS_PERL6_VERSION", "CI_PERL6_VERSION"]),
    ("python", &["TRAVIS_PYTHON_VERSION", "CI_PYTHON_VERSION"]),
    ("r", &["TRAVIS_R_VERSION", "CI_R_VERSION"]),
    ("rvm", &["TRAVIS_RUBY_VERSION", "CI_RUBY_VERSION"]),
    ("gemfile", &["BUNDLE_GEMFILE"]),
    ("xcode_scheme", &["TRAVIS_XCODE_SCHEME", "CI_XCODE_SCHEME"]),
    ("xcode_sdk", &["TRAVIS_XCODE_SDK", "CI_XCODE_SDK"]),
    ("rust", &["TRAVIS_RUST_VERSION", "CI_RUST_VERSION"]),
    ("scala", &["TRAVIS_SCALA_VERSION", "CI_SCALA_VERSION"]),
    ("smalltalk", &["TRAVIS_SMALLTALK_VERSION", "CI_SMALLTALK_VERSION"]),
    ("smalltalk_config", &["TRAVIS_SMALLTALK_CONFIG", "CI_SMALLTALK_CONFIG"]),
    ("smalltalk_vm", &["TRAVIS_SMALLTALK_VM", "CI_SMALLTALK_VM"]),
];

/// The variables of a job whose keys have these values.
pub(super) fn variables<'a>(
    language: &Language,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Vec<EnvVar> {
    let mut vars = Vec::new();
    let mut set = |name: &str, value: String| vars.push(EnvVar { name: name.to_owned(), value });
    for (key, names) in VARIABLES {
        let Some(value) = value(key) else { continue };
        names.iter().for_each(|name| set(name, words::as_word(value)));
    }
    match (language.name, value("compiler"), value("d")) {
        ("c", Some(compiler), _) => set("CC", words::as_word(compiler)),
        ("cpp", Some(compiler), _) => {
            let (c, cpp) = compilers(compiler);
            set("CC", words::as_word(&c));
            set("CXX", words::as_word(&cpp));
        }
        ("d", _, Some(compiler)) => {
            let (compiler, driver) = match compiler.split('-').next() {
                Some("ldc") => ("ldc2", "ldmd2"),
                Some("gdc") => ("gdc", "gdmd"),
                _ => ("dmd", "dmd"),
            };
            set("DC", compiler.to_owned());
            set("DMD", driver.to_owned());
        }
        _ => {}
    }
    vars
}

/// The C compiler and the C++ compiler that belong together.
fn compilers(written: &str) -> (String, String) {
    match written {
        "clang" | "clang++" => ("clang".to_owned(), "clang++".to_owned()),
        "gcc" | "g++" => ("gcc".to_owned(), "g++".to_owned()),
        other => (other.replace("++", ""), other.to_owned()),
    }
}

/// Debian packages that a job needs beside its image.
pub(super) fn packages(language: &Language, compiler: Option<&str>) -> Option<&'static str> {
    let clang = matches!(compiler, Some("clang" | "clang++"));
    (matches!(language.name, "c" | "cpp") && clang).then_some("clang")
}

/// A default command with the options that the file gives it: `{key|text}` is the value of the
/// key, else the text; a blank before the key stands before its value.
pub(super) fn filled(command: &str, keys: &Keys<'_>) -> String {
    let mut out = String::with_capacity(command.len());
    let mut rest = command;
    while let Some(start) = rest.find('{') {
        let (before, inside) = rest.split_at(start);
        out.push_str(before);
        let Some((key, default, after)) = placeholder(inside) else {
            out.push('{');
            rest = &inside[1..];
            continue;
        };
        match keys.get(key.trim()).map(|at| options(at.node)) {
            Some(options) if !options.is_empty() => {
                out.push_str(if key.starts_with(' ') { " " } else { "" });
                out.push_str(&options);
            }
            Some(_) | None => out.push_str(default),
        }
        rest = after;
    }
    out + rest
}

fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let (key, default) = inside.split_once('|')?;
    let is_key =
        !key.trim().is_empty() && key.trim().chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_key.then_some((key, default, after))
}

/// A text as it is; of a list each a word.
fn options(node: &Node) -> String {
    match node.text() {
        Some(text) => text.trim().to_owned(),
        None => {
            let words: Vec<String> =
                node.items().iter().filter_map(Node::text).map(words::as_word).collect();
            words.join(" ")
        }
    }
}
