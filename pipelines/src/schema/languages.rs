//! The languages.

use super::shape::{Word, Words, downcased, word};

/// One language.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    /// As written in `language:`.
    pub name: &'static str,
    /// As people call it.
    pub title: &'static str,
    /// Other words that mean it.
    pub aliases: &'static [&'static str],
    /// A page to read on.
    pub doc: &'static str,
}

macro_rules! languages {
    ($($name:literal $title:literal $aliases:tt $page:literal,)*) => {
        /// All languages; which keys are a language's own, [`super::Key::languages`] says.
        pub const LANGUAGES: &[Language] = &[$(Language {
            name: $name,
            title: $title,
            aliases: &$aliases,
            doc: concat!("https://docs.travis-ci.com/user/languages/", $page, "/"),
        }),*];

        /// The words of `language:`.
        pub(super) const WORDS: Words = downcased(&[
            $(word($name, &$aliases),)*
            stack("__connie__"),
            stack("__amethyst__"),
            stack("__garnet__"),
            stack("__stevonnie__"),
            stack("__opal__"),
            stack("__sardonyx__"),
            stack("__onion__"),
            stack("__cookiecat__"),
        ]);
    };
}

const fn stack(name: &'static str) -> Word {
    Word { deprecated: Some("it was an experiment of Travis'"), ..word(name, &[]) }
}

languages! {
    "android" "Android" [] "android",
    "c" "C" [] "c",
    "clojure" "Clojure" [] "clojure",
    "cpp" "C++" ["c++"] "cpp",
    "crystal" "Crystal" [] "crystal",
    "csharp" "C#" [] "csharp",
    "d" "D" [] "d",
    "dart" "Dart" [] "dart",
    "elixir" "Elixir" [] "elixir",
    "elm" "Elm" [] "elm",
    "erlang" "Erlang" [] "erlang",
    "generic" "any" [] "minimal-and-generic",
    "go" "Go" ["golang"] "go",
    "groovy" "Groovy" [] "groovy",
    "hack" "Hack" [] "hack",
    "haskell" "Haskell" [] "haskell",
    "haxe" "Haxe" [] "haxe",
    "java" "Java" ["jvm"] "java",
    "julia" "Julia" [] "julia",
    "matlab" "MATLAB" [] "matlab",
    "nix" "Nix" [] "nix",
    "node_js" "JavaScript" ["javascript", "js", "node"] "javascript-with-nodejs",
    "perl" "Perl" [] "perl",
    "perl6" "Raku" [] "perl6",
    "php" "PHP" [] "php",
    "python" "Python" [] "python",
    "r" "R" [] "r",
    "ruby" "Ruby" [] "ruby",
    "objective-c" "Objective-C and Swift" ["objective_c", "swift"] "objective-c",
    "rust" "Rust" [] "rust",
    "scala" "Scala" [] "scala",
    "shell" "shell" ["bash", "minimal", "sh"] "minimal-and-generic",
    "smalltalk" "Smalltalk" [] "smalltalk",
}
