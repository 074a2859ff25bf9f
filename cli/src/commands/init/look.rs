//! What is in a working folder: which language, which build tool, which tests.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) dockerfile: bool,
    pub(super) project: Project,
}

/// What kind of project it is: the first of these that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Project {
    Rust,
    Go,
    Maven,
    Gradle { wrapper: bool },
    Sbt,
    Php(PhpTests),
    Ruby { gemfile: bool, tests: RubyTests },
    Python { requirements: bool, package: bool, tests: PythonTests },
    Node { lock: Lock, tests: bool },
    Make,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhpTests {
    /// `composer test`
    Script,
    PhpUnit,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RubyTests {
    /// The Rakefile has a default task.
    Rake,
    /// It has one named `test`.
    RakeTest,
    Rspec,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PythonTests {
    Pytest,
    /// Of the standard library; the folder to begin in, where it is no package.
    Unittest(Option<&'static str>),
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Npm,
    Yarn,
    Pnpm,
    None,
}

impl Found {
    /// Looks into the folder.
    pub(super) fn look(folder: &Path) -> io::Result<Self> {
        fs::read_dir(folder)?;
        let folder = Folder { path: folder.to_owned() };
        Ok(Self { dockerfile: folder.has("Dockerfile"), project: project(&folder) })
    }

    /// `Dockerfile and Python found`
    pub(super) fn sentence(self) -> String {
        let project = match self.project {
            Project::Rust => "Rust",
            Project::Go => "Go",
            Project::Maven => "Maven",
            Project::Gradle { .. } => "Gradle",
            Project::Sbt => "sbt",
            Project::Php(_) => "PHP",
            Project::Ruby { .. } => "Ruby",
            Project::Python { .. } => "Python",
            Project::Node { .. } => "Node.js",
            Project::Make => "a Makefile with `test`",
            Project::Unknown if self.dockerfile => return "Dockerfile found".to_owned(),
            Project::Unknown => return "nothing that is known was found".to_owned(),
        };
        if self.dockerfile {
            format!("Dockerfile and {project} found")
        } else {
            format!("{project} found")
        }
    }
}

fn project(folder: &Folder) -> Project {
    if folder.has("Cargo.toml") {
        return Project::Rust;
    }
    if folder.has("go.mod") {
        return Project::Go;
    }
    if folder.has("pom.xml") {
        return Project::Maven;
    }
    if folder.has("build.gradle") || folder.has("build.gradle.kts") {
        return Project::Gradle { wrapper: folder.has("gradlew") };
    }
    if folder.has("build.sbt") {
        return Project::Sbt;
    }
    if folder.has("composer.json") {
        return Project::Php(php(folder));
    }
    if folder.has("Gemfile") || folder.has("Rakefile") {
        return Project::Ruby { gemfile: folder.has("Gemfile"), tests: ruby(folder) };
    }
    let requirements = folder.has("requirements.txt");
    let package = folder.has("pyproject.toml") || folder.has("setup.py");
    if requirements || package || !python_tests(folder).is_empty() {
        return Project::Python { requirements, package, tests: python(folder) };
    }
    if folder.has("package.json") {
        return node(folder);
    }
    let is_test = |line: &str| line.starts_with("test:");
    if folder.text("Makefile").lines().any(is_test) { Project::Make } else { Project::Unknown }
}

fn php(folder: &Folder) -> PhpTests {
    let composer = folder.json("composer.json");
    let requires = |key: &str| composer[key].get("phpunit/phpunit").is_some();
    if composer["scripts"].get("test").is_some() {
        PhpTests::Script
    } else if requires("require-dev") || requires("require") {
        PhpTests::PhpUnit
    } else {
        PhpTests::None
    }
}

fn ruby(folder: &Folder) -> RubyTests {
    let (rakefile, gemfile) = (folder.text("Rakefile"), folder.text("Gemfile"));
    let defaults = |line: &str| {
        line.trim_start().starts_with("task") && line.contains("default") && !line.contains('#')
    };
    if rakefile.lines().any(defaults) {
        RubyTests::Rake
    } else if rakefile.contains("TestTask") {
        RubyTests::RakeTest
    } else if gemfile.contains("rspec") && folder.has("spec") {
        RubyTests::Rspec
    } else {
        RubyTests::None
    }
}

/// The test files, from the folder's root.
fn python_tests(folder: &Folder) -> Vec<PathBuf> {
    let is_test = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
    };
    ["", "tests", "test"].iter().flat_map(|sub| folder.files(sub)).filter(is_test).collect()
}

fn python(folder: &Folder) -> PythonTests {
    let tests = python_tests(folder);
    if tests.is_empty() {
        return PythonTests::None;
    }
    let settings =
        ["requirements.txt", "requirements-dev.txt", "pyproject.toml", "setup.cfg", "tox.ini"];
    let named = settings.iter().any(|file| folder.text(file).contains("pytest"));
    let configured = folder.has("pytest.ini") || folder.has("conftest.py");
    let plain = |path: &PathBuf| {
        let text = read(path);
        text.contains("unittest") && !text.contains("pytest")
    };
    // unittest finds files by their beginning only.
    let found = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_"))
    };
    if named || configured || !tests.iter().all(plain) || !tests.iter().any(found) {
        return PythonTests::Pytest;
    }
    let folders = ["tests", "test"];
    let outside = folders
        .into_iter()
        .find(|sub| folder.has(sub) && !folder.has(&format!("{sub}/__init__.py")));
    PythonTests::Unittest(outside)
}

fn node(folder: &Folder) -> Project {
    let package = folder.json("package.json");
    let test = package["scripts"]["test"].as_str().unwrap_or_default();
    // What `npm init` writes fails by design.
    let tests = !test.is_empty() && !test.contains("no test specified");
    let lock = if folder.has("pnpm-lock.yaml") {
        Lock::Pnpm
    } else if folder.has("yarn.lock") {
        Lock::Yarn
    } else if folder.has("package-lock.json") || folder.has("npm-shrinkwrap.json") {
        Lock::Npm
    } else {
        Lock::None
    };
    Project::Node { lock, tests }
}

/// The folder, looked at with limits: other people's files are not ours to trust.
struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Most files of one folder that are looked at.
    const FILES: usize = 1000;

    fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    fn text(&self, name: &str) -> String {
        read(&self.path.join(name))
    }

    /// Null where there is none, or none that can be read.
    fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(name)).unwrap_or_default()
    }

    fn files(&self, sub: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path.join(sub)) else { return Vec::new() };
        let paths = entries.take(Self::FILES).filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.is_file()).collect()
    }
}

/// The beginning of a file; empty if there is none.
fn read(path: &Path) -> String {
    const MOST: u64 = 256 * 1024;
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    if read.is_err() {
        return String::new();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
