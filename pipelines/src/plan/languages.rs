//! The languages: which keys give their versions, which image a version is, and what `install`
//! and `script` are where they are not written (TRAVIS_SEMANTICS; Travis' `language` pages).
//! A language more is an entry more.

use super::defaults;
use super::image_tags::{
    gcc_tag, go_tag, jdk_tag, node_tag, numbered, php_tag, python_tag, rust_tag, stable_or_number,
};

/// The image of `generic`: a Debian with compilers, curl and git. The operator may replace it.
pub(super) const GENERIC_IMAGE: &str = "buildpack-deps:bookworm";

/// One language.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) name: &'static str,
    /// Other spellings that mean it.
    aliases: &'static [&'static str],
    /// Its matrix keys, beside `env`. The first is the version.
    pub(super) keys: &'static [&'static str],
    pub(super) image: Image,
    /// Default commands of `install`.
    pub(super) install: &'static [&'static str],
    /// Default commands of `script`.
    pub(super) script: &'static [&'static str],
}

/// Where a language's jobs run if the file names no image.
#[derive(Debug)]
pub(super) enum Image {
    /// Always here, whatever the version.
    Fixed(&'static str),
    /// In this repository of Docker Hub, by a tag made of the version.
    Version { repository: &'static str, default: &'static str, tag: fn(&str) -> Option<String> },
    /// We know none: they run where `generic` runs.
    None,
}

const fn plain(name: &'static str, aliases: &'static [&'static str]) -> Language {
    Language {
        name,
        aliases,
        keys: &[],
        image: Image::Fixed(GENERIC_IMAGE),
        install: &[],
        script: &[],
    }
}

const fn versioned(
    name: &'static str,
    keys: &'static [&'static str],
    repository: &'static str,
    default: &'static str,
    tag: fn(&str) -> Option<String>,
) -> Language {
    let image = Image::Version { repository, default, tag };
    Language { name, aliases: &[], keys, image, install: &[], script: &[] }
}

const fn fixed(name: &'static str, keys: &'static [&'static str], image: &'static str) -> Language {
    Language { name, aliases: &[], keys, image: Image::Fixed(image), install: &[], script: &[] }
}

const fn imageless(name: &'static str, keys: &'static [&'static str]) -> Language {
    Language { name, aliases: &[], keys, image: Image::None, install: &[], script: &[] }
}

/// All of Travis' languages.
static LANGUAGES: &[Language] = &[
    plain("generic", &["bash", "sh", "shell"]),
    plain("minimal", &[]),
    Language {
        install: &[defaults::PYTHON_INSTALL],
        ..versioned("python", &["python"], "python", "3", python_tag)
    },
    Language {
        aliases: &["node", "nodejs", "javascript"],
        install: &[defaults::NODE_INSTALL],
        script: &[defaults::NODE_SCRIPT],
        ..versioned("node_js", &["node_js"], "node", "lts", node_tag)
    },
    Language {
        install: &[defaults::RUBY_INSTALL],
        script: &[defaults::RUBY_SCRIPT],
        ..versioned("ruby", &["rvm", "gemfile", "jdk"], "ruby", "latest", numbered)
    },
    Language {
        aliases: &["golang"],
        install: &[defaults::GO_INSTALL],
        script: &[defaults::GO_SCRIPT],
        ..versioned("go", &["go"], "golang", "latest", go_tag)
    },
    Language {
        script: &["cargo build --verbose", "cargo test --verbose"],
        ..versioned("rust", &["rust"], "rust", "latest", rust_tag)
    },
    Language {
        install: &[defaults::PHP_INSTALL],
        script: &[defaults::PHP_SCRIPT],
        ..versioned("php", &["php"], "php", "cli", php_tag)
    },
    Language {
        aliases: &["jvm"],
        install: &[defaults::JVM_INSTALL],
        script: &[defaults::JVM_SCRIPT],
        ..versioned("java", &["jdk"], "maven", "3-eclipse-temurin-21", jdk_tag)
    },
    Language {
        install: &[defaults::SCALA_INSTALL],
        script: &[defaults::SCALA_SCRIPT],
        ..imageless("scala", &["scala", "jdk"])
    },
    Language {
        install: &[defaults::JVM_INSTALL],
        script: &[defaults::JVM_SCRIPT],
        ..fixed("groovy", &["jdk"], "groovy:latest")
    },
    Language {
        install: &["lein deps"],
        script: &["lein test"],
        ..fixed("clojure", &["jdk"], "clojure:latest")
    },
    Language { script: &[defaults::ANDROID_SCRIPT], ..imageless("android", &["jdk"]) },
    Language {
        script: &["mix test"],
        install: &["mix local.hex --force", "mix local.rebar --force", "mix deps.get"],
        ..versioned("elixir", &["elixir", "otp_release"], "elixir", "latest", numbered)
    },
    versioned("erlang", &["otp_release"], "erlang", "latest", numbered),
    versioned("haskell", &["ghc"], "haskell", "latest", numbered),
    versioned("julia", &["julia"], "julia", "latest", numbered),
    Language {
        install: &["cpanm --quiet --installdeps --notest ."],
        script: &[defaults::PERL_SCRIPT],
        ..versioned("perl", &["perl"], "perl", "latest", numbered)
    },
    versioned("dart", &["dart", "dart_task"], "dart", "stable", stable_or_number),
    versioned("r", &["r"], "r-base", "latest", numbered),
    Language {
        script: &["./configure && make && make test"],
        ..versioned("c", &["compiler"], "gcc", "latest", gcc_tag)
    },
    Language {
        aliases: &["c++"],
        script: &["./configure && make && make test"],
        ..versioned("cpp", &["compiler"], "gcc", "latest", gcc_tag)
    },
    Language {
        script: &["crystal spec"],
        ..versioned("crystal", &["crystal"], "crystallang/crystal", "latest", numbered)
    },
    fixed("perl6", &["perl6"], "rakudo-star:latest"),
    fixed("haxe", &["haxe"], "haxe:latest"),
    fixed("nix", &["nix"], "nixos/nix:latest"),
    fixed("hack", &["hhvm", "php"], "hhvm/hhvm:latest"),
    imageless("csharp", &["dotnet", "mono", "solution"]),
    imageless("d", &["d"]),
    imageless("elm", &["elm", "node_js"]),
    imageless("matlab", &["matlab"]),
    Language {
        aliases: &["swift", "objective_c", "objc"],
        ..imageless("objective-c", &["rvm", "gemfile", "xcode_scheme", "xcode_sdk"])
    },
    imageless("smalltalk", &["smalltalk", "smalltalk_config", "smalltalk_vm"]),
];

/// The language of that name.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    let name = name.to_ascii_lowercase();
    LANGUAGES
        .iter()
        .find(|language| language.name == name || language.aliases.contains(&name.as_str()))
}

/// All names, for hints.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.name)
}

/// The environment variables in which a job finds its versions, as Travis sets them.
pub(super) fn version_variables(key: &str) -> &'static [&'static str] {
    match key {
        "python" => &["TRAVIS_PYTHON_VERSION", "CI_PYTHON_VERSION"],
        "node_js" => &["TRAVIS_NODE_VERSION", "CI_NODE_VERSION"],
        "rvm" => &["TRAVIS_RUBY_VERSION", "CI_RUBY_VERSION"],
        "gemfile" => &["BUNDLE_GEMFILE"],
        "go" => &["TRAVIS_GO_VERSION", "CI_GO_VERSION"],
        "rust" => &["TRAVIS_RUST_VERSION", "CI_RUST_VERSION"],
        "php" => &["TRAVIS_PHP_VERSION", "CI_PHP_VERSION"],
        "jdk" => &["TRAVIS_JDK_VERSION", "CI_JDK_VERSION"],
        "scala" => &["TRAVIS_SCALA_VERSION", "CI_SCALA_VERSION"],
        "elixir" => &["TRAVIS_ELIXIR_VERSION", "CI_ELIXIR_VERSION"],
        "otp_release" => &["TRAVIS_OTP_RELEASE", "CI_OTP_RELEASE"],
        "ghc" => &["TRAVIS_HASKELL_VERSION", "CI_HASKELL_VERSION"],
        "julia" => &["TRAVIS_JULIA_VERSION", "CI_JULIA_VERSION"],
        "perl" => &["TRAVIS_PERL_VERSION", "CI_PERL_VERSION"],
        "dart" => &["TRAVIS_DART_VERSION", "CI_DART_VERSION"],
        "r" => &["TRAVIS_R_VERSION", "CI_R_VERSION"],
        "compiler" => &["TRAVIS_COMPILER", "CI_COMPILER"],
        _ => &[],
    }
}
