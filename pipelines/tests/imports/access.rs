//! What may be imported from whom.

use serde_json::json;

use super::repo::{Repo, json, said};

#[test]
fn what_is_refused_is_an_error_with_the_reason() {
    let mut repo = Repo::new([(".ci.yml", "import: other/private:a.yml\nscript: make\n")]);
    let found = repo.resolve().found;
    assert_eq!(
        said(&found),
        ["import-not-read: other/private:a.yml is in a private repo of another owner"]
    );
}

#[test]
fn secrets_are_shared_within_one_owner_only() {
    let file = "env: {global: [{secure: abc}, A=1]}\nscript: make\n";
    let main = "import: ['acme/ci:a.yml', 'other/ci:b.yml']\nenv: {global: []}\n";
    let mut repo =
        Repo::new([(".ci.yml", main), ("acme/ci:a.yml", file), ("other/ci:b.yml", file)]);
    let resolved = repo.resolve();
    assert_eq!(
        json(&resolved),
        json!({"env": {"global": [{"secure": "abc"}, "A=1", "A=1"]}, "script": "make"})
    );
    assert_eq!(
        said(&resolved.found),
        ["foreign-secret: the encrypted value is left out: other/ci:b.yml is of another owner, \
          and secrets are shared only within one"]
    );
}

#[test]
fn who_grants_access_sees_the_importing_repo() {
    use slipway_pipelines::condition::Facts;
    use slipway_pipelines::imports::{Answer, Main, Resolver};
    let repo = "acme/app".parse().expect("a name");
    let main = Main { name: ".ci.yml", path: ".ci.yml", repo: &repo };
    let mut resolver = Resolver::new(main, b"import: other/open:a.yml\n", Facts::default());
    let first = resolver.wanted().expect("a file").clone();
    assert_eq!((first.importer.as_str(), first.own), ("acme/app", false));
    resolver.give(Answer::File(b"import: acme/closed:b.yml\n".to_vec()));
    let second = resolver.wanted().expect("a file").clone();
    assert_eq!((second.importer.as_str(), second.repo.as_str()), ("other/open", "acme/closed"));
}
