//! What a server keeps of what jobs leave, and the time that it keeps it.

use std::path::PathBuf;

use anyhow::Result;

use super::Scene;

impl Scene {
    /// The folder where a server keeps what jobs leave.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    /// The files of that folder, below it, by name.
    ///
    /// # Errors
    /// When it can not be read.
    pub fn stored(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![self.blobs()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.blobs())?.display().to_string());
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Does now what the server does every few minutes: removes what has had its time.
    ///
    /// # Errors
    /// When the server can not.
    pub async fn expire(&self) -> Result<()> {
        Ok(slipway_server::flow::expire::tick(&self.running.server).await?)
    }

    /// Runs a statement on the database, as time or a crash would have.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn change(&self, statement: &'static str) -> Result<u64> {
        Ok(sqlx::query(statement).execute(&self.database.pool).await?.rows_affected())
    }
}
