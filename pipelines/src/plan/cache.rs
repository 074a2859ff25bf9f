//! `cache:`.

use super::reader::{At, Reader, quote};
use super::{CachePlan, CacheTool, Template, values};

/// Most folders of a cache.
const MAX_DIRECTORIES: usize = 100;

/// A map of `directories`, `timeout`, `branch` and tools; a tool's name, or a list of tools and
/// folders, is the short form. `true` and `false` are no more than a wish.
pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> CachePlan {
    let mut plan = CachePlan::default();
    if at.node.text().and_then(values::boolean).is_some() {
        return plan;
    }
    for item in reader.few(at, MAX_DIRECTORIES) {
        if item.is_map() {
            map(reader, &item, &mut plan);
        } else if let Some(text) = reader.text(&item) {
            match CacheTool::ALL.iter().find(|tool| tool.name() == text) {
                Some(tool) => add(&mut plan, *tool),
                None => plan.directories.extend(directory(reader, &item)),
            }
        }
    }
    plan
}

fn map(reader: &mut Reader, at: &At<'_>, plan: &mut CachePlan) {
    for tool in CacheTool::ALL {
        let Some(value) = at.get(tool.name()) else { continue };
        // A list stands for the folders of the tool, which is a yes.
        let text = value.node.text();
        if text.is_none() || text.and_then(values::boolean) != Some(false) {
            add(plan, tool);
        }
    }
    if let Some(directories) = at.get("directories") {
        for item in reader.few(&directories, MAX_DIRECTORIES) {
            plan.directories.extend(directory(reader, &item));
        }
    }
    if let Some(timeout) = at.get("timeout") {
        plan.timeout = reader.duration(&timeout);
    }
    if let Some(branch) = at.get("branch") {
        plan.branch = reader.text(&branch).map(str::to_owned);
    }
}

fn add(plan: &mut CachePlan, tool: CacheTool) {
    if !plan.tools.contains(&tool) {
        plan.tools.push(tool);
    }
}

fn directory(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let text = reader.text(at)?.trim();
    if text.is_empty() || text.contains('\0') {
        let message = format!("{} is not a folder", quote(text));
        let help = "write a path from the work tree or from `/`, for example `target`";
        reader.say(reader.passed_over(), at, "bad-path", message, help);
        return None;
    }
    Some(Template(text.to_owned()))
}
