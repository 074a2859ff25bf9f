//! What is in the bucket, beside what was sent.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use slipway_pipelines::wire::{Evidence, FindingCode};

use super::super::aws::failure::Failure;
use super::Bucket;
use super::files::Sent;
use super::put::HASH;

/// Files that are named when they differ.
const NAMED: usize = 5;

impl Bucket<'_> {
    /// The object, without its bytes; none if there is none.
    pub(super) async fn head(&self, key: &str) -> Result<Option<HeadObjectOutput>, Failure> {
        let bucket = &self.options.bucket;
        let call = || {
            let call = self.client.head_object().bucket(bucket).key(key);
            call.checksum_mode(ChecksumMode::Enabled).send()
        };
        match self.ask(call).await {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => {
                Err(self.explained("s3:GetObject", &format!("{bucket}/{key}"), &refusal))
            }
        }
    }

    /// The key and why what is there is not what was sent; none where it is.
    async fn look(
        &self,
        sent: &Sent,
        tag: Option<&str>,
    ) -> Result<Option<(String, String)>, Failure> {
        let found = self.head(&sent.key).await?;
        Ok(differs(sent, tag, found.as_ref()).map(|why| (sent.key.clone(), why)))
    }

    /// That each file is there as it was sent, with S3's tag of it where that is known.
    pub(super) async fn see_all(&self, sent: &[(&Sent, Option<&str>)]) -> Result<(), Failure> {
        // Boxed one by one: the compiler does not see otherwise that they are all of one kind.
        let mut looks = Vec::new();
        for (sent, tag) in sent {
            looks.push(self.look(sent, *tag).boxed());
        }
        let looks = futures::stream::iter(looks).buffered(self.options.at_a_time);
        let all: Vec<Option<(String, String)>> = looks.try_collect().await?;
        let wrong: Vec<(String, String)> = all.into_iter().flatten().collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let lines = wrong.iter().take(NAMED).map(|(key, why)| format!("{key}: {why}"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let what = format!(
            "{} of {} files in bucket {:?} are not as they were sent ({})",
            wrong.len(),
            sent.len(),
            self.options.bucket,
            text.lines().next().unwrap_or_default()
        );
        let mut failure = Failure::new(FindingCode::FileDiffers, what)
            .about(format!("bucket {}", self.options.bucket))
            .next("look who else writes there, then deploy again");
        failure.count = u32::try_from(wrong.len()).unwrap_or(u32::MAX);
        failure.evidence = vec![Evidence { source: "HEAD of each file".to_owned(), text }];
        Err(failure)
    }
}

/// Why what is there is not what was sent.
fn differs(sent: &Sent, tag: Option<&str>, found: Option<&HeadObjectOutput>) -> Option<String> {
    let Some(found) = found else { return Some("it is not there".to_owned()) };
    let size = found.content_length().unwrap_or_default();
    if u64::try_from(size) != Ok(sent.size) {
        return Some(format!("it has {size} bytes, not {}", sent.size));
    }
    let noted = found.metadata().and_then(|noted| noted.get(HASH));
    if noted != Some(&sent.sha256) {
        let noted = noted.map_or("none", String::as_str);
        return Some(format!("its noted SHA-256 is {noted}, not {}", sent.sha256));
    }
    // Not every store that speaks S3 keeps it.
    if let Some(checksum) = found.checksum_sha256() {
        let ours = hex::decode(&sent.sha256).map(|hash| STANDARD.encode(hash));
        if ours.as_deref() != Ok(checksum) {
            return Some(format!("its SHA-256 is {checksum}"));
        }
    }
    let there = found.e_tag().unwrap_or_default();
    let tag = tag.filter(|tag| *tag != there)?;
    Some(format!("its ETag is {there}, not {tag}"))
}
