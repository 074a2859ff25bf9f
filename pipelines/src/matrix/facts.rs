//! What is known of the run and of each job, for conditions.

use crate::condition::{Facts, Variable};
use crate::language::{Dialect, Node, Value};

use super::Job;
use super::work::Work;

/// What a job, or the file, can say of itself.
const OWN: [Variable; 5] =
    [Variable::Os, Variable::Dist, Variable::Group, Variable::Sudo, Variable::Language];

impl Work<'_> {
    /// What is known of the run as the file says it.
    pub(super) fn facts_of_run(&mut self) -> Facts {
        if let Some(facts) = &self.run {
            return facts.clone();
        }
        let config = self.config;
        let facts = with_own(self.base(), |key| config.get(key));
        let env = config.get("env");
        let parts = [env.and_then(|env| env.get("global")), env.and_then(|env| env.get("jobs"))];
        let facts = match (env, parts) {
            (Some(env), [None, None]) => with_env(facts, env),
            (_, parts) => parts.into_iter().flatten().fold(facts, with_env),
        };
        self.run.insert(facts).clone()
    }

    /// What is known of a job.
    pub(super) fn facts_of_job(&self, job: &Job) -> Facts {
        if !self.tests_conditions() {
            return Facts::default();
        }
        let get = |key: &str| job.config.get(key).map(std::rc::Rc::as_ref);
        let facts = with_own(self.base(), get);
        get("env").map_or(facts.clone(), |env| with_env(facts, env))
    }

    /// Of the trigger, and what holds where nothing is written.
    fn base(&self) -> Facts {
        let facts = self.options.facts.clone();
        if !self.options.defaults {
            return facts;
        }
        let facts = facts
            .with(Variable::Os, "linux")
            .with(Variable::Language, self.options.dialect.default_language());
        match self.options.dialect {
            Dialect::Travis => facts.with(Variable::Dist, super::defaults::DIST),
            Dialect::Ci => facts,
        }
    }
}

fn with_own<'n>(facts: Facts, get: impl Fn(&str) -> Option<&'n Node>) -> Facts {
    OWN.into_iter().fold(facts, |facts, variable| {
        // Of a list the first, which is also what rows of `jobs.include` have.
        let written = get(variable.name()).filter(|node| !node.is_null());
        match written.and_then(|node| node.items().first()).and_then(Node::text) {
            Some(text) => facts.with(variable, text),
            None => facts,
        }
    })
}

/// Variables in their normal form: maps of names and values. Encrypted ones can not be tested.
fn with_env(facts: Facts, env: &Node) -> Facts {
    let entries = env.items().iter().flat_map(Node::entries);
    entries.fold(facts, |facts, entry| match &entry.value.value {
        Value::Scalar { text, .. } if entry.key != "secure" => facts.with_word(&entry.key, text),
        Value::Scalar { .. } | Value::List(_) | Value::Map(_) => facts,
    })
}
