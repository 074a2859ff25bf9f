//! Which file is wanted next, and what becomes of those that were given.

use std::collections::HashSet;

use super::list::{self, Import, Said, error};
use super::merge::{self, Mode};
use super::{MAX_IMPORTED_BYTES, MAX_IMPORTS, foreign};
use crate::condition::Facts;
use crate::language::{self, Diagnostic, FileIndex, Node, Severity, Value, Weight};
use crate::names::RepoName;

/// The file that imports others.
#[derive(Clone, Copy, Debug)]
pub struct Main<'a> {
    /// For people.
    pub name: &'a str,
    /// From the repo's root, with `/` between folders.
    pub path: &'a str,
    /// The repo it is in.
    pub repo: &'a RepoName,
}

/// A file that the resolver is to be given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The repo it is in.
    pub repo: RepoName,
    /// Is that the repo of the run?
    pub own: bool,
    /// From the repo's root, without `.` and `..`.
    pub path: String,
    /// At which commit.
    pub version: Version,
    /// The repo of the file that names it. Who grants access looks at both: a public file must
    /// not open a private one.
    pub importer: RepoName,
}

/// At which commit a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The commit that is built.
    Built,
    /// The head of the repo's default branch.
    Default,
    /// A branch, a tag or a commit.
    Named(String),
}

/// What became of a wanted file.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Its bytes.
    File(Vec<u8>),
    /// There is none of this path.
    Missing,
    /// It can not be had, for this reason: the rest of a sentence that begins with its name.
    Refused(String),
}

/// Files merged into one tree.
#[derive(Debug)]
pub struct Resolved {
    /// A map without `import`; none if the main file has no tree.
    pub root: Option<Node>,
    /// Every file that was wanted is in it: where one is not, nothing can be said of what the
    /// others do not have.
    pub complete: bool,
    /// Bare: without excerpts, in no order.
    pub found: Vec<Diagnostic>,
    /// The files that places point into, by [`FileIndex`]: the main one first.
    pub files: Vec<ReadFile>,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// For people.
    pub name: String,
    /// Its text; empty if it is none.
    pub text: String,
}

/// Reads a file and all it imports, without reading anything itself.
///
/// Ask for [`Resolver::wanted`] until there is none, and [`Resolver::give`] what it asks for.
#[derive(Debug)]
pub struct Resolver {
    facts: Facts,
    everything: bool,
    repo: RepoName,
    root: Option<Node>,
    merged: Vec<(Vec<crate::language::Entry>, Mode)>,
    files: Vec<ReadFile>,
    /// What is still to be looked at; the next one is the last.
    pending: Vec<Pending>,
    /// What was asked for.
    asked: Option<Pending>,
    seen: HashSet<(RepoName, String, Version)>,
    /// Of each file: where it is, and the file that imported it.
    places: Vec<Place>,
    imports: usize,
    bytes: usize,
    weight: Weight,
    said: Said,
}

/// Where a file that was read is.
#[derive(Clone, Debug)]
struct Place {
    repo: RepoName,
    path: String,
    version: Version,
    parent: Option<usize>,
}

#[derive(Debug)]
struct Pending {
    import: Import,
    wanted: Wanted,
    /// The importing file.
    parent: usize,
}

impl Resolver {
    /// Begins with the main file. `facts` are what the `if` of an import is tested with.
    #[must_use]
    pub fn new(main: Main<'_>, bytes: &[u8], facts: Facts) -> Self {
        Self::begin(main, bytes, facts, false)
    }

    /// The same without a trigger: every condition holds.
    #[must_use]
    pub fn of_everything(main: Main<'_>, bytes: &[u8]) -> Self {
        Self::begin(main, bytes, Facts::default(), true)
    }

