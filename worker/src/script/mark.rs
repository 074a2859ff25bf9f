//! Marks: what the job's shell tells the worker, on a channel that the job's output is not on.

/// One line of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The value of the variable at this place of the job's `env` is no shell text.
    Env(usize),
    /// The command at this place of [`super::Program::steps`] begins.
    Start(usize),
    /// It ended with this code.
    End(usize, i32),
    /// The script came to its end; did it pass?
    Result(bool),
    /// The deploy at this index was passed over: its conditions do not hold.
    Skip(usize),
    /// The shell waits: what the job takes with it is to be laid.
    Take,
    /// The shell waits: reports and artifacts are to be read.
    Gather,
    /// The shell waits: workspaces and the cache are to be kept.
    Leave,
    /// The shell waits: the images are to be built.
    Images,
    /// The shell waits: it has written down what it is, for a snapshot.
    State,
    /// The shell waits, and nothing of the worker's own is in its container now: the snapshot is to
    /// be kept.
    Snapshot,
    /// The same for the image that the container becomes.
    Commit,
    /// The shell waits: may the deploy at this index run?
    Deploy(usize),
    /// The shell waits: the script deploy at this index ended well, and its address is to be asked.
    Verify(usize),
    /// The program came to its own end; traps of the job may still have something to say.
    Done { traps: bool },
}

impl Mark {
    /// Reads a line: the nonce, the place of the mark in the program's order, the mark. Whatever
    /// else a command wrote into the channel is none.
    pub(crate) fn parse(line: &str, nonce: &str) -> Option<(u64, Self)> {
        let mut words = line.split_whitespace();
        if words.next()? != nonce {
            return None;
        }
        let order = words.next()?.parse().ok()?;
        Self::read(words).map(|mark| (order, mark))
    }

    fn read<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let word = words.next()?;
        let mut number = || words.next()?.parse::<i32>().ok();
        let mut place = || number().and_then(|n| usize::try_from(n).ok());
        match word {
            "env" => place().map(Self::Env),
            "start" => place().map(Self::Start),
            "end" => {
                let place = place()?;
                number().map(|code| Self::End(place, code))
            }
            "result" => Some(Self::Result(number()? == 0)),
            "skip" => place().map(Self::Skip),
            "take" => Some(Self::Take),
            "gather" => Some(Self::Gather),
            "leave" => Some(Self::Leave),
            "images" => Some(Self::Images),
            "state" => Some(Self::State),
            "snapshot" => Some(Self::Snapshot),
            "commit" => Some(Self::Commit),
            "deploy" => place().map(Self::Deploy),
            "verify" => place().map(Self::Verify),
            "done" => Some(Self::Done { traps: words.next() == Some("traps") }),
            _ => None,
        }
    }
}

/// Finds in the output where a mark was made, and takes it out. A job that learns the nonce can
/// move the place a step seems to begin in its own log, and nothing else.
pub(crate) struct OffsetFinder {
    prefix: Vec<u8>,
    held: Vec<u8>,
}

/// The longest number a place has, and its end.
const TAIL: usize = 12;

impl OffsetFinder {
    /// For sequences with this nonce.
    pub(crate) fn new(nonce: &str) -> Self {
        Self { prefix: format!("\x1b]777;{nonce};").into_bytes(), held: Vec::new() }
    }

    /// Takes output; calls `text` with what is not a sequence and `found` with each one's number,
    /// in order.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Piece<'_>)) {
        self.held.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(at) = find_start(&self.held[from..], &self.prefix).map(|at| from + at) {
            if at > from {
                each(Piece::Text(&self.held[from..at]));
            }
            from = at;
            let after = at + self.prefix.len();
            if self.held.len() < after {
                break; // a part of the prefix, at the very end
            }
            let tail = &self.held[after..self.held.len().min(after + TAIL)];
            match tail.iter().position(|byte| *byte == 0x07) {
                Some(end) => {
                    let number =
                        std::str::from_utf8(&tail[..end]).ok().and_then(|t| t.parse().ok());
                    if let Some(number) = number {
                        each(Piece::Mark(number));
                    }
                    from = after + end + 1;
                }
                None if tail.len() < TAIL => break,
                None => {
                    each(Piece::Text(&self.held[at..after]));
                    from = after;
                }
            }
        }
        if find_start(&self.held[from..], &self.prefix).is_none() {
            if from < self.held.len() {
                each(Piece::Text(&self.held[from..]));
            }
            from = self.held.len();
        }
        self.held.drain(..from);
    }

    /// What is held back at the end of the output.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// A piece of output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// The job's.
    Text(&'a [u8]),
    /// A sequence with this number.
    Mark(u64),
}

/// Where `prefix` begins, whole or cut by the end of `bytes`.
fn find_start(bytes: &[u8], prefix: &[u8]) -> Option<usize> {
    (0..bytes.len()).filter(|at| bytes[*at] == prefix[0]).find(|at| {
        let rest = &bytes[*at..];
        let common = rest.len().min(prefix.len());
        rest[..common] == prefix[..common]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_found_at_any_cut() {
        let text = b"a\x1b[1mb\x1b]777;N0;1\x07c\x1b]777;zz\x07d\x1b]777;N0;22\x07";
        for cut in 0..text.len() {
            let mut finder = OffsetFinder::new("N0");
            let (mut out, mut marks) = (Vec::new(), Vec::new());
            for part in [&text[..cut], &text[cut..]] {
                finder.push(part, |piece| match piece {
                    Piece::Text(text) => out.extend_from_slice(text),
                    Piece::Mark(number) => marks.push((number, out.len())),
                });
            }
            out.extend(finder.finish());
            assert_eq!(out, b"a\x1b[1mbc\x1b]777;zz\x07d", "cut at {cut}");
            assert_eq!(marks, [(1, 6), (22, out.len())]);
        }
    }

    #[test]
    fn marks_are_read() {
        assert_eq!(Mark::parse("N0 7 end 3 127", "N0"), Some((7, Mark::End(3, 127))));
        assert_eq!(Mark::parse("N0 8 start -1", "N0"), None);
        assert_eq!(Mark::parse("N0 8 take", "N0"), Some((8, Mark::Take)));
        assert_eq!(Mark::parse("N0 8 gather", "N0"), Some((8, Mark::Gather)));
        assert_eq!(Mark::parse("N0 8 leave", "N0"), Some((8, Mark::Leave)));
        assert_eq!(Mark::parse("N1 7 done", "N0"), None, "another's nonce");
        assert_eq!(Mark::parse("N0 9 result 1", "N0"), Some((9, Mark::Result(false))));
        assert_eq!(Mark::parse("N0 9 done", "N0"), Some((9, Mark::Done { traps: false })));
        assert_eq!(Mark::parse("N0 9 done traps", "N0"), Some((9, Mark::Done { traps: true })));
        assert_eq!(Mark::parse("a log line of the job", "N0"), None);
    }
}
