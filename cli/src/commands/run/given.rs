//! What jobs are given by the command line: variables and secrets.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result, bail};
use slipway_pipelines::names::SecretName;
use slipway_pipelines::plan::EnvVar;
use slipway_pipelines::wire::{Secret, SecretText};

use super::super::secret::unseen;
use crate::settings::environment;

/// The variables of files, then those of flags: later ones win.
pub(super) fn variables(files: &[impl AsRef<Path>], flags: &[EnvVar]) -> Result<Vec<EnvVar>> {
    let mut all = Vec::new();
    for file in files {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} can not be read", file.display()))?;
        all.extend(lines(&text).with_context(|| format!("in {}", file.display()))?);
    }
    all.extend(flags.iter().cloned());
    for EnvVar { name, .. } in &all {
        if name.parse::<SecretName>().is_err() {
            bail!("{name:?} is no variable's name: use letters, digits and '_'");
        }
    }
    Ok(all)
}

/// `NAME=VALUE` a line; nothing in it means anything else, but for `#` at the beginning.
fn lines(text: &str) -> Result<Vec<EnvVar>> {
    let mut all = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let (name, value) =
            line.split_once('=').with_context(|| format!("line {number} is not NAME=VALUE"))?;
        all.push(EnvVar { name: name.trim().to_owned(), value: value.to_owned() });
    }
    Ok(all)
}

/// The secrets by their names: from the environment, else asked for.
pub(super) fn secrets(names: &[SecretName]) -> Result<Vec<Secret>> {
    names.iter().map(|name| Ok(Secret { name: name.clone(), value: secret(name)? })).collect()
}

fn secret(name: &SecretName) -> Result<SecretText> {
    if let Some(value) = environment(name.as_str()) {
        return Ok(SecretText::new(value));
    }
    let mut input = std::io::stdin().lock();
    if !input.is_terminal() {
        bail!("the secret {name} is not in the environment, and there is no terminal to ask at");
    }
    let value = unseen::ask(&format!("{name}: "), &mut input)?;
    let value = String::from_utf8(value).ok().context("a secret is UTF-8 text")?;
    Ok(SecretText::new(value.trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_is_taken_as_it_stands() {
        let text = "# the test database\nDB = pg\n\nURL=http://h/?a=b#c\nQ=\"quoted\" $HOME\n";
        let pairs = lines(text).expect("it is well formed");
        let pairs: Vec<_> = pairs.iter().map(|one| (&*one.name, &*one.value)).collect();
        let wanted = [("DB", " pg"), ("URL", "http://h/?a=b#c"), ("Q", "\"quoted\" $HOME")];
        assert_eq!(pairs, wanted);
        assert_eq!(lines("A=1\nB").expect_err("wrong").to_string(), "line 2 is not NAME=VALUE");
        let flag = EnvVar { name: "A B".to_owned(), value: String::new() };
        let none: [&Path; 0] = [];
        let said = variables(&none, &[flag]).expect_err("wrong").to_string();
        assert_eq!(said, "\"A B\" is no variable's name: use letters, digits and '_'");
    }
}
