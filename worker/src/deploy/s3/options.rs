//! What the file and the step's environment say about the bucket.

use std::net::IpAddr;

use globset::{Glob, GlobBuilder, GlobMatcher};
use slipway_pipelines::plan::{S3Deploy, Template};
use url::{Host, Url};

use super::super::DeployContext;
use super::super::aws::keys::{Wanted, option_or, region};
use super::headers::{self, Rules};

/// What dpl allows, too.
const ACLS: [&str; 6] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];
const CLASSES: [&str; 7] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
];

/// Everything about the target, looked up.
pub(super) struct Options {
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    /// The folder in the bucket, empty or with a slash at its end.
    pub(super) folder: String,
    /// The folder of the work tree, empty or with a slash at its end.
    pub(super) from: String,
    pub(super) glob: GlobMatcher,
    pub(super) dots: bool,
    pub(super) acl: Option<String>,
    pub(super) class: Option<String>,
    pub(super) encrypted: bool,
    pub(super) detect: bool,
    pub(super) charset: Option<String>,
    pub(super) cache_control: Rules<String>,
    /// In seconds since 1970.
    pub(super) expires: Rules<i64>,
    pub(super) index: Option<String>,
    pub(super) overwrite: bool,
    pub(super) by_path: bool,
    pub(super) at_a_time: usize,
    pub(super) verbose: bool,
}

impl Options {
    pub(super) fn read(ctx: &DeployContext<'_>, target: &S3Deploy) -> Result<Self, String> {
        let read = |option: &Option<Template>| option_or(ctx, option.as_ref(), &[]);
        let folder = |text: Option<String>| match text.as_deref().map(|text| text.trim_matches('/'))
        {
            None | Some("" | ".") => String::new(),
            Some(text) => format!("{}/", text.trim_start_matches("./")),
        };
        let bucket = ctx.expand(&target.bucket.0)?.trim().to_owned();
        if bucket.is_empty() {
            return Err("there is no bucket to upload to: write `bucket:`".to_owned());
        }
        let named = option_or(ctx, target.region.as_ref(), &["AWS_DEFAULT_REGION"])?;
        let from = read(&target.local_dir)?;
        if from.as_deref().is_some_and(|from| from.starts_with('/') || from.contains("..")) {
            return Err("`local_dir` does not stay inside the work tree".to_owned());
        }
        let texts = |all: &[Template]| -> Result<Vec<String>, String> {
            all.iter().map(|Template(text)| ctx.expand(text)).collect()
        };
        Ok(Self {
            bucket,
            region: region(named.unwrap_or_else(|| "us-east-1".to_owned()))?,
            endpoint: read(&target.endpoint)?.map(endpoint).transpose()?,
            folder: folder(read(&target.upload_dir)?),
            from: folder(from),
            glob: glob(target.glob.as_deref().unwrap_or("**/*"))?,
            dots: target.dot_match,
            acl: one_of("acl", target.acl.as_deref().map(|acl| acl.replace('_', "-")), &ACLS)?,
            class: one_of("storage_class", target.storage_class.clone(), &CLASSES)?,
            encrypted: target.server_side_encryption,
            detect: target.detect_encoding,
            charset: target.default_text_charset.clone(),
            cache_control: headers::rules(&texts(&target.cache_control)?, Ok)?,
            expires: headers::rules(&texts(&target.expires)?, headers::time)?,
            index: target.index_document_suffix.clone(),
            overwrite: target.overwrite,
            by_path: target.force_path_style,
            at_a_time: usize::try_from(target.max_threads).unwrap_or(1).max(1),
            verbose: target.verbose,
        })
    }

    /// The target for sentences.
    pub(super) fn place(&self) -> String {
        format!("bucket {} in {}", self.bucket, self.region)
    }
}

/// Where this target's keys may be.
pub(super) fn wanted(target: &S3Deploy) -> Wanted<'_> {
    Wanted {
        access_key_id: target.access_key_id.as_ref(),
        secret_access_key: target.secret_access_key.as_ref(),
        role: target.role.as_ref(),
        prefix: None,
    }
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    let glob: Glob = glob.map_err(|error| format!("`glob` {text:?} is no pattern: {error}"))?;
    Ok(glob.compile_matcher())
}

fn one_of(key: &str, text: Option<String>, known: &[&str]) -> Result<Option<String>, String> {
    match text {
        Some(text) if !known.contains(&text.as_str()) => {
            Err(format!("`{key}` {text:?} is not known to S3: write one of {}", known.join(", ")))
        }
        text => Ok(text),
    }
}

/// An address that speaks S3: not one where the worker's own machine would answer with its role.
fn endpoint(text: String) -> Result<String, String> {
    let wrong = || format!("`endpoint` {text:?} is no address; write https://HOST");
    let url = Url::parse(&text).map_err(|_| wrong())?;
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => {
            Some(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4))
        }
        Some(Host::Domain(_)) => None,
        None => return Err(wrong()),
    };
    let own = match address {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        // AWS has its metadata service at fd00:ec2::254, too.
        Some(IpAddr::V6(address)) => {
            address.is_unicast_link_local() || address.segments()[..2] == [0xfd00, 0xec2]
        }
        None => false,
    };
    if own || !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`endpoint` {text:?} can not be asked from here"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{endpoint, one_of};

    #[test]
    fn an_endpoint_is_never_the_metadata_service_of_the_worker() {
        for text in [
            "http://169.254.169.254/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:169.254.169.254]/",
            "file:///etc/passwd",
            "minio",
        ] {
            assert!(endpoint(text.to_owned()).is_err(), "{text}");
        }
        assert!(endpoint("https://minio.example:9000".to_owned()).is_ok());
        assert!(endpoint("http://10.0.0.7:9000".to_owned()).is_ok());
    }

    #[test]
    fn what_s3_does_not_know_is_refused_with_what_it_knows() {
        let refused = one_of("acl", Some("everybody".to_owned()), &["private", "public-read"]);
        assert_eq!(
            refused.expect_err("it is not known"),
            "`acl` \"everybody\" is not known to S3: write one of private, public-read"
        );
    }
}
