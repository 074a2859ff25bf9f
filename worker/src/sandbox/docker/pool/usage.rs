//! Which containers the jobs of this worker want: its last ones, remembered over restarts.

use std::collections::VecDeque;
use std::path::Path;

use serde::{Deserialize, Serialize};
use slipway_pipelines::ids::{AttemptId, JobId, WorkerId};
use uuid::Uuid;

use crate::sandbox::{ContainerSpec, Owner, Role};

/// So many jobs are looked back at: enough to see what is used most, few enough to forget an image
/// within a day's work.
const LAST: usize = 64;

/// What a container is made to, as far as containers of different jobs can be alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// By the name that jobs use.
    pub(super) image: String,
    pub(super) memory_bytes: u64,
    pub(super) pids: u32,
    pub(super) cpu_millis: u32,
}

impl Recipe {
    /// Of a job's container; none if nothing but the job itself can make it.
    pub(super) fn of(spec: &ContainerSpec) -> Option<Self> {
        // A bare id is of an image that one commit has built: no other job comes with it.
        let own = !spec.mounts.is_empty() || !spec.ports.is_empty() || !spec.env.is_empty();
        if own || spec.image.starts_with("sha256:") {
            return None;
        }
        Some(Self {
            image: spec.image.clone(),
            memory_bytes: spec.memory_bytes,
            pids: spec.pids,
            cpu_millis: spec.cpu_millis,
        })
    }

    /// A container to be, which is nobody's yet.
    pub(super) fn spec(&self, worker: WorkerId, image_id: &str) -> ContainerSpec {
        let (job, attempt) = (JobId::from(Uuid::nil()), AttemptId::from(Uuid::nil()));
        ContainerSpec {
            image: image_id.to_owned(),
            role: Role::Job { local_names: Vec::new() },
            env: Vec::new(),
            memory_bytes: self.memory_bytes,
            pids: self.pids,
            cpu_millis: self.cpu_millis,
            mounts: Vec::new(),
            ports: Vec::new(),
            owner: Owner { worker, job, attempt },
        }
    }

    /// The same limits?
    pub(super) fn is_limited_as(&self, other: &Self) -> bool {
        Self { image: other.image.clone(), ..self.clone() } == *other
    }
}

/// What the last jobs wanted.
#[derive(Debug, Default)]
pub(super) struct Usage {
    last: VecDeque<Recipe>,
    /// Not written down yet.
    is_new: bool,
}

impl Usage {
    /// What an earlier process wrote down. It is a hint: what can not be read is nothing.
    pub(super) fn read(file: &Path) -> Self {
        let text = std::fs::read(file).unwrap_or_default();
        let last: VecDeque<Recipe> = serde_json::from_slice(&text).unwrap_or_default();
        Self { last: last.into_iter().take(LAST).collect(), is_new: false }
    }

    /// A job wanted this.
    pub(super) fn add(&mut self, recipe: Recipe) {
        self.last.push_front(recipe);
        self.last.truncate(LAST);
        self.is_new = true;
    }

    /// It can not be had any more.
    pub(super) fn forget(&mut self, image: &str) {
        self.last.retain(|recipe| recipe.image != image);
        self.is_new = true;
    }

    /// What is to be written down, once.
    pub(super) fn news(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        serde_json::to_vec(&self.last).ok()
    }

    /// What `places` containers should be: each next one goes to the image that has the most jobs
    /// for those it has. An image's limits are those of its latest job.
    pub(super) fn shares(&self, places: usize) -> Vec<(Recipe, usize)> {
        let mut all: Vec<(Recipe, usize, usize)> = Vec::new();
        for recipe in &self.last {
            match all.iter_mut().find(|(known, ..)| known.image == recipe.image) {
                Some((_, jobs, _)) => *jobs += 1,
                None => all.push((recipe.clone(), 1, 0)),
            }
        }
        for _ in 0..places {
            // Of equals the one that was used last; `max_by` would take the other.
            let next = all
                .iter_mut()
                .rev()
                .max_by(|one, other| (one.1 * (other.2 + 1)).cmp(&(other.1 * (one.2 + 1))));
            if let Some((.., given)) = next {
                *given += 1;
            }
        }
        let given = all.into_iter().filter(|(.., given)| *given > 0);
        given.map(|(recipe, _, given)| (recipe, given)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(image: &str, pids: u32) -> Recipe {
        Recipe { image: image.to_owned(), memory_bytes: 1 << 30, pids, cpu_millis: 1000 }
    }

    fn shares(usage: &Usage, places: usize) -> Vec<(String, usize)> {
        usage.shares(places).into_iter().map(|(recipe, given)| (recipe.image, given)).collect()
    }

    #[test]
    fn places_go_to_the_images_that_are_used_most() {
        let mut usage = Usage::default();
        assert_eq!(shares(&usage, 2), []);
        usage.add(recipe("node:20", 1));
        assert_eq!(shares(&usage, 2), [("node:20".to_owned(), 2)]);
        usage.add(recipe("python:3", 1));
        assert_eq!(shares(&usage, 1), [("python:3".to_owned(), 1)], "the latest of equals");
        assert_eq!(shares(&usage, 2).len(), 2);
        for _ in 0..5 {
            usage.add(recipe("node:20", 9));
        }
        assert_eq!(shares(&usage, 2), [("node:20".to_owned(), 2)]);
        assert_eq!(usage.shares(2)[0].0.pids, 9, "as its latest job");
        assert_eq!(shares(&usage, 0), []);
        for _ in 0..LAST {
            usage.add(recipe("go:1", 1));
        }
        assert_eq!(shares(&usage, 4), [("go:1".to_owned(), 4)], "the others are forgotten");
    }

    #[test]
    fn it_is_remembered_and_what_is_no_memory_is_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("warm.json");
        assert_eq!(shares(&Usage::read(&file), 1), []);
        let mut usage = Usage::default();
        assert!(usage.news().is_none());
        usage.add(recipe("node:20", 1));
        std::fs::write(&file, usage.news().expect("news")).expect("written");
        assert!(usage.news().is_none(), "once");
        let mut read = Usage::read(&file);
        assert_eq!(shares(&read, 1), [("node:20".to_owned(), 1)]);
        read.forget("node:20");
        assert_eq!(shares(&read, 1), []);
        std::fs::write(&file, "{]").expect("written");
        assert_eq!(shares(&Usage::read(&file), 1), []);
    }
}
