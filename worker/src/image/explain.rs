//! What the engine said about a build, as one sentence.

use bollard::errors::Error;

use super::progress::FailedStep;
use super::{BuildFailed, BuildRequest};

/// Lines of a step's output that stand in the sentence.
const LAST_LINES: usize = 3;
/// A command or a line longer than this is cut in the sentence; the log has all of it.
const LONGEST: usize = 200;

/// The engine has no BuildKit: an old one, or one where it is switched off.
pub(super) fn refuses_buildkit(error: &Error) -> bool {
    match error {
        Error::DockerResponseServerError { status_code: 404 | 501, .. } => true,
        Error::DockerResponseServerError { message, .. } => {
            let message = message.to_lowercase();
            message.contains("buildkit") && !message.contains("failed to solve")
        }
        _ => false,
    }
}

/// The sentence for a failed build.
pub(super) fn failed(
    error: &Error,
    step: Option<&FailedStep>,
    request: &BuildRequest,
) -> BuildFailed {
    let said = match error {
        Error::DockerStreamError { error } => error.clone(),
        Error::DockerResponseServerError { message, .. } => message.clone(),
        error => error.to_string(),
    };
    BuildFailed::new(sentence(&said, step, &request.dockerfile))
}

fn sentence(said: &str, step: Option<&FailedStep>, dockerfile: &str) -> String {
    let cause = cause(said);
    let name = step.map(|step| plain_name(&step.name)).unwrap_or_default();
    if let Some((command, code)) = failed_command(said) {
        let tail = step.map(|step| last_lines(&step.tail)).unwrap_or_default();
        return format!("RUN {} exited with {code}{tail}", shortened(command));
    }
    if let Some((_, rest)) = said.split_once("parse error") {
        let rest = rest.trim_start_matches([':', ' ']).trim_start_matches("on ");
        return format!("{dockerfile} can not be read: {}", shortened(rest));
    }
    if said.contains("failed to read dockerfile") || said.contains("Cannot locate specified Docker")
    {
        return format!("there is no {dockerfile} in the build context");
    }
    if let Some(stage) = between(said, "target stage ", " could not be found") {
        return format!("{dockerfile} has no stage {stage}");
    }
    if let Some(file) = missing_file(said) {
        let step = if name.is_empty() { "a COPY or ADD".to_owned() } else { shortened(&name) };
        return format!("{step}: {file} is not in the build context");
    }
    if let Some(sentence) = image_not_had(said, &name, cause) {
        return sentence;
    }
    format!("the image was not built: {}", shortened(cause))
}

/// Without the names of BuildKit's own parts before it.
fn cause(said: &str) -> &str {
    const PARTS: [&str; 6] = [
        "failed to solve with frontend dockerfile.v0: ",
        "failed to solve with frontend gateway.v0: ",
        "failed to solve: ",
        "failed to create LLB definition: ",
        "failed to load cache key: ",
        "failed to do request: ",
    ];
    let mut said = said.trim();
    while let Some(rest) = PARTS.iter().find_map(|part| said.strip_prefix(part)) {
        said = rest;
    }
    said
}

/// `[2/3] RUN make test` without its number.
fn plain_name(name: &str) -> String {
    match name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, rest)) => rest.to_owned(),
        None => name.to_owned(),
    }
}

/// How engines have said it: BuildKit of old, BuildKit of now, the classic builder, Podman.
fn failed_command(said: &str) -> Option<(&str, &str)> {
    const SAYINGS: [(&str, &str); 4] = [
        ("executor failed running [", "]: exit code: "),
        ("process \"", "\" did not complete successfully: exit code: "),
        ("The command '", "' returned a non-zero code: "),
        ("building at STEP \"RUN ", "\": while running runtime: exit status "),
    ];
    SAYINGS.iter().find_map(|(before, between)| {
        let (_, rest) = said.split_once(before)?;
        let (command, rest) = rest.split_once(between)?;
        let code = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((command.strip_prefix("/bin/sh -c ").unwrap_or(command), code))
    })
}

fn missing_file(said: &str) -> Option<&str> {
    between(said, "failed to compute cache key: \"", "\" not found")
        .or_else(|| between(said, "::", "\": not found").and_then(|text| text.split('"').nth(1)))
        .or_else(|| between(said, ": \"/", "\": not found"))
        .or_else(|| between(said, "excluded by .dockerignore: stat ", ": file does not exist"))
}

