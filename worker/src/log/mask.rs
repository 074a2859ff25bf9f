//! Masking: no form of a secret reaches the stored log, however the output was cut in chunks.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands where a secret was.
const TOKEN: &[u8] = b"[secure]";
/// Shorter values would wreck every log and hide nothing.
const MIN_VALUE: usize = 3;
/// Shorter lines of a long value (`{`, `-----`) are part of ordinary output.
const MIN_LINE: usize = 4;
/// Nor do lines of fewer different characters tell anything.
const MIN_DISTINCT: usize = 3;
/// Nor what every kubeconfig has.
const ORDINARY: &[&str] =
    &["apiVersion: v1", "kind: Config", "clusters:", "contexts:", "users:", "preferences: {}"];
/// Nor what every key has.
const FENCES: &[&str] = &["-----BEGIN ", "-----END "];

/// Replaces secrets in a stream of bytes. It holds back what could still become a match.
pub(crate) struct Masker {
    patterns: BTreeSet<Vec<u8>>,
    automaton: Option<AhoCorasick>,
    longest: usize,
    /// The bytes with which patterns begin.
    firsts: [bool; 256],
    held: Vec<u8>,
    /// Bytes at the start of `held` that belong to a secret whose token was already written.
    covered: usize,
}

impl Masker {
    /// Masks these values.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let mut masker = Self {
            patterns: BTreeSet::new(),
            automaton: None,
            longest: 1,
            firsts: [false; 256],
            held: Vec::new(),
            covered: 0,
        };
        masker.add(values)?;
        Ok(masker)
    }

    /// From here on masks these values too.
    pub(crate) fn add<'a>(
        &mut self,
        values: impl IntoIterator<Item = &'a str>,
    ) -> anyhow::Result<()> {
        for value in values {
            self.patterns.extend(forms(value));
        }
        for first in self.patterns.iter().filter_map(|pattern| pattern.first()) {
            self.firsts[usize::from(*first)] = true;
        }
        self.longest = self.patterns.iter().map(Vec::len).max().unwrap_or(1);
        self.automaton =
            if self.patterns.is_empty() { None } else { Some(AhoCorasick::new(&self.patterns)?) };
        Ok(())
    }

    /// Takes a chunk and gives back what is decided.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(chunk);
        self.release(self.undecided())
    }

    /// Gives back everything: the stream ends here, or a step does.
    pub(crate) fn flush(&mut self) -> Vec<u8> {
        self.release(self.held.len())
    }

    /// Where the first thing begins that may become a secret with what comes next. Nothing before
    /// it is held back: people wait for the last line.
    fn undecided(&self) -> usize {
        let end = self.held.len();
        (end.saturating_sub(self.longest - 1)..end)
            .filter(|at| self.firsts[usize::from(self.held[*at])])
            .find(|at| {
                let tail = &self.held[*at..];
                let next = self.patterns.range::<[u8], _>((Excluded(tail), Unbounded)).next();
                next.is_some_and(|pattern| pattern.starts_with(tail))
            })
            .unwrap_or(end)
    }

    fn release(&mut self, limit: usize) -> Vec<u8> {
        let mut matches: Vec<(usize, usize)> = match &self.automaton {
            None => Vec::new(),
            Some(automaton) => automaton
                .find_overlapping_iter(&self.held)
                .map(|found| (found.start(), found.end()))
                .filter(|(start, _)| *start < limit)
                .collect(),
        };
        matches.sort_unstable();
        let mut out = Vec::with_capacity(limit);
        let mut covered = self.covered;
        for (start, end) in matches {
            // Overlapping secrets become one token; nothing between them is shown.
            if start >= covered {
                out.extend_from_slice(&self.held[covered..start]);
                out.extend_from_slice(TOKEN);
            }
            covered = covered.max(end);
        }
        if limit > covered {
            out.extend_from_slice(&self.held[covered..limit]);
        }
        self.held.drain(..limit);
        self.covered = covered.saturating_sub(limit);
        out
    }
}

/// Every way in which a value may appear in output.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    if value.len() < MIN_VALUE {
        return all;
    }
    all.push(value.as_bytes().to_vec());
    all.extend(
        value.lines().map(str::trim).filter(|l| tells_something(l)).map(|l| l.as_bytes().to_vec()),
    );
    all.extend(base64_phases(value.as_bytes()));
    all.push(url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().into());
    all.push(percent_encoded(value).into());
    if let Ok(json) = serde_json::to_string(value) {
        all.push(json.as_bytes()[1..json.len() - 1].to_vec());
    }
    all.push(hex::encode(value).into());
    all.push(hex::encode_upper(value).into());
    all.push(value.replace('\'', r"'\''").into());
    all.push(value.replace('\n', "\r\n").into());
    all.retain(|form| form.len() >= MIN_VALUE);
    all
}

/// Is the line of a long value so unlike ordinary output that it may be masked?
fn tells_something(line: &str) -> bool {
    let is_fence = FENCES.iter().any(|fence| line.starts_with(fence)) && line.ends_with("-----");
    line.len() >= MIN_LINE
        && line.bytes().collect::<BTreeSet<u8>>().len() >= MIN_DISTINCT
        && !is_fence
        && !ORDINARY.contains(&line)
}

fn percent_encoded(value: &str) -> String {
    use std::fmt::Write as _;

    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String never fails");
        }
        out
    })
}

