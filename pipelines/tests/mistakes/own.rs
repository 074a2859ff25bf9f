//! Keys of our own, written wrong.

use insta::assert_snapshot;

use crate::tell::told;

#[test]
fn needs_name_jobs_of_the_same_stage_or_an_earlier_one() {
    let file = r"
secrets: []
jobs:
  include:
    - {name: build, script: ./build, needs: biuld}
    - {name: self, script: make, needs: self}
    - {name: early, script: make, needs: [late]}
    - {name: one, script: make, needs: two}
    - {name: two, script: make, needs: three}
    - {name: three, script: make, needs: one}
    - {name: late, stage: ship, script: ./ship, needs: [build]}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[needs-unknown]: there is no job `biuld`
     --> .ci.yml:5:45
      |
    5 |     - {name: build, script: ./build, needs: biuld}
      |                                             ^^^^^
      = help: did you mean `build`?
    error[needs-itself]: the job `self` needs itself
     --> .ci.yml:6:41
      |
    6 |     - {name: self, script: make, needs: self}
      |                                         ^^^^
      = help: name another job, or leave it out
    error[needs-later]: the job `early` needs `late`, which is in a later stage
     --> .ci.yml:7:43
      |
    7 |     - {name: early, script: make, needs: [late]}
      |                                           ^^^^
      = help: put both into one stage, or the needed one into an earlier
    error[needs-circle]: these jobs wait for each other: `one` needs `two` needs `three` needs `one`
     --> .ci.yml:8:40
      |
    8 |     - {name: one, script: make, needs: two}
      |                                        ^^^
      = help: take one of the names out
    ");
}

#[test]
fn resources_have_units() {
    let file = r"
script: make
resources: {cpu: many, memory: 512, disk: 2x, pids: none}
retry: {max: 1000, when: [sometimes]}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[not-a-number]: `many` is not a number of processors
     --> .ci.yml:3:18
      |
    3 | resources: {cpu: many, memory: 512, disk: 2x, pids: none}
      |                  ^^^^
      = help: write `2`, `1.5` or `500m`
    error[not-a-size]: `512` is not a size: it is less than six megabytes
     --> .ci.yml:3:32
      |
    3 | resources: {cpu: many, memory: 512, disk: 2x, pids: none}
      |                                ^^^
      = help: write `512m` or `2g`
    error[not-a-size]: `2x` is not a size: its unit is none of k, m, g and t
     --> .ci.yml:3:43
      |
    3 | resources: {cpu: many, memory: 512, disk: 2x, pids: none}
      |                                           ^^
      = help: write `512m` or `2g`
    error[not-a-number]: `none` is not a number of processes
     --> .ci.yml:3:53
      |
    3 | resources: {cpu: many, memory: 512, disk: 2x, pids: none}
      |                                                     ^^^^
      = help: write a number from 1
    error[not-a-number]: `1000` is not how often a job is tried again
     --> .ci.yml:4:14
      |
    4 | retry: {max: 1000, when: [sometimes]}
      |              ^^^^
      = help: write a number from 1 to 10
    error[bad-retry]: `sometimes` is no end after which a job is tried again
     --> .ci.yml:4:27
      |
    4 | retry: {max: 1000, when: [sometimes]}
      |                           ^^^^^^^^^
      = help: write infrastructure, failed, or an exit code from 1 to 255
    ");
}

#[test]
fn ports_and_volumes_have_two_sides() {
    let file = r"
script: make
ports: ['127.0.0.1:80:80', '80:x', '8080:80', '8080:81']
volumes: [models, '/var/run/docker.sock:docker.sock', 'a/../../etc:/etc']
parallel: 1000
";
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[not-a-port]: `127.0.0.1:80:80` has an address; ports are on loopback
     --> .ci.yml:3:9
      |
    3 | ports: ['127.0.0.1:80:80', '80:x', '8080:80', '8080:81']
      |         ^^^^^^^^^^^^^^^^^
      = help: write "HOST:CONTAINER", or the port
    error[not-a-port]: `x` is not a port
     --> .ci.yml:3:28
      |
    3 | ports: ['127.0.0.1:80:80', '80:x', '8080:80', '8080:81']
      |                            ^^^^^^
      = help: write a number from 1 to 65535
    error[port-taken]: port 8080 of the host is used twice
     --> .ci.yml:3:47
      |
    3 | ports: ['127.0.0.1:80:80', '80:x', '8080:80', '8080:81']
      |                                               ^^^^^^^^^
      = help: give each its own host port
    error[bad-volume]: `models` is not a volume
     --> .ci.yml:4:11
      |
    4 | volumes: [models, '/var/run/docker.sock:docker.sock', 'a/../../etc:/etc']
      |           ^^^^^^
      = help: write `volumes: ["NAME:/path/in/the/job"]`, and `:ro` for reading only
    error[bad-volume]: `/var/run/docker.sock:docker.sock` is not a volume
     --> .ci.yml:4:19
      |
    4 | volumes: [models, '/var/run/docker.sock:docker.sock', 'a/../../etc:/etc']
      |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: write `volumes: ["NAME:/path/in/the/job"]`, and `:ro` for reading only
    error[bad-volume]: `a/../../etc:/etc` is not a volume
     --> .ci.yml:4:55
      |
    4 | volumes: [models, '/var/run/docker.sock:docker.sock', 'a/../../etc:/etc']
      |                                                       ^^^^^^^^^^^^^^^^^^
      = help: write `volumes: ["NAME:/path/in/the/job"]`, and `:ro` for reading only
    error[too-many-jobs]: the file makes 1000 jobs; at most 200 run
     --> .ci.yml:5:11
      |
    5 | parallel: 1000
      |           ^^^^
      = help: drop values from the matrix, rows from `jobs.include`, or copies from `parallel`
    "#);
}

