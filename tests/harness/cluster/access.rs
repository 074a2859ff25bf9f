//! Kubeconfigs of a story: whole texts, as somebody would store them as a secret.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::config::{AuthInfo, Kubeconfig};

use super::Namespace;
use crate::eventually;

const LONG: Duration = Duration::from_secs(60);
const ACCOUNT: &str = "story";

impl Namespace {
    /// The administrator's, with this namespace as the one that is meant.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn kubeconfig(&self) -> Result<String> {
        text(&self.meant(self.cluster.kubeconfig.clone())?)
    }

    /// One whose account has these rights in this namespace and no others; made once a story.
    ///
    /// # Errors
    /// When the API refuses it.
    pub async fn limited_kubeconfig(&self, rules: Vec<PolicyRule>) -> Result<String> {
        text(&self.limited(rules).await?)
    }

    /// A client with these rights in this namespace and no others.
    ///
    /// # Errors
    /// When the API refuses it.
    pub async fn limited_client(&self, rules: Vec<PolicyRule>) -> Result<Client> {
        super::client(self.limited(rules).await?).await
    }

    fn meant(&self, mut kubeconfig: Kubeconfig) -> Result<Kubeconfig> {
        let named = kubeconfig.contexts.first_mut().context("a kubeconfig has a context")?;
        let context = named.context.as_mut().context("a context says something")?;
        context.namespace = Some(self.name.clone());
        Ok(kubeconfig)
    }

    async fn limited(&self, rules: Vec<PolicyRule>) -> Result<Kubeconfig> {
        let params = PostParams::default();
        let metadata = ObjectMeta { name: Some(ACCOUNT.to_owned()), ..ObjectMeta::default() };
        let account = ServiceAccount { metadata: metadata.clone(), ..ServiceAccount::default() };
        let accounts: Api<ServiceAccount> = self.api();
        accounts.create(&params, &account).await?;
        let role = Role { metadata: metadata.clone(), rules: Some(rules) };
        self.api::<Role>().create(&params, &role).await?;
        let group = "rbac.authorization.k8s.io".to_owned();
        let role_ref =
            RoleRef { api_group: group, kind: "Role".to_owned(), name: ACCOUNT.to_owned() };
        let subject = Subject {
            kind: "ServiceAccount".to_owned(),
            name: ACCOUNT.to_owned(),
            namespace: Some(self.name.clone()),
            ..Subject::default()
        };
        let binding = RoleBinding { metadata, role_ref, subjects: Some(vec![subject]) };
        self.api::<RoleBinding>().create(&params, &binding).await?;

        let mut kubeconfig = self.meant(self.cluster.kubeconfig.clone())?;
        let user = kubeconfig.auth_infos.first_mut().context("a kubeconfig has a user")?;
        user.auth_info = Some(AuthInfo {
            token: Some(self.token(&accounts).await.into()),
            ..AuthInfo::default()
        });
        Ok(kubeconfig)
    }

    /// The token that the controller makes for the account.
    async fn token(&self, accounts: &Api<ServiceAccount>) -> String {
        let secrets: Api<Secret> = self.api();
        eventually("the account has its token", LONG, || async {
            let account = accounts.get(ACCOUNT).await?;
            let named = account.secrets.unwrap_or_default().into_iter().find_map(|it| it.name);
            let Some(name) = named else { return Ok(None) };
            let data = secrets.get(&name).await?.data.unwrap_or_default();
            let token = data.get("token").context("the secret holds no token yet")?;
            Ok(Some(String::from_utf8(token.0.clone())?))
        })
        .await
    }
}

/// JSON, which is YAML, too; one line, since each line of a secret is masked in logs.
fn text(kubeconfig: &Kubeconfig) -> Result<String> {
    Ok(serde_json::to_string(kubeconfig)?)
}
