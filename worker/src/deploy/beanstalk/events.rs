//! The environment's events that belong to one update.

use std::collections::HashSet;

use aws_sdk_elasticbeanstalk::types::{EventDescription, EventSeverity};

use chrono::{DateTime, Utc};

use super::super::aws::ask::Refusal;
use super::Beanstalk;

/// Events of one update that are read; Elastic Beanstalk gives the newest first.
const MOST: i32 = 200;

/// Which events are ours. Never by time: clocks differ.
#[derive(Clone, Debug)]
pub(super) enum Ours {
    /// What AWS calls the update.
    Request(String),
    /// The update's own name is not known.
    Label(String),
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) error: bool,
    /// `12:30:05 ERROR message`
    pub(super) line: String,
    pub(super) message: String,
    pub(super) at: Option<DateTime<Utc>>,
}

/// Events that were told already.
#[derive(Default)]
pub(super) struct Told(HashSet<String>);

impl Beanstalk<'_> {
    /// The oldest first. No event at all is no failure: they may come late, or never.
    pub(super) async fn events(
        &self,
        env: Option<&str>,
        ours: &Ours,
    ) -> Result<Vec<Happened>, Refusal> {
        let call = || {
            let call = self.clients.beanstalk.describe_events().max_records(MOST);
            let call = call.application_name(&self.options.app);
            let call = call.set_environment_name(env.map(str::to_owned));
            match ours {
                Ours::Request(id) => call.request_id(id).send(),
                Ours::Label(label) => call.version_label(label).send(),
            }
        };
        let found = self.ask(call).await?;
        Ok(found.events().iter().rev().map(happened).collect())
    }

    /// Writes what is new to the log.
    pub(super) fn tell(&self, told: &mut Told, events: &[Happened]) {
        for event in events {
            if told.0.insert(event.line.clone()) {
                self.say(&event.line);
            }
        }
    }
}

fn happened(event: &EventDescription) -> Happened {
    let severity = event.severity();
    let at = event.event_date().and_then(|date| DateTime::from_timestamp(date.secs(), 0));
    let time = at.map(|time| time.format("%H:%M:%S ").to_string()).unwrap_or_default();
    let word = severity.map_or("EVENT", |severity| severity.as_str());
    let message = event.message().unwrap_or("without a message").to_owned();
    Happened {
        error: matches!(severity, Some(EventSeverity::Error | EventSeverity::Fatal)),
        line: format!("{time}{word} {message}"),
        message,
        at,
    }
}
