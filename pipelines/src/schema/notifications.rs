//! `notifications:`

use super::Key;
use super::key::key;
use super::shape::{Also, Map, SECURES, Shape, Words, map, word, words};

const PAGE: &str = "https://docs.travis-ci.com/user/notifications/";

/// `notifications:`
pub const NOTIFICATIONS: Map =
    map(&[KEYS, TIMES]).prefix("email").also(Also::Inherited(&["on_success", "on_failure"]));

const fn kind(name: &'static str, map: &'static Shape, meaning: &'static str) -> Key {
    key(name, Shape::List(map), meaning).doc(PAGE)
}

const KEYS: &[Key] = &[
    kind("campfire", &Shape::Map(&CAMPFIRE), "rooms of Campfire"),
    kind("email", &Shape::Map(&EMAIL), "addresses").alias(&["emails"]),
    kind("flowdock", &Shape::Map(&FLOWDOCK), "flows of Flowdock"),
    kind("hipchat", &Shape::Map(&HIPCHAT), "rooms of HipChat"),
    kind("irc", &Shape::Map(&IRC), "channels of IRC").alias(&["channel"]),
    kind("pushover", &Shape::Map(&PUSHOVER), "users of Pushover"),
    kind("slack", &Shape::Map(&SLACK), "channels of Slack"),
    kind("webhooks", &Shape::Map(&WEBHOOKS), "addresses that get a POST").alias(&["webhook"]),
];

const TIMES: &[Key] = &[
    key("on_success", Shape::Word(&FREQUENCY), "told of a run that passed: always, never, change")
        .doc(PAGE),
    key("on_failure", Shape::Word(&FREQUENCY), "told of a run that failed: always, never, change")
        .doc(PAGE),
];

const FREQUENCY: Words =
    words(&[word("always", &["true"]), word("never", &["false"]), word("change", &["changed"])]);

const COMMON: &[Key] = &[
    key("if", Shape::Condition, "told only when this condition holds").doc(PAGE),
    key("enabled", Shape::Bool, "on or off").doc(PAGE),
    key("disabled", Shape::Bool, "the opposite of `enabled`").doc(PAGE),
];

const TEMPLATE: &[Key] =
    &[key("template", Shape::List(&Shape::Template), "the lines of the message").doc(PAGE)];

const PULLS: &[Key] =
    &[key("on_pull_requests", Shape::Bool, "told of pull requests, too").doc(PAGE)];

const CAMPFIRE: Map =
    map(&[&[key("rooms", SECURES, "DOMAIN:TOKEN@ROOM").doc(PAGE)], TEMPLATE, TIMES, COMMON])
        .prefix("rooms")
        .also(Also::Enabled);

const EMAIL: Map = map(&[&[key("recipients", SECURES, "the addresses").doc(PAGE)], TIMES, COMMON])
    .prefix("recipients")
    .also(Also::Enabled);

const FLOWDOCK: Map = map(&[
    &[key("api_token", Shape::Secure, "the flow's token").doc(PAGE)],
    TEMPLATE,
    TIMES,
    COMMON,
])
.prefix("api_token")
.also(Also::Enabled);

const HIPCHAT: Map = map(&[
    &[
        key("rooms", SECURES, "TOKEN@ROOM").doc(PAGE),
        key("format", Shape::Word(&FORMATS), "html or text").doc(PAGE),
        key("notify", Shape::Bool, "are people pinged?").doc(PAGE),
    ],
    PULLS,
    TEMPLATE,
    TIMES,
    COMMON,
])
.prefix("rooms")
.also(Also::Enabled);

const FORMATS: Words = words(&[word("html", &[]), word("text", &[])]);

const IRC: Map = map(&[
    &[
        key("channels", SECURES, "HOST#CHANNEL").alias(&["channel"]).doc(PAGE),
        key("channel_key", Shape::Secure, "the channel's password").doc(PAGE),
        key("password", Shape::Secure, "the user's password").doc(PAGE),
        key("nickserv_password", Shape::Secure, "the password of NickServ").doc(PAGE),
        key("nick", Shape::Secure, "the name it goes by").doc(PAGE),
        key("use_notice", Shape::Bool, "notices instead of messages").doc(PAGE),
        key("skip_join", Shape::Bool, "the channel is not joined").doc(PAGE),
    ],
    TEMPLATE,
    TIMES,
    COMMON,
])
.prefix("channels")
.also(Also::Enabled);

const PUSHOVER: Map = map(&[
    &[
        key("api_key", SECURES, "the application's key").doc(PAGE),
        key("users", SECURES, "the users' keys").doc(PAGE),
    ],
    TEMPLATE,
    TIMES,
    COMMON,
])
.also(Also::Enabled);

const SLACK: Map = map(&[
    &[key("rooms", SECURES, "ACCOUNT:TOKEN#CHANNEL").doc(PAGE)],
    PULLS,
    TEMPLATE,
    TIMES,
    COMMON,
])
.prefix("rooms")
.also(Also::Enabled);

const WEBHOOKS: Map = map(&[
    &[
        key("urls", SECURES, "the addresses").doc(PAGE),
        key("on_start", Shape::Word(&FREQUENCY), "told when a run starts").doc(PAGE),
        key("on_cancel", Shape::Word(&FREQUENCY), "told of a run that was canceled").doc(PAGE),
        key("on_error", Shape::Word(&FREQUENCY), "told of a run that is errored").doc(PAGE),
    ],
    TIMES,
    COMMON,
])
.prefix("urls")
.also(Also::Enabled);
