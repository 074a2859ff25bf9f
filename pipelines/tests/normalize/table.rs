//! The table of the language itself.

use std::collections::HashSet;

use slipway_pipelines::schema::{LANGUAGES, Map, ROOT, Shape, providers};

fn walk(map: &Map, depth: usize, visit: &mut dyn FnMut(&Map)) {
    visit(map);
    // Deep enough for everything; `on` and rows come back to the same tables.
    if depth == 0 {
        return;
    }
    for key in map.keys() {
        walk_shape(map.shape(key), depth - 1, visit);
    }
}

fn walk_shape(shape: Shape, depth: usize, visit: &mut dyn FnMut(&Map)) {
    match shape {
        Shape::Map(map) => walk(map, depth, visit),
        Shape::List(inner) | Shape::Free(inner) => walk_shape(*inner, depth, visit),
        Shape::OneOf(shapes) => shapes.iter().for_each(|shape| walk_shape(*shape, depth, visit)),
        _ => {}
    }
}

fn maps(visit: &mut dyn FnMut(&Map)) {
    walk(&ROOT, 5, visit);
    providers().for_each(|provider| walk(&provider.map, 3, visit));
}

#[test]
fn every_name_of_a_map_is_its_own() {
    maps(&mut |map| {
        let (mut names, mut aliases) = (HashSet::new(), HashSet::new());
        for key in map.keys() {
            assert!(names.insert(key.name) || key.own, "{} stands twice", key.name);
            for alias in key.aliases {
                assert!(aliases.insert(*alias), "{alias} means two keys");
            }
            assert!(
                !key.meaning.is_empty() && !key.doc.is_empty(),
                "{} is not explained",
                key.name
            );
        }
    });
}

#[test]
fn every_shorter_spelling_has_its_key() {
    maps(&mut |map| {
        if let Some(prefix) = map.prefix {
            assert!(map.find(prefix.key).is_some(), "{} is no key", prefix.key);
        }
    });
}

#[test]
fn every_language_that_a_key_is_for_is_there() {
    let known: HashSet<&str> = LANGUAGES.iter().map(|language| language.name).collect();
    for key in ROOT.keys() {
        for language in key.languages {
            assert!(known.contains(language), "{} is for {language}", key.name);
        }
    }
}
