//! What of a kubeconfig is taken, and what is refused: it comes from a secret's text, so whatever
//! leads to a file or a program of the worker's machine has no meaning.

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig};

use super::plugin::{self, Plugin};

/// The kubeconfig of one context.
pub(super) struct Chosen {
    pub(super) kubeconfig: Kubeconfig,
    pub(super) context: Option<String>,
    pub(super) plugin: Option<Plugin>,
    /// For the log.
    pub(super) warnings: Vec<String>,
}

/// Reads the text; only the chosen context has to be usable.
pub(super) fn read(text: &str, context: Option<String>) -> Result<Chosen, String> {
    let mut kubeconfig = Kubeconfig::from_yaml(text).map_err(|_| {
        "the kubeconfig is not well formed: set the secret to the text of a whole kubeconfig file"
            .to_owned()
    })?;
    let name = context
        .or_else(|| kubeconfig.current_context.clone())
        .ok_or("the kubeconfig has no current context: write `context:`")?;
    let of = find(&kubeconfig, &name)?;
    let mut warnings = Vec::new();
    let cluster = kubeconfig.clusters.iter().find(|one| one.name == of.cluster);
    let cluster = cluster.and_then(|one| one.cluster.as_ref()).ok_or_else(|| {
        let cluster = &of.cluster;
        format!("context {name:?} of the kubeconfig names the cluster {cluster:?}, which it lacks")
    })?;
    refuse_cluster(cluster, &mut warnings)?;
    let user = of.user.clone().unwrap_or_default();
    let mut plugin = None;
    for one in &mut kubeconfig.auth_infos {
        let Some(info) = one.auth_info.as_mut().filter(|_| one.name == user) else { continue };
        refuse_user(info)?;
        plugin = info.exec.take().map(|exec| plugin::known(&exec)).transpose()?;
    }
    Ok(Chosen { kubeconfig, context: Some(name), plugin, warnings })
}

fn find(kubeconfig: &Kubeconfig, name: &str) -> Result<Context, String> {
    let context = kubeconfig.contexts.iter().find(|one| one.name == name);
    context.and_then(|one| one.context.clone()).ok_or_else(|| {
        let names: Vec<_> = kubeconfig.contexts.iter().map(|one| one.name.as_str()).collect();
        format!("the kubeconfig has no context {name:?}; it has: {}", names.join(", "))
    })
}

fn file(field: &str, data: &str) -> String {
    format!(
        "the kubeconfig's `{field}` is the path of a file, which is not on the worker: write \
         {data} instead (`kubectl config view --raw --flatten` does that)"
    )
}

fn refuse_cluster(cluster: &Cluster, warnings: &mut Vec<String>) -> Result<(), String> {
    if cluster.certificate_authority.is_some() {
        return Err(file("certificate-authority", "its content as `certificate-authority-data`"));
    }
    if cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
        return Err("the kubeconfig's `proxy-url` is not supported: the worker asks the API \
                    directly"
            .to_owned());
    }
    if cluster.insecure_skip_tls_verify == Some(true) {
        warnings.push(
            "Warning: the kubeconfig says insecure-skip-tls-verify: whoever is between the \
             worker and the API can read and change everything"
                .to_owned(),
        );
    }
    let server = cluster.server.as_deref().unwrap_or_default();
    let url = url::Url::parse(server).map_err(|_| {
        "the kubeconfig's `server` is not an address: write https://HOST:PORT".to_owned()
    })?;
    let metadata = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_link_local(),
        Some(url::Host::Ipv6(ip)) => {
            ip.is_unicast_link_local()
                || ip.segments()[..4] == [0xfd00, 0xec2, 0, 0]
                || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_link_local())
        }
        Some(url::Host::Domain(_)) | None => false,
    };
    if metadata {
        return Err("the kubeconfig's `server` is an address that no cluster has".to_owned());
    }
    Ok(())
}

fn refuse_user(user: &AuthInfo) -> Result<(), String> {
    let certificate = "its content as `client-certificate-data`";
    for (path, field, data) in [
        (&user.client_certificate, "client-certificate", certificate),
        (&user.client_key, "client-key", "its content as `client-key-data`"),
        (&user.token_file, "tokenFile", "its content as `token`"),
    ] {
        if path.is_some() {
            return Err(file(field, data));
        }
    }
    if let Some(provider) = &user.auth_provider {
        return Err(format!(
            "the kubeconfig's user has the auth-provider {:?}, which Kubernetes gave up: write a \
             token, a client certificate or a known plugin",
            provider.name
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{{cluster}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: t, context: {{cluster: c, \
             user: u, namespace: shop}}}}]\ncurrent-context: t\n"
        )
    }

    #[test]
    fn what_leads_to_the_machine_is_refused_by_name() {
        let here = "server: \"https://a:1\"";
        let token = "token: x";
        for (cluster, user, expected) in [
            ("server: \"https://a:1\", certificate-authority: /ca", token, "authority-data"),
            ("server: \"https://a:1\", proxy-url: \"http://p\"", token, "proxy-url"),
            ("server: nowhere", token, "`server` is not an address"),
            ("server: \"http://169.254.169.254\"", token, "no cluster has"),
            ("server: \"http://[::ffff:169.254.169.254]\"", token, "no cluster has"),
            (here, "client-key: /k", "client-key-data"),
            (here, "client-certificate: /k", "client-certificate-data"),
            (here, "tokenFile: /t", "`tokenFile`"),
            (here, "auth-provider: {name: gcp}", "\"gcp\""),
            (here, "exec: {command: /bin/evil}", "\"evil\""),
        ] {
            let sentence = read(&config(cluster, user), None).err().expect("refused");
            assert!(sentence.contains(expected), "{sentence}");
        }
    }

    #[test]
    fn a_context_is_found_and_a_broken_text_is_never_quoted() {
        let text = config("server: \"https://a:1\", insecure-skip-tls-verify: true", "token: x");
        let chosen = read(&text, None).unwrap_or_else(|sentence| panic!("{sentence}"));
        assert_eq!(chosen.warnings.len(), 1);
        let sentence = read(&text, Some("prod".to_owned())).err().expect("no such context");
        assert_eq!(sentence, "the kubeconfig has no context \"prod\"; it has: t");
        let sentence = read("token: s3cret: [", None).err().expect("broken");
        assert!(!sentence.contains("s3cret"), "{sentence}");
    }
}