/// A base image, or a `# syntax=` line's.
fn image_not_had(said: &str, step: &str, cause: &str) -> Option<String> {
    let image = ["load metadata for ", "resolve image config for ", "FROM "]
        .iter()
        .find_map(|before| step.split_once(before))
        .map(|(_, image)| image.split(' ').next().unwrap_or_default())
        .filter(|image| !image.is_empty());
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let unreachable = has(&["dial tcp", "no such host", "connection refused", "i/o timeout"]);
    if image.is_none() && !unreachable && !has(&["pull access denied", "manifest unknown"]) {
        return None;
    }
    let image =
        image.map_or_else(|| "a base image".to_owned(), |image| format!("the image {image}"));
    let cause = shortened(cause);
    Some(if unreachable {
        format!("{image} is not on the engine, and its registry can not be reached ({cause})")
    } else if has(&["toomanyrequests", "429"]) {
        format!(
            "{image} can not be had now: its registry limits how often it may be asked ({cause})"
        )
    } else {
        format!("{image} does not exist, or it may not be pulled without a login ({cause})")
    })
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(inside, _)| inside)
}

/// One line of at most [`LONGEST`] characters.
fn shortened(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() <= LONGEST {
        return one_line;
    }
    one_line.chars().take(LONGEST).chain(['…']).collect()
}

fn last_lines(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(LAST_LINES);
    if lines.is_empty() {
        return ", and printed nothing".to_owned();
    }
    let lines: Vec<String> = lines[from..].iter().map(|line| shortened(line)).collect();
    format!("; its last lines: {}", lines.join(" / "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, tail: &str) -> FailedStep {
        FailedStep { name: name.to_owned(), tail: tail.to_owned() }
    }

    #[test]
    fn a_failing_run_is_named_with_its_code_and_its_last_lines() {
        let step = step("[2/2] RUN make test", "one\ntwo\nthree\n\nfour\n");
        for said in [
            "x: executor failed running [/bin/sh -c make test]: exit code: 2",
            "process \"/bin/sh -c make test\" did not complete successfully: exit code: 2",
            "The command '/bin/sh -c make test' returned a non-zero code: 2",
            "building at STEP \"RUN make test\": while running runtime: exit status 2",
        ] {
            assert_eq!(
                sentence(said, Some(&step), "Dockerfile"),
                "RUN make test exited with 2; its last lines: two / three / four"
            );
        }
    }

    #[test]
    fn each_kind_of_failure_has_its_sentence() {
        let llb = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: ";
        let cases = [
            (
                format!("{llb}dockerfile parse error line 2: unknown instruction: RUNN"),
                "",
                "Dockerfile can not be read: line 2: unknown instruction: RUNN",
            ),
            (
                "dockerfile parse error on line 2: unknown instruction: RUNN".to_owned(),
                "",
                "Dockerfile can not be read: line 2: unknown instruction: RUNN",
            ),
            (
                "failed to compute cache key: \"/nope\" not found: not found".to_owned(),
                "[2/2] COPY nope /x",
                "COPY nope /x: /nope is not in the build context",
            ),
            (
                "failed to solve: failed to compute cache key: failed to calculate checksum of \
                 ref a::b: \"/nope\": not found"
                    .to_owned(),
                "[2/2] COPY nope /x",
                "COPY nope /x: /nope is not in the build context",
            ),
            (format!("{llb}target stage zz could not be found"), "", "Dockerfile has no stage zz"),
            (
                format!("{llb}the Dockerfile cannot be empty"),
                "",
                "the image was not built: the Dockerfile cannot be empty",
            ),
            (
                format!(
                    "{llb}failed to do request: Head \"https://r/v2/x\": dial tcp: no such host"
                ),
                "[internal] load metadata for docker.io/library/nope:1",
                "the image docker.io/library/nope:1 is not on the engine, and its registry can not \
                 be reached (Head \"https://r/v2/x\": dial tcp: no such host)",
            ),
        ];
        for (said, name, expected) in cases {
            assert_eq!(sentence(&said, Some(&step(name, "")), "Dockerfile"), expected);
        }
    }
}
