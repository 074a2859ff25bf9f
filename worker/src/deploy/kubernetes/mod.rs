//! `provider: kubernetes` (DEPLOYS). The manifests are read, tried in the cluster without effect,
//! applied as one field manager and followed to their own health; `docs/kubernetes.md` has the
//! rules.

mod apply;
mod ask;
mod back;
mod connect;
mod course;
mod explain;
pub mod follow;
mod kinds;
mod migrate;
mod objects;
mod overrides;
mod prune;
mod read;
mod refused;
mod rendered;
mod stamp;
mod verify;

use futures::FutureExt as _;
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::plan::{DeployPlan, KubernetesDeploy, Migrate, Template};
use slipway_pipelines::wire::{DeployProgress, VerifyWork, Version};

use super::{DeployContext, DeployOutcome, WorkTree};
use course::{Course, Follow, Stop, Work};
use read::{Document, Variables, documents, fill, pick, store};

/// Applies the manifests and follows them to their verdict.
pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &KubernetesDeploy,
) -> Result<DeployOutcome, String> {
    let tree = ctx.tree.ok_or("there is no work tree to read the manifests from")?;
    let mut all = manifests(ctx, target, tree, &target.manifests).await?;
    let migration = match &plan.migrate {
        None => None,
        Some(Migrate::Job(path)) => {
            let written = std::slice::from_ref(path);
            let found = manifests(ctx, target, tree, written).await?;
            let id = ctx.deployment.as_uuid().simple().to_string();
            // A folder of manifests may have it, too; it is applied once.
            all.retain(|one| !found.iter().any(|other| other.value == one.value));
            Some(migrate::job(&path.0, found, &id)?)
        }
        Some(Migrate::Command(_)) => {
            return Err("`migrate:` of a Kubernetes deploy names the manifest of a Job: write \
                        `migrate: {job: PATH}`"
                .to_owned());
        }
    };
    let chosen = overrides::choose(ctx, target, plan.promote.is_some()).await?;
    let course = Course::begin(ctx, plan, target).await?;
    Ok(course.deploy(Work { documents: all, migration, chosen }).boxed().await)
}

async fn manifests(
    ctx: &DeployContext<'_>,
    target: &KubernetesDeploy,
    tree: &dyn WorkTree,
    written: &[Template],
) -> Result<Vec<Document>, String> {
    let written = written.iter().map(|Template(text)| ctx.expand(text));
    let sources = pick(tree, &written.collect::<Result<Vec<_>, _>>()?).await?;
    let mut all = documents(&sources)?;
    let lookup = |name: &str| {
        let secret = ctx.secrets.iter().any(|secret| secret.name.as_str() == name);
        ctx.value(name).map(|value| (value.to_owned(), secret))
    };
    let vars = Variables { listed: &target.vars, lookup: &lookup };
    for document in &mut all {
        fill(document, &vars)?;
        store(document);
    }
    if all.is_empty() {
        return Err("manifests: the files hold no object".to_owned());
    }
    Ok(all)
}

/// What is true in the cluster after a lost worker.
pub(super) async fn verify(
    ctx: &DeployContext<'_>,
    target: &KubernetesDeploy,
    work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    let course = Course::begin(ctx, &work.plan, target).await.map_err(|reason| {
        format!("the worker was lost and the cluster can not be asked: {reason}")
    })?;
    Ok(course.verify(work).boxed().await)
}

/// Brings back what was applied for an earlier version.
pub(super) async fn rollback(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &KubernetesDeploy,
    to: &Version,
    rendered: Option<&str>,
) -> Result<DeployOutcome, String> {
    let rendered = rendered.ok_or_else(|| {
        let short = to.commit.short();
        format!("what was applied for {short} is not kept: deploy that commit again")
    })?;
    let course = Course::begin(ctx, plan, target).await?;
    let done = course.restore(to, rendered).boxed().await;
    Ok(match done {
        Ok(()) => ctx.end(DeployProgress::Live { version: to.clone(), url: None }),
        Err(stop) => course.stopped(stop),
    })
}

impl Course<'_> {
    /// As a deploy: tried first, then applied, followed and swept.
    async fn restore(&self, to: &Version, rendered: &str) -> Result<(), Stop> {
        let (objects, secrets) = self.again(to, rendered).await?;
        self.keep(&objects)?;
        let tried = self.cluster.try_all(&objects).await.map_err(Stop::Found)?;
        self.ctx.hop("checked", format!("the API would take {tried} objects"));
        let applied = self.apply_all(&objects).await.map_err(|(stop, _)| stop)?;
        let version = to.clone();
        (self.ctx.progress)(DeployProgress::Applied { version, url: None });
        self.followed(&applied, Follow { previous_rendered: None, quiet: false }).await?;
        let keep = objects.iter().map(|one| &one.document).chain(&secrets);
        self.swept(&keep.collect::<Vec<_>>()).await
    }
}
