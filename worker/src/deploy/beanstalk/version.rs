//! The application version: made once, of our bundle, and processed.

use aws_sdk_elasticbeanstalk::types::{ApplicationVersionDescription, S3Location};
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::wire::{Evidence, FindingCode};
use tokio::time::Instant;

use super::super::aws::Pauses;
use super::super::aws::failure::Failure;
use super::super::aws::refused::explain;
use super::Beanstalk;
use super::bundle::Bundle;
use super::events::Ours;
use super::options::Label;

/// What there is of a version.
enum Found {
    Nothing,
    /// Of exactly our bundle.
    Ours,
    /// Of something else; the sentence says of what.
    Other(String),
}

/// Whether Elastic Beanstalk has looked into the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processing {
    Over,
    Failed,
    Runs,
}

/// By the word itself: AWS writes it in capitals, its own description does not.
pub(super) fn processing(version: &ApplicationVersionDescription) -> Processing {
    let word = version.status().map_or("", |status| status.as_str()).to_ascii_lowercase();
    match word.as_str() {
        "processed" => Processing::Over,
        "failed" => Processing::Failed,
        // Unprocessed is what it is at first: we asked for the processing.
        _ => Processing::Runs,
    }
}

impl Beanstalk<'_> {
    /// Puts the bundle and makes its version; gives the label.
    pub(super) async fn make_version(&self, bundle: &Bundle) -> Result<String, Failure> {
        let label = match self.free_label(bundle).await? {
            (label, true) => {
                self.ctx.hop("uploaded", format!("version {label} of this very bundle is there"));
                label
            }
            (label, false) => {
                let key = self.options.key(&label);
                let tag = self.put(bundle, &key).await?;
                let place = format!("{}/{key}, ETag {tag}", self.options.bucket);
                self.ctx.hop("uploaded", place);
                self.create(&label, &key).await?;
                label
            }
        };
        let status = self.processed(&label).await?;
        let key = self.options.key(&label);
        let detail = format!("{label} ({status}) of {}/{key}", self.options.bucket);
        self.ctx.hop("version created", detail);
        Ok(label)
    }

    /// A label for the bundle, and whether its version is there already.
    async fn free_label(&self, bundle: &Bundle) -> Result<(String, bool), Failure> {
        let label = self.options.label.as_str();
        let taken = match self.find(label, bundle).await? {
            Found::Nothing => return Ok((label.to_owned(), false)),
            Found::Ours => return Ok((label.to_owned(), true)),
            Found::Other(what) => what,
        };
        if let Label::Written(_) = &self.options.label {
            return Err(self.label_taken(label, &taken));
        }
        // The run was deployed before, or to another application, and its bundle differs.
        let label = self.label_of_its_own(label);
        match self.find(&label, bundle).await? {
            Found::Nothing => Ok((label, false)),
            Found::Ours => Ok((label, true)),
            Found::Other(what) => Err(self.label_taken(&label, &what)),
        }
    }

    fn label_taken(&self, label: &str, of: &str) -> Failure {
        let app = &self.options.app;
        let what = format!("application {app:?} has a version {label:?} already, {of}");
        Failure::new(FindingCode::LabelTaken, what)
            .about(format!("version {label}"))
            .next("choose another `label`, or delete that version")
    }

    /// The label made one of this deployment alone. The end of its id is the random part.
    pub(super) fn label_of_its_own(&self, label: &str) -> String {
        let id = self.ctx.deployment.as_uuid().simple().to_string();
        format!("{label}-{}", &id[id.len() - 8..])
    }

    async fn find(&self, label: &str, bundle: &Bundle) -> Result<Found, Failure> {
        let key = self.options.key(label);
        let Some(version) = self.version(label).await? else {
            // It may be the bundle of another application's version: that is not replaced.
            let differs = |hash: String| hash != bundle.sha256;
            let taken = self.hash_of(&key).await?.is_some_and(differs);
            return Ok(match self.options.label {
                Label::Made(_) if taken => Found::Other(format!("but another bundle at {key}")),
                Label::Made(_) | Label::Written(_) => Found::Nothing,
            });
        };
        let place = version.source_bundle();
        let of = |place: &S3Location| {
            (place.s3_bucket().map(str::to_owned), place.s3_key().map(str::to_owned))
        };
        if place.map(of) != Some((Some(self.options.bucket.clone()), Some(key.clone()))) {
            let place = place.and_then(|place| Some((place.s3_bucket()?, place.s3_key()?)));
            let place = place.map(|(bucket, key)| format!("{bucket}/{key}"));
            let place = place.unwrap_or_else(|| "no bundle in S3".to_owned());
            return Ok(Found::Other(format!("of {place}")));
        }
        if processing(&version) == Processing::Failed {
            return Ok(Found::Other("which could not be processed".to_owned()));
        }
        Ok(match self.hash_of(&key).await? {
            Some(hash) if hash == bundle.sha256 => Found::Ours,
            Some(_) | None => Found::Other(format!("of another bundle at {key}")),
        })
    }

    /// The version as AWS has it.
    pub(super) async fn version(
        &self,
        label: &str,
    ) -> Result<Option<ApplicationVersionDescription>, Failure> {
        let call = || {
            let call = self.clients.beanstalk.describe_application_versions();
            call.application_name(&self.options.app).version_labels(label).send()
        };
        let found = self.ask(call).await.map_err(|refusal| {
            let action = "elasticbeanstalk:DescribeApplicationVersions";
            explain(action, &self.options.place(), &refusal)
        })?;
        Ok(found.application_versions().first().cloned())
    }

    async fn create(&self, label: &str, key: &str) -> Result<(), Failure> {
        let bundle = S3Location::builder().s3_bucket(&self.options.bucket).s3_key(key).build();
        let description = Some(self.options.description.clone()).filter(|text| !text.is_empty());
        let call = || {
            let call = self.clients.beanstalk.create_application_version();
            call.application_name(&self.options.app)
                .version_label(label)
                .set_description(description.clone())
                .source_bundle(bundle.clone())
                .auto_create_application(false)
                // A bundle that can not be used is told before an environment is touched.
                .process(true)
                .send()
        };
        match self.ask(call).await {
            Ok(_) => Ok(()),
            // By a first try that was not answered: the label was free before.
            Err(refusal) if refusal.message.contains("already exists") => Ok(()),
            Err(refusal) => {
                let action = "elasticbeanstalk:CreateApplicationVersion";
                Err(explain(action, &self.options.place(), &refusal))
            }
        }
    }

    /// Waits until Elastic Beanstalk has looked into the bundle; gives its word for it.
    pub(super) async fn processed(&self, label: &str) -> Result<String, Failure> {
        let deadline = Instant::now() + self.options.wait;
        let mut pauses = Pauses::new(&self.ctx.aws.pace);
        loop {
            let version = self.version(label).await?;
            let version = version.ok_or_else(|| {
                let what = format!("version {label:?} is gone");
                Failure::new(FindingCode::VersionFailed, what)
                    .about(format!("version {label}"))
                    .next("somebody deleted it, so deploy again")
            })?;
            let word = version.status().map_or("of no status", |status| status.as_str());
            match processing(&version) {
                Processing::Over => return Ok(word.to_owned()),
                Processing::Failed => return Err(self.unusable(label).await),
                Processing::Runs if Instant::now() >= deadline => {
                    let seconds = self.options.wait.as_secs();
                    let what = format!("version {label:?} is still {word} after {seconds} seconds");
                    return Err(Failure::new(FindingCode::TimedOut, what)
                        .about(format!("version {label}"))
                        .next("look at the version in the console, then deploy again"));
                }
                Processing::Runs => tokio::time::sleep(pauses.next()).await,
            }
        }
    }

    async fn unusable(&self, label: &str) -> Failure {
        let events = self.version_events(label).await;
        let what = format!(
            "Elastic Beanstalk can not use the bundle of version {label:?} (processing FAILED)"
        );
        let mut failure = Failure::new(FindingCode::VersionFailed, what)
            .about(format!("version {label}"))
            .next("look at its .ebextensions, env.yaml and Procfile");
        failure.evidence =
            vec![Evidence { source: "events of the version".to_owned(), text: events }];
        failure
    }

    async fn version_events(&self, label: &str) -> String {
        match self.events(None, &Ours::Label(label.to_owned())).await {
            Ok(events) if events.is_empty() => "there are none".to_owned(),
            Ok(events) => events.into_iter().map(|event| event.line).collect::<Vec<_>>().join("\n"),
            Err(refusal) => format!("they can not be read: {}", refusal.message),
        }
    }
}
