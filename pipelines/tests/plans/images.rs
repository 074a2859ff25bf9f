//! Which image a job runs in.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use slipway_pipelines::language::Severity;
use slipway_pipelines::plan::{CompileContext, Compiled, Dialect, JobImage, Outcome, compile_as};

use crate::tell::push;

fn compiled(dialect: Dialect, text: &str, table: &[(&str, &str)]) -> Compiled {
    let (push, repo) = (push("main", ""), "acme/app".parse().expect("a repo name"));
    let pair = |(language, image): &(&str, &str)| ((*language).to_owned(), (*image).to_owned());
    let images: BTreeMap<String, String> = table.iter().map(pair).collect();
    let context =
        CompileContext { trigger: &push, repo: &repo, default_branch: "main", images: &images };
    compile_as(dialect, ".ci.yml", text.as_bytes(), &context)
}

fn image(compiled: &Compiled) -> String {
    let Outcome::Plan(plan) = &compiled.outcome else { panic!("no plan: {compiled:#?}") };
    let JobImage::Named { reference } = &plan.jobs[0].image else { panic!("it is built") };
    let said = compiled.diagnostics.iter().filter(|found| found.severity == Severity::Warning);
    said.fold(reference.clone(), |text, found| text + "  " + &found.message)
}

#[test]
fn the_operators_table_comes_before_ours() {
    let table = [
        ("python", "registry.acme.test/python:{version}-slim"),
        ("python:3.12", "registry.acme.test/twelve:1"),
        ("generic", "registry.acme.test/base:2"),
    ];
    let of = |text: &str| image(&compiled(Dialect::Ci, text, &table));
    assert_eq!(
        of("language: python\npython: 3.11\nscript: x"),
        "registry.acme.test/python:3.11-slim"
    );
    assert_eq!(of("language: python\npython: 3.12\nscript: x"), "registry.acme.test/twelve:1");
    assert_eq!(of("language: python\nscript: x"), "python:3");
    assert_eq!(of("script: x"), "registry.acme.test/base:2");
    assert_eq!(of("image: busybox\nscript: x"), "busybox");
}

#[test]
fn a_version_never_breaks_out_of_the_tag() {
    let table = [("python", "registry.acme.test/python:{version}")];
    for version in ["3@sha256:0", "3/../x", "3:4", "-rm", "3 4", "$HOME", &"3".repeat(200)] {
        let file = format!("language: python\npython: '{version}'\nscript: x");
        let outcome = compiled(Dialect::Ci, &file, &table).outcome;
        assert!(matches!(outcome, Outcome::Bad { .. }), "{version}: {outcome:?}");
    }
}

#[test]
fn every_language_has_an_image_or_says_which_one_it_runs_in() {
    let languages = "android c clojure cpp crystal csharp d dart elixir elm erlang generic go groovy \
                     hack haskell haxe java julia matlab minimal nix node_js objective-c perl perl6 \
                     php python r ruby rust scala smalltalk";
    let told = languages.split_whitespace().map(|name| {
        // Without it objective-c means macOS.
        let file = format!("language: {name}\nos: linux\nscript: x\n");
        format!("{name}: {}", image(&compiled(Dialect::Travis, &file, &[])))
    });
    assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    android: buildpack-deps:bookworm  there is no image for the language `android` yet; the job runs in `buildpack-deps:bookworm`
    c: gcc:latest
    clojure: clojure:latest
    cpp: gcc:latest
    crystal: crystallang/crystal:latest
    csharp: buildpack-deps:bookworm  there is no image for the language `csharp` yet; the job runs in `buildpack-deps:bookworm`
    d: buildpack-deps:bookworm  there is no image for the language `d` yet; the job runs in `buildpack-deps:bookworm`
    dart: dart:stable
    elixir: elixir:latest
    elm: buildpack-deps:bookworm  there is no image for the language `elm` yet; the job runs in `buildpack-deps:bookworm`
    erlang: erlang:latest
    generic: buildpack-deps:bookworm
    go: golang:latest
    groovy: groovy:latest
    hack: hhvm/hhvm:latest
    haskell: haskell:latest
    haxe: haxe:latest
    java: maven:3-eclipse-temurin-21
    julia: julia:latest
    matlab: buildpack-deps:bookworm  there is no image for the language `matlab` yet; the job runs in `buildpack-deps:bookworm`
    minimal: buildpack-deps:bookworm
    nix: nixos/nix:latest
    node_js: node:lts
    objective-c: buildpack-deps:bookworm  there is no image for the language `objective-c` yet; the job runs in `buildpack-deps:bookworm`
    perl: perl:latest
    perl6: rakudo-star:latest
    php: php:cli
    python: python:3
    r: r-base:latest
    ruby: ruby:latest
    rust: rust:latest
    scala: buildpack-deps:bookworm  there is no image for the language `scala` yet; the job runs in `buildpack-deps:bookworm`
    smalltalk: buildpack-deps:bookworm  there is no image for the language `smalltalk` yet; the job runs in `buildpack-deps:bookworm`
    ");
}

#[test]
fn on_travis_a_version_without_an_image_runs_in_the_nearest() {
    let of = |text: &str| image(&compiled(Dialect::Travis, text, &[]));
    let told = [
        of("language: python\npython: nightly\nscript: x"),
        of("language: python\npython: 3.7-dev\nscript: x"),
        of("language: cpp\ncompiler: clang"),
        of("language: java\njdk: oraclejdk9"),
    ];
    assert_snapshot!(told.join("\n"), @r"
    python:3  there is no image for python `nightly` yet; the job runs in `python:3`
    python:3.7  there is no image for python `3.7-dev` yet; the job runs in `python:3.7`
    gcc:latest  there is no image for cpp `clang` yet; the job runs in `gcc:latest`
    maven:3-eclipse-temurin-21  there is no image for java `oraclejdk9` yet; the job runs in `maven:3-eclipse-temurin-21`
    ");
}
