//! The languages: which keys give their versions, which image a version is, and what `install`
//! and `script` are where they are not written (TRAVIS_SEMANTICS; Travis' `language` pages).
//! A language more is an entry more.

use super::defaults;
use super::image_tags::{
    clojure_tag, crystal_tag, dart_tag, dmd_tag, dotnet_tag, gcc_tag, go_tag, groovy_tag, hhvm_tag,
    jdk_tag, julia_tag, ldc_tag, matlab_tag, mono_tag, named_or_number, node_tag, numbered,
    php_tag, python_tag, r_tag, ruby_tag, rust_tag,
};

/// The image of `generic`: a Debian with compilers, curl and git. The operator may replace it.
pub(super) const GENERIC_IMAGE: &str = "buildpack-deps:bookworm";

/// One language.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) name: &'static str,
    /// Other spellings that mean it.
    aliases: &'static [&'static str],
    pub(super) image: Image,
    /// Default commands of `install`. `{key|text}` is what the file says by `key`, else the text.
    pub(super) install: &'static [&'static str],
    /// Default commands of `script`.
    pub(super) script: &'static [&'static str],
}

/// Where a language's jobs run if the file names no image.
#[derive(Debug)]
pub(super) enum Image {
    /// Always here: the version is chosen by the commands.
    Fixed(&'static str),
    /// The first of these whose key the job has; else this one.
    Version(&'static [Versions], &'static str),
    /// We know none: they run where `generic` runs.
    None,
}

/// The images of one version key.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) key: &'static str,
    /// A repository of Docker Hub, or of another registry.
    pub(super) repository: &'static str,
    /// From the key's value to its tag. A tag that is a whole reference names another repository;
    /// none: there is no such image.
    pub(super) tag: fn(&str) -> Option<String>,
}

const fn of(
    key: &'static str,
    repository: &'static str,
    tag: fn(&str) -> Option<String>,
) -> Versions {
    Versions { key, repository, tag }
}

const fn language(name: &'static str, image: Image) -> Language {
    Language { name, aliases: &[], image, install: &[], script: &[] }
}

