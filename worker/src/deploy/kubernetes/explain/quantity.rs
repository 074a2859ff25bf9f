//! Amounts as Kubernetes writes them: `500m`, `128Mi`, `2`, `1e3`.

/// The amount in thousandths; none for what is no amount.
pub(super) fn milli(text: &str) -> Option<i128> {
    let text = text.trim();
    let suffixed = |(suffix, factor): &(&str, i128)| {
        let number = text.strip_suffix(suffix)?;
        decimal(number).map(|thousandths| thousandths * factor)
    };
    if let Some(number) = text.strip_suffix('m') {
        return number.parse().ok();
    }
    SUFFIXES.iter().find_map(suffixed).or_else(|| decimal(text))
}

const SUFFIXES: [(&str, i128); 11] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

fn decimal(text: &str) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    let whole: i128 = whole.parse().ok()?;
    // Larger amounts than any cluster has would overflow the sums.
    (whole.abs() < 1 << 64).then_some(whole * 1000 + part.parse::<i128>().ok()?)
}

/// The amount for people: `200m`, `3` of cpu and counts; `100Mi` of memory.
pub(super) fn shown(resource: &str, milli: i128) -> String {
    if resource.contains("memory") || resource.contains("storage") {
        let mebi = milli / 1000 / (1 << 20);
        return if mebi == 0 { (milli / 1000).to_string() } else { format!("{mebi}Mi") };
    }
    if milli % 1000 == 0 { (milli / 1000).to_string() } else { format!("{milli}m") }
}

#[cfg(test)]
mod tests {
    use super::{milli, shown};

    #[test]
    fn amounts_are_read_in_every_spelling_and_shown_short() {
        for (text, wanted) in [
            ("500m", 500),
            ("2", 2_000),
            ("0.5", 500),
            ("1.5Gi", 1_610_612_736_000),
            ("128Mi", 134_217_728_000),
            ("1k", 1_000_000),
        ] {
            assert_eq!(milli(text), Some(wanted), "{text}");
        }
        assert_eq!(milli("many"), None);
        assert_eq!(milli(""), None);
        assert_eq!(shown("cpu", 1_500), "1500m");
        assert_eq!(shown("pods", 16_000), "16");
        assert_eq!(shown("requests.memory", 134_217_728_000), "128Mi");
    }
}
