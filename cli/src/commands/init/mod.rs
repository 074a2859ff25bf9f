//! `slipway init [FOLDER]`: a `.ci.yml` to begin with, that fits what is there.

mod look;
mod write;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use self::look::Found;
use crate::print;

/// Exits 0 when a file was written or none is needed, 1 when there is one already.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder of the repo.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write it even where a `.ci.yml` or a `.travis.yml` is.
    #[arg(long)]
    force: bool,
}

/// Looks, writes, and says what it did.
pub(crate) fn run(arguments: &Init) -> Result<ExitCode> {
    let folder = &arguments.folder;
    let file = folder.join(".ci.yml");
    if file.symlink_metadata().is_ok() && !arguments.force {
        bail!("{} is there already; `slipway init --force` replaces it", file.display());
    }
    let travis = folder.join(".travis.yml");
    if travis.exists() && !arguments.force {
        let travis = print::safe(&travis.display().to_string());
        print::line(&format!(
            "{travis} works as it is; `slipway plan {travis}` shows what Slipway reads. Nothing was written (`--force` writes a .ci.yml beside it)."
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let found = Found::look(folder)
        .with_context(|| format!("{} can not be looked at", folder.display()))?;
    save(&file, &write::text(&found), arguments.force)
        .with_context(|| format!("{} can not be written", file.display()))?;
    print::line(&format!("{}; wrote .ci.yml", found.sentence()));
    print::line(
        "`slipway run` runs its jobs here and now; `slipway plan` shows them. Commit it and push.",
    );
    Ok(ExitCode::SUCCESS)
}

fn save(file: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    // Without --force, one that appeared in the meantime is not written over either.
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(file)?.write_all(text.as_bytes())
}
