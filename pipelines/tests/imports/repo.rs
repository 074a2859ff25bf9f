//! Repos whose files are in memory.

use std::collections::BTreeMap;

use serde_json::Value;
use slipway_pipelines::condition::{Facts, Variable};
use slipway_pipelines::imports::{Answer, Main, Resolved, Resolver, Version, Wanted};
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::check_files;

/// Files by the name that people read: `go.yml`, `go.yml@v1`, `acme/ci:go.yml`.
pub(crate) struct Repo {
    files: BTreeMap<&'static str, &'static str>,
    /// What was asked for, in order.
    pub(crate) asked: Vec<String>,
}

impl Repo {
    pub(crate) fn new<const N: usize>(files: [(&'static str, &'static str); N]) -> Self {
        Self { files: BTreeMap::from(files), asked: Vec::new() }
    }

    /// The file `.ci.yml` of `acme/app` on the branch `main`, with all it imports.
    pub(crate) fn resolve(&mut self) -> Resolved {
        let facts = Facts::default().with(Variable::Branch, "main").with(Variable::Type, "push");
        self.drive(|main, bytes| Resolver::new(main, bytes, facts))
    }

    /// What `slipway lint` would say of it.
    pub(crate) fn lint(&mut self) -> Vec<Diagnostic> {
        check_files(".ci.yml", self.drive(Resolver::of_everything))
    }

    fn drive(&mut self, begin: impl FnOnce(Main<'_>, &[u8]) -> Resolver) -> Resolved {
        let repo = "acme/app".parse().expect("a name");
        let main = Main { name: ".ci.yml", path: ".ci.yml", repo: &repo };
        let text = self.files.get(".ci.yml").expect("the main file");
        let mut resolver = begin(main, text.as_bytes());
        while let Some(wanted) = resolver.wanted().cloned() {
            resolver.give(self.answer(&wanted));
        }
        resolver.finish()
    }

    fn answer(&mut self, wanted: &Wanted) -> Answer {
        let repo = if wanted.own { String::new() } else { format!("{}:", wanted.repo) };
        let version = match &wanted.version {
            Version::Built => String::new(),
            Version::Default if wanted.own => "@default".to_owned(),
            Version::Default => String::new(),
            Version::Named(name) => format!("@{name}"),
        };
        let name = format!("{repo}{}{version}", wanted.path);
        self.asked.push(name.clone());
        match self.files.get(name.as_str()) {
            Some(text) => Answer::File(text.as_bytes().to_vec()),
            None if wanted.repo.as_str() == "other/private" => {
                Answer::Refused("is in a private repo of another owner".to_owned())
            }
            None => Answer::Missing,
        }
    }
}

/// The merged tree as JSON.
pub(crate) fn json(resolved: &Resolved) -> Value {
    resolved.root.as_ref().expect("a tree").json()
}

/// The codes and messages of what was said.
pub(crate) fn said(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(|found| format!("{}: {}", found.code, found.message)).collect()
}
