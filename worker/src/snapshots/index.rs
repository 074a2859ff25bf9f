//! The list of snapshots, as the data dir keeps it.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// What made it.
    pub(super) key: String,
    /// Its name on the engine.
    pub(super) image: String,
    /// The image's id.
    pub(super) id: String,
    /// What it has beyond its base.
    pub(super) bytes: u64,
    pub(super) made_at: DateTime<Utc>,
    pub(super) used_at: DateTime<Utc>,
    /// The registry does not have it yet.
    #[serde(default)]
    pub(super) to_push: bool,
}

/// All of them. Those that are removed leave it first: an image that no list has is swept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Index {
    entries: Vec<Entry>,
    #[serde(skip)]
    is_new: bool,
}

impl Index {
    /// What is written there; what can not be read is nothing, and its images are swept.
    pub(super) fn read(file: &Path) -> Self {
        serde_json::from_slice(&std::fs::read(file).unwrap_or_default()).unwrap_or_default()
    }

    /// What is to be written, once.
    pub(super) fn news(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        serde_json::to_vec(self).ok()
    }

    /// A job starts from it now.
    pub(super) fn used(&mut self, key: &str) -> Option<Entry> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        entry.used_at = Utc::now();
        self.is_new = true;
        Some(entry.clone())
    }

    /// It takes the place of an older one of its key.
    pub(super) fn add(&mut self, entry: Entry) {
        self.entries.retain(|other| other.key != entry.key);
        self.entries.push(entry);
        self.is_new = true;
    }

    /// There is no such image.
    pub(super) fn forget(&mut self, image: &str) {
        self.entries.retain(|entry| entry.image != image);
        self.is_new = true;
    }

    /// Is this image on it?
    pub(super) fn has(&self, image: &str) -> bool {
        self.entries.iter().any(|entry| entry.image == image)
    }

    /// The next one that the registry is to get.
    pub(super) fn next_push(&self) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.to_push).cloned()
    }

    /// The registry got it, or never will.
    pub(super) fn pushed(&mut self, image: &str) {
        for entry in self.entries.iter_mut().filter(|entry| entry.image == image) {
            entry.to_push = false;
            self.is_new = true;
        }
    }

    /// Strikes those that nobody used for so long, and, of those that are too many bytes, those
    /// that were not used for longest.
    pub(super) fn expire(&mut self, now: DateTime<Utc>, unused: Duration, most: u64) {
        self.entries.sort_by_key(|entry| std::cmp::Reverse(entry.used_at));
        let before = self.entries.len();
        let mut sum = 0_u64;
        self.entries.retain(|entry| {
            sum = sum.saturating_add(entry.bytes);
            let idle = (now - entry.used_at).to_std().unwrap_or_default();
            idle <= unused && sum <= most
        });
        self.is_new |= self.entries.len() != before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, bytes: u64, days: i64) -> Entry {
        let at = Utc::now() - chrono::Duration::days(days);
        Entry {
            key: key.to_owned(),
            image: format!("slipway/snapshot:{key}"),
            id: String::new(),
            bytes,
            made_at: at,
            used_at: at,
            to_push: false,
        }
    }

    fn keys(index: &Index) -> Vec<&str> {
        index.entries.iter().map(|entry| entry.key.as_str()).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut index = Index::default();
        for (key, bytes, days) in [("old", 1, 20), ("big", 60, 3), ("new", 30, 1), ("mid", 30, 2)] {
            index.add(entry(key, bytes, days));
        }
        index.expire(Utc::now(), Duration::from_secs(14 * 86_400), 100);
        assert_eq!(keys(&index), ["new", "mid"], "old by its age, big by the sum");
        assert!(index.used("mid").is_some() && index.used("big").is_none());
        index.expire(Utc::now(), Duration::from_secs(14 * 86_400), 40);
        assert_eq!(keys(&index), ["mid"], "it was used just now");
    }

    #[test]
    fn a_key_has_one_snapshot_and_the_list_is_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("snapshots.json");
        let mut index = Index::read(&file);
        assert!(index.news().is_none());
        index.add(entry("a", 1, 0));
        index.add(Entry { image: "slipway/snapshot:b".to_owned(), ..entry("a", 2, 0) });
        assert!(!index.has("slipway/snapshot:a") && index.has("slipway/snapshot:b"));
        std::fs::write(&file, index.news().expect("news")).expect("written");
        assert_eq!(keys(&Index::read(&file)), ["a"]);
        std::fs::write(&file, "[{").expect("written");
        assert!(keys(&Index::read(&file)).is_empty());
    }
}
