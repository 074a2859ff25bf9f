//! What the engine said, as one sentence.

use bollard::errors::Error;

use crate::sandbox::SandboxError;

/// Already so, or gone: that is what was wanted.
pub(super) fn content(result: Result<(), Error>, what: &'static str) -> Result<(), SandboxError> {
    match result {
        Err(Error::DockerResponseServerError { status_code: 304 | 404 | 409, .. }) | Ok(()) => {
            Ok(())
        }
        Err(error) => Err(failed(what)(error)),
    }
}

pub(super) fn is_status(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

/// Podman has a word of its own for a container that has just ended, until it has cleaned up.
pub(super) fn says_stopped(error: &Error) -> bool {
    error.to_string().contains("unknown variant `stopped`")
}

/// Does the engine miss the network of a container that is to be made? Podman says so at once,
/// Docker when the container starts.
pub(super) fn misses_network(error: &Error) -> bool {
    is_status(error, 404) && detail(error).contains("network")
        || detail(error).contains("network not found")
}

/// Is there nobody who could answer?
fn is_away(error: &Error) -> bool {
    match error {
        Error::SocketNotFoundError(_)
        | Error::HyperResponseError { .. }
        | Error::HyperLegacyError { .. } => true,
        Error::IOError { err } => err.kind() != std::io::ErrorKind::Other,
        _ => false,
    }
}

pub(super) fn detail(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => {
            message.trim().trim_end_matches('.').to_owned()
        }
        other => other.to_string(),
    }
}

pub(super) fn failed(what: &'static str) -> impl Fn(Error) -> SandboxError {
    move |error| {
        let detail = detail(&error);
        // Layers, volumes and the engine's own files are on one disk, as a rule.
        let sentence = if is_away(&error) {
            format!("The worker's engine went away: it could not {what} ({detail}).")
        } else if detail.contains("no space left on device") {
            format!("The disk of the worker's engine is full: it could not {what}.")
        } else if detail.contains("port is already allocated")
            || detail.contains("address already in use")
        {
            "A port of the worker that the job's `ports` name is taken, perhaps by another job: \
             leave out the part before the colon, and a free one is used."
                .to_owned()
        } else {
            format!("The engine could not {what}: {detail}.")
        };
        SandboxError { sentence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_one_sentence() {
        let message = "failed to copy files: write /var/lib/docker/x: no space left on device";
        let error =
            Error::DockerResponseServerError { status_code: 500, message: message.to_owned() };
        let sentence = failed("put files into the container")(error).sentence;
        let wanted =
            "The disk of the worker's engine is full: it could not put files into the container.";
        assert_eq!(sentence, wanted);
    }
}
