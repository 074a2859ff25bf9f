//! The text of a `.ci.yml` for what was found. Every command in it is there in the image it runs
//! in, or is installed by the line before.

use super::look::{Found, Lock, PhpTests, Project, PythonTests, RubyTests};

/// What a job of the project needs.
struct Job {
    /// Lines of `language`, `image` and versions.
    machine: &'static [&'static str],
    install: Vec<&'static str>,
    /// Nothing to install, but the language's own default would do something.
    skip_install: bool,
    /// Empty: no tests were found.
    script: Vec<&'static str>,
    /// What passes until there are tests.
    otherwise: &'static str,
}

/// The whole file.
pub(super) fn text(found: &Found) -> String {
    let job = job(found.project);
    let mut lines: Vec<String> = vec![
        "# What Slipway does at every push. `slipway lint` checks this file.".to_owned(),
        "# `slipway plan` shows the jobs that it makes.".to_owned(),
    ];
    lines.extend(job.machine.iter().map(|line| (*line).to_owned()));
    if job.skip_install {
        lines.push("install: skip".to_owned());
    }
    list(&mut lines, "install:", &job.install);
    let only_image = found.dockerfile && found.project == Project::Unknown;
    if only_image {
        lines.push("script: skip  # no tests were found: write `script: COMMAND`".to_owned());
    } else if job.script.is_empty() {
        let todo = "script:  # no tests were found: write the command that runs them here";
        list(&mut lines, todo, &[job.otherwise]);
    } else {
        list(&mut lines, "script:  # every line runs; one that fails fails the job", &job.script);
    }
    if found.dockerfile {
        let image = ["{name: app, context: .}"];
        list(&mut lines, "images:  # built from ./Dockerfile once the script has passed", &image);
    }
    lines.push("secrets: []  # the names of those that the job may see".to_owned());
    lines.push("# deploy: {provider: …}  # where it goes; the README has the providers".to_owned());
    lines.join("\n") + "\n"
}

fn list(lines: &mut Vec<String>, key: &str, items: &[&str]) {
    if !items.is_empty() {
        lines.push(key.to_owned());
        lines.extend(items.iter().map(|item| format!("  - {item}")));
    }
}

fn job(project: Project) -> Job {
    let plain = |machine: &'static [&'static str], script: &[&'static str]| Job {
        machine,
        install: Vec::new(),
        skip_install: false,
        script: script.to_vec(),
        otherwise: "echo ready",
    };
    match project {
        Project::Rust => plain(&["language: rust"], &["cargo test"]),
        Project::Go => Job { skip_install: true, ..plain(&["language: go"], &["go test ./..."]) },
        Project::Maven => {
            Job { skip_install: true, ..plain(&["language: java"], &["mvn -B test"]) }
        }
        Project::Gradle { wrapper: true } => {
            Job { skip_install: true, ..plain(&["language: java"], &["sh ./gradlew check"]) }
        }
        Project::Gradle { wrapper: false } => plain(&["image: gradle:latest"], &["gradle check"]),
        Project::Sbt => plain(
            &[
                "# write the image that has your sbt and Java: `image: NAME:TAG`",
                "language: generic",
            ],
            &[],
        ),
        Project::Php(tests) => php(tests),
        Project::Ruby { gemfile, tests } => ruby(gemfile, tests),
        Project::Python { requirements, package, tests } => python(requirements, package, tests),
        Project::Node { lock, tests } => node(lock, tests),
        Project::Make => plain(&["language: generic"], &["make test"]),
        Project::Unknown => plain(
            &["language: generic  # or python, node_js, go, java …; or `image: NAME:TAG`"],
            &[],
        ),
    }
}

fn php(tests: PhpTests) -> Job {
    Job {
        machine: &["image: composer:2"],
        install: vec!["composer install --no-interaction"],
        skip_install: false,
        script: match tests {
            PhpTests::Script => vec!["composer test"],
            PhpTests::PhpUnit => vec!["vendor/bin/phpunit"],
            PhpTests::None => Vec::new(),
        },
        otherwise: "php --version",
    }
}

fn ruby(gemfile: bool, tests: RubyTests) -> Job {
    let script = match (tests, gemfile) {
        (RubyTests::Rake, true) => vec!["bundle exec rake"],
        (RubyTests::Rake, false) => vec!["rake"],
        (RubyTests::RakeTest, true) => vec!["bundle exec rake test"],
        (RubyTests::RakeTest, false) => vec!["rake test"],
        (RubyTests::Rspec, _) => vec!["bundle exec rspec"],
        (RubyTests::None, _) => Vec::new(),
    };
    Job {
        machine: &["language: ruby  # versions: `rvm: [3.3, 3.4]` makes a job of each"],
        install: if gemfile { vec!["bundle install --jobs=3 --retry=3"] } else { Vec::new() },
        skip_install: false,
        script,
        otherwise: "ruby --version",
    }
}

fn python(requirements: bool, package: bool, tests: PythonTests) -> Job {
    let mut install = Vec::new();
    if requirements {
        install.push("pip install -r requirements.txt");
    }
    if package {
        install.push("pip install .");
    }
    if tests == PythonTests::Pytest {
        install.push("pip install pytest");
    }
    Job {
        machine: &["language: python", "python: 3  # [3.12, 3.13] makes a job of each"],
        skip_install: install.is_empty(),
        install,
        script: match tests {
            PythonTests::Pytest => vec!["python -m pytest"],
            PythonTests::Unittest(None) => vec!["python -m unittest discover"],
            PythonTests::Unittest(Some("test")) => vec!["python -m unittest discover -s test"],
            PythonTests::Unittest(Some(_)) => vec!["python -m unittest discover -s tests"],
            PythonTests::None => Vec::new(),
        },
        otherwise: "python --version",
    }
}

fn node(lock: Lock, tests: bool) -> Job {
    let (install, script) = match lock {
        Lock::Npm => (vec!["npm ci"], "npm test"),
        Lock::Yarn => (vec!["yarn install --frozen-lockfile"], "yarn test"),
        Lock::Pnpm => {
            (vec!["npm install --global pnpm", "pnpm install --frozen-lockfile"], "pnpm test")
        }
        Lock::None => (vec!["npm install"], "npm test"),
    };
    Job {
        machine: &["language: node_js", "node_js: lts/*  # [20, 22] makes a job of each"],
        install,
        skip_install: false,
        script: if tests { vec![script] } else { Vec::new() },
        otherwise: "node --version",
    }
}
