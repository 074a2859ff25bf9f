//! The way to the cluster: which API, and who we are there.

mod eks;
mod gke;
mod kubeconfig;
mod plugin;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube::client::{Body, ClientBuilder};
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use secrecy::ExposeSecret as _;
use slipway_pipelines::plan::{KubernetesDeploy, Template};
use tower::util::MapRequestLayer;

use super::super::DeployContext;
use plugin::Plugin;

/// A client that has asked nothing yet.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Where what names no namespace goes.
    pub(super) namespace: String,
    /// For sentences: the API's address.
    pub(super) server: String,
    /// When the token has had its time, in seconds of Unix, where it says that itself.
    expires: Option<i64>,
}

impl Connection {
    pub(super) fn expired(&self) -> bool {
        self.expires.is_some_and(|at| at <= chrono::Utc::now().timestamp())
    }
}

/// Reads the step's kubeconfig, or takes the worker's own identity where that is allowed.
pub(super) async fn connect(
    ctx: &DeployContext<'_>,
    target: &KubernetesDeploy,
) -> Result<Connection, String> {
    let expand = |option: &Option<Template>| {
        let text = option.as_ref().map(|Template(text)| ctx.expand(text)).transpose()?;
        Ok::<_, String>(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    let context = expand(&target.context)?;
    let namespace = expand(&target.namespace)?;
    let (config, plugin) = match &target.kubeconfig {
        Some(Template(text)) => {
            // Its text is a secret: no message may have it.
            let text = ctx.expand(text).map_err(|_| {
                "`kubeconfig` names a secret that this step does not have: set it with `slipway \
                 secret set`"
                    .to_owned()
            })?;
            let chosen = kubeconfig::read(&text, context)?;
            for warning in &chosen.warnings {
                ctx.say(warning);
            }
            let options = KubeConfigOptions { context: chosen.context, ..Default::default() };
            let config = Config::from_custom_kubeconfig(chosen.kubeconfig, &options).await;
            // The cause may quote what it could not read.
            let config = config.map_err(|_| {
                "the kubeconfig is not complete: its context, cluster or certificates are not \
                 well formed"
                    .to_owned()
            })?;
            (config, chosen.plugin)
        }
        None => (ambient(ctx)?, None),
    };
    build(ctx, config, plugin, namespace).await
}

fn ambient(ctx: &DeployContext<'_>) -> Result<Config, String> {
    if !ctx.ambient {
        return Err("there is no kubeconfig: write `kubeconfig: $NAME` with the name of a secret \
                    that holds it; the worker's own identity is for environments that the \
                    operator allows it"
            .to_owned());
    }
    Config::incluster().map_err(|error| {
        format!("the worker has no identity of its own in a cluster: {error}; write `kubeconfig:`")
    })
}

async fn build(
    ctx: &DeployContext<'_>,
    mut config: Config,
    plugin: Option<Plugin>,
    namespace: Option<String>,
) -> Result<Connection, String> {
    let server = config.cluster_url.to_string();
    // What the worker's own environment says about proxies is not the deploy's.
    config.proxy_url = None;
    // We wait as long as we are asked to, and say so.
    config.default_retry = false;
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let host = config.cluster_url.host().unwrap_or_default().to_owned();
    let signer = match plugin {
        Some(Plugin::Eks(cluster)) => Some(eks::Signer::new(ctx, &cluster, &host)?),
        Some(Plugin::Gke) => {
            config.auth_info.token = Some(gke::token(ctx).await?);
            None
        }
        None => None,
    };
    let token = config.auth_info.token.as_ref();
    let expires = token.and_then(|token| expiry(token.expose_secret()));
    let builder = ClientBuilder::try_from(config)
        .map_err(|error| format!("the kubeconfig can not be used: {}", kind_of(&error)))?;
    let client = match signer {
        None => builder.build(),
        Some(signer) => {
            // A token of EKS lives for fourteen minutes: each request has its own.
            let sign = move |mut request: hyper::Request<Body>| {
                if let Ok(value) = signer.header() {
                    request.headers_mut().insert(hyper::header::AUTHORIZATION, value);
                }
                request
            };
            builder.with_layer(&MapRequestLayer::new(sign)).build()
        }
    };
    Ok(Connection { client, namespace, server, expires })
}

/// What a token of the JWT kind says of its own end.
fn expiry(token: &str) -> Option<i64> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims.get("exp")?.as_i64()
}

/// What of an error can not quote a secret.
fn kind_of(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::RustlsTls(_) => "its certificate or its key is not well formed",
        kube::Error::Auth(_) => "what it says about the user is not well formed",
        _ => "it is not well formed",
    }
}
