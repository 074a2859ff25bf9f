//! `--dialect`: whose defaults hold.

use clap::ValueEnum;
use slipway_pipelines::plan::Dialect;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DialectName {
    /// Those of `.ci.yml`.
    Ci,
    /// Those of `.travis.yml`.
    Travis,
}

/// The one that was asked for, else the one that the file's name says.
pub(super) fn chosen(name: Option<DialectName>, file: &str) -> Dialect {
    match name {
        Some(DialectName::Ci) => Dialect::Ci,
        Some(DialectName::Travis) => Dialect::Travis,
        None => Dialect::of(file),
    }
}
