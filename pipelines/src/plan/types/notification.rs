//! Who is told of a run (TRAVIS_SEMANTICS §14).

use serde::{Deserialize, Serialize};

/// `notifications:`, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notifications {
    /// In the order written.
    pub channels: Vec<Notification>,
}

/// One channel and what it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// By which way.
    pub channel: Channel,
    /// `enabled: false`, or `email: false`.
    pub enabled: bool,
    /// Addresses, rooms, URLs or channels. One that was encrypted for Travis is not among them.
    pub recipients: Vec<String>,
    /// The lines of the message, with `%{…}` in them; empty: the channel's own.
    pub template: Vec<String>,
    /// Only when this condition holds.
    pub condition: Option<String>,
    /// When it is told.
    pub on: NotifyOn,
}

/// The ways to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `email`
    Email,
    /// `slack`
    Slack,
    /// `irc`
    Irc,
    /// `webhooks`
    Webhooks,
    /// `campfire`
    Campfire,
    /// `flowdock`
    Flowdock,
    /// `hipchat`
    Hipchat,
    /// `pushover`
    Pushover,
    /// `msteams`
    Msteams,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::Slack,
        Self::Irc,
        Self::Webhooks,
        Self::Campfire,
        Self::Flowdock,
        Self::Hipchat,
        Self::Pushover,
        Self::Msteams,
    ];

    /// Its key in `notifications:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Irc => "irc",
            Self::Webhooks => "webhooks",
            Self::Campfire => "campfire",
            Self::Flowdock => "flowdock",
            Self::Hipchat => "hipchat",
            Self::Pushover => "pushover",
            Self::Msteams => "msteams",
        }
    }

    /// The key of its recipients.
    #[must_use]
    pub fn recipients(self) -> &'static str {
        match self {
            Self::Email => "recipients",
            Self::Slack | Self::Campfire | Self::Hipchat | Self::Msteams => "rooms",
            Self::Irc => "channels",
            Self::Webhooks => "urls",
            Self::Flowdock => "api_token",
            Self::Pushover => "users",
        }
    }
}

/// For which ends of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyOn {
    /// `on_success`
    pub success: NotifyWhen,
    /// `on_failure`
    pub failure: NotifyWhen,
    /// `on_start`
    pub start: NotifyWhen,
    /// `on_cancel`
    pub cancel: NotifyWhen,
    /// `on_error`
    pub error: NotifyWhen,
}

impl NotifyOn {
    /// Travis' defaults: mail is not sent for each success.
    #[must_use]
    pub fn of(channel: Channel) -> Self {
        let success = match channel {
            Channel::Email => NotifyWhen::Change,
            Channel::Slack
            | Channel::Irc
            | Channel::Webhooks
            | Channel::Campfire
            | Channel::Flowdock
            | Channel::Hipchat
            | Channel::Pushover
            | Channel::Msteams => NotifyWhen::Always,
        };
        let (always, never) = (NotifyWhen::Always, NotifyWhen::Never);
        Self { success, failure: always, start: never, cancel: always, error: always }
    }
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyWhen {
    /// Each time.
    Always,
    /// Not at all.
    Never,
    /// When the run before it ended otherwise.
    Change,
}
