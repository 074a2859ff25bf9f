//! `retry` and `environment` of a job, and `concurrency` of the file. What a job needs of others
//! is in `needs`, its copies in `copies`.

use super::reader::{At, Keys, Reader, quote};
use super::{CancelOlder, Concurrency, Order, RetryPolicy, RetryWhen, Template};

pub(super) fn read(reader: &mut Reader, keys: &Keys<'_>) -> Order {
    Order {
        needs: Vec::new(),
        copy: None,
        retry: reader.once(keys, "retry", retry).flatten(),
        environment: reader
            .once(keys, "environment", |reader, at| {
                let text = reader.text(at)?;
                reader.name(at, text, "bad-environment")
            })
            .flatten(),
    }
}

/// Most times that a job is tried again.
const MAX_RETRIES: u32 = 10;
/// Most ends in `when`.
const MAX_WHEN: usize = 50;

const RETRY_FORM: &str = "write `retry: {max: 2, when: [infrastructure]}`";

/// `retry: 2` is `retry: {max: 2}`, after what is not the job's fault.
fn retry(reader: &mut Reader, at: &At<'_>) -> Option<RetryPolicy> {
    if !at.is_map() {
        let max = times(reader, at)?;
        return Some(RetryPolicy { max, when: vec![RetryWhen::Infrastructure] });
    }
    let Some(max) = at.get("max") else {
        reader.missing(at, "max", RETRY_FORM);
        return None;
    };
    let max = times(reader, &max);
    let mut when = Vec::new();
    for item in at.get("when").map_or_else(Vec::new, |when| reader.few(&when, MAX_WHEN)) {
        when.extend(after(reader, &item).filter(|after| !when.contains(after)));
    }
    if when.is_empty() {
        when.push(RetryWhen::Infrastructure);
    }
    Some(RetryPolicy { max: max?, when })
}

fn times(reader: &mut Reader, at: &At<'_>) -> Option<u32> {
    let text = reader.text(at)?;
    let count = text.parse::<u32>().ok().filter(|count| (1..=MAX_RETRIES).contains(count));
    if count.is_none() {
        let message = format!("{} is not how often a job is tried again", quote(text));
        let help = format!("write a number from 1 to {MAX_RETRIES}");
        reader.error(at, "not-a-number", message, help);
    }
    count
}

fn after(reader: &mut Reader, at: &At<'_>) -> Option<RetryWhen> {
    let text = reader.text(at)?;
    let when = match text {
        "infrastructure" => Some(RetryWhen::Infrastructure),
        "failed" => Some(RetryWhen::Failed),
        _ => text.parse::<u8>().ok().filter(|code| *code > 0).map(RetryWhen::ExitCode),
    };
    if when.is_none() {
        let message = format!("{} is no end after which a job is tried again", quote(text));
        let help = "write infrastructure, failed, or an exit code from 1 to 255";
        reader.error(at, "bad-retry", message, help);
    }
    when
}

const CONCURRENCY_FORM: &str = "write `concurrency: {group: deploy, cancel: queued}`";

/// `concurrency: NAME` is `concurrency: {group: NAME}`.
pub(super) fn concurrency(reader: &mut Reader, at: &At<'_>) -> Option<Concurrency> {
    if at.is_list() {
        reader.wrong_shape(at, "a map, or the name of a group", CONCURRENCY_FORM);
        return None;
    }
    let group = if at.is_map() { at.get("group") } else { Some(at.clone()) };
    let Some(group) = group else {
        reader.missing(at, "group", CONCURRENCY_FORM);
        return None;
    };
    let name = super::labels::label(reader, &group);
    let cancel = at.get("cancel").map(|cancel| cancel_older(reader, &cancel));
    Some(Concurrency { group: Template(name?), cancel: cancel.unwrap_or_default() })
}

fn cancel_older(reader: &mut Reader, at: &At<'_>) -> CancelOlder {
    match reader.text(at).map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "no" | "off") => CancelOlder::Never,
        Some("queued") => CancelOlder::Queued,
        Some("running") => CancelOlder::Running,
        Some(other) => {
            let message = format!("`cancel` is false, queued or running, not {}", quote(other));
            let help =
                "write `running` to end the older run, `queued` to end it only while it waits";
            reader.error(at, "bad-cancel", message, help);
            CancelOlder::Never
        }
    }
}
