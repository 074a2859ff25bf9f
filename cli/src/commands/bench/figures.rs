//! What a bench found: each figure beside its baseline from the same run, as a ratio.

use comfy_table::{Table, presets};
use serde::Serialize;

/// One figure. Only the ratio is compared with a goal: absolute numbers tell the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    /// Its row in REQUIREMENTS, and in words.
    pub(super) name: &'static str,
    /// Of both values.
    pub(super) unit: &'static str,
    /// What Slipway took or did.
    pub(super) value: f64,
    /// What the baseline is.
    pub(super) against: &'static str,
    /// What it took or did.
    pub(super) baseline: f64,
    /// What the ratio should be.
    pub(super) goal: Goal,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goal {
    /// Of times.
    AtMost(f64),
    /// Of rates.
    AtLeast(f64),
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.value / self.baseline
    }

    fn met(&self) -> bool {
        match self.goal {
            Goal::AtMost(most) => self.ratio() <= most,
            Goal::AtLeast(least) => self.ratio() >= least,
        }
    }
}

/// The middle of the samples; 0 of none.
pub(super) fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// For people.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["figure", "Slipway", "baseline", "", "ratio", "goal", ""]);
    for figure in figures {
        let (value, baseline) = (figure.value, figure.baseline);
        table.add_row([
            figure.name.to_owned(),
            format!("{value:.2} {}", figure.unit),
            format!("{baseline:.2} {}", figure.unit),
            figure.against.to_owned(),
            format!("{:.2}x", figure.ratio()),
            match figure.goal {
                Goal::AtMost(most) => format!("<= {most}x"),
                Goal::AtLeast(least) => format!(">= {least}x"),
            },
            if figure.met() { "met" } else { "not met" }.to_owned(),
        ]);
    }
    table.to_string()
}

/// For programs.
pub(super) fn json(figures: &[Figure]) -> serde_json::Value {
    let each = figures.iter().map(|figure| {
        let mut value = serde_json::json!(figure);
        value["ratio"] = figure.ratio().into();
        value["met"] = figure.met().into();
        value
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_wants_more_and_a_time_less() {
        let figure = |goal, value| Figure {
            name: "P0",
            unit: "ms",
            value,
            against: "a pipe",
            baseline: 2.0,
            goal,
        };
        assert!(figure(Goal::AtMost(3.0), 6.0).met());
        assert!(!figure(Goal::AtMost(3.0), 6.1).met());
        assert!(figure(Goal::AtLeast(0.5), 1.0).met());
        assert!(!figure(Goal::AtLeast(0.5), 0.9).met());
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut []), 0.0);
    }
}
