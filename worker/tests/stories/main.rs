//! Stories of a worker: real engine, real git, and a server that follows a script.
//!
//! The rules of a job, and who tells that they hold. Those of phases and values run in both
//! shells: busybox' `sh` and `bash`.
//!
//! | rule | story |
//! | --- | --- |
//! | **Phases** | |
//! | the order of all phases | `phases::all_phases_come_in_their_order` |
//! | checkout, set-up or apt that fails: errored | `limits::a_commit_that_is_gone_errors_the_job`, `images::packages_of_addons_apt_are_there_before_the_first_phase` |
//! | a variable that is no shell text: errored | `variables::a_value_that_no_shell_can_read_errors_the_job` |
//! | `before_install`, `install`, `before_script` stop the job | `phases::what_fails_before_the_script_stops_the_job_at_once` |
//! | every command of `script` runs, results are joined | `jobs::every_script_command_runs_though_one_failed`, `phases::one_shell_carries_everything_over` |
//! | `TRAVIS_TEST_RESULT`, also set by the job | `phases::one_shell_carries_everything_over`, `phases::a_job_may_say_itself_that_it_failed` |
//! | `after_success` or `after_failure`; failures there, and in `after_script`, change nothing | `phases::what_follows_the_script_changes_nothing_of_its_outcome` |
//! | `before_deploy` and `after_deploy` for each provider | `builds::what_stands_around_a_deploy_runs_for_each_of_them` |
//! | a deploy that fails: errored, nothing follows; `allow_failure` | `builds::a_failed_deploy_errors_the_job_and_nothing_follows` |
//! | conditions of a deploy in the job's shell | `builds::a_deploy_that_may_not_run_is_passed_over_with_its_reason` |
//! | no script and no default: errored | `jobs::a_job_without_a_script_says_so` |
//! | skip words of each phase | `phases::any_phase_can_be_skipped` |
//! | one shell: `cd`, `export`, functions, aliases, traps, options | `phases::one_shell_carries_everything_over`, `phases::aliases_and_options_carry_over` |
//! | `exit N`: 0 passed, 1 failed, else errored | `jobs::exit_in_a_command_ends_the_job_with_its_code`, `phases::exit_ends_the_job_in_any_phase` |
//! | `set -e` left on; `set -x`; no `-e` and no `pipefail` by themselves | `phases::errexit_that_was_left_on_ends_the_job_at_the_next_failure`, `phases::a_job_that_traces_sees_its_own_commands_only`, `images::where_there_is_bash_it_runs_the_job` |
//! | `travis_retry`, `travis_wait`, `travis_fold`, `travis_time_*`, `travis_terminate` | `helpers::*` |
//! | the log's words about each command | `phases::the_log_says_of_each_command_of_the_script_how_it_ended` |
//! | **Values** | |
//! | every `TRAVIS_*`, and its `CI_*` | `variables::a_job_has_the_variables_that_travis_documents`, `variables::every_travis_variable_has_a_twin` |
//! | of a pull request, of a tag | `variables::a_pull_request_and_a_tag_are_told` |
//! | the range of commits | `remotes::*` |
//! | shell text: `$OTHER`, command substitution, quotes, later ones win | `variables::values_are_shell_text` |
//! | texts of strangers and secrets are data | `jobs::variables_are_data_and_secrets_are_masked` |
//! | **Services** | |
//! | by name and on localhost, before `before_install` | `services::a_service_is_reached_by_name_and_on_localhost` |
//! | all at once | `services::services_start_beside_each_other` |
//! | one that fails is shown; Travis' dialect goes on, ours is errored | `services::a_service_that_dies_errors_the_job_unless_the_dialect_forgives`, `services::a_service_that_can_not_begin_says_why` |
//! | the log of a service is kept where something failed | `services::what_a_service_wrote_is_kept_when_the_job_failed` |
//! | a real one, found by its client as on Travis | `services::a_real_postgres_is_found_as_on_travis` |
//! | `ports`, `volumes` | `doors::*` |
//! | the same on Podman | `podman::*` |
//! | **What nobody wishes for** | `hostile::*`, `bad_input::*`, `limits::*`, `weather::*` |

mod bad_input;
mod builds;
mod carry;
mod carry_files;
mod commits;
mod doors;
mod engine;
mod engine_bench;
mod engine_escapes;
mod engine_registry;
mod fixture;
mod git_server;
mod helpers;
mod hostile;
mod images;
mod jobs;
mod limits;
mod own_engine;
mod phases;
mod planning;
mod podman;
#[path = "../deploys/registry_server.rs"]
mod registry_server;
mod remotes;
mod repository;
mod room;
mod server;
mod services;
mod sessions;
mod shells;
mod snapshots;
mod store;
mod variables;
mod verified;
mod walls;
mod warm;
mod weather;
