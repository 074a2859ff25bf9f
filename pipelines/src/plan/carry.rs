//! What a job carries: workspaces, snapshot, artifacts, reports, the image it becomes.

use super::reader::{At, Keys, Reader, quote};
use super::{
    ArtifactsPlan, ArtifactsWhen, Carry, Phase, ReportsPlan, SnapshotPlan, Template, Workspace,
    WorkspacesPlan, cache, labels, values,
};

/// Most entries of each list here.
const MAX_ENTRIES: usize = 100;

pub(super) fn read(reader: &mut Reader, keys: &Keys<'_>) -> Carry {
    Carry {
        cache: reader.once(keys, "cache", cache::read).unwrap_or_default(),
        workspaces: reader.once(keys, "workspaces", workspaces).unwrap_or_default(),
        snapshot: reader.once(keys, "snapshot", snapshot).flatten(),
        artifacts: reader.once(keys, "artifacts", artifacts).flatten(),
        reports: reader.once(keys, "reports", reports).unwrap_or_default(),
        commit: reader.once(keys, "commit", commit).flatten(),
    }
}

const WORKSPACES_FORM: &str =
    "write `workspaces: {create: {name: dist, paths: [dist]}}`, or `use: [dist]`";

fn workspaces(reader: &mut Reader, at: &At<'_>) -> WorkspacesPlan {
    let mut plan = WorkspacesPlan::default();
    if !reader.map(at, WORKSPACES_FORM) {
        return plan;
    }
    for item in at.get("create").map_or_else(Vec::new, |made| reader.few(&made, MAX_ENTRIES)) {
        if !reader.map(&item, WORKSPACES_FORM) {
            continue;
        }
        let Some(name) = item.get("name") else {
            reader.missing(&item, "name", WORKSPACES_FORM);
            continue;
        };
        let name = labels::label(reader, &name);
        let paths = match item.get("paths") {
            Some(paths) => texts(reader, &paths),
            None => Vec::new(),
        };
        if paths.is_empty() {
            reader.missing(&item, "paths", WORKSPACES_FORM);
        }
        plan.create.extend(name.map(|name| Workspace { name, paths }));
    }
    if let Some(uses) = at.get("use") {
        plan.uses = texts(reader, &uses);
    }
    plan
}

fn texts(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    let items = reader.few(at, MAX_ENTRIES);
    items.iter().filter_map(|item| reader.text(item).map(str::to_owned)).collect()
}

const SNAPSHOT_FORM: &str = "write `snapshot: {after: install, key: [Gemfile.lock]}`";

/// `snapshot: install` is `snapshot: {after: install}`.
fn snapshot(reader: &mut Reader, at: &At<'_>) -> Option<SnapshotPlan> {
    if at.node.text().and_then(values::boolean) == Some(false) {
        return None;
    }
    let after = if at.is_map() { at.get("after") } else { Some(at.clone()) };
    let Some(after) = after else {
        reader.missing(at, "after", SNAPSHOT_FORM);
        return None;
    };
    let phase = match reader.text(&after)? {
        "before_install" => Some(Phase::BeforeInstall),
        "install" => Some(Phase::Install),
        "before_script" => Some(Phase::BeforeScript),
        other => {
            let message = format!("a snapshot can not be taken after {}", quote(other));
            let help =
                "write before_install, install or before_script: those are then not run again";
            reader.error(&after, "bad-phase", message, help);
            None
        }
    };
    let key = match at.get("key").filter(|_| at.is_map()) {
        Some(key) => texts(reader, &key).into_iter().map(Template).collect(),
        None => Vec::new(),
    };
    Some(SnapshotPlan { after: phase?, key })
}

const ARTIFACTS_FORM: &str = "write `artifacts: {paths: [dist/*], expire: 24h}`";

/// Paths alone are the short form.
fn artifacts(reader: &mut Reader, at: &At<'_>) -> Option<ArtifactsPlan> {
    if at.node.text().and_then(values::boolean).is_some() {
        return None;
    }
    if !at.is_map() {
        let (paths, when) = (patterns(reader, at), ArtifactsWhen::default());
        return Some(ArtifactsPlan { paths, name: None, expire: None, when });
    }
    let Some(paths) = at.get("paths") else {
        reader.missing(at, "paths", ARTIFACTS_FORM);
        return None;
    };
    let paths = patterns(reader, &paths);
    let when = at.get("when").and_then(|when| reader.text(&when).map(|text| (text, when)));
    let when = match when {
        None | Some(("success", _)) => ArtifactsWhen::Success,
        Some(("failure", _)) => ArtifactsWhen::Failure,
        Some(("always", _)) => ArtifactsWhen::Always,
        Some((other, at)) => {
            let message = format!("`when` is success, failure or always, not {}", quote(other));
            reader.error(&at, "bad-when", message, "write `when: always`");
            ArtifactsWhen::Success
        }
    };
    Some(ArtifactsPlan {
        paths,
        name: at.get("name").and_then(|name| labels::label(reader, &name)),
        expire: at.get("expire").and_then(|expire| reader.age(&expire)),
        when,
    })
}

fn reports(reader: &mut Reader, at: &At<'_>) -> ReportsPlan {
    if !reader.map(at, "write `reports: {junit: [\"reports/*.xml\"]}`") {
        return ReportsPlan::default();
    }
    let junit = at.get("junit").map_or_else(Vec::new, |globs| patterns(reader, &globs));
    ReportsPlan { junit }
}

/// Patterns of paths in the work tree.
fn patterns(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    let mut patterns = Vec::new();
    for item in reader.few(at, MAX_ENTRIES) {
        let Some(text) = reader.text(&item) else { continue };
        if !values::is_inside(text) {
            let message = format!("{} does not stay inside the work tree", quote(text));
            reader.error(&item, "path-leaves-repo", message, "write it from the repo's root");
        } else if let Err(error) = globset::Glob::new(text) {
            let message = format!("{} is not a pattern: {}", quote(text), error.kind());
            reader.error(&item, "bad-pattern", message, "write it like `reports/**/*.xml`");
        } else {
            patterns.push(text.to_owned());
        }
    }
    patterns
}

/// An image reference, in which variables have their values only when the job is done.
fn commit(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let text = reader.text(at)?;
    if text.contains('$') || values::is_reference(text) {
        return Some(Template(text.to_owned()));
    }
    let message = format!("{} is not the name of an image", quote(text));
    reader.error(at, "bad-image", message, "write NAME:TAG, in lower case and without spaces");
    None
}
