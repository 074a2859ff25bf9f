//! What the shell of a job is after a phase, as the next job's shell takes it over: exported
//! variables, the folder it is in and, of bash, its functions. Never a secret.

use std::collections::HashMap;

use crate::log::Masker;
use crate::script::quoted;

/// Of the shell itself, or of each job anew.
const OF_EACH: [&str; 10] = [
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "TRAVIS_TEST_RESULT",
    "TRAVIS_DIST",
    "TRAVIS_COMMIT_RANGE",
    "CI_COMMIT_RANGE",
    "CI_DIST",
    "BASH_EXECUTION_STRING",
];

/// What the shell wrote of itself.
#[derive(Debug, Default)]
pub(super) struct Raw {
    /// `NAME=VALUE`, each with a NUL at its end.
    pub(super) env: Vec<u8>,
    pub(super) cwd: Vec<u8>,
    pub(super) functions: Vec<u8>,
}

/// What is known of the job whose shell it is.
pub(super) struct Known<'a> {
    /// Variables that every job has of its own: they stay those of the next job.
    pub(super) builtin: &'a [(String, String)],
    /// Names and values.
    pub(super) secrets: Vec<(&'a str, &'a str)>,
    /// The folder of the job's program, which the next job has under another name.
    pub(super) program_dir: &'a str,
}

/// A file that a shell reads, and what of the shell is not in it because it holds a secret.
#[derive(Debug)]
pub(super) struct State {
    pub(super) text: String,
    pub(super) withheld: Vec<String>,
}

/// Writes the state down.
pub(super) fn state(raw: &Raw, known: &Known<'_>) -> anyhow::Result<State> {
    let mut state = State { text: String::new(), withheld: Vec::new() };
    let builtin: HashMap<&str, &str> =
        known.builtin.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for pair in raw.env.split(|byte| *byte == 0) {
        // A shell can not read back what is no text.
        let Some((name, value)) = std::str::from_utf8(pair).ok().and_then(|p| p.split_once('='))
        else {
            continue;
        };
        let own = OF_EACH.contains(&name) || name.starts_with("slipway_");
        if own || !is_name(name) || builtin.get(name) == Some(&value) {
            continue;
        }
        let is_secret = known.secrets.iter().any(|(secret, _)| *secret == name);
        if is_secret || holds_a_secret(value.as_bytes(), known)? {
            // One of the secrets' own names comes with the next job's secrets.
            if !is_secret {
                state.withheld.push(name.to_owned());
            }
            continue;
        }
        state.text.push_str(&format!("export {name}={}\n", portable(value, known.program_dir)));
    }
    let functions = String::from_utf8_lossy(&raw.functions);
    if !functions.trim().is_empty() {
        if holds_a_secret(&raw.functions, known)? {
            state.withheld.push("its functions".to_owned());
        } else {
            let functions = quoted(functions.trim_end());
            state.text.push_str("if [ -n \"${BASH_VERSION:-}\" ]; then eval ");
            state.text.push_str(&format!("{functions}; fi\n"));
        }
    }
    let cwd = String::from_utf8_lossy(&raw.cwd);
    let cwd = cwd.strip_suffix('\n').unwrap_or(&cwd);
    if !cwd.is_empty() && !holds_a_secret(cwd.as_bytes(), known)? {
        state.text.push_str(&format!("cd {} || :\n", quoted(cwd)));
    }
    Ok(state)
}

fn is_name(name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// In any of the forms that a log would mask.
fn holds_a_secret(bytes: &[u8], known: &Known<'_>) -> anyhow::Result<bool> {
    let mut masker = Masker::new(known.secrets.iter().map(|(_, value)| *value))?;
    let mut masked = masker.push(bytes);
    masked.extend(masker.flush());
    Ok(masked != bytes)
}

/// Quoted, with the program's folder as the next job's shell has it.
fn portable(value: &str, program_dir: &str) -> String {
    let parts: Vec<String> = value.split(program_dir).map(quoted).collect();
    parts.join("\"$slipway_dir\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known<'a>(builtin: &'a [(String, String)]) -> Known<'a> {
        let secrets = vec![("TOKEN", "hunter2hunter2")];
        Known { builtin, secrets, program_dir: "/build/.slipway-0" }
    }

    #[test]
    fn a_shell_goes_on_where_the_other_was_without_its_secrets() {
        let builtin = [("TRAVIS_COMMIT", "abc"), ("CI", "true")];
        let builtin = builtin.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let raw = Raw {
            env: b"A=it's\0CI_COMMIT_RANGE=a...b\0TRAVIS_COMMIT=abc\0CI=false\0TOKEN=hunter2hunter2\0\
                   DSN=db://x:hunter2hunter2@h\0PATH=/bin:/build/.slipway-0/bin\0PWD=/x\0\
                   BASH_FUNC_f%%=() { :; }\0BAD=\xff\0slipway_x=1\0LINES=a\nb\0"
                .to_vec(),
            cwd: b"/build/o/n/a b\n".to_vec(),
            functions: b"f () \n{ \n    echo 'x'\n}\n".to_vec(),
        };
        let state = state(&raw, &known(&builtin)).expect("written");
        insta::assert_snapshot!(state.text, @r#"
        export A='it'\''s'
        export CI='false'
        export PATH='/bin:'"$slipway_dir"'/bin'
        export LINES='a
        b'
        if [ -n "${BASH_VERSION:-}" ]; then eval 'f () 
        { 
            echo '\''x'\''
        }'; fi
        cd '/build/o/n/a b' || :
        "#);
        assert_eq!(state.withheld, ["DSN"]);
    }

    #[test]
    fn functions_with_a_secret_in_them_are_withheld_whole() {
        let functions = b"f () { curl -H hunter2hunter2; }\n".to_vec();
        let raw = Raw { functions, ..Raw::default() };
        let state = state(&raw, &known(&[])).expect("written");
        assert_eq!((state.text.as_str(), state.withheld.len()), ("", 1));
    }
}