#[test]
fn a_job_with_an_engine_of_its_own_leaves_no_snapshot() {
    let file = "script: make\nenv: [A=1, A=2]\nservices: docker\nsnapshot: install\n";
    let told = told(".ci.yml", file);
    assert!(told.starts_with("warning[no-snapshot]: no snapshot is taken of a job"), "{told}");
    assert_eq!(told.matches("no-snapshot").count(), 1, "once for both jobs: {told}");
}

#[test]
fn what_is_carried_stays_inside_the_work_tree() {
    let file = r"
script: make
artifacts: {paths: [../secrets, 'dist/[a'], expire: soon, when: maybe}
reports: {junit: /tmp/*.xml}
snapshot: {after: script}
workspaces: {create: {name: dist}}
commit: My Image
concurrency: {cancel: always}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[path-leaves-repo]: `../secrets` does not stay inside the work tree
     --> .ci.yml:3:21
      |
    3 | artifacts: {paths: [../secrets, 'dist/[a'], expire: soon, when: maybe}
      |                     ^^^^^^^^^^
      = help: write it from the repo's root
    error[bad-pattern]: `dist/[a` is not a pattern: unclosed character class; missing ']'
     --> .ci.yml:3:33
      |
    3 | artifacts: {paths: [../secrets, 'dist/[a'], expire: soon, when: maybe}
      |                                 ^^^^^^^^^
      = help: write it like `reports/**/*.xml`
    error[not-a-time]: `soon` is not a time: a unit needs a number before it
     --> .ci.yml:3:53
      |
    3 | artifacts: {paths: [../secrets, 'dist/[a'], expire: soon, when: maybe}
      |                                                     ^^^^
      = help: write `12h`, `30d` or `4w`
    error[bad-when]: `when` is success, failure or always, not `maybe`
     --> .ci.yml:3:65
      |
    3 | artifacts: {paths: [../secrets, 'dist/[a'], expire: soon, when: maybe}
      |                                                                 ^^^^^
      = help: write `when: always`
    error[path-leaves-repo]: `/tmp/*.xml` does not stay inside the work tree
     --> .ci.yml:4:18
      |
    4 | reports: {junit: /tmp/*.xml}
      |                  ^^^^^^^^^^
      = help: write it from the repo's root
    error[bad-phase]: a snapshot can not be taken after `script`
     --> .ci.yml:5:19
      |
    5 | snapshot: {after: script}
      |                   ^^^^^^
      = help: write before_install, install or before_script: those are then not run again
    error[missing-key]: `create` needs the key `paths`
     --> .ci.yml:6:22
      |
    6 | workspaces: {create: {name: dist}}
      |                      ^^^^^^^^^^^^
      = help: write `workspaces: {create: {name: dist, paths: [dist]}}`, or `use: [dist]`
    error[bad-image]: `My Image` is not the name of an image
     --> .ci.yml:7:9
      |
    7 | commit: My Image
      |         ^^^^^^^^
      = help: write NAME:TAG, in lower case and without spaces
    warning[no-effect-yet]: `concurrency` has no effect yet
     --> .ci.yml:8:1
      |
    8 | concurrency: {cancel: always}
      | ^^^^^^^^^^^
      = help: it will be: one run at a time in a group
    error[missing-key]: `concurrency` needs the key `group`
     --> .ci.yml:8:14
      |
    8 | concurrency: {cancel: always}
      |              ^^^^^^^^^^^^^^^^
      = help: write `concurrency: {group: deploy, cancel: queued}`
    warning[unknown-value]: `always` is not a word that has a meaning here
     --> .ci.yml:8:23
      |
    8 | concurrency: {cancel: always}
      |                       ^^^^^^
      = help: use queued, running
    ");
}

#[test]
fn images_are_pushed_to_where_their_tags_say() {
    let file = r"
script: make
images:
  - {name: app, tags: 'Acme/App:1', platforms: [amd64]}
  - {name: tools, push: true}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[no-effect-yet]: `tags` has no effect yet
     --> .ci.yml:4:17
      |
    4 |   - {name: app, tags: 'Acme/App:1', platforms: [amd64]}
      |                 ^^^^
      = help: it will be: further names of the image
    error[bad-image]: `Acme/App:1` can not name an image
     --> .ci.yml:4:23
      |
    4 |   - {name: app, tags: 'Acme/App:1', platforms: [amd64]}
      |                       ^^^^^^^^^^^^
      = help: write HOST/NAME:TAG, or NAME:TAG, in lower case and without spaces
    error[bad-platform]: `amd64` is not a platform
     --> .ci.yml:4:49
      |
    4 |   - {name: app, tags: 'Acme/App:1', platforms: [amd64]}
      |                                                 ^^^^^
      = help: write OS/ARCH: `linux/amd64`
    error[missing-key]: `images[1]` needs the key `tags`
     --> .ci.yml:5:5
      |
    5 |   - {name: tools, push: true}
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: write `tags: [HOST/NAME:TAG]`: they say where to
    warning[no-effect-yet]: `push` has no effect yet
     --> .ci.yml:5:19
      |
    5 |   - {name: tools, push: true}
      |                   ^^^^
      = help: it will be: pushed once it is built
    ");
}
