//! The master key: where it comes from, and which ones are refused (S8).
//!
//! Whoever has it and a copy of the database reads every secret. So a server never makes one
//! (`slipway up` does, for one machine), and does not start with one that others may know.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use slipway_server::MasterKey;

/// Of 32 random bytes fewer are different once in about 10^15 times; of a key that somebody typed,
/// always: zeros, a word again and again, `0123456789abcdef` four times.
const FEWEST_DIFFERENT: usize = 16;

/// What makes a good one.
const MAKE_ONE: &str = "openssl rand -hex 32";

/// The key that this text is.
pub(crate) fn parse(text: &SecretString) -> Result<MasterKey> {
    let bytes = hex::decode(text.expose_secret()).ok();
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.with_context(|| {
        format!("the master key is not 64 hexadecimal digits; make one by: {MAKE_ONE}")
    })?;
    if is_typed(&bytes) {
        bail!(
            "the master key is a pattern or an example, which others know as well; make one by: \
             {MAKE_ONE}"
        );
    }
    Ok(MasterKey::new(bytes))
}

/// Refuses a key's file that everybody on the machine may read or write.
pub(crate) fn check_file(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS: u32 = 0o006;
    let Ok(metadata) = std::fs::metadata(file) else {
        // Who reads it says that it is not there.
        return Ok(());
    };
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        bail!(
            "the master key in {0} is open to everybody on this machine (mode {1:03o}); close it \
             by: chmod 600 {0}",
            file.display(),
            mode & 0o777
        );
    }
    Ok(())
}

/// Not random: too few different bytes, or equal steps from each to the next.
fn is_typed(bytes: &[u8; 32]) -> bool {
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    let steps: BTreeSet<u8> = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    different.len() < FEWEST_DIFFERENT || steps.len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(&text.to_owned().into()).expect_err("refused").to_string()
    }

    #[test]
    fn s8_a_default_or_broken_master_key_is_refused_with_a_sentence() {
        let counting = hex::encode((0..32).collect::<Vec<u8>>());
        for known in ["00".repeat(32), "0123456789abcdef".repeat(4), "c0ffee00".repeat(8), counting]
        {
            let sentence = refusal(&known);
            assert!(sentence.contains("a pattern or an example"), "{known}: {sentence}");
            assert!(sentence.ends_with("openssl rand -hex 32"), "{sentence}");
            assert!(!sentence.contains(&known), "the key is not told");
        }
        for broken in ["", "abcd", &"zz".repeat(32), &"ab".repeat(33)] {
            assert!(refusal(broken).contains("not 64 hexadecimal digits"), "{broken}");
        }
        for _ in 0..1000 {
            parse(&hex::encode(rand::random::<[u8; 32]>()).into()).expect("random is good");
        }
    }

    #[test]
    fn s8_a_master_key_that_everybody_may_read_is_refused_with_the_chmod() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a scratch folder");
        let file = folder.path().join("master.key");
        check_file(&file).expect("not there: another sentence says so");
        std::fs::write(&file, "x").expect("it is written");
        let with = |mode: u32| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&file, mode).expect("its mode is set");
            check_file(&file)
        };
        for good in [0o600, 0o400, 0o440, 0o640] {
            with(good).expect("closed to others");
        }
        for bad in [0o644, 0o604, 0o602, 0o666] {
            let sentence = with(bad).expect_err("open").to_string();
            assert!(sentence.contains(&format!("(mode {bad:03o})")), "{sentence}");
            assert!(sentence.ends_with(&format!("chmod 600 {}", file.display())), "{sentence}");
        }
    }
}
