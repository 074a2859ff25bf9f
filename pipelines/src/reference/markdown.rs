//! The documentation of the language, `docs/ci-yml.md`.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::cells::{quoted, remarks, value};
use crate::plan::usual;
use crate::schema::{Key, LANGUAGES, Map, Provider, ROOT, Shape, View, Words, providers};

/// What each table of the top is about, in its order.
const GROUPS: [&str; 6] = [
    "What a job runs on",
    "Variables",
    "Which jobs there are",
    "Versions",
    "What a job does and carries",
    "Slipway's own keys",
];

/// The page of Travis' that says a little of everything: no place to send somebody to.
const GENERAL: &str = "/customizing-the-build/";

/// The whole page.
#[must_use]
pub fn markdown() -> String {
    let mut page = Page { text: include_str!("intro.md").to_owned(), told: HashSet::new() };
    page.text.push_str("\n## The keys\n");
    for (title, table) in GROUPS.iter().zip(ROOT.tables) {
        page.heading(3, title);
        page.table(table.iter());
    }
    page.text.push_str("\n## The maps inside\n");
    for key in ROOT.keys().filter(|key| key.name != "deploy") {
        page.inside(key.name, ROOT.shape(key));
    }
    page.deploys();
    page.languages();
    page.text
}

struct Page {
    text: String,
    /// Paths that have their section.
    told: HashSet<String>,
}

impl Page {
    fn heading(&mut self, level: usize, title: &str) {
        let marks = "#".repeat(level);
        self.line(format_args!("\n{marks} {title}\n"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a text does not fail.
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }

    fn table<'k>(&mut self, keys: impl Iterator<Item = &'k Key>) {
        self.line(format_args!("| key | value | meaning |\n| --- | --- | --- |"));
        for key in keys {
            // At the top nothing is: there are defaults for each dialect.
            let at_the_top = ROOT.find(key.name).is_some_and(|top| top.meaning == key.meaning);
            let mut remarks = remarks(key);
            remarks.retain(|remark| !(at_the_top && remark == "needed"));
            let remarks = remarks.join("; ");
            let rest = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
            let name = if key.doc.starts_with("https://") && !key.doc.ends_with(GENERAL) {
                format!("[`{}`]({})", key.name, key.doc)
            } else {
                format!("`{}`", key.name)
            };
            let cells = [name, value(key.shape), format!("{}{rest}", key.meaning)];
            let row = cells.map(|cell| cell.replace('|', "\\|")).join(" | ");
            self.line(format_args!("| {row} |"));
        }
    }

    /// A section for each map in a value, and for those in it.
    fn inside(&mut self, path: &str, shape: Shape) {
        match shape {
            Shape::Map(map) => self.map(path, map),
            Shape::List(element) | Shape::Free(element) => self.inside(path, *element),
            Shape::OneOf(shapes) => shapes.iter().for_each(|shape| self.inside(path, *shape)),
            Shape::Word(words) => self.words(path, words),
            _ => {}
        }
    }

    fn map(&mut self, path: &str, map: &'static Map) {
        if !self.told.insert(path.to_owned()) {
            return;
        }
        self.heading(3, &format!("`{path}`"));
        // A row has the keys of a job: they have been told.
        if !matches!(map.view, View::Plain) {
            self.line(format_args!(
                "The keys of a job, each with the one value that it has there."
            ));
            return;
        }
        self.table(map.keys());
        for key in map.keys() {
            self.inside(&format!("{path}.{}", key.name), map.shape(key));
        }
    }

    /// The words, if there are too many for a cell.
    fn words(&mut self, path: &str, words: &'static Words) {
        let all = value(Shape::Word(words));
        if path == "language" || !all.contains("the list below") {
            return;
        }
        if self.told.insert(path.to_owned()) {
            let names: Vec<&str> = words.values.iter().map(|word| word.name).collect();
            self.heading(3, &format!("`{path}`"));
            self.line(format_args!("{}", quoted(&names)));
        }
    }

    fn deploys(&mut self) {
        self.line(format_args!(
            "\n## Deploys\n\nProviders run in the order written, after `after_success`, in runs of \
             pushes and tags. `on:` says when; keys of a step's own `secrets:` reach only that \
             step. A provider that is not here fails only its own step: \
             `provider: script` with `script: COMMAND` does what its tool does."
        ));
        let all: Vec<&Provider> = providers().collect();
        let common = common(&all);
        self.heading(3, "What every deploy has");
        self.table(common.iter().copied());
        for key in &common {
            if let Shape::Map(map) = key.shape {
                self.heading(3, &format!("`deploy.{}`", key.name));
                self.table(map.keys().filter(|key| !key.matrix));
                if key.name == "on" {
                    self.line(format_args!(
                        "\nAnd the version keys: `python: 3.12` deploys from that job only."
                    ));
                }
            }
        }
        for provider in &all {
            self.provider(provider, &common);
        }
    }

    fn provider(&mut self, provider: &'static Provider, common: &[&'static Key]) {
        self.heading(3, &format!("`provider: {}`", provider.name));
        let here =
            if provider.works { "" } else { " *Not here yet: the step fails, and says so.*" };
        let also = match provider.aliases {
            [] => String::new(),
            names => format!(" Also written {}.", quoted(names)),
        };
        self.line(format_args!("{}.{also}{here}\n", capital(provider.meaning)));
        let own = |key: &&'static Key| {
            !common.iter().any(|other| other.name == key.name && other.meaning == key.meaning)
        };
        if provider.map.keys().any(|key| own(&key)) {
            self.table(provider.map.keys().filter(own));
        }
        for key in provider.map.keys().filter(own) {
            let path = format!("deploy.{}", key.name);
            self.inside(&path, provider.map.shape(key));
        }
    }

    fn languages(&mut self) {
        self.line(format_args!(
            "\n## Languages\n\nThe image is that of a job that names no version; the operator may \
             choose others. `install` and `script` are what is run where the file does not write \
             them.\n\n| `language:` | also written | version keys | image | `install` | `script` |\n\
             | --- | --- | --- | --- | --- | --- |"
        ));
        for language in LANGUAGES {
            let keys: Vec<&str> = ROOT
                .keys()
                .filter(|key| key.matrix && key.languages.contains(&language.name))
                .map(|key| key.name)
                .collect();
            let (image, install, script) = usual(language.name).unwrap_or(("", &[], &[]));
            let cells = [
                format!("[`{}`]({})", language.name, language.doc),
                quoted(language.aliases),
                quoted(&keys),
                quoted(&[image]),
                commands(install),
                commands(script),
            ];
            let row = cells.map(|cell| cell.replace('|', "\\|")).join(" | ");
            self.line(format_args!("| {row} |"));
        }
    }
}