/// All of Travis' languages.
static LANGUAGES: &[Language] = &[
    Language {
        aliases: &["bash", "sh", "shell"],
        ..language("generic", Image::Fixed(GENERIC_IMAGE))
    },
    language("minimal", Image::Fixed(GENERIC_IMAGE)),
    Language {
        install: &[defaults::PYTHON_INSTALL],
        ..language("python", Image::Version(&[of("python", "python", python_tag)], "python:3"))
    },
    Language {
        aliases: &["node", "nodejs", "javascript"],
        install: &[defaults::NODE_INSTALL],
        script: &[defaults::NODE_SCRIPT],
        ..language("node_js", Image::Version(&[of("node_js", "node", node_tag)], "node:lts"))
    },
    Language {
        install: &[defaults::RUBY_INSTALL],
        script: &[defaults::RUBY_SCRIPT],
        ..language("ruby", Image::Version(&[of("rvm", "ruby", ruby_tag)], "ruby:latest"))
    },
    Language {
        aliases: &["golang"],
        install: &[defaults::GO_INSTALL],
        script: &[defaults::GO_SCRIPT],
        ..language("go", Image::Version(&[of("go", "golang", go_tag)], "golang:latest"))
    },
    Language {
        script: &["cargo build --verbose", "cargo test --verbose"],
        ..language("rust", Image::Version(&[of("rust", "rust", rust_tag)], "rust:latest"))
    },
    Language {
        install: &[defaults::PHP_INSTALL],
        script: &[defaults::PHP_SCRIPT],
        ..language("php", Image::Version(&[of("php", "php", php_tag)], "php:cli"))
    },
    Language {
        aliases: &["jvm"],
        install: &[defaults::JVM_INSTALL],
        script: &[defaults::JVM_SCRIPT],
        ..language(
            "java",
            Image::Version(&[of("jdk", "maven", jdk_tag)], "maven:3-eclipse-temurin-21"),
        )
    },
    Language {
        install: &[defaults::SCALA_INSTALL],
        script: &[defaults::SCALA_SCRIPT],
        // sbt fetches the version of Scala that the job asks for.
        ..language("scala", Image::Fixed("sbtscala/scala-sbt:eclipse-temurin-17.0.4_1.7.1_3.2.0"))
    },
    Language {
        install: &[defaults::JVM_INSTALL],
        script: &[defaults::JVM_SCRIPT],
        ..language("groovy", Image::Version(&[of("jdk", "groovy", groovy_tag)], "groovy:latest"))
    },
    Language {
        install: &["{lein|lein} deps"],
        script: &["{lein|lein} test"],
        ..language("clojure", Image::Version(&[of("jdk", "clojure", clojure_tag)], "clojure:lein"))
    },
    Language {
        install: &[defaults::ANDROID_INSTALL],
        script: &[defaults::ANDROID_SCRIPT],
        ..language("android", Image::None)
    },
    Language {
        install: &["mix local.hex --force", "mix local.rebar --force", "mix deps.get"],
        script: &["mix test"],
        ..language("elixir", Image::Version(&[of("elixir", "elixir", numbered)], "elixir:latest"))
    },
    Language {
        install: &[defaults::ERLANG_INSTALL],
        script: &[defaults::ERLANG_SCRIPT],
        ..language(
            "erlang",
            Image::Version(&[of("otp_release", "erlang", numbered)], "erlang:latest"),
        )
    },
    Language {
        install: &["cabal update", "cabal install --only-dependencies --enable-tests"],
        script: &["cabal configure --enable-tests && cabal build && cabal test"],
        ..language("haskell", Image::Version(&[of("ghc", "haskell", numbered)], "haskell:latest"))
    },
    Language {
        script: &[defaults::JULIA_SCRIPT],
        ..language("julia", Image::Version(&[of("julia", "julia", julia_tag)], "julia:latest"))
    },
    Language {
        install: &["cpanm --quiet --installdeps --notest ."],
        script: &[defaults::PERL_SCRIPT],
        ..language("perl", Image::Version(&[of("perl", "perl", numbered)], "perl:latest"))
    },
    Language {
        install: &[defaults::DART_INSTALL],
        script: &[defaults::DART_SCRIPT],
        ..language("dart", Image::Version(&[of("dart", "dart", dart_tag)], "dart:stable"))
    },
    Language {
        install: &[defaults::R_INSTALL],
        script: &[defaults::R_SCRIPT],
        ..language("r", Image::Version(&[of("r", "r-base", r_tag)], "r-base:latest"))
    },
    Language {
        script: &["./configure && make && make test"],
        ..language("c", Image::Version(&[of("compiler", "gcc", gcc_tag)], "gcc:latest"))
    },
    Language {
        aliases: &["c++"],
        script: &["./configure && make && make test"],
        ..language("cpp", Image::Version(&[of("compiler", "gcc", gcc_tag)], "gcc:latest"))
    },
    Language {
        install: &["if [ -f shard.yml ]; then shards install; fi"],
        script: &["crystal spec"],
        ..language(
            "crystal",
            Image::Version(
                &[of("crystal", "crystallang/crystal", crystal_tag)],
                "crystallang/crystal:latest",
            ),
        )
    },
    Language {
        script: &["PERL6LIB=lib prove --ext .t --ext .t6 -v -r --exec=raku t/"],
        ..language(
            "perl6",
            Image::Version(&[of("perl6", "rakudo-star", named_or_number)], "rakudo-star:latest"),
        )
    },
    Language {
        install: &[defaults::HAXE_INSTALL],
        script: &[defaults::HAXE_SCRIPT],
        ..language("haxe", Image::Version(&[of("haxe", "haxe", named_or_number)], "haxe:latest"))
    },
    Language {
        script: &["nix-build"],
        ..language("nix", Image::Version(&[of("nix", "nixos/nix", numbered)], "nixos/nix:latest"))
    },
    Language {
        install: &["composer install"],
        script: &[defaults::HACK_SCRIPT],
        ..language("hack", Image::Version(&[of("hhvm", "hhvm/hhvm", hhvm_tag)], "hhvm/hhvm:latest"))
    },
    Language {
        install: &[defaults::CSHARP_INSTALL],
        script: &[defaults::CSHARP_SCRIPT],
        ..language(
            "csharp",
            Image::Version(
                &[
                    of("dotnet", "mcr.microsoft.com/dotnet/sdk", dotnet_tag),
                    of("mono", "mono", mono_tag),
                ],
                "mono:latest",
            ),
        )
    },
    Language {
        script: &["dub test --compiler=\"${DC:-dmd}\""],
        ..language(
            "d",
            Image::Version(
                &[of("d", "dlang2/dmd-ubuntu", dmd_tag), of("d", "dlang2/ldc-ubuntu", ldc_tag)],
                "dlang2/dmd-ubuntu:latest",
            ),
        )
    },
    Language {
        install: &[defaults::ELM_INSTALL, defaults::NODE_INSTALL],
        script: &["elm-format --validate . && elm-test"],
        ..language("elm", Image::Version(&[of("node_js", "node", node_tag)], "node:lts"))
    },
    Language {
        script: &["matlab -batch \"assertSuccess(runtests('IncludeSubfolders',true));\""],
        ..language(
            "matlab",
            Image::Version(
                &[of("matlab", "mathworks/matlab", matlab_tag)],
                "mathworks/matlab:latest",
            ),
        )
    },
    Language {
        aliases: &["swift", "objective_c", "obj_c", "objc"],
        install: &[defaults::PODS_INSTALL],
        script: &[defaults::XCODE_SCRIPT],
        ..language("objective-c", Image::None)
    },
    Language {
        script: &[defaults::SMALLTALK_SCRIPT],
        ..language("smalltalk", Image::Fixed("hpiswa/smalltalkci:latest"))
    },
];

/// The language of that name.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    let name = name.to_ascii_lowercase();
    LANGUAGES
        .iter()
        .find(|language| language.name == name || language.aliases.contains(&name.as_str()))
}

/// All names, for hints.
/// Where jobs of a language run, and its commands of `install` and `script`, for the reference.
/// None: not one of ours.
pub(crate) fn usual(
    name: &str,
) -> Option<(&'static str, &'static [&'static str], &'static [&'static str])> {
    let language = find(name)?;
    let image = match language.image {
        Image::Fixed(image) | Image::Version(_, image) => image,
        Image::None => GENERIC_IMAGE,
    };
    Some((image, language.install, language.script))
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.name)
}
