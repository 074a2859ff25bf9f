//! What conditions are tested with.

use std::sync::Arc;

use super::expr::Lookup;

/// Most changed paths that are looked at. Of more the answer is not worth its time: such a
/// change touches everything.
pub const MAX_CHANGED: usize = 10_000;
/// Most bytes of them together.
pub const MAX_CHANGED_BYTES: usize = 2 * 1024 * 1024;

/// What a condition can ask for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// `push`, `pull_request`, `api`, `cron`; a tag is a push.
    Type,
    /// `OWNER/NAME`
    Repo,
    /// The repo a pull request comes from.
    HeadRepo,
    /// The job's operating system.
    Os,
    /// The job's distribution.
    Dist,
    /// Accepted from old files.
    Group,
    /// Accepted from old files.
    Sudo,
    /// The job's language.
    Language,
    /// Who caused the run.
    Sender,
    /// Does the pull request come from another repo?
    Fork,
    /// Is the pull request a draft?
    Draft,
    /// The branch; of a pull request its base.
    Branch,
    /// The branch a pull request comes from.
    HeadBranch,
    /// The tag, if it is one.
    Tag,
    /// The whole commit message.
    CommitMessage,
}

impl Variable {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Type,
        Self::Repo,
        Self::HeadRepo,
        Self::Os,
        Self::Dist,
        Self::Group,
        Self::Sudo,
        Self::Language,
        Self::Sender,
        Self::Fork,
        Self::Draft,
        Self::Branch,
        Self::HeadBranch,
        Self::Tag,
        Self::CommitMessage,
    ];

    /// As it is written in a condition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Repo => "repo",
            Self::HeadRepo => "head_repo",
            Self::Os => "os",
            Self::Dist => "dist",
            Self::Group => "group",
            Self::Sudo => "sudo",
            Self::Language => "language",
            Self::Sender => "sender",
            Self::Fork => "fork",
            Self::Draft => "draft",
            Self::Branch => "branch",
            Self::HeadBranch => "head_branch",
            Self::Tag => "tag",
            Self::CommitMessage => "commit_message",
        }
    }
}

/// What a name stands for. The words true and false are booleans wherever they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Nothing,
    /// True or false.
    Boolean(bool),
    /// Any other text, also an empty one.
    Text(String),
}

impl Value {
    /// A text as conditions see it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.eq_ignore_ascii_case("true") {
            Self::Boolean(true)
        } else if text.eq_ignore_ascii_case("false") {
            Self::Boolean(false)
        } else {
            Self::Text(text.to_owned())
        }
    }

    /// For a sentence.
    fn told(&self) -> String {
        match self {
            Self::Nothing => "not set".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Text(text) if text.is_empty() => "empty".to_owned(),
            Self::Text(text) => {
                let line = text.lines().next().unwrap_or_default();
                let short: String = line.chars().take(60).collect();
                let rest = if short.len() < text.len() { "…" } else { "" };
                format!("`{short}{rest}`")
            }
        }
    }
}

/// What is known of a run or a job.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    variables: Vec<(Variable, Value)>,
    env: Vec<(String, Value)>,
    /// None: not known.
    changed: Option<Arc<[String]>>,
}

impl Facts {
    /// The same, with a variable more.
    #[must_use]
    pub fn with(mut self, variable: Variable, text: &str) -> Self {
        self.variables.push((variable, Value::of(text)));
        self
    }

    /// The same, with a variable more of the environment: the text without its quotes.
    #[must_use]
    pub fn with_env(mut self, name: &str, text: &str) -> Self {
        self.env.push((name.to_owned(), Value::of(text)));
        self
    }

    /// The same, with the paths that changed since the run before, from the repo's root and with
    /// `/` between folders; none if that is not known. More than [`MAX_CHANGED`], or of more than
    /// [`MAX_CHANGED_BYTES`], are as good as not known.
    #[must_use]
    pub fn with_changed(mut self, paths: Option<Vec<String>>) -> Self {
        self.changed = paths.filter(|paths| are_few(paths)).map(Arc::from);
        self
    }

    /// The same, with a variable more of the environment: a word as a shell has it, with quotes.
    #[must_use]
    pub(crate) fn with_word(self, name: &str, word: &str) -> Self {
        self.with_env(name, &unquote(word))
    }

    /// What a variable is, as a text.
    pub(crate) fn text(&self, variable: Variable) -> Option<String> {
        match self.variable(variable) {
            Value::Nothing => None,
            Value::Boolean(value) => Some(value.to_string()),
            Value::Text(text) => Some(text),
        }
    }

    /// Is nothing known?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.env.is_empty() && self.changed.is_none()
    }

    /// What gathering them costs, in the measure of [`super::Condition::weight`].
    #[must_use]
    pub fn weight(&self) -> usize {
        /// Of each, besides its text.
        const FACT: usize = 32;
        let size = |value: &Value| match value {
            Value::Text(text) => FACT + text.len(),
            Value::Nothing | Value::Boolean(_) => FACT,
        };
        let variables = self.variables.iter().map(|(_, value)| size(value));
        let env = self.env.iter().map(|(name, value)| name.len() + size(value));
        variables.chain(env).sum()
    }

    /// The last one given holds.
    pub(super) fn variable(&self, variable: Variable) -> Value {
        let found = self.variables.iter().rev().find(|(name, _)| *name == variable);
        found.map_or(Value::Nothing, |(_, value)| value.clone())
    }

    pub(super) fn env(&self, name: &str) -> Value {
        let found = self.env.iter().rev().find(|(other, _)| other == name);
        found.map_or(Value::Nothing, |(_, value)| value.clone())
    }

    pub(super) fn changed(&self) -> Option<&[String]> {
        self.changed.as_deref()
    }

    pub(super) fn sentence(&self, lookup: Lookup<'_>) -> String {
        match lookup {
            Lookup::Variable(variable) => {
                format!("`{}` is {}", variable.name(), self.variable(variable).told())
            }
            Lookup::Env(name) => format!("`env({name})` is {}", self.env(name).told()),
            Lookup::Changed(globs) => globs.sentence(self.changed()),
        }
    }
}

fn are_few(paths: &[String]) -> bool {
    paths.len() <= MAX_CHANGED && paths.iter().map(String::len).sum::<usize>() <= MAX_CHANGED_BYTES
}

/// What a shell would make of a word's quotes; nothing is expanded.
pub(crate) fn unquote(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut quote = None;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None | Some('"'), '\\') => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}
