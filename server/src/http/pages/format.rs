//! Times and states as people read them.

use chrono::{DateTime, SecondsFormat, Utc};

/// This moment. Pages are the only reader of it: nothing is decided by it.
pub(super) fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// `850 ms` is not worth showing: seconds, minutes, hours, in two units at most.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0 => "<1 s".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// How long ago, in one unit; a time to come (clocks differ) is `now`.
pub(super) fn ago(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    let seconds = (now - then).num_seconds();
    match seconds {
        ..10 => "now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86400 => format!("{} h ago", seconds / 3600),
        86400..2_592_000 => format!("{} d ago", seconds / 86400),
        _ => then.format("%Y-%m-%d").to_string(),
    }
}

/// A `<time>` element: relative to read, exact in the title.
pub(super) fn when(then: DateTime<Utc>) -> String {
    let iso = then.to_rfc3339_opts(SecondsFormat::Secs, true);
    let exact = then.format("%Y-%m-%d %H:%M:%S UTC");
    format!("<time datetime=\"{iso}\" title=\"{exact}\">{}</time>", ago(now(), then))
}

/// A time of today or soon: the exact date is in the title.
pub(super) fn clock(at: DateTime<Utc>) -> String {
    let exact = at.format("%Y-%m-%d %H:%M:%S UTC");
    format!("<span title=\"{exact}\">{} UTC</span>", at.format("%H:%M"))
}

/// How long something took, or has taken so far: that goes on counting on a live page.
pub(super) fn took(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> String {
    match (from, to) {
        (None, _) => "–".to_owned(),
        (Some(from), Some(to)) => duration((to - from).num_seconds()),
        (Some(from), None) => {
            let since = from.to_rfc3339_opts(SecondsFormat::Secs, true);
            let so_far = duration((now() - from).num_seconds());
            format!("<span data-since=\"{since}\">{so_far}</span>")
        }
    }
}

/// What a state means for its reader; the name of its colour.
pub(super) fn tone(state: &str) -> &'static str {
    match state {
        "passed" | "live" | "triggered" | "ready" => "good",
        "failed" | "died" => "bad",
        "errored" | "rolled_back" | "unknown" | "lost" | "silent" => "warn",
        "running" | "planning" | "verifying" | "starting" => "busy",
        _ => "mute",
    }
}

fn shape(state: &str) -> &'static str {
    match state {
        "passed" | "triggered" | "ready" => "passed",
        "failed" | "died" => "failed",
        "errored" => "errored",
        "canceled" => "canceled",
        "running" | "planning" | "verifying" | "starting" => "running",
        "queued" | "approved" | "received" => "queued",
        "waiting" => "waiting",
        "live" | "was_live" => "live",
        "rolled_back" => "rolled_back",
        "unknown" | "lost" | "silent" => "unknown",
        _ => "skipped",
    }
}

/// A state as word, shape and colour. The word comes from a CHECKed column, never from a tenant;
/// anything else than letters is dropped all the same.
pub(super) fn badge(state: &str) -> String {
    let word: String = state.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').collect();
    let (tone, shape) = (tone(&word), shape(&word));
    let spin = if shape == "running" { " spin" } else { "" };
    let text = first_upper(&word.replace('_', " "));
    format!(
        "<span class=\"s c-{tone}\"><svg class=\"ic{spin}\" aria-hidden=\"true\">\
         <use href=\"#i-{shape}\"/></svg>{text}</span>"
    )
}

/// The first letter in upper case: a state that stands alone.
pub(super) fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A number with its thousands apart.
pub(super) fn count(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `512 B`, `12.4 MiB`
pub(super) fn bytes(number: i64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    // In tenths, so that no float rounds up into the next unit.
    let mut tenths = number.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10 * 1024 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A day to come: the exact time is in the title.
pub(super) fn day(at: DateTime<Utc>) -> String {
    let exact = at.format("%Y-%m-%d %H:%M:%S UTC");
    format!("<span title=\"{exact}\">{}</span>", at.format("%Y-%m-%d"))
}

/// MiB in words: `512 MiB`, `6 GiB`, `1.5 GiB`.
pub(super) fn memory(mib: i64) -> String {
    match (mib / 1024, mib % 1024 * 10 / 1024) {
        (0, _) => format!("{mib} MiB"),
        (whole, 0) => format!("{whole} GiB"),
        (whole, tenth) => format!("{whole}.{tenth} GiB"),
    }
}

/// The first digits of a commit, as people quote it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let cases = [
            (-3, "<1 s"),
            (0, "<1 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h 0 min"),
            (90000, "1 d 1 h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn times_are_relative_for_a_month() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
        let now = at(10_000_000);
        let cases = [
            (10_000_060, "now"),
            (9_999_999, "now"),
            (9_999_950, "50 s ago"),
            (9_999_000, "16 min ago"),
            (9_990_000, "2 h ago"),
            (9_800_000, "2 d ago"),
            (0, "1970-01-01"),
        ];
        for (then, text) in cases {
            assert_eq!(ago(now, at(then)), text);
        }
    }

    #[test]
    fn a_badge_has_word_shape_and_colour() {
        let html = badge("rolled_back");
        for part in ["c-warn", "#i-rolled_back", "Rolled back"] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!badge("<script>").contains("<script"));
    }

    #[test]
    fn what_is_over_stands_still_and_what_runs_counts_on() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
        assert_eq!(took(Some(at(0)), Some(at(62))), "1 min 2 s");
        assert!(took(Some(at(0)), None).contains("data-since=\"1970-01-01T00:00:00Z\""));
        assert_eq!(took(None, None), "–");
    }

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        let read = [(0, "0 B"), (1024, "1.0 KiB"), (13_002_343, "12.4 MiB"), (1 << 32, "4.0 GiB")];
        for (number, text) in read {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn thousands_stand_apart() {
        let read = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in read {
            assert_eq!(count(number), text);
        }
    }
}
