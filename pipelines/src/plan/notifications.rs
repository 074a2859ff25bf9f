//! `notifications:` (TRAVIS_SEMANTICS §14).

use super::reader::{At, Reader, is_secure, quote};
use super::{Channel, Notification, Notifications, NotifyOn, NotifyWhen, values};

/// Most recipients, and most entries of a channel.
const MAX_ENTRIES: usize = 100;

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Notifications {
    let mut channels = Vec::new();
    if at.node.text().and_then(values::boolean) == Some(false)
        || !reader.map(at, "write `notifications: {email: false}`")
    {
        return Notifications { channels };
    }
    for entry in at.entries() {
        let Some(channel) = Channel::ALL.into_iter().find(|it| it.name() == entry.key) else {
            continue;
        };
        let Some(value) = at.get(&entry.key) else { continue };
        for item in reader.few(&value, MAX_ENTRIES) {
            channels.push(one(reader, &item, channel));
        }
    }
    Notifications { channels }
}

fn one(reader: &mut Reader, at: &At<'_>, channel: Channel) -> Notification {
    let mut told = Notification {
        channel,
        enabled: true,
        recipients: Vec::new(),
        template: Vec::new(),
        condition: None,
        on: NotifyOn::of(channel),
    };
    if !at.is_map() || is_secure(at.node) {
        match at.node.text().and_then(values::boolean) {
            Some(enabled) => told.enabled = enabled,
            None => told.recipients = texts(reader, at),
        }
        return told;
    }
    if let Some(enabled) = at.get("enabled").and_then(|at| reader.boolean(&at)) {
        told.enabled = enabled;
    }
    told.enabled &= !at.get("disabled").and_then(|at| reader.boolean(&at)).unwrap_or_default();
    if let Some(recipients) = at.get(channel.recipients()) {
        told.recipients = texts(reader, &recipients);
    }
    if let Some(template) = at.get("template") {
        told.template = texts(reader, &template);
    }
    told.condition = at.get("if").and_then(|at| reader.text(&at)).map(str::to_owned);
    for (key, when) in [
        ("on_success", &mut told.on.success),
        ("on_failure", &mut told.on.failure),
        ("on_start", &mut told.on.start),
        ("on_cancel", &mut told.on.cancel),
        ("on_error", &mut told.on.error),
    ] {
        if let Some(read) = at.get(key).and_then(|at| how_often(reader, &at)) {
            *when = read;
        }
    }
    told
}

fn how_often(reader: &mut Reader, at: &At<'_>) -> Option<NotifyWhen> {
    match reader.text(at)? {
        "always" | "true" => Some(NotifyWhen::Always),
        "never" | "false" => Some(NotifyWhen::Never),
        "change" | "changed" => Some(NotifyWhen::Change),
        other => {
            let message = format!("{} is not how often somebody is told", quote(other));
            reader.say(
                reader.passed_over(),
                at,
                "bad-when",
                message,
                "write always, never or change",
            );
            None
        }
    }
}

/// One that was encrypted for Travis can not be read.
fn texts(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    for item in reader.few(at, MAX_ENTRIES) {
        if is_secure(item.node) {
            reader.secure(&item, crate::language::Severity::Warning);
        } else if item.is_map() {
            // Slack's rooms with options of their own: the room is what counts.
            let room = item.first_of(&["name", "room", "url"]);
            texts.extend(room.and_then(|room| reader.text(&room)).map(str::to_owned));
        } else {
            texts.extend(reader.text(&item).map(str::to_owned));
        }
    }
    texts
}
