//! What goes well, and what the bucket has then.

use anyhow::Result;
use slipway_harness::S3;
use slipway_pipelines::plan::Template;
use slipway_pipelines::wire::DeployProgress;
use slipway_worker::deploy::DeployOutcome;

use crate::bench::{Bench, template};

#[tokio::test]
async fn the_files_of_the_folder_are_in_the_bucket_and_seen_there() -> Result<()> {
    let s3 = S3::start().await?;
    let bench = Bench::new(s3.url());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let keys = s3.keys().await?;
    assert_eq!(keys, ["app.js", "feed.xml.gz", "img/logo.png", "index.html"]);
    let page = s3.get("index.html").await?;
    assert_eq!(page.headers()["content-type"], "text/html");
    assert_eq!(page.text().await?, "<h1>Hello</h1>");
    let log = bench.log();
    assert!(log.contains("seen: 4 files are as they were sent"), "{log}");
    let rendered = bench.rendered().expect("the list is kept");
    assert!(rendered.contains("\"key\": \"img/logo.png\""), "{rendered}");
    let order: Vec<_> = bench.reported();
    let at = |wanted: fn(&DeployProgress) -> bool| order.iter().position(wanted);
    let rendered = at(|one| matches!(one, DeployProgress::Rendered { .. }));
    let applied = at(|one| matches!(one, DeployProgress::Applied { .. }));
    assert!(rendered.is_some() && rendered < applied, "the list is kept before a file is sent");
    bench.never_shows(slipway_harness::aws::SECRET_ACCESS_KEY);
    Ok(())
}

#[tokio::test]
async fn what_the_file_says_of_each_is_said_to_s3() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    bench.target.upload_dir = template("/site/");
    bench.target.dot_match = true;
    bench.target.detect_encoding = true;
    bench.target.default_text_charset = Some("utf-8".to_owned());
    bench.target.acl = Some("public_read".to_owned());
    bench.target.storage_class = Some("STANDARD_IA".to_owned());
    bench.target.server_side_encryption = true;
    bench.target.verbose = true;
    let rules = ["no-cache: *.html", "max-age=86400"];
    bench.target.cache_control = rules.map(|text| Template(text.to_owned())).into();
    bench.target.expires = vec![Template("2030-12-31 00:00:00 -0000: *.js".to_owned())];
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let page = s3.get("site/index.html").await?;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    assert_eq!(page.headers()["x-amz-storage-class"], "STANDARD_IA");
    assert_eq!(page.headers()["x-amz-server-side-encryption"], "AES256");
    let script = s3.get("site/app.js").await?;
    assert_eq!(script.headers()["cache-control"], "max-age=86400");
    assert_eq!(script.headers()["expires"], "Tue, 31 Dec 2030 00:00:00 GMT");
    let feed = s3.get("site/feed.xml.gz").await?;
    assert_eq!(feed.headers()["content-encoding"], "gzip");
    assert_eq!(feed.headers()["content-type"], "application/xml");
    s3.get("site/.htaccess").await?;
    assert!(bench.log().contains("uploaded: site/app.js (4 bytes, text/javascript"));
    Ok(())
}

#[tokio::test]
async fn a_pattern_picks_and_what_is_there_is_left_where_that_is_asked_for() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    s3.put("app.js", "theirs").await?;
    bench.target.overwrite = false;
    bench.target.glob = Some("*.{js,html}".to_owned());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(s3.keys().await?, ["app.js", "index.html"]);
    assert_eq!(s3.get("app.js").await?.text().await?, "theirs");
    let said = "left as it is, since it is there: app.js";
    assert!(bench.log().contains(said), "{}", bench.log());
    Ok(())
}

#[tokio::test]
async fn the_bucket_becomes_a_site() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    bench.target.index_document_suffix = Some("index.html".to_owned());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let site = s3.get("?website").await?.text().await?;
    assert!(site.contains("<Suffix>index.html</Suffix>"), "{site}");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_of_the_file_is_asked_in_the_place_of_aws() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new("http://127.0.0.1:1".parse()?);
    bench.settings.s3_url = None;
    bench.target.endpoint = template(s3.url().as_str());
    bench.target.force_path_style = true;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(s3.keys().await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn an_empty_file_is_a_file() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    bench.tree(&[("public/.keep", b""), ("public/empty.txt", b"")]);
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(s3.keys().await?, ["empty.txt"]);
    Ok(())
}
