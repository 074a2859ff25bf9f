//! Keys and values that mean something only to some languages or systems. A job elsewhere does
//! not have them, so that two jobs that differ in nothing else are one.

use std::rc::Rc;

use indexmap::IndexMap;

use crate::language::{Node, Value};

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Language,
    Os,
}

const R: &[&str] = &["r"];
const OBJECTIVE_C: &[&str] = &["objective-c"];
const RUBIES: &[&str] = &["objective-c", "ruby"];
const LINUX: &[&str] = &["linux"];

/// Keys, and where they mean something.
#[rustfmt::skip]
const KEYS: &[(&str, By, &[&str])] = &[
    ("android", By::Language, &["android"]),
    ("apt_packages", By::Language, R),
    ("arch", By::Os, LINUX),
    ("bioc", By::Language, R),
    ("bioc_check", By::Language, R),
    ("bioc_packages", By::Language, R),
    ("bioc_required", By::Language, R),
    ("bioc_use_devel", By::Language, R),
    ("brew_packages", By::Language, R),
    ("bundler_args", By::Language, RUBIES),
    ("compiler", By::Language, &["c", "cpp"]),
    ("composer_args", By::Language, &["php"]),
    ("cran", By::Language, R),
    ("crystal", By::Language, &["crystal"]),
    ("d", By::Language, &["d"]),
    ("dart", By::Language, &["dart"]),
    ("dart_task", By::Language, &["dart"]),
    ("disable_homebrew", By::Language, R),
    ("dotnet", By::Language, &["csharp"]),
    ("elixir", By::Language, &["elixir"]),
    ("elm", By::Language, &["elm"]),
    ("elm_format", By::Language, &["elm"]),
    ("elm_test", By::Language, &["elm"]),
    ("gemfile", By::Language, RUBIES),
    ("ghc", By::Language, &["haskell"]),
    ("gimme_config", By::Language, &["go"]),
    ("go", By::Language, &["go"]),
    ("go_import_path", By::Language, &["go"]),
    ("gobuild_args", By::Language, &["go"]),
    ("haxe", By::Language, &["haxe"]),
    ("hhvm", By::Language, &["hack"]),
    ("hxml", By::Language, &["haxe"]),
    ("jdk", By::Language, &["android", "clojure", "groovy", "java", "ruby", "scala"]),
    ("julia", By::Language, &["julia"]),
    ("latex", By::Language, R),
    ("lein", By::Language, &["clojure"]),
    ("matlab", By::Language, &["matlab"]),
    ("mono", By::Language, &["csharp"]),
    ("neko", By::Language, &["haxe"]),
    ("nix", By::Language, &["nix"]),
    ("node_js", By::Language, &["elm", "node_js"]),
    ("npm_args", By::Language, &["node_js"]),
    ("osx_image", By::Os, &["osx"]),
    ("otp_release", By::Language, &["elixir", "erlang"]),
    ("pandoc", By::Language, R),
    ("pandoc_version", By::Language, R),
    ("perl", By::Language, &["perl"]),
    ("perl6", By::Language, &["perl6"]),
    ("php", By::Language, &["hack", "php"]),
    ("podfile", By::Language, OBJECTIVE_C),
    ("python", By::Language, &["python"]),
    ("r", By::Language, R),
    ("r_binary_packages", By::Language, R),
    ("r_build_args", By::Language, R),
    ("r_check_args", By::Language, R),
    ("r_check_revdep", By::Language, R),
    ("r_github_packages", By::Language, R),
    ("r_packages", By::Language, R),
    ("remotes", By::Language, R),
    ("repos", By::Language, R),
    ("rust", By::Language, &["rust"]),
    ("rvm", By::Language, RUBIES),
    ("sbt_args", By::Language, &["scala"]),
    ("scala", By::Language, &["scala"]),
    ("smalltalk", By::Language, &["smalltalk"]),
    ("smalltalk_config", By::Language, &["smalltalk"]),
    ("smalltalk_edge", By::Language, &["smalltalk"]),
    ("smalltalk_vm", By::Language, &["smalltalk"]),
    ("solution", By::Language, &["csharp"]),
    ("virtualenv", By::Language, &["python"]),
    ("warnings_are_errors", By::Language, R),
    ("with_content_shell", By::Language, &["dart"]),
    ("xcode_destination", By::Language, OBJECTIVE_C),
    ("xcode_project", By::Language, OBJECTIVE_C),
    ("xcode_scheme", By::Language, OBJECTIVE_C),
    ("xcode_sdk", By::Language, OBJECTIVE_C),
    ("xcode_workspace", By::Language, OBJECTIVE_C),
    ("xctool_args", By::Language, OBJECTIVE_C),
];

/// Distributions, and the systems that have them.
#[rustfmt::skip]
const DISTS: &[(&str, &[&str])] = &[
    ("precise", LINUX),
    ("trusty", LINUX),
    ("xenial", &["linux", "linux-ppc64le"]),
    ("bionic", LINUX),
    ("focal", &["linux", "linux-ppc64le"]),
    ("jammy", LINUX),
    ("noble", LINUX),
    ("rhel8", LINUX),
    ("server-2016", &["windows"]),
];

/// Systems that Objective-C does not run on.
const WITHOUT_OBJECTIVE_C: [&str; 3] = ["linux", "windows", "freebsd"];

/// The language and the systems of a job, or of a file; none where it is not written.
#[derive(Debug)]
pub(super) struct Ground {
    languages: Vec<String>,
    systems: Vec<String>,
}

impl Ground {
    pub(super) fn new<'n>(get: impl Fn(&str) -> Option<&'n Node>) -> Self {
        let texts = |key: &str| {
            let node = get(key).filter(|node| !node.is_null());
            let items = node.map(Node::items).unwrap_or_default();
            items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()
        };
        Self { languages: texts("language"), systems: texts("os") }
    }

    fn of(&self, by: By) -> &[String] {
        match by {
            By::Language => &self.languages,
            By::Os => &self.systems,
        }
    }

    /// Everything written is among `allowed`, or all of `allowed` is written.
    fn is_within(&self, by: By, allowed: &[&str]) -> bool {
        let written = self.of(by);
        written.iter().all(|word| allowed.contains(&word.as_str()))
            || allowed.iter().all(|word| written.iter().any(|other| other == word))
    }

    /// Does the key mean something here?
    pub(super) fn knows(&self, key: &str) -> bool {
        KEYS.iter()
            .find(|(name, ..)| *name == key)
            .is_none_or(|(_, by, allowed)| self.is_within(*by, allowed))
    }

    fn takes(&self, key: &str, value: &str) -> bool {
        match key {
            "dist" => DISTS
                .iter()
                .find(|(name, _)| *name == value)
                .is_none_or(|(_, systems)| self.is_within(By::Os, systems)),
            "os" if WITHOUT_OBJECTIVE_C.contains(&value) => {
                self.languages.is_empty()
                    || self.languages.iter().any(|language| language != "objective-c")
            }
            _ => true,
        }
    }
}

/// Drops what means nothing to a job with this language on this system.
pub(super) fn drop_foreign(config: &mut IndexMap<String, Rc<Node>>) {
    let ground = Ground::new(|key| config.get(key).map(Rc::as_ref));
    config.retain(|key, node| {
        // As on Travis: what is switched off anyway may stay.
        let off = match &node.value {
            Value::Scalar { text, plain } => *plain && text == "false",
            Value::List(_) | Value::Map(_) => false,
        };
        off || ground.knows(key) && node.text().is_none_or(|value| ground.takes(key, value))
    });
}
