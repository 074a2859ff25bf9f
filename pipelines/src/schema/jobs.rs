//! Jobs, stages, imports and notifications.

use super::key::key;
use super::root::TABLES;
use super::shape::{Map, Shape, Words, map, word, words};
use super::{Key, NOTIFICATIONS, Place, View};

const MATRIX: &str = "https://docs.travis-ci.com/user/build-matrix/";
const STAGES: &str = "https://docs.travis-ci.com/user/build-stages/";
const IMPORTS: &str = "https://docs.travis-ci.com/user/build-config-imports/";

pub(super) static KEYS: &[Key] = &[
    key("jobs", Shape::Map(&JOBS), "include, exclude, allow_failures, fast_finish")
        .alias(&["matrix"])
        .top()
        .doc(MATRIX),
    key("stages", Shape::List(&Shape::Map(&STAGE)), "the order of stages").top().doc(STAGES),
    key("import", Shape::List(&Shape::Map(&IMPORT)), "files that are merged into this one")
        .top()
        .doc(IMPORTS),
    key("notifications", Shape::Map(&NOTIFICATIONS), "who is told of a run's end")
        .top()
        .not_yet()
        .doc("https://docs.travis-ci.com/user/notifications/"),
    key("name", Shape::Text, "the job's name").at(Place::Rows).unique().doc(MATRIX),
    key("stage", Shape::Text, "the job's stage").at(Place::Rows).doc(STAGES),
    key("allow_failure", Shape::Bool, "its failure does not fail the run")
        .at(Place::Include)
        .doc(MATRIX),
    key("branch", Shape::Text, "only on this branch")
        .at(Place::AllowFailures)
        .deprecated("write a condition as `if`")
        .doc(MATRIX),
];

// Rows have this table again, so these are statics: a constant can not hold itself.
static JOBS: Map = map(&[JOBS_KEYS]).prefix("include");

static JOBS_KEYS: &[Key] = &[
    key("include", Shape::List(&INCLUDE_ROW), "jobs of their own, beside the matrix")
        .alias(&["jobs"])
        .doc(MATRIX),
    key("exclude", Shape::List(&EXCLUDE_ROW), "cells of the matrix that are left out").doc(MATRIX),
    key("allow_failures", Shape::List(&ALLOWED_ROW), "jobs whose failure is no failure")
        .alias(&["allowed_failures"])
        .doc(MATRIX),
    key("fast_finish", Shape::Bool, "the run ends with its last required job")
        .alias(&["fast_failure"])
        .doc(MATRIX),
];

static INCLUDE_ROW: Shape = Shape::Map(&INCLUDE);
static EXCLUDE_ROW: Shape = Shape::Map(&EXCLUDE);
static ALLOWED_ROW: Shape = Shape::Map(&ALLOWED);
static INCLUDE: Map = map(TABLES).view(View::Include);
static EXCLUDE: Map = map(TABLES).view(View::Exclude);
static ALLOWED: Map = map(TABLES).view(View::AllowFailures);

const STAGE: Map = map(&[&[
    key("name", Shape::Text, "the stage's name").required().doc(STAGES),
    key("if", Shape::Condition, "the stage exists only when this condition holds").doc(STAGES),
]])
.prefix("name");

const IMPORT: Map = map(&[&[
    key("source", Shape::Text, "a path, or OWNER/REPO:PATH@REF").doc(IMPORTS),
    key("mode", Shape::Word(&MODES), "how the two are merged")
        .default("deep_merge_append")
        .doc(IMPORTS),
    key("if", Shape::Condition, "imported only when this condition holds").doc(IMPORTS),
]])
.prefix("source");

const MODES: Words = words(&[
    word("merge", &[]),
    word("deep_merge", &[]),
    word("deep_merge_append", &[]),
    word("deep_merge_prepend", &[]),
]);
