//! Rows of `jobs.include`, and copies.

use slipway_pipelines::matrix::Origin;

use crate::tell::{expanded, jobs};

#[test]
fn a_row_inherits_the_first_of_each_key_and_its_own_replace_the_files() {
    let file = "
python: [a, b]
env: {global: [{G: g}], jobs: [{A: x}, {A: y}]}
script: [make]
image: debian
jobs:
  include:
    - {name: docs, script: [make docs]}
    - {python: c, env: [{B: z}], image: alpine}
";
    assert_eq!(
        jobs(file)[4..],
        [
            "env: [{G:g},{A:x}], image: debian, name: docs, python: a, script: [make docs]",
            "env: [{G:g},{B:z}], image: alpine, python: c, script: [make]",
        ]
    );
}

#[test]
fn a_matrix_of_one_gives_way_to_the_rows() {
    let file = "python: [a]\njobs: {include: [{name: one}, {name: two}]}";
    assert_eq!(jobs(file), ["name: one, python: a", "name: two, python: a"]);
}

#[test]
fn a_job_knows_where_it_comes_from_and_what_tells_it_apart() {
    let file = "python: [a, b]\njobs: {include: [{name: docs, rvm: x, python: c}]}";
    let jobs = expanded(file).jobs;
    assert_eq!((&jobs[0].origin, &jobs[0].axes[..]), (&Origin::Cell, &["python".to_owned()][..]));
    let row = &jobs[2];
    let keys = ["name", "rvm", "python"].map(str::to_owned).to_vec();
    assert_eq!(row.origin, Origin::Row { index: 0, keys });
    assert_eq!(row.axes, ["python", "rvm"]);
    assert_eq!(row.path_of("name"), "jobs.include[0].name");
    assert_eq!(row.path_of("script"), "script");
}

#[test]
fn copies_are_made_after_all_other_rules() {
    let file = "parallel: 2\njobs: {include: [{name: a}, {name: b, parallel: 1}, {name: a}]}";
    assert_eq!(
        jobs(file),
        [
            "name: a, parallel: 2, copy 1 of 2",
            "name: a, parallel: 2, copy 2 of 2",
            "name: b, parallel: 1, copy 1 of 1",
        ]
    );
}
