//! The `exec` plugins of kubeconfigs that are known: what they do is done here, they are never run.

use std::collections::HashMap;

use kube::config::ExecConfig;

/// Who gives the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    /// `aws eks get-token` and `aws-iam-authenticator token`.
    Eks(EksCluster),
    /// `gke-gcloud-auth-plugin`.
    Gke,
}

/// What the plugin of EKS was to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EksCluster {
    pub(super) name: String,
    pub(super) region: Option<String>,
}

/// The plugin that this stands for; others are refused by their names.
pub(super) fn known(exec: &ExecConfig) -> Result<Plugin, String> {
    let command = exec.command.as_deref().unwrap_or_default();
    let program = command.rsplit('/').next().unwrap_or_default();
    let args: Vec<&str> = exec.args.iter().flatten().map(String::as_str).collect();
    match program {
        "gke-gcloud-auth-plugin" => Ok(Plugin::Gke),
        "aws" if args.contains(&"eks") && args.contains(&"get-token") => {
            eks(exec, &args, &["--cluster-name", "--cluster-id"], &["--role-arn", "--role"])
        }
        "aws-iam-authenticator" if args.contains(&"token") => {
            eks(exec, &args, &["-i", "--cluster-id"], &["-r", "--role"])
        }
        _ => Err(format!(
            "the kubeconfig's user runs the program {program:?}, and Slipway runs none: it knows \
             `aws eks get-token`, `aws-iam-authenticator token` and `gke-gcloud-auth-plugin` by \
             itself; for others write a token or a client certificate into the kubeconfig"
        )),
    }
}

fn eks(exec: &ExecConfig, args: &[&str], names: &[&str], roles: &[&str]) -> Result<Plugin, String> {
    if option(args, roles).is_some() {
        return Err(format!(
            "the kubeconfig's user takes another role ({}), which Slipway does not do: give the \
             step the keys of that role",
            roles[0]
        ));
    }
    let name = option(args, names).ok_or_else(|| {
        format!("the kubeconfig's user asks EKS for a token without {}", names[0])
    })?;
    let region = option(args, &["--region"]).map(str::to_owned);
    let region = region.or_else(|| variable(exec, "AWS_REGION"));
    let region = region.or_else(|| variable(exec, "AWS_DEFAULT_REGION"));
    Ok(Plugin::Eks(EksCluster { name: name.to_owned(), region }))
}

/// `--name value` and `--name=value`.
fn option<'a>(args: &[&'a str], names: &[&str]) -> Option<&'a str> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if names.contains(arg) {
            return args.next().copied();
        }
        let split = arg.split_once('=');
        if let Some((_, value)) = split.filter(|(name, _)| names.contains(name)) {
            return Some(value);
        }
    }
    None
}

fn variable(exec: &ExecConfig, name: &str) -> Option<String> {
    let is = |entry: &&HashMap<String, String>| entry.get("name").is_some_and(|of| of == name);
    exec.env.iter().flatten().find(is).and_then(|entry| entry.get("value")).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(command: &str, args: &[&str]) -> ExecConfig {
        ExecConfig {
            command: Some(command.to_owned()),
            args: Some(args.iter().map(|&arg| arg.to_owned()).collect()),
            ..ExecConfig::default()
        }
    }

    #[test]
    fn the_known_plugins_are_understood() {
        let cluster = |region: Option<&str>| {
            let (name, region) = ("prod".to_owned(), region.map(str::to_owned));
            Ok(Plugin::Eks(EksCluster { name, region }))
        };
        let aws =
            exec("aws", &["--region", "eu-west-1", "eks", "get-token", "--cluster-name=prod"]);
        assert_eq!(known(&aws), cluster(Some("eu-west-1")));
        let mut iam = exec("/usr/bin/aws-iam-authenticator", &["token", "-i", "prod"]);
        assert_eq!(known(&iam), cluster(None));
        let pair = [("name", "AWS_REGION"), ("value", "us-east-2")];
        iam.env = Some(vec![pair.map(|(a, b)| (a.to_owned(), b.to_owned())).into()]);
        assert_eq!(known(&iam), cluster(Some("us-east-2")));
        assert_eq!(known(&exec("gke-gcloud-auth-plugin", &[])), Ok(Plugin::Gke));
    }

    #[test]
    fn others_are_refused_by_name() {
        for (plugin, expected) in [
            (exec("/bin/sh", &["-c", "curl evil"]), "\"sh\""),
            (exec("aws", &["sts", "assume-role"]), "\"aws\""),
            (exec("kubelogin", &["get-token"]), "\"kubelogin\""),
            (exec("aws", &["eks", "get-token"]), "without --cluster-name"),
            (exec("aws", &["eks", "get-token", "--cluster-name", "x", "--role-arn", "y"]), "role"),
        ] {
            let sentence = known(&plugin).expect_err("refused");
            assert!(sentence.contains(expected), "{sentence}");
        }
    }
}
