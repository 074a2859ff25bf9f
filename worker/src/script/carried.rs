//! Paths of the file as text for the job's shell, which alone knows its variables.

use slipway_pipelines::plan::{CachePlan, CacheTool, JobPlan};

/// What the shell is to expand, text by text.
pub(crate) fn texts(plan: &JobPlan) -> Vec<String> {
    let workspaces = plan.carry.workspaces.create.iter().flat_map(|made| &made.paths);
    workspaces.map(|path| shell_text(path)).chain(cache_texts(&plan.carry.cache)).collect()
}

/// Does the job have a cache?
pub(crate) fn is_cached(cache: &CachePlan) -> bool {
    !cache.directories.is_empty() || !cache.tools.is_empty()
}

fn cache_texts(cache: &CachePlan) -> impl Iterator<Item = String> {
    let tools = cache.tools.iter().flat_map(|tool| folders(*tool)).map(|text| (*text).to_owned());
    cache.directories.iter().map(|directory| shell_text(&directory.0)).chain(tools)
}

/// The usual folders of a tool, as Travis has them, and where the official images put them. Shell
/// text; what expands to nothing is passed over.
fn folders(tool: CacheTool) -> &'static [&'static str] {
    match tool {
        CacheTool::Apt => &["/var/cache/apt/archives"],
        CacheTool::Bundler => &["${BUNDLE_PATH:-vendor/bundle}", "$GEM_HOME"],
        // All of ~/.cargo as on Travis; where the image has it elsewhere, its programs are there.
        CacheTool::Cargo => &[
            "${CARGO_HOME:-$HOME/.cargo}${CARGO_HOME:+/registry}",
            "${CARGO_HOME:+$CARGO_HOME/git}",
            "${CARGO_TARGET_DIR:-target}",
        ],
        CacheTool::Ccache => &["${CCACHE_DIR:-$HOME/.ccache}", "$HOME/.cache/ccache"],
        CacheTool::Cocoapods => &["Pods"],
        // With a lock file `npm ci` makes `node_modules` anew, from what npm has fetched.
        CacheTool::Npm => &["$(if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then \
             echo \"${npm_config_cache:-$HOME/.npm}\"; else echo node_modules; fi)"],
        CacheTool::Packages => {
            &["${R_LIBS_USER:-$HOME/R/Library}", "/usr/local/lib/R/site-library"]
        }
        CacheTool::Pip => &["${PIP_CACHE_DIR:-$HOME/.cache/pip}"],
        CacheTool::Yarn => {
            &["${YARN_CACHE_FOLDER:-$HOME/.cache/yarn}", "/usr/local/share/.cache/yarn"]
        }
        CacheTool::Shards => &["${SHARDS_CACHE_PATH:-$HOME/.cache/shards}"],
    }
}

/// A path in which variables, `~`, patterns and command substitutions mean what they mean to a
/// shell, and nothing else does: it is one word, whatever else is in it.
fn shell_text(path: &str) -> String {
    let mut text = String::new();
    let mut rest = path.trim();
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '$' if rest.starts_with("$(") => substitution(rest),
            '`' => rest[1..].find('`').map(|end| end + 2),
            '$' if rest.starts_with("${") => rest.find('}').map(|end| end + 1),
            _ => None,
        };
        if let Some(taken) = taken {
            text.push_str(&rest[..taken]);
            rest = &rest[taken..];
            continue;
        }
        match next {
            // As Travis' unquoted words lose them.
            '"' => {}
            // A backslash before a line's end would take it away.
            '\n' => text.push_str("'\n'"),
            c if c.is_alphanumeric() || "$~*?[]/._-+:@%=,".contains(c) => text.push(c),
            c => text.extend(['\\', c]),
        }
        rest = &rest[next.len_utf8()..];
    }
    text
}

/// How long the `$(…)` is with which the text begins; none: it has no end.
fn substitution(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at + 1),
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_expands_what_travis_expands_and_nothing_else() {
        let expanded = |path: &str| {
            let text = format!("IFS=; set -- {}; printf '%s|' \"$@\"", shell_text(path));
            let run = Command::new("sh")
                .env("HOME", "/home/x y")
                .env("V", "a  b")
                .env_remove("NOPE")
                .args(["-c", &text])
                .output()
                .expect("a shell");
            assert!(run.status.success(), "{path}: {run:?}");
            String::from_utf8(run.stdout).expect("text")
        };
        for (path, wanted) in [
            ("target", "target|"),
            ("$HOME/.m2", "/home/x y/.m2|"),
            ("${HOME}/.m2", "/home/x y/.m2|"),
            ("\"$HOME/.m2\"", "/home/x y/.m2|"),
            ("~/.npm", "/home/x y/.npm|"),
            ("my dir/$V", "my dir/a  b|"),
            ("a;b|c&d>e<f(g)'h'#\\", "a;b|c&d>e<f(g)'h'#\\|"),
            ("${NOPE:-c d}/e", "c d/e|"),
            ("$(echo x; echo y | tr y z)/k", "x\nz/k|"),
            ("`echo q`", "q|"),
            ("$(echo", "$(echo|"),
            ("a\nb", "a\nb|"),
        ] {
            assert_eq!(expanded(path), wanted, "{path}");
        }
    }

    #[test]
    fn every_tool_has_a_folder() {
        assert!(CacheTool::ALL.iter().all(|tool| !folders(*tool).is_empty()));
    }
}
