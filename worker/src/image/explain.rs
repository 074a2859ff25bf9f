//! What the engine said about a build, as one sentence.

use bollard::errors::Error;

use super::BuildFailed;

/// The engine has no BuildKit: an old one, or one where it is switched off.
pub(super) fn refuses_buildkit(error: &Error) -> bool {
    match error {
        Error::DockerResponseServerError { status_code: 404 | 501, .. } => true,
        Error::DockerResponseServerError { message, .. } => {
            message.to_lowercase().contains("buildkit")
        }
        _ => false,
    }
}

/// The sentence for a failed build.
pub(super) fn failed(said: &str) -> BuildFailed {
    match failed_command(said) {
        Some((command, code)) => BuildFailed::new(format!("RUN {command} exited with {code}")),
        None => BuildFailed::new(format!("the image was not built: {said}")),
    }
}

/// The three ways engines have said it: BuildKit of old, BuildKit of now, the classic builder.
fn failed_command(said: &str) -> Option<(&str, &str)> {
    const SAYINGS: [(&str, &str); 3] = [
        ("executor failed running [", "]: exit code: "),
        ("process \"", "\" did not complete successfully: exit code: "),
        ("The command '", "' returned a non-zero code: "),
    ];
    SAYINGS.iter().find_map(|(before, between)| {
        let (_, rest) = said.split_once(before)?;
        let (command, rest) = rest.split_once(between)?;
        let code = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((command.strip_prefix("/bin/sh -c ").unwrap_or(command), code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_run_is_named_with_its_code() {
        for said in [
            "x: executor failed running [/bin/sh -c make test]: exit code: 2",
            "process \"/bin/sh -c make test\" did not complete successfully: exit code: 2",
            "The command '/bin/sh -c make test' returned a non-zero code: 2",
        ] {
            assert_eq!(failed(said).sentence, "RUN make test exited with 2");
        }
    }
}