    fn begin(main: Main<'_>, bytes: &[u8], facts: Facts, everything: bool) -> Self {
        let (parsed, weight) = language::read(FileIndex::MAIN, bytes, Weight::default());
        let place = Place {
            repo: main.repo.clone(),
            path: main.path.to_owned(),
            version: Version::Built,
            parent: None,
        };
        let mut resolver = Self {
            facts,
            everything,
            repo: main.repo.clone(),
            root: parsed.root,
            merged: Vec::new(),
            files: vec![read_file(main.name.to_owned(), bytes)],
            pending: Vec::new(),
            asked: None,
            seen: HashSet::from([identity(&place.repo, &place.path, &place.version)]),
            places: vec![place],
            imports: 0,
            bytes: 0,
            weight,
            said: Said::default(),
        };
        resolver.said.found = parsed.diagnostics;
        if let Some(import) = resolver.root.as_mut().and_then(take_import) {
            resolver.queue(&import, 0);
        }
        resolver
    }

    /// The file that is to be given next; none: all were.
    pub fn wanted(&mut self) -> Option<&Wanted> {
        while self.asked.is_none() {
            let next = self.pending.pop()?;
            if self.is_due(&next) {
                self.asked = Some(next);
            }
        }
        self.asked.as_ref().map(|asked| &asked.wanted)
    }

    /// Gives the file that was asked for.
    pub fn give(&mut self, answer: Answer) {
        let Some(asked) = self.asked.take() else { return };
        let name = self.name_of(&asked.wanted);
        let refused = match answer {
            Answer::File(bytes) => return self.take(asked, name, &bytes),
            Answer::Missing => match &asked.wanted.version {
                Version::Built => format!("{name} is not there: the commit has no such file"),
                Version::Default | Version::Named(_) => format!("{name} is not there"),
            },
            Answer::Refused(why) => format!("{name} {why}"),
        };
        self.refuse(&asked, "import-not-read", refused, "mend the import, or leave it out");
    }

    /// What came of it all. What was not given is not in it.
    #[must_use]
    pub fn finish(mut self) -> Resolved {
        if let Some(Node { value: Value::Map(own), .. }) = &mut self.root {
            for (imported, mode) in self.merged {
                merge::merge(own, imported, mode);
            }
        }
        let (found, files) = (self.said.found, self.files);
        let complete = !self.said.lacking;
        Resolved { root: self.root, complete, found, files }
    }

    fn queue(&mut self, import: &Node, parent: usize) {
        let Some(place) = self.places.get(parent).cloned() else { return };
        let imports = list::read(import, &place.path, &mut self.said);
        // The first is to be popped first, with all that it imports.
        for import in imports.into_iter().rev() {
            let wanted = self.locate(&import, &place);
            self.pending.push(Pending { import, wanted, parent });
        }
    }

    fn locate(&self, import: &Import, importer: &Place) -> Wanted {
        let source = &import.source;
        let named = source.repo.as_ref().filter(|repo| !is_same(repo, &importer.repo));
        // Names differ in capitals only: as the run knows it.
        let repo = named.map(|repo| if is_same(repo, &self.repo) { &self.repo } else { repo });
        let version = match (&source.version, repo) {
            (Some(version), _) => Version::Named(version.clone()),
            (None, Some(_)) => Version::Default,
            (None, None) => importer.version.clone(),
        };
        let repo = repo.unwrap_or(&importer.repo).clone();
        let own = repo == self.repo;
        Wanted { own, repo, path: source.path.clone(), version, importer: importer.repo.clone() }
    }

    /// Is it to be read? If not, why is said.
    fn is_due(&mut self, pending: &Pending) -> bool {
        let Pending { import, wanted, parent } = pending;
        let place = identity(&wanted.repo, &wanted.path, &wanted.version);
        if self.seen.contains(&place) {
            if self.is_above(&place, *parent) {
                let message = format!(
                    "{} imports itself, over what it imports; this import is passed over",
                    self.name_of(wanted)
                );
                let note = Diagnostic::about(Severity::Note, "cyclic-import", import.span, message);
                self.said.found.push(note.help("it can be left out"));
            }
            return false;
        }
        if !self.holds(pending) {
            return false;
        }
        self.imports += 1;
        if self.imports > MAX_IMPORTS {
            let message = format!("more than {MAX_IMPORTS} files are imported");
            let help = "put what belongs together into one file";
            self.refuse(pending, "too-many-imports", message, help);
            self.pending.clear();
            return false;
        }
        self.seen.insert(place)
    }

