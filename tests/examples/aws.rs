//! Jobs that speak to AWS, for which moto stands in as a service beside them: 12 and 20.

use anyhow::{Result, ensure};
use slipway_harness::Installation;

use crate::example::{Example, installation, shows};

const SECRET: &str = "the-secret-access-key";
const JOIN_TOKEN: &str = "fedcba.9876543210fedcba";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_writes_to_s3_and_reads_it_back() -> Result<()> {
    let (slipway, example) = (installation().await?, Example::of("12-s3")?);
    example.add(&slipway).await?;
    keys(&example, &slipway).await?;
    let logs = example.passes(&slipway).await?;
    let object = format!("\ns3://acme-backups/{}/README.md: ", &example.commit()?[..7]);
    shows(&logs[0], &["\nmade the bucket acme-backups", &object, "\nthe backup can be read"]);
    ensure!(!logs[0].contains(SECRET), "the log shows the key");
    slipway.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_planned_then_made_as_planned() -> Result<()> {
    let (slipway, example) = (installation().await?, Example::of("20-cluster-on-aws")?);
    example.add(&slipway).await?;
    keys(&example, &slipway).await?;
    example.secret(&slipway, "JOIN_TOKEN", JOIN_TOKEN).await?;
    let logs = example.passes(&slipway).await?;
    let log = &logs[0];
    shows(log, &["+ security group acme: 6443", "+ machine control", "+ machine node-2"]);
    shows(log, &["\nmade the security group sg-", "\n3 machines run"]);
    let place = |text: &str| log.find(text).unwrap_or(usize::MAX);
    ensure!(place("+ machine node-2") < place("\nmade the security group"), "shown first: {log}");
    let addresses = log.matches("node-1: running, 10.").count();
    ensure!(addresses == 1, "the check shows the machine with its address: {log}");
    ensure!(!log.contains(JOIN_TOKEN) && !log.contains(SECRET), "the log shows a secret");
    slipway.remove().await
}

async fn keys(example: &Example, slipway: &Installation) -> Result<()> {
    example.secret(slipway, "AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").await?;
    example.secret(slipway, "AWS_SECRET_ACCESS_KEY", SECRET).await
}
