//! Keeping the pool as it should be: beside the jobs, and never in their way.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bollard::query_parameters::{CreateContainerOptionsBuilder, RenameContainerOptionsBuilder};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::usage::Recipe;
use super::{Idle, Pool};
use crate::sandbox::docker::{DockerSandbox, create, failed, is_status};
use crate::sandbox::{Sandbox as _, SandboxError};

/// Between two looks at containers that nobody takes.
const LOOK: Duration = Duration::from_secs(60);
/// One that nobody took for so long is made anew: its connections may be stale.
const OLD: Duration = Duration::from_secs(60 * 60);
/// After a job has started, before the pool is topped up: the next one may be starting already.
const QUIET: Duration = Duration::from_millis(100);
/// After a failure that is the engine's and not the image's.
const TROUBLE: Duration = Duration::from_secs(10);
/// After one that may be either.
const AGAIN: Duration = Duration::from_secs(1);
/// So many in a row are the image's: an engine that is busy fails now and then.
const TRIES: u32 = 3;

/// What the pool needs next.
enum Need {
    Name(String, String),
    Remove(Vec<String>),
    Make(Recipe),
    Nothing,
}

impl Pool {
    fn is_quiet(&self) -> bool {
        self.starting.load(Ordering::Acquire) == 0
    }

    /// Decides, and takes out of the pool what has to go.
    fn need(&self) -> Need {
        let mut state = self.state();
        if let Some((container, attempt)) = state.unnamed.pop() {
            return Need::Name(container, format!("slipway-job-{attempt}"));
        }
        let mut wanted = state.usage.shares(self.size);
        let mut gone = Vec::new();
        state.idle.retain_mut(|idle| {
            // Limits can be changed when it is taken: they make no container old.
            let same = |recipe: &Recipe| recipe.image == idle.recipe.image;
            let place = wanted.iter_mut().find(|(recipe, left)| same(recipe) && *left > 0);
            match place {
                Some((_, left)) if idle.since.elapsed() < OLD && idle.waiting.is_alive() => {
                    *left -= 1;
                    true
                }
                Some(_) | None => {
                    gone.push(idle.container.clone());
                    false
                }
            }
        });
        if !gone.is_empty() {
            return Need::Remove(gone);
        }
        let next = wanted.into_iter().find(|(_, left)| *left > 0);
        next.map_or(Need::Nothing, |(recipe, _)| Need::Make(recipe))
    }

    /// One could not be made of this image: how long to pause. An image that always fails is used by
    /// no job of the pool any more; those that wait for another reason stay.
    fn not_made(&self, image: &str) -> Duration {
        let mut state = self.state();
        let before = state.failed.take().filter(|(failed, _)| failed == image);
        let tries = before.map_or(0, |(_, tries)| tries) + 1;
        if tries < TRIES {
            state.failed = Some((image.to_owned(), tries));
        } else {
            state.usage.forget(image);
        }
        AGAIN
    }

    /// Writes down what is used. It is a hint for the next process: a failure costs some warmth.
    async fn remember(&self) {
        let news = self.state().usage.news();
        let (Some(bytes), Some(file)) = (news, &self.file) else { return };
        let fresh = file.with_extension("new");
        let written = async {
            tokio::fs::write(&fresh, bytes).await?;
            tokio::fs::rename(&fresh, file).await
        };
        if let Err(error) = written.await {
            tracing::warn!(file = %file.display(), %error, "what is used is not remembered");
        }
    }
}

impl DockerSandbox {
    /// Keeps the pool until `stop`, and empties it then.
    pub(in crate::sandbox::docker) async fn tend_pool(&self, stop: &CancellationToken) {
        if self.pool.size == 0 {
            return;
        }
        while !stop.is_cancelled() {
            let pause = if self.pool.is_quiet() { self.step().await } else { Some(LOOK) };
            let Some(pause) = pause else { continue };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.pool.changed.notified() => tokio::time::sleep(QUIET).await,
                () = stop.cancelled() => {}
            }
        }
        let idle = std::mem::take(&mut self.pool.state().idle);
        futures::future::join_all(idle.iter().map(|idle| self.drop_one(&idle.container))).await;
        self.pool.remember().await;
    }

    /// Does one thing, as nothing else may be done for long; how long to pause if there is none.
    async fn step(&self) -> Option<Duration> {
        match self.pool.need() {
            Need::Name(container, name) => {
                let options = RenameContainerOptionsBuilder::default().name(&name).build();
                // For people only: the job may have ended already.
                let _no_matter = self.docker.rename_container(&container, options).await;
                None
            }
            Need::Remove(gone) => {
                for container in gone {
                    self.drop_one(&container).await;
                }
                None
            }
            Need::Make(recipe) => {
                self.pool.state().making = Some((recipe.image.clone(), None));
                let made = self.make(&recipe).await;
                let (pause, _whoever_waits) = {
                    let mut state = self.pool.state();
                    let pause = made.map(|idle| {
                        state.failed = None;
                        state.idle.push(idle);
                    });
                    (pause, state.making.take())
                };
                match pause {
                    Ok(()) => None,
                    Err(error) if self.answers().await => {
                        let image = recipe.image;
                        tracing::debug!(image, %error, "an image can not be kept warm");
                        Some(self.pool.not_made(&image))
                    }
                    Err(_) => Some(TROUBLE),
                }
            }
            Need::Nothing => {
                self.pool.remember().await;
                self.renew().await;
                Some(LOOK)
            }
        }
    }

    async fn make(&self, recipe: &Recipe) -> Result<Idle, SandboxError> {
        let image = self.docker.inspect_image(&recipe.image).await;
        let image_id = image.map_err(failed("look at the image"))?.id.unwrap_or_default();
        let name = format!("slipway-warm-{}", Uuid::now_v7().simple());
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let body = create::of_nobody(&recipe.spec(self.worker, &image_id));
        let made = self.docker.create_container(Some(options), body).await;
        let container = made.map_err(failed("create a container"))?.id;
        let waiting = async {
            self.start(&container).await?;
            self.waiting(&container).await
        };
        match waiting.await {
            Ok(waiting) if waiting.terminal.is_some() => {
                let (recipe, since) = (recipe.clone(), Instant::now());
                Ok(Idle { recipe, image_id, container, waiting, since })
            }
            Ok(_) => {
                self.drop_one(&container).await;
                Err(SandboxError { sentence: "No shell waits in it.".to_owned() })
            }
            Err(error) => {
                self.drop_one(&container).await;
                Err(error)
            }
        }
    }

    async fn drop_one(&self, container: &str) {
        if let Err(error) = self.remove(container).await {
            tracing::error!(container, %error, "a container of the pool is left over");
        }
    }

    /// Takes out those whose image's name means another image by now.
    async fn renew(&self) {
        let made = |idle: &Idle| (idle.recipe.image.clone(), idle.image_id.clone());
        let mut made: Vec<_> = self.pool.state().idle.iter().map(made).collect();
        made.sort();
        made.dedup();
        for (name, id) in made {
            let now = match self.docker.inspect_image(&name).await {
                Ok(image) => image.id,
                Err(error) if is_status(&error, 404) => None,
                Err(_) => continue,
            };
            if now.as_ref() == Some(&id) {
                continue;
            }
            let mut gone = Vec::new();
            self.pool.state().idle.retain(|idle| {
                let old = idle.recipe.image == name && idle.image_id == id;
                if old {
                    gone.push(idle.container.clone());
                }
                !old
            });
            for container in gone {
                self.drop_one(&container).await;
            }
            self.pool.changed.notify_one();
        }
    }
}