    /// Is the file, or one that it was imported by, the one at this place?
    fn is_above(&self, place: &(RepoName, String, Version), file: usize) -> bool {
        let mut above = Some(file);
        while let Some(file) = above.and_then(|file| self.places.get(file)) {
            if identity(&file.repo, &file.path, &file.version) == *place {
                return true;
            }
            above = file.parent;
        }
        false
    }

    fn holds(&mut self, pending: &Pending) -> bool {
        let Some(condition) = pending.import.condition.as_ref().filter(|_| !self.everything) else {
            return true;
        };
        let name = self.name_of(&pending.wanted);
        match condition.holds(&self.facts) {
            Ok(true) => true,
            Ok(false) => {
                let tested = condition.tested(&self.facts).join(", ");
                let why = if tested.is_empty() { String::new() } else { format!(": {tested}") };
                let message = format!("{name} is not imported, since its `if` does not hold{why}");
                let span = pending.import.span;
                let note = Diagnostic::about(Severity::Note, "import-skipped", span, message);
                self.said.found.push(note.at(&pending.import.path));
                false
            }
            Err(bad) => {
                let message = format!("the `if` of {name} can not be tested: {}", bad.message);
                self.refuse(pending, "bad-condition", message, "mend it, or leave it out");
                false
            }
        }
    }

    fn refuse(&mut self, pending: &Pending, code: &str, message: String, help: &str) {
        self.said.lacking = true;
        let Import { span, path, .. } = &pending.import;
        self.said.found.push(error(code, *span, message, path, help));
    }

    fn take(&mut self, asked: Pending, name: String, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MAX_IMPORTED_BYTES {
            let message =
                format!("with {name} the imported files have more than {MAX_IMPORTED_BYTES} bytes");
            let help = "move long scripts into files of the repo and call them";
            self.refuse(&asked, "imports-too-large", message, help);
            self.pending.clear();
            return;
        }
        // At most MAX_IMPORTS of them.
        let file = FileIndex(u16::try_from(self.files.len()).unwrap_or(u16::MAX));
        let (parsed, weight) = language::read(file, bytes, self.weight);
        self.weight = weight;
        self.files.push(read_file(name.clone(), bytes));
        for mut found in parsed.diagnostics {
            if found.span.is_none() {
                found.file = Some(name.clone());
                found.message = format!("{name}: {}", found.message);
            }
            self.said.found.push(found);
        }
        let Wanted { repo, path, version, .. } = asked.wanted;
        let is_foreign = !repo.owner().eq_ignore_ascii_case(self.repo.owner());
        let parent = Some(asked.parent);
        self.places.push(Place { repo, path, version, parent });
        let Some(mut root) = parsed.root else {
            self.said.lacking = true;
            return;
        };
        if is_foreign {
            foreign::without_secrets(&mut root, &name, &mut self.said.found);
        }
        let import = take_import(&mut root);
        if let Value::Map(entries) = root.value {
            self.merged.push((entries, asked.import.mode));
        }
        if let Some(import) = import {
            self.queue(&import, self.places.len() - 1);
        }
    }

    /// For people.
    fn name_of(&self, wanted: &Wanted) -> String {
        let repo = if wanted.own { String::new() } else { format!("{}:", wanted.repo) };
        let path = &wanted.path;
        match &wanted.version {
            Version::Built => format!("{repo}{path}"),
            Version::Default if wanted.own => format!("{repo}{path} of the default branch"),
            Version::Default => format!("{repo}{path}"),
            Version::Named(version) => format!("{repo}{path}@{version}"),
        }
    }
}

/// Repos are the same whatever their capitals, as on the forge.
fn is_same(one: &RepoName, other: &RepoName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

fn identity(repo: &RepoName, path: &str, version: &Version) -> (RepoName, String, Version) {
    (repo.clone(), path.to_owned(), version.clone())
}

fn read_file(name: String, bytes: &[u8]) -> ReadFile {
    ReadFile { name, text: std::str::from_utf8(bytes).unwrap_or_default().to_owned() }
}

/// The value of `import`, taken out of the tree.
fn take_import(root: &mut Node) -> Option<Node> {
    let Value::Map(entries) = &mut root.value else { return None };
    let place = entries.iter().position(|entry| entry.key == "import")?;
    Some(entries.remove(place).value)
}
