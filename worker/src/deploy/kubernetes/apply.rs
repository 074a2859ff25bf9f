//! Server-side apply: first all of it without effect, then one object after the other.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use hyper::Method;
use serde_json::Value;
use slipway_pipelines::wire::Finding;
use tokio::time::{Instant, sleep};

use super::ask::{Cluster, Refusal};
use super::follow::Applied;
use super::kinds::{Kind, Kinds};
use super::objects::{Object, locate};
use super::read::pinned;
use super::refused::{self, Asked};
use super::stamp::bare;

/// Who we are among those who set fields. Strict, where the API knows the word: a field that is not known is refused and not dropped.
const APPLY: &str = "fieldManager=slipway&fieldValidation=Strict";
const APPLY_KIND: &str = "application/apply-patch+yaml";
/// Requests at a time.
const ABREAST: usize = 6;
/// How long a definition may take until the API serves its kind.
const SERVED: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(500);

impl Cluster<'_> {
    /// What became of asking for this, as a finding.
    pub(super) fn explained(&self, verb: &'static str, subject: String, no: &Refusal) -> Finding {
        let Self { connection, .. } = self;
        let expired = connection.expired();
        refused::finding(&Asked { subject, verb, server: &connection.server, expired }, no)
    }

    /// Every object, without effect: what the API would refuse is found before anything changes.
    /// How many it would take.
    pub(super) async fn try_all(&self, objects: &[Object]) -> Result<usize, Vec<Finding>> {
        let made: Vec<&str> = objects
            .iter()
            .filter(|one| one.document.kind() == "Namespace")
            .map(|one| one.document.name())
            .collect();
        let trying = objects.iter().map(|object| self.try_one(object).boxed());
        let trying: Vec<BoxFuture<'_, _>> = trying.collect();
        let refused: Vec<_> = futures::stream::iter(trying).buffered(ABREAST).collect().await;
        let tried = objects.iter().filter(|one| one.kind.is_some()).count();
        let mut later = 0;
        let mut findings: Vec<Finding> = Vec::new();
        for (object, refusal) in refused.into_iter().flatten() {
            // Its namespace comes with this deploy.
            if refusal.is_not_found() && object.namespace().is_some_and(|name| made.contains(&name))
            {
                later += 1;
                continue;
            }
            let finding = self.explained("apply", object.subject(), &refusal);
            // What stops one stops all: it is told once.
            let same = findings
                .iter_mut()
                .find(|one| one.code == finding.code && one.sentence == finding.sentence);
            match same {
                Some(same) => same.count += 1,
                None => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(tried - later) } else { Err(findings) }
    }

    async fn try_one<'o>(&self, object: &'o Object) -> Option<(&'o Object, Refusal)> {
        let path = format!("{}?{APPLY}&dryRun=All", address(object)?);
        let body = Some(&object.document.value);
        let refusal = self.ask(Method::PATCH, &path, APPLY_KIND, body).await.err()?;
        Some((object, refusal))
    }

    /// What of the set is there now, in its order; none: not there.
    pub(super) async fn before(&self, objects: &[Object]) -> Result<Vec<Option<Value>>, Finding> {
        let looking = objects.iter().map(|object| self.look(object).boxed());
        let looking: Vec<BoxFuture<'_, _>> = looking.collect();
        futures::stream::iter(looking).buffered(ABREAST).try_collect().await
    }

    async fn look(&self, object: &Object) -> Result<Option<Value>, Finding> {
        let Some(path) = address(object) else { return Ok(None) };
        let found = self.find(&path).await;
        found.map_err(|refusal| self.explained("read", object.subject(), &refusal))
    }

    /// Applies one object.
    pub(super) async fn apply(
        &self,
        kinds: &Kinds,
        object: &Object,
        before: Option<&Value>,
    ) -> Result<Applied, Finding> {
        let mut object = object.clone();
        if object.kind.is_none() {
            let kind = self.served(kinds, &object).await?;
            locate(&mut object.document, &kind, &self.connection.namespace);
            object.kind = Some(kind);
        }
        let subject = object.subject();
        let Some(kind) = object.kind.clone() else {
            let missing = Refusal::Unreachable { said: "the kind is not served".to_owned() };
            return Err(self.explained("apply", subject, &missing));
        };
        let path = kind.one(object.namespace(), object.document.name());
        let path = format!("{path}?{APPLY}");
        let answer = self.ask(Method::PATCH, &path, APPLY_KIND, Some(&object.document.value)).await;
        let after = answer.map_err(|refusal| self.explained("apply", subject.clone(), &refusal))?;
        let changed = before.is_none_or(|before| bare(before) != bare(&after));
        let word = match (before, changed) {
            (None, _) => "created",
            (Some(_), true) => "changed",
            (Some(_), false) => "unchanged",
        };
        self.ctx.say(&format!("{subject}: {word}"));
        Ok(applied(&object, kind, &after, changed))
    }

    /// The kind of an object whose definition came just before it.
    async fn served(&self, kinds: &Kinds, object: &Object) -> Result<Kind, Finding> {
        let version = object.document.text("/apiVersion").unwrap_or_default();
        let until = Instant::now() + SERVED;
        loop {
            kinds.forget(version).await;
            let found = kinds.find(self, version, object.document.kind()).await;
            let found =
                found.map_err(|refusal| self.explained("apply", object.subject(), &refusal))?;
            if let Some(kind) = found {
                return Ok(kind);
            }
            if Instant::now() > until {
                return Err(unknown_kind(&object.subject(), version));
            }
            sleep(LOOK).await;
        }
    }
}

/// The finding for a kind that the cluster does not have.
pub(super) fn unknown_kind(subject: &str, api_version: &str) -> Finding {
    use slipway_pipelines::wire::{FindingCode, FindingVerdict};
    let kind = subject.split(' ').next().unwrap_or_default();
    Finding::new(
        FindingCode::KindUnknown,
        FindingVerdict::Fatal,
        subject,
        format!("the cluster has no kind {kind} in {api_version}"),
        "install what brings the kind, or use the apiVersion that this cluster has \
         (`kubectl api-resources` lists them)",
    )
}

fn address(object: &Object) -> Option<String> {
    let kind = object.kind.as_ref()?;
    Some(kind.one(object.namespace(), object.document.name()))
}

/// What follows from here on needs to know of it.
pub(super) fn applied(object: &Object, kind: Kind, found: &Value, changed: bool) -> Applied {
    let uid = found.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    Applied {
        api: kind.api,
        namespace: object.namespace().map(str::to_owned),
        name: object.document.name().to_owned(),
        uid: uid.to_owned(),
        generation: found.pointer("/metadata/generation").and_then(Value::as_i64),
        changed,
        images: pinned(&object.document.value),
    }
}
