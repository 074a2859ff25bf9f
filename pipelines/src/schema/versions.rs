//! The keys that languages have of their own: versions, which make a matrix, and options.

use super::Key;
use super::key::key;
use super::shape::{Map, Shape, TEXTS, map};

const JVM: &[&str] = &["android", "clojure", "groovy", "java", "ruby", "scala"];

/// A key that makes a matrix.
const fn versions(
    name: &'static str,
    languages: &'static [&'static str],
    meaning: &'static str,
) -> Key {
    key(name, TEXTS, meaning).matrix().languages(languages).doc(PAGES)
}

const fn option(
    name: &'static str,
    shape: Shape,
    languages: &'static [&'static str],
    meaning: &'static str,
) -> Key {
    key(name, shape, meaning).languages(languages).not_yet().doc(PAGES)
}

const fn of_r(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    option(name, shape, &["r"], meaning)
}

const fn of_apple(name: &'static str, meaning: &'static str) -> Key {
    option(name, Shape::Text, &["objective-c"], meaning)
}

const PAGES: &str = "https://docs.travis-ci.com/user/languages/";

pub(super) const KEYS: &[Key] = &[
    versions("jdk", JVM, "versions of the Java kit"),
    option("android", Shape::Map(&ANDROID), &["android"], "components and licenses of the SDK"),
    option("lein", Shape::Text, &["clojure"], "the version of Leiningen"),
    versions("crystal", &["crystal"], "versions of Crystal"),
    versions("dotnet", &["csharp"], "versions of .NET"),
    versions("mono", &["csharp"], "versions of Mono"),
    versions("solution", &["csharp"], "the solution files that are built"),
    versions("d", &["d"], "versions of D"),
    versions("dart", &["dart"], "versions of Dart"),
    Key {
        shape: Shape::List(&Shape::OneOf(&[Shape::Map(&DART_TASK), Shape::Text])),
        ..versions("dart_task", &["dart"], "what is run: tests, the analyzer, the formatter")
    },
    option("with_content_shell", Shape::Bool, &["dart"], "tests run in Dart's browser, too"),
    versions("elixir", &["elixir"], "versions of Elixir"),
    versions("otp_release", &["elixir", "erlang"], "versions of Erlang"),
    versions("elm", &["elm"], "versions of Elm"),
    option("elm_format", Shape::Text, &["elm"], "the version of elm-format"),
    option("elm_test", Shape::Text, &["elm"], "the version of elm-test"),
    versions("node_js", &["elm", "node_js"], "versions of Node.js").alias(&["node"]),
    option("npm_args", Shape::Text, &["node_js"], "arguments of `npm install`"),
    versions("go", &["go"], "versions of Go"),
    option("gobuild_args", Shape::Text, &["go"], "arguments of `go build` and `go test`"),
    option("go_import_path", Shape::Text, &["go"], "the path the package is imported by"),
    option("gimme_config", Shape::Map(&GIMME), &["go"], "how Go is fetched"),
    versions("hhvm", &["hack"], "versions of HHVM"),
    versions("php", &["hack", "php"], "versions of PHP"),
    option("composer_args", Shape::Text, &["php"], "arguments of `composer install`"),
    versions("ghc", &["haskell"], "versions of the Haskell compiler"),
    versions("haxe", &["haxe"], "versions of Haxe"),
    option("hxml", TEXTS, &["haxe"], "the build files"),
    option("neko", Shape::Text, &["haxe"], "the version of Neko"),
    versions("julia", &["julia"], "versions of Julia"),
    versions("matlab", &["matlab"], "versions of MATLAB"),
    versions("nix", &["nix"], "versions of Nix"),
    versions("perl", &["perl"], "versions of Perl"),
    versions("perl6", &["perl6"], "versions of Raku"),
    versions("python", &["python"], "versions of Python"),
    option("virtualenv", Shape::Map(&VIRTUALENV), &["python"], "how the environment is made")
        .alias(&["virtual_env"]),
    versions("r", &["r"], "versions of R"),
    of_r("r_packages", TEXTS, "packages of CRAN"),
    of_r("r_binary_packages", TEXTS, "packages of CRAN that are not compiled"),
    of_r("r_github_packages", TEXTS, "packages of GitHub"),
    of_r("apt_packages", TEXTS, "packages of Debian"),
    of_r("bioc_packages", TEXTS, "packages of Bioconductor"),
    of_r("brew_packages", TEXTS, "packages of Homebrew"),
    of_r("bioc", Shape::Text, "the address of Bioconductor"),
    of_r("bioc_check", Shape::Bool, "is the check of Bioconductor run?"),
    of_r("bioc_required", Shape::Bool, "is Bioconductor needed?").alias(&["use_bioc"]),
    of_r("bioc_use_devel", Shape::Bool, "its development version"),
    of_r("cran", Shape::Text, "the mirror of CRAN"),
    of_r("disable_homebrew", Shape::Bool, "Homebrew is removed first"),
    of_r("latex", Shape::Bool, "is TeX needed?"),
    of_r("pandoc", Shape::Bool, "is Pandoc needed?"),
    of_r("pandoc_version", Shape::Text, "the version of Pandoc"),
    of_r("r_build_args", Shape::Text, "arguments of `R CMD build`"),
    of_r("r_check_args", Shape::Text, "arguments of `R CMD check`"),
    of_r("r_check_revdep", Shape::Bool, "are packages that need this one checked?"),
    of_r("warnings_are_errors", Shape::Bool, "does a warning fail the job?"),
    of_r("remotes", Shape::Text, "packages that are fetched from elsewhere"),
    of_r("repos", Shape::Free(&Shape::Anything), "names and addresses of package archives"),
    versions("rvm", &["objective-c", "ruby"], "versions of Ruby").alias(&["ruby", "rbenv"]),
    versions("gemfile", &["objective-c", "ruby"], "the Gemfiles").alias(&["gemfiles"]),
    option("bundler_args", Shape::Text, &["objective-c", "ruby"], "arguments of `bundle install`"),
    versions("xcode_scheme", &["objective-c"], "the schemes that are built"),
    versions("xcode_sdk", &["objective-c"], "the SDKs that they are built with"),
    of_apple("podfile", "the Podfile"),
    of_apple("xcode_destination", "the device that is built for"),
    of_apple("xcode_project", "the project file"),
    of_apple("xcode_workspace", "the workspace file"),
    of_apple("xctool_args", "arguments of the build tool"),
    versions("rust", &["rust"], "versions of Rust"),
    versions("scala", &["scala"], "versions of Scala"),
    option("sbt_args", Shape::Text, &["scala"], "arguments of sbt"),
    versions("smalltalk", &["smalltalk"], "versions of Smalltalk"),
    versions("smalltalk_config", &["smalltalk"], "configurations of the tests"),
    versions("smalltalk_vm", &["smalltalk"], "virtual machines of Smalltalk"),
    option("smalltalk_edge", Shape::Map(&SMALLTALK_EDGE), &["smalltalk"], "smalltalkCI's source"),
];

const ANDROID: Map = map(&[&[
    key("components", TEXTS, "parts of the SDK"),
    key("licenses", TEXTS, "licenses that are accepted"),
]]);

const DART_TASK: Map = map(&[&[
    key("test", Shape::Text, "arguments of the tests"),
    key("dartanalyzer", Shape::Text, "arguments of the analyzer"),
    key("dartfmt", Shape::Bool, "is the formatting checked?"),
    key("install_dartium", Shape::Bool, "is Dartium installed?"),
    key("xvfb", Shape::Bool, "is there a virtual screen?"),
]]);

const GIMME: Map = map(&[&[
    key("url", Shape::Text, "where the fetching script is"),
    key("force_reinstall", Shape::Bool, "fetched even if it is there"),
]]);

const VIRTUALENV: Map =
    map(&[&[key("system_site_packages", Shape::Bool, "are the system's packages seen?")]]);

const SMALLTALK_EDGE: Map = map(&[&[
    key("source", Shape::Text, "the repository"),
    key("branch", Shape::Text, "its branch"),
]]);
