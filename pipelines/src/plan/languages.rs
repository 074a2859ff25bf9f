//! The languages: which keys give their versions, which image a version is, and what `install`
//! and `script` are where they are not written (TRAVIS_SEMANTICS; Travis' `language` pages).
//! A language more is an entry more.

use super::reader::quote;

/// The image of `generic`: a Debian with compilers, curl and git. The operator may replace it.
const GENERIC_IMAGE: &str = "buildpack-deps:bookworm";

/// One language.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) name: &'static str,
    /// Other spellings that mean it.
    aliases: &'static [&'static str],
    /// Its matrix keys, beside `env`. The first is the version.
    pub(super) keys: &'static [&'static str],
    image: Image,
    /// Default commands of `install`.
    pub(super) install: &'static [&'static str],
    /// Default commands of `script`.
    pub(super) script: &'static [&'static str],
}

/// Where a language's jobs run if the file names no image.
#[derive(Debug)]
enum Image {
    /// Always here.
    Fixed(&'static str),
    /// In this repository of Docker Hub, by a tag made of the version.
    Version { repository: &'static str, default: &'static str, tag: fn(&str) -> Option<String> },
    /// We know none.
    None,
}

const PYTHON_INSTALL: &str = "if [ -f Requirements.txt ]; then pip install -r Requirements.txt; \
     elif [ -f requirements.txt ]; then pip install -r requirements.txt; \
     else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi";
const NODE_INSTALL: &str = "if [ -f package.json ]; then \
     if [ -f yarn.lock ] && command -v yarn >/dev/null; then yarn --frozen-lockfile; \
     elif [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci; \
     else npm install; fi; fi";
const NODE_SCRIPT: &str = "if [ -f package.json ]; then npm test; else make test; fi";
const RUBY_INSTALL: &str = "if [ -f \"${BUNDLE_GEMFILE:-Gemfile}\" ]; then \
     bundle install --jobs=3 --retry=3; fi";
const RUBY_SCRIPT: &str = "if [ -f \"${BUNDLE_GEMFILE:-Gemfile}\" ]; then \
     bundle exec rake; else rake; fi";
const GO_INSTALL: &str = "if [ -f GNUmakefile ] || [ -f Makefile ] || [ -f makefile ]; then true; \
     else go get -t -v ./...; fi";
const GO_SCRIPT: &str = "if [ -f GNUmakefile ] || [ -f Makefile ] || [ -f makefile ]; then make; \
     else go test -v ./...; fi";

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

const fn imageless(name: &'static str, keys: &'static [&'static str]) -> Language {
    Language { name, aliases: &[], keys, image: Image::None, install: &[], script: &[] }
}

/// All of Travis' languages.
static LANGUAGES: &[Language] = &[
    plain("generic", &["bash", "sh", "shell"]),
    plain("minimal", &[]),
    Language {
        install: &[PYTHON_INSTALL],
        ..versioned("python", &["python"], "python", "3", python_tag)
    },
    Language {
        aliases: &["node", "nodejs", "javascript"],
        install: &[NODE_INSTALL],
        script: &[NODE_SCRIPT],
        ..versioned("node_js", &["node_js"], "node", "lts", node_tag)
    },
    Language {
        install: &[RUBY_INSTALL],
        script: &[RUBY_SCRIPT],
        ..versioned("ruby", &["rvm", "gemfile", "jdk"], "ruby", "latest", numbered)
    },
    Language {
        aliases: &["golang"],
        install: &[GO_INSTALL],
        script: &[GO_SCRIPT],
        ..versioned("go", &["go"], "golang", "latest", go_tag)
    },
    Language {
        script: &["cargo build --verbose", "cargo test --verbose"],
        ..versioned("rust", &["rust"], "rust", "latest", rust_tag)
    },
    Language { script: &["phpunit"], ..versioned("php", &["php"], "php", "cli", php_tag) },
    versioned("java", &["jdk"], "maven", "3-eclipse-temurin-21", jdk_tag),
    versioned("elixir", &["elixir", "otp_release"], "elixir", "latest", numbered),
    versioned("erlang", &["otp_release"], "erlang", "latest", numbered),
    versioned("haskell", &["ghc"], "haskell", "latest", numbered),
    versioned("julia", &["julia"], "julia", "latest", numbered),
    versioned("perl", &["perl"], "perl", "latest", numbered),
    versioned("dart", &["dart", "dart_task"], "dart", "stable", stable_or_number),
    versioned("r", &["r"], "r-base", "latest", numbered),
    versioned("c", &["compiler"], "gcc", "latest", gcc_tag),
    Language { aliases: &["c++"], ..versioned("cpp", &["compiler"], "gcc", "latest", gcc_tag) },
    versioned("clojure", &["jdk"], "clojure", "latest", |_| None),
    imageless("scala", &["scala", "jdk"]),
    imageless("groovy", &["jdk"]),
    imageless("android", &["jdk"]),
    imageless("crystal", &["crystal"]),
    imageless("csharp", &["dotnet", "mono", "solution"]),
    imageless("d", &["d"]),
    imageless("elm", &["elm", "node_js"]),
    imageless("hack", &["hhvm", "php"]),
    imageless("haxe", &["haxe"]),
    imageless("matlab", &["matlab"]),
    imageless("nix", &["nix"]),
    imageless("objective-c", &["rvm", "gemfile", "xcode_scheme", "xcode_sdk"]),
    imageless("perl6", &["perl6"]),
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

impl Language {
    /// The image for a version (none: the language's default), else why there is none.
    pub(super) fn image(&self, version: Option<&str>) -> Result<String, String> {
        match (&self.image, version) {
            (Image::Fixed(image), _) => Ok((*image).to_owned()),
            (Image::None, _) => {
                Err(format!("there is no image for the language `{}` yet", self.name))
            }
            (Image::Version { repository, default, .. }, None) => {
                Ok(format!("{repository}:{default}"))
            }
            (Image::Version { repository, tag, .. }, Some(version)) => {
                // A tag that is a whole reference names another repository.
                let tag = tag(version).ok_or_else(|| {
                    format!("there is no image for {} {} yet", self.name, quote(version))
                })?;
                Ok(if tag.contains(':') { tag } else { format!("{repository}:{tag}") })
            }
        }
    }
}

/// `3`, `3.12`, `1.2.3-rc1`; `1.14.x` means `1.14`.
fn numbered(version: &str) -> Option<String> {
    let version = version.strip_suffix(".x").unwrap_or(version);
    let tail = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (version.starts_with(|c: char| c.is_ascii_digit())
        && version.len() <= 100
        && version.chars().all(tail))
    .then(|| version.to_owned())
}

fn stable_or_number(version: &str) -> Option<String> {
    if version == "stable" { Some("stable".to_owned()) } else { numbered(version) }
}

fn python_tag(version: &str) -> Option<String> {
    match version.strip_prefix("pypy") {
        Some("") => Some("pypy:latest".to_owned()),
        Some(pypy) => numbered(pypy.trim_start_matches('-')).map(|tag| format!("pypy:{tag}")),
        // `3.13-dev` are daily builds, of which there are no images.
        None => numbered(version).filter(|tag| !tag.ends_with("-dev")),
    }
}

fn node_tag(version: &str) -> Option<String> {
    match version {
        "node" | "stable" | "latest" => return Some("latest".to_owned()),
        "lts" | "lts/*" | "--lts" => return Some("lts".to_owned()),
        _ => {}
    }
    if let Some(name) = version.strip_prefix("lts/") {
        let letters = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
        return letters.then(|| name.to_ascii_lowercase());
    }
    let version = version.strip_suffix(".x").unwrap_or(version);
    numbered(version.strip_prefix('v').unwrap_or(version))
}

fn go_tag(version: &str) -> Option<String> {
    match version {
        "stable" | "latest" => Some("latest".to_owned()),
        _ => numbered(version.strip_prefix("go").unwrap_or(version)),
    }
}

fn rust_tag(version: &str) -> Option<String> {
    match version {
        "stable" => Some("latest".to_owned()),
        "nightly" => Some("rustlang/rust:nightly".to_owned()),
        _ => numbered(version),
    }
}

fn php_tag(version: &str) -> Option<String> {
    numbered(version).map(|tag| format!("{tag}-cli"))
}

fn jdk_tag(version: &str) -> Option<String> {
    let digits = version.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let released = matches!(digits, "8" | "11" | "17" | "21" | "25");
    released.then(|| format!("3-eclipse-temurin-{digits}"))
}

fn gcc_tag(compiler: &str) -> Option<String> {
    let compiler = if compiler == "g++" { "gcc" } else { compiler };
    match compiler.strip_prefix("gcc") {
        Some("") => Some("latest".to_owned()),
        Some(version) => numbered(version.trim_start_matches('-')),
        None => None,
    }
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
