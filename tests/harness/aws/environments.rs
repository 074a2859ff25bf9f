//! Environments, and how they change.

use super::answer::{element, list, text};
use super::call::{Answer, Call, error};
use super::script::{Script, Step};
use super::state::{Environment, State};

fn found<'s>(
    state: &'s mut State,
    call: &Call<'_>,
) -> Result<&'s mut Environment, (String, String)> {
    let name = call.must("EnvironmentName")?;
    match state.environments.get_mut(name) {
        Some(one) => Ok(one),
        None => error(
            "InvalidParameterValue",
            format!("No Environment found for EnvironmentName = '{name}'."),
        ),
    }
}

/// Each look is one step on.
pub(super) fn describe(state: &mut State, call: &Call<'_>) -> Answer {
    let (application, wanted) = (call.must("ApplicationName")?, call.members("EnvironmentNames"));
    let mut all = Vec::new();
    for one in state.environments.values_mut() {
        if one.application == application && wanted.contains(&one.name.as_str()) {
            one.advance();
            all.push(shown(one));
        }
    }
    Ok(list("Environments", all))
}

fn shown(one: &Environment) -> String {
    let Step { status, health, .. } = one.now();
    let enhanced = if one.enhanced { text("HealthStatus", health) } else { String::new() };
    text("EnvironmentName", &one.name)
        + &text("ApplicationName", &one.application)
        + &text("VersionLabel", &one.label)
        + &text("Status", status)
        + &text("AbortableOperationInProgress", (status == "Updating").to_string())
        + &text("Health", colour(health))
        + &enhanced
        + &text("CNAME", format!("{}.stand-in.elasticbeanstalk.example", one.name))
}

fn colour(health: &str) -> &'static str {
    match health {
        "Ok" | "Info" => "Green",
        "Warning" => "Yellow",
        "Degraded" | "Severe" => "Red",
        _ => "Grey",
    }
}

pub(super) fn update(state: &mut State, call: &Call<'_>) -> Answer {
    let label = call.must("VersionLabel")?.to_owned();
    let application = found(state, call)?.application.clone();
    if call.get("ApplicationName").is_some_and(|named| named != application) {
        let message = format!("No Environment found for ApplicationName = '{application}'.");
        return error("InvalidParameterValue", message);
    }
    if !state.versions.contains_key(&(label.clone(), application)) {
        let message = format!("No Application Version named '{label}' found.");
        return error("InvalidParameterValue", message);
    }
    let one = found(state, call)?;
    if one.now().status != "Ready" {
        let message = format!(
            "Environment named {} is in an invalid state for this operation. Must be Ready.",
            one.name
        );
        return error("InvalidParameterValue", message);
    }
    one.before.clone_from(&one.label);
    one.coming = label;
    let script = one.scripts.pop_front().unwrap_or_else(Script::healthy);
    one.play(script, Some(call.request.to_owned()));
    let shown = shown(one);
    if let Some((action, times)) = state.after_update.take() {
        let away = ("ServiceUnavailable".to_owned(), "not now".to_owned());
        state.refusals.entry(action).or_default().extend(std::iter::repeat_n(away, times));
    }
    Ok(shown)
}

pub(super) fn abort(state: &mut State, call: &Call<'_>) -> Answer {
    let one = found(state, call)?;
    if one.now().status != "Updating" {
        return error("InvalidParameterValue", "There is no update to abort.");
    }
    let request = one.request.clone();
    let steps = [Step::updating().status("Aborting"), Step::ready().on_old()];
    one.play(Script::of(steps), request);
    Ok(String::new())
}

/// The newest first, as AWS has them.
pub(super) fn events(state: &mut State, call: &Call<'_>) -> Answer {
    let (name, request) = (call.get("EnvironmentName"), call.get("RequestId"));
    let label = call.get("VersionLabel");
    let all = state.environments.values().filter(|one| name.is_none_or(|name| name == one.name));
    let mut shown = Vec::new();
    for one in all {
        let ours = one.events.iter().filter(|event| {
            request.is_none_or(|wanted| event.request.as_deref() == Some(wanted))
                && label.is_none_or(|wanted| event.label == wanted)
        });
        shown.extend(ours.rev().map(|event| {
            text("EventDate", "2026-01-02T03:04:05Z")
                + &text("EnvironmentName", &one.name)
                + &text("Severity", event.severity)
                + &text("Message", &event.message)
        }));
    }
    Ok(list("Events", shown))
}

fn enhanced(one: &Environment) -> Result<(), (String, String)> {
    if one.enhanced {
        return Ok(());
    }
    error("InvalidRequestException", "Enhanced health is not on for this environment.")
}

fn causes(step: &Step) -> String {
    list("Causes", step.causes.iter().map(|cause| cause.replace('<', "&lt;")))
}

pub(super) fn health(state: &mut State, call: &Call<'_>) -> Answer {
    let one = found(state, call)?;
    enhanced(one)?;
    let step = one.now();
    Ok(text("EnvironmentName", &one.name) + &text("HealthStatus", step.health) + &causes(&step))
}

pub(super) fn instances(state: &mut State, call: &Call<'_>) -> Answer {
    let one = found(state, call)?;
    enhanced(one)?;
    let step = one.now();
    let all = step.instances.iter().enumerate().map(|(at, (on, status))| {
        let deployment = text("VersionLabel", one.meant(*on)) + &text("Status", *status);
        text("InstanceId", format!("i-{}", at + 1))
            + &text("HealthStatus", step.health)
            + &element("Deployment", deployment)
            + &causes(&step)
    });
    Ok(list("InstanceHealthList", all))
}

pub(super) fn ask_for_logs(state: &mut State, call: &Call<'_>) -> Answer {
    found(state, call)?;
    state.tail_asked = true;
    Ok(String::new())
}

pub(super) fn logs(state: &mut State, call: &Call<'_>) -> Answer {
    found(state, call)?;
    let sent = state.tail_asked && state.tail.is_some();
    let address = format!("{}logs/i-1?X-Amz-Signature=of-the-stand-in", state.s3);
    let one = text("InfoType", "tail") + &text("Ec2InstanceId", "i-1") + &text("Message", address);
    Ok(list("EnvironmentInfo", sent.then_some(one)))
}
