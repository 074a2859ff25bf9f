//! Whatever is written.

use proptest::prelude::*;
use slipway_pipelines::language::{Dialect, Entry, FileIndex, Node, Span, Value};
use slipway_pipelines::normalize::{Options, normalize};

const PLACE: Span = Span { start: 0, end: 1, line: 1, column: 1, file: FileIndex::MAIN };

const KNOWN: &[&str] = &[
    "env",
    "jobs",
    "matrix",
    "include",
    "script",
    "scirpt",
    "cache",
    "notifications",
    "email",
    "deploy",
    "provider",
    "on",
    "global",
    "secure",
    "addons",
    "apt",
    "os",
    "language",
    "enabled",
    "disabled",
    "A=1 B='x",
    "true",
    "no",
    "3.10",
    "12",
    "",
    "~",
    "branches",
];

fn words() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(KNOWN).prop_map(str::to_owned), ".{0,12}"]
}

fn nodes() -> impl Strategy<Value = Node> {
    let scalar = (words(), any::<bool>())
        .prop_map(|(text, plain)| Node { value: Value::Scalar { text, plain }, span: PLACE });
    scalar.prop_recursive(5, 48, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List);
        let map = prop::collection::btree_map(words(), inner, 0..5).prop_map(|map| {
            let entry = |(key, value)| Entry { key, key_span: PLACE, value };
            Value::Map(map.into_iter().map(entry).collect())
        });
        prop_oneof![list, map].prop_map(|value| Node { value, span: PLACE })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_is_normalised(root in nodes(), ci in any::<bool>(), defaults in any::<bool>()) {
        let dialect = if ci { Dialect::Ci } else { Dialect::Travis };
        let normalized = normalize(&root, Options { dialect, defaults });
        // It can always be shown.
        prop_assert!(serde_json::to_string(&normalized.config.json()).is_ok());
    }
}

/// Slips cost time; a file made of them must not cost more than one of sense.
#[test]
fn a_file_made_of_slips_is_done_soon() {
    let entry = |index: usize| Entry {
        key: format!("scirpts{index}"),
        key_span: PLACE,
        value: Node { value: Value::List(Vec::new()), span: PLACE },
    };
    let value = Value::Map((0..100_000).map(entry).collect());
    let options = Options { dialect: Dialect::Ci, defaults: false };
    let normalized = normalize(&Node { value, span: PLACE }, options);
    assert!(normalized.found.len() <= 100_000);
}
