//! Applications and their versions.

use super::answer::{element, list, text};
use super::call::{Answer, Call, error};
use super::state::{State, Version};

pub(super) fn applications(state: &State, call: &Call<'_>) -> Answer {
    let wanted = call.members("ApplicationNames");
    let of = state.applications.iter().filter(|name| wanted.contains(&name.as_str()));
    Ok(list("Applications", of.map(|name| text("ApplicationName", name))))
}

pub(super) fn describe(state: &mut State, call: &Call<'_>) -> Answer {
    let application = call.must("ApplicationName")?;
    let wanted = call.members("VersionLabels");
    let mut found = Vec::new();
    for ((label, of), version) in &mut state.versions {
        if of == application && wanted.contains(&label.as_str()) {
            if version.statuses.len() > 1 {
                version.statuses.pop_front();
            }
            found.push(shown(label, of, version));
        }
    }
    Ok(list("ApplicationVersions", found))
}

pub(super) fn create(state: &mut State, call: &Call<'_>) -> Answer {
    let (application, label) = (call.must("ApplicationName")?, call.must("VersionLabel")?);
    let bundle = (call.must("SourceBundle.S3Bucket")?, call.must("SourceBundle.S3Key")?);
    if !state.applications.contains(application) {
        let message = format!("No Application named '{application}' found.");
        return error("InvalidParameterValue", message);
    }
    let key = (label.to_owned(), application.to_owned());
    if state.versions.contains_key(&key) {
        let message = format!("Application Version {label} already exists.");
        return error("InvalidParameterValue", message);
    }
    let Some(bucket) = state.buckets.get(bundle.0) else {
        return error("InvalidParameterValue", format!("Unable to find bucket {}", bundle.0));
    };
    if bucket.region != super::REGION {
        let message = "The source bundle's bucket is in another region.";
        return error("S3LocationNotInServiceRegionException", message);
    }
    if !bucket.objects.contains_key(bundle.1) {
        let message = format!(
            "Unable to download from S3 location (Bucket: {} Key: {}). Reason: Not Found",
            bundle.0, bundle.1
        );
        return error("InvalidParameterCombination", message);
    }
    let version = Version {
        bundle: Some((bundle.0.to_owned(), bundle.1.to_owned())),
        statuses: state.processing.clone(),
    };
    let shown = element("ApplicationVersion", shown(label, application, &version));
    state.versions.insert(key, version);
    Ok(shown)
}

fn shown(label: &str, application: &str, version: &Version) -> String {
    let bundle = version.bundle.as_ref().map(|(bucket, key)| {
        let place = text("S3Bucket", bucket) + &text("S3Key", key);
        element("SourceBundle", place)
    });
    let status = version.statuses.front().copied().unwrap_or("UNPROCESSED");
    text("ApplicationName", application)
        + &text("VersionLabel", label)
        + &text("Status", status)
        + &bundle.unwrap_or_default()
}
