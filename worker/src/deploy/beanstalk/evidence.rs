//! Why an environment is not well, in its own words: events, causes of its health, and the tail of
//! its instances' logs.

use std::time::Duration;

use aws_sdk_elasticbeanstalk::types::{EnvironmentHealthAttribute, EnvironmentInfoType};
use futures::StreamExt as _;
use slipway_pipelines::wire::Evidence;
use tokio::time::Instant;

use super::super::aws::Pauses;
use super::Beanstalk;
use super::events::Ours;

/// Events that are shown.
const EVENTS: usize = 20;
/// Instances whose causes and logs are shown.
const INSTANCES: usize = 3;
/// Bytes of one instance's log tail that are shown: its end.
const TAIL: usize = 8 * 1024;
/// Bytes of one instance's log tail that are read.
const LARGEST_TAIL: usize = 1024 * 1024;
/// Longest time to read it.
const READ: Duration = Duration::from_secs(20);

impl Beanstalk<'_> {
    /// What there is. Nothing here fails the deploy a second time: what can not be read is left out
    /// and told.
    pub(super) async fn evidence(&self, env: &str, ours: &Ours) -> Vec<Evidence> {
        let mut all = Vec::new();
        match self.events(Some(env), ours).await {
            Ok(events) if events.is_empty() => {
                self.say("Elastic Beanstalk told no event of this update");
            }
            Ok(events) => {
                let from = events.len().saturating_sub(EVENTS);
                let lines = events[from..].iter().map(|event| event.line.as_str());
                all.push(seen("events of this update", lines.collect::<Vec<_>>().join("\n")));
            }
            Err(refusal) => self.say(&format!("The events can not be read: {}", refusal.message)),
        }
        all.extend(self.causes(env).await);
        all.extend(self.tails(env).await);
        all
    }

    /// What enhanced health says; nothing without it.
    async fn causes(&self, env: &str) -> Vec<Evidence> {
        let mut all = Vec::new();
        let call = || {
            let call = self.clients.beanstalk.describe_environment_health().environment_name(env);
            call.attribute_names(EnvironmentHealthAttribute::All).send()
        };
        if let Ok(health) = self.ask(call).await
            && !health.causes().is_empty()
        {
            let word = health.health_status().unwrap_or("unknown");
            all.push(seen(format!("health of {env} ({word})"), health.causes().join("\n")));
        }
        let call = || {
            let call = self.clients.beanstalk.describe_instances_health().environment_name(env);
            call.attribute_names(aws_sdk_elasticbeanstalk::types::InstancesHealthAttribute::All)
                .send()
        };
        let Ok(instances) = self.ask(call).await else { return all };
        let ill = instances.instance_health_list().iter().filter(|one| !one.causes().is_empty());
        for one in ill.take(INSTANCES) {
            let id = one.instance_id().unwrap_or("without an id");
            let word = one.health_status().unwrap_or("unknown");
            all.push(seen(format!("health of instance {id} ({word})"), one.causes().join("\n")));
        }
        all
    }

    /// The last lines of the instances' logs, by way of S3.
    async fn tails(&self, env: &str) -> Vec<Evidence> {
        let tail = EnvironmentInfoType::Tail;
        let call = || {
            let call = self.clients.beanstalk.request_environment_info().environment_name(env);
            call.info_type(tail.clone()).send()
        };
        if let Err(refusal) = self.ask(call).await {
            self.say(&format!("The tail of the logs can not be had: {}", refusal.message));
            return Vec::new();
        }
        let deadline = Instant::now() + self.ctx.aws.pace.logs;
        let mut pauses = Pauses::new(&self.ctx.aws.pace);
        loop {
            let call = || {
                let call = self.clients.beanstalk.retrieve_environment_info().environment_name(env);
                call.info_type(tail.clone()).send()
            };
            let found = self.ask(call).await;
            let found = found.map(|found| found.environment_info.unwrap_or_default());
            let found = found.unwrap_or_default();
            if !found.is_empty() {
                let mut all = Vec::new();
                // Earlier samples may be among them: the newest come last.
                for one in found.iter().rev().take(INSTANCES) {
                    let id = one.ec2_instance_id().unwrap_or("without an id");
                    let text = read(one.message().unwrap_or_default()).await;
                    let text = text.unwrap_or_else(|why| format!("it can not be read: {why}"));
                    all.push(seen(format!("last lines of the logs of instance {id}"), text));
                }
                return all;
            }
            if Instant::now() >= deadline {
                self.say("No instance sent the tail of its logs in time");
                return Vec::new();
            }
            tokio::time::sleep(pauses.next()).await;
        }
    }
}

fn seen(source: impl Into<String>, text: String) -> Evidence {
    Evidence { source: source.into(), text }
}

/// The end of what is at the address, which is itself a credential: it is in no message.
async fn read(address: &str) -> Result<String, String> {
    let unread = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .timeout(READ)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(unread)?;
    let answer = client.get(address).send().await.map_err(unread)?;
    let answer = answer.error_for_status().map_err(unread)?;
    let mut bytes = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(unread)?);
        if bytes.len() > LARGEST_TAIL {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    let from = text.len().saturating_sub(TAIL);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    Ok(text[from..].to_owned())
}