/// The keys that most providers have: some of Travis' mean something else by one of the words.
fn common(all: &[&'static Provider]) -> Vec<&'static Key> {
    let has = |provider: &Provider, key: &Key| {
        provider.map.find(key.name).is_some_and(|found| found.meaning == key.meaning)
    };
    let usual = |key: &&'static Key| {
        all.iter().filter(|provider| has(provider, key)).count() * 2 > all.len()
    };
    all.first().map_or_else(Vec::new, |first| first.map.keys().filter(usual).collect())
}

/// Commands in a cell: their first lines, shortened.
fn commands(commands: &[&str]) -> String {
    const MOST: usize = 70;
    let short = |command: &&str| {
        let line = without_options(command.lines().next().unwrap_or_default());
        let cut: String = line.chars().take(MOST).collect();
        let rest =
            if cut.len() < line.len() || command.lines().nth(1).is_some() { " …" } else { "" };
        format!("`{}{rest}`", cut.replace('`', "'"))
    };
    commands.iter().map(short).collect::<Vec<_>>().join("<br>")
}

/// `{lein|lein} deps` as it is where the file says nothing by the key `lein`.
fn without_options(command: &str) -> String {
    let mut plain = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        let option = after.split_once('}').and_then(|(inside, rest)| {
            let (key, text) = inside.split_once('|')?;
            let is_key =
                key.trim().chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
            is_key.then_some((text, rest))
        });
        match option {
            Some((text, after)) => {
                plain.push_str(text);
                rest = after;
            }
            None => {
                plain.push('{');
                rest = after;
            }
        }
    }
    plain + rest
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