/// The characters of a base64 text that only this value decides, at each of the three places it
/// can have within a longer text.
fn base64_phases(value: &[u8]) -> Vec<Vec<u8>> {
    let mut phases = Vec::new();
    // A shorter core would match too much ordinary text.
    if value.len() < 6 {
        return phases;
    }
    for phase in 0..3 {
        let mut padded = vec![0_u8; phase];
        padded.extend_from_slice(value);
        let from = (phase * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            phases.push(text.as_bytes()[from..to].to_vec());
        }
    }
    phases
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(values: &[&str], text: &[u8]) -> Vec<u8> {
        let mut masker = Masker::new(values.iter().copied()).expect("patterns");
        let mut out = masker.push(text);
        out.extend(masker.flush());
        out
    }

    #[test]
    fn every_form_of_a_secret_is_replaced() {
        let secret = "p4ss w/ord'\"x";
        let texts = [
            secret.to_owned(),
            STANDARD_NO_PAD.encode(format!("u:{secret}")),
            STANDARD_NO_PAD.encode(format!("usr{secret}")),
            STANDARD_NO_PAD.encode(format!("user{secret}!")),
            percent_encoded(secret),
            hex::encode(secret),
            serde_json::to_string(secret).expect("text"),
            secret.replace('\'', r"'\''"),
        ];
        for text in texts {
            let masked = mask(&[secret], text.as_bytes());
            assert!(
                masked.windows(TOKEN.len()).any(|w| w == TOKEN),
                "not masked: {text} -> {}",
                String::from_utf8_lossy(&masked)
            );
        }
    }

    #[test]
    fn overlapping_secrets_leave_nothing_between() {
        assert_eq!(mask(&["abcd", "cdef"], b"xabcdefy"), b"x[secure]y");
    }

    #[test]
    fn short_lines_of_a_long_value_do_not_wreck_a_log() {
        assert_eq!(mask(&["{\nlongline\n}"], b"{ a longline }"), b"{ a [secure] }");
    }

    #[test]
    fn nothing_is_held_back_that_can_not_become_a_secret() {
        let mut masker = Masker::new(["hunter2"]).expect("patterns");
        assert_eq!(masker.push(b"a prompt> "), b"a prompt> ");
        assert_eq!(masker.push(b"and hunt"), b"and ");
        assert_eq!(masker.push(b"ing"), b"hunting");
        assert_eq!(masker.push(b"hunter"), b"");
        assert_eq!(masker.push(b"2!"), b"[secure]!");
    }

    #[test]
    fn a_low_entropy_line_of_a_long_value_is_left_alone() {
        assert_eq!(mask(&["----\nabcdef\n----"], b"----abcdef----"), b"----[secure]----");
    }

    #[test]
    fn what_every_kubeconfig_and_every_key_has_is_left_alone() {
        let kubeconfig = "apiVersion: v1\nkind: Config\nusers:\n- token: s3cret-of-mine\n";
        let manifest = "apiVersion: v1\nkind: ConfigMap\n";
        assert_eq!(mask(&[kubeconfig], manifest.as_bytes()), manifest.as_bytes());
        assert_eq!(mask(&[kubeconfig], b"- token: s3cret-of-mine"), b"[secure]");
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n";
        let other = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg";
        assert_eq!(mask(&[key], other.as_bytes()), b"-----BEGIN PRIVATE KEY-----\n[secure]");
    }

    /// The text as its reader may see it, in every form.
    fn seen(secret: &str, before: &str) -> Vec<String> {
        let joined = format!("{before}{secret}");
        vec![
            secret.to_owned(),
            percent_encoded(secret),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            serde_json::to_string(&[secret]).expect("text").trim_matches(['[', ']']).to_owned(),
            hex::encode(secret),
            hex::encode_upper(secret),
            secret.replace('\'', r"'\''"),
            base64::engine::general_purpose::STANDARD.encode(&joined),
            base64::engine::general_purpose::URL_SAFE.encode(&joined),
        ]
    }

    proptest! {
        // Each case builds automata.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_form_of_a_secret_passes_at_any_cut(
            secret in "[a-zA-Z0-9/+'\"\\\\ é$%]{8,40}",
            before in "[a-z]{0,5}",
            cut in 1_usize..20,
        ) {
            let mut masker = Masker::new([secret.as_str()]).expect("patterns");
            for form in seen(&secret, &before) {
                let mut out = Vec::new();
                for chunk in form.as_bytes().chunks(cut) {
                    out.extend(masker.push(chunk));
                }
                out.extend(masker.flush());
                let shown = String::from_utf8_lossy(&out).into_owned();
                prop_assert!(shown.contains("[secure]"), "{form} -> {shown}");
                // Of base64 only the characters at both ends, which hold other bits too, stay.
                let left = shown.len() - "[secure]".len();
                prop_assert!(left <= before.len() * 2 + 6, "{form} -> {shown}");
                prop_assert!(!shown.contains(secret.as_str()));
            }
        }

        #[test]
        fn chunks_do_not_matter(
            secrets in prop::collection::vec("[ab]{3,6}", 0..3),
            text in "[abc\n]{0,60}",
            cuts in prop::collection::vec(0_usize..60, 0..8),
        ) {
            let values: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let whole = mask(&values, text.as_bytes());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.push(text.len());
            cuts.sort_unstable();
            let mut masker = Masker::new(values.iter().copied()).expect("patterns");
            let (mut out, mut from) = (Vec::new(), 0);
            for cut in cuts {
                out.extend(masker.push(&text.as_bytes()[from..cut]));
                from = cut;
            }
            out.extend(masker.flush());
            prop_assert_eq!(&out, &whole);
            for value in values {
                prop_assert!(!out.windows(value.len()).any(|w| w == value.as_bytes()));
            }
        }

        #[test]
        fn a_log_without_secrets_is_unchanged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(mask(&[], &bytes), bytes);
        }
    }
}
