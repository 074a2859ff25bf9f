//! How a run is shown: to a terminal, to a file, to a program.

use std::io;

use slipway_pipelines::lifecycle::RunState;

use super::record::{Record, Told};

/// One way of showing a run. A reader that goes away is an error: the run ends then.
pub(super) trait Show: Send {
    /// Something is new with the job at this place of the record.
    fn told(&mut self, record: &Record, at: usize, told: &Told) -> io::Result<()>;

    /// A moment passed.
    fn tick(&mut self, record: &Record) -> io::Result<()> {
        let _nothing_moves = record;
        Ok(())
    }

    /// Nothing more is new for now: what was told is to be seen.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// A sentence of our own.
    fn say(&mut self, record: &Record, sentence: &str) -> io::Result<()> {
        let _shows_no_sentences = (record, sentence);
        Ok(())
    }

    /// Something else is said after this.
    fn clear(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// It is over.
    fn end(&mut self, record: &Record, state: &RunState) -> io::Result<()>;
}
