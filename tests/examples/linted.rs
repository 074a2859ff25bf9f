//! What the compiler says of the examples, and what of them is there.

use anyhow::{Context as _, Result};
use slipway_harness::slipway;

use crate::example::folder;

#[test]
fn no_example_has_a_slip_and_each_has_a_readme() -> Result<()> {
    let index = std::fs::read_to_string(folder().join("README.md"))?;
    let mut seen = 0;
    for entry in std::fs::read_dir(folder())? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        seen += 1;
        let name = path.file_name().and_then(|name| name.to_str()).context("a name")?;
        let readme = std::fs::read_to_string(path.join("README.md")).context(name.to_owned())?;
        assert!(readme.starts_with("# ") && readme.contains("git push"), "{name}: {readme}");
        assert!(index.contains(&format!("({name})")), "the list does not name {name}");
        let said = std::process::Command::new(slipway()?)
            .arg("lint")
            .arg(path.join(".ci.yml"))
            .output()?;
        let words = String::from_utf8_lossy(&said.stderr).into_owned()
            + &String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success(), "{name}: {words}");
        let clean = words.contains(": 0 errors, 0 warnings") && !words.contains("note[");
        assert!(clean, "{name}: {words}");
    }
    assert!(seen >= 20, "{seen} examples");
    Ok(())
}
