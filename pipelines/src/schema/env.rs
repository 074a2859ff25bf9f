//! Environment variables.

use super::Key;
use super::key::key;
use super::shape::{Map, Shape, map};

pub(super) const KEYS: &[Key] =
    &[key("env", Shape::Map(&ENV), "environment variables; a list of rows makes a matrix")
        .doc(PAGE)];

const PAGE: &str = "https://docs.travis-ci.com/user/environment-variables/";

const ENV: Map = map(&[ENV_KEYS]).prefix("jobs");

const ENV_KEYS: &[Key] = &[
    key("global", Shape::Env, "variables of every job").doc(PAGE),
    key("jobs", Shape::Env, "rows of variables; each makes jobs of its own")
        .alias(&["matrix"])
        .doc(PAGE),
];
