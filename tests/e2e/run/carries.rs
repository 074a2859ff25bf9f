//! What jobs leave and take without a server: caches with the folder, workspaces with the run,
//! artifacts where they are asked for, tests in words.

use anyhow::Result;

use crate::folder::Folder;

const FILE: &str = r#"image: busybox:latest
secrets: []
stages: [make, use]
jobs:
  include:
    - stage: make
      name: make
      cache: {directories: [deps]}
      script:
        - "[ -f deps/a ] && echo from the cache || echo nothing cached"
        - mkdir -p deps out; echo a > deps/a; echo made > out/a.txt
        - |
          echo '<testsuite name="math"><testcase name="adds"/><testcase name="takes"><failure message="1 is not 2"/></testcase></testsuite>' > r.xml
      workspaces: {create: {name: built, paths: [out]}}
      artifacts: {paths: [out], name: dist}
      reports: {junit: [r.xml]}
    - stage: use
      name: use
      workspaces: {use: built}
      script: cat out/a.txt
"#;

#[tokio::test]
async fn jobs_carry_without_a_server() -> Result<()> {
    let folder = Folder::committed(&[(".ci.yml", FILE)])?;
    let kept = folder.data_dir().join("kept");
    let first = folder.run(&["--artifacts", &kept.display().to_string()]).await?;
    assert_eq!(first.code, Some(0), "{:?}", first.lines);
    assert!(first.log(1).contains(&"nothing cached"), "{:?}", first.log(1));
    assert!(first.log(2).contains(&"made"), "the workspace: {:?}", first.log(2));
    assert_eq!(std::fs::read_to_string(kept.join("dist/out/a.txt"))?, "made\n");

    // Another branch of the folder finds the cache as well.
    folder.git(&["checkout", "-q", "-b", "other"])?;
    let (code, text) = folder.text(&["--job", "make"]).await?;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("from the cache"), "{text}");
    assert!(text.contains("2 tests, 1 failed\n  ✗ math takes: 1 is not 2"), "{text}");
    assert!(
        text.contains("artifact dist: 1 file, not kept (`--artifacts DIR` keeps them)"),
        "{text}"
    );
    assert!(!folder.path.join("out").exists(), "nothing is written into the folder");
    Ok(())
}
