//! The cells of the matrix.

use crate::tell::jobs;

#[test]
fn keys_span_the_matrix_in_their_own_order_and_env_varies_fastest() {
    let file = "
env: {jobs: [{A: x}, {A: y}]}
python: [three, four]
os: [linux, osx]
";
    assert_eq!(
        jobs(file),
        [
            "env: [{A:x}], os: linux, python: three",
            "env: [{A:y}], os: linux, python: three",
            "env: [{A:x}], os: linux, python: four",
            "env: [{A:y}], os: linux, python: four",
            "env: [{A:x}], os: osx, python: three",
            "env: [{A:y}], os: osx, python: three",
            "env: [{A:x}], os: osx, python: four",
            "env: [{A:y}], os: osx, python: four",
        ]
    );
}

#[test]
fn a_file_without_a_matrix_is_one_job_with_all_keys_of_the_file_but_its_own() {
    let file = "
script: [make]
unknown: word
version: x
notifications: {email: false}
stages: []
import: [other]
";
    assert_eq!(jobs(file), ["script: [make], unknown: word"]);
}

#[test]
fn global_variables_stand_in_front_of_each_jobs_own_and_once() {
    let file = "env: {global: [{G: g}, {A: x}], jobs: [{A: x}, {B: z}]}";
    assert_eq!(jobs(file), ["env: [{G:g},{A:x}]", "env: [{G:g},{A:x},{B:z}]"]);
}

#[test]
fn a_key_of_another_language_spans_nothing() {
    assert_eq!(jobs("language: python\nrvm: [a, b]\npython: [c]"), ["language: python, python: c"]);
}

#[test]
fn jobs_that_differ_only_in_what_means_nothing_to_them_are_one() {
    let file = "os: [linux, osx]\nosx_image: [nine, ten]\ndist: focal";
    assert_eq!(
        jobs(file),
        ["dist: focal, os: linux", "os: osx, osx_image: nine", "os: osx, osx_image: ten"]
    );
}
