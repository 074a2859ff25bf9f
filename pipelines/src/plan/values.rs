//! Small values as people write them.

use std::time::Duration;

/// Longer is a slip of the fingers.
const LONGEST: u64 = 30 * 24 * 3600;

/// YAML 1.1's words.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// `90s`, `10m`, `1h30m`; a bare number is seconds.
///
/// # Errors
/// Why it is none.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    let (mut seconds, mut digits, mut biggest) = (0_u64, String::new(), u64::MAX);
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return Err("it is made of numbers, each with h, m or s"),
        };
        if unit >= biggest {
            return Err("hours stand before minutes, and minutes before seconds");
        }
        biggest = unit;
        seconds = seconds.saturating_add(number(&digits)?.saturating_mul(unit));
        digits.clear();
    }
    if !digits.is_empty() {
        if biggest != u64::MAX {
            return Err("the last number has no unit");
        }
        seconds = number(&digits)?;
    } else if biggest == u64::MAX {
        return Err("there is no number in it");
    }
    match seconds {
        0 => Err("it must be longer than nothing"),
        1..=LONGEST => Ok(Duration::from_secs(seconds)),
        _ => Err("it is longer than 30 days"),
    }
}

/// `30d`, `4w`, or a [`duration`].
pub(super) fn age(text: &str) -> Result<Duration, &'static str> {
    const DAY: u64 = 24 * 3600;
    /// Ten years.
    const LONGEST: u64 = 3653 * DAY;
    let text = text.trim();
    let (digits, unit) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(days), _) => (days, DAY),
        (_, Some(weeks)) => (weeks, 7 * DAY),
        (None, None) => return duration(text),
    };
    let count: u64 = digits.parse().map_err(|_| "it is a number and h, d or w")?;
    match count.saturating_mul(unit) {
        0 => Err("it must be longer than nothing"),
        seconds @ 1..=LONGEST => Ok(Duration::from_secs(seconds)),
        _ => Err("it is longer than ten years"),
    }
}

fn number(digits: &str) -> Result<u64, &'static str> {
    if digits.is_empty() {
        return Err("a unit needs a number before it");
    }
    // Too many digits are too long a time, and that has its own sentence.
    Ok(digits.parse().unwrap_or(u64::MAX))
}

/// `512m`, `2g`, `1.5g`; a bare number is bytes.
///
/// # Errors
/// Why it is none.
pub fn size(text: &str) -> Result<u64, &'static str> {
    /// The engines' own smallest memory: nothing runs in less.
    const SMALLEST: f64 = 6.0 * 1024.0 * 1024.0;
    /// Larger than any machine.
    const LARGEST: f64 = 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0;
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err("its unit is none of k, m, g and t"),
    };
    let number: f64 = number.parse().map_err(|_| "there is no number in it")?;
    let bytes = number * factor;
    if !(SMALLEST..=LARGEST).contains(&bytes) {
        return Err(if bytes < SMALLEST {
            "it is less than six megabytes"
        } else {
            "it is more than a thousand terabytes"
        });
    }
    // Within the bounds above, and whole bytes are enough.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded")]
    Ok(bytes as u64)
}

/// `2`, `1.5`, `500m`: processors, in thousandths.
pub(super) fn processors(text: &str) -> Option<u32> {
    /// More than any machine has.
    const MOST: f64 = 1_024_000.0;
    let text = text.trim();
    let millis = match text.strip_suffix('m') {
        Some(millis) => millis.parse::<f64>().ok()?,
        None => text.parse::<f64>().ok()? * 1000.0,
    };
    // Within the bounds, and a thousandth is small enough.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded")]
    (1.0..=MOST).contains(&millis).then_some(millis.round() as u32)
}

/// A path of the repo that never leaves it.
pub(super) fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains('\0')
        && path.split('/').all(|part| part != "..")
}

/// Could the engine understand it as an image reference? Only what is surely wrong is refused.
pub(super) fn is_reference(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let starts = |c: char| c.is_ascii_alphanumeric();
    let (path, tag) = match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        Some(_) | None => (text, None),
    };
    // A host may have capitals and a port; what follows it is lower case.
    let name = path.split_once('/').map_or(path, |(_, rest)| rest);
    text.len() <= 500
        && text.starts_with(starts)
        && text.chars().all(allowed)
        && !path.ends_with(['/', ':'])
        && !path.contains("//")
        && !name.chars().any(|c| c.is_ascii_uppercase())
        && tag != Some("")
}
