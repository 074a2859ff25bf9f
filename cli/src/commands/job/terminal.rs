//! The terminal that a person sits at: raw while a shell lasts, and as it was afterwards.

use std::io::{self, IsTerminal as _, Write as _};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use slipway_pipelines::wire::ShellSize;

/// What `sh` thinks of a terminal that does not say its size.
const USUAL: ShellSize = ShellSize { rows: 24, columns: 80 };

/// Whether somebody sits there: both to type and to look.
pub(super) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Its size now.
pub(super) fn size() -> ShellSize {
    let size = tcgetwinsize(io::stdout()).ok();
    let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or(USUAL, |size| ShellSize { rows: size.ws_row, columns: size.ws_col })
}

/// A terminal that passes every key on; dropped, it is as it was.
pub(super) struct Raw {
    before: Termios,
}

impl Raw {
    /// From here on keys are the job's, Ctrl-C too.
    pub(super) fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // It may have been closed under us.
        let _closed = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A sentence of ours, apart from what the job shows; where the terminal is raw, lines begin at
/// its left only if they are told to.
pub(super) fn say(sentence: &str, raw: bool) {
    let end = if raw { "\r\n" } else { "\n" };
    let begin = if raw { "\r" } else { "" };
    let sentence = crate::print::safe(sentence);
    let _nobody_hears = write!(io::stderr().lock(), "{begin}slipway: {sentence}{end}");
}
