//! What `aws eks get-token` does: the token is an address of STS, signed with the step's keys and
//! the cluster's name, that the cluster asks to learn who we are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::super::super::DeployContext;
use super::plugin::EksCluster;

/// Signs one token after the other.
#[derive(Clone)]
pub(super) struct Signer {
    id: String,
    secret: SecretString,
    session: Option<SecretString>,
    region: String,
    cluster: String,
}

impl Signer {
    pub(super) fn new(
        ctx: &DeployContext<'_>,
        cluster: &EksCluster,
        host: &str,
    ) -> Result<Self, String> {
        let value = |name: &str| {
            let value = ctx.value(name).map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned)
        };
        let key = |name: &str| {
            value(name).ok_or_else(|| {
                format!("the kubeconfig's user is one of EKS: set the secret {name} for the step")
            })
        };
        let region = cluster.region.clone().or_else(|| of_host(host));
        let region = region.or_else(|| value("AWS_REGION")).or_else(|| value("AWS_DEFAULT_REGION"));
        let region = region.ok_or(
            "the kubeconfig's user is one of EKS, but no region is named: set AWS_DEFAULT_REGION",
        )?;
        if !region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            return Err(format!("{region:?} is no AWS region; write one like us-east-1"));
        }
        Ok(Self {
            id: key("AWS_ACCESS_KEY_ID")?,
            secret: key("AWS_SECRET_ACCESS_KEY")?.into(),
            session: value("AWS_SESSION_TOKEN").map(SecretString::from),
            region,
            cluster: cluster.name.clone(),
        })
    }

    /// For one request, now.
    pub(super) fn header(&self) -> Result<HeaderValue, hyper::header::InvalidHeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.token(Utc::now())))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn token(&self, now: DateTime<Utc>) -> String {
        format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(self.url(now)))
    }

    fn url(&self, now: DateTime<Utc>) -> String {
        let Self { region, .. } = self;
        let (date, time) = (now.format("%Y%m%d"), now.format("%Y%m%dT%H%M%SZ"));
        let ending = if region.starts_with("cn-") { ".cn" } else { "" };
        let host = format!("sts.{region}.amazonaws.com{ending}");
        let scope = format!("{date}/{region}/sts/aws4_request");
        let mut query = vec![
            ("Action", "GetCallerIdentity".to_owned()),
            ("Version", "2011-06-15".to_owned()),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("X-Amz-Credential", format!("{}/{scope}", self.id)),
            ("X-Amz-Date", time.to_string()),
            ("X-Amz-Expires", "60".to_owned()),
        ];
        if let Some(session) = &self.session {
            query.push(("X-Amz-Security-Token", session.expose_secret().to_owned()));
        }
        query.push(("X-Amz-SignedHeaders", "host;x-k8s-aws-id".to_owned()));
        let pair = |(name, value): &(&str, String)| format!("{name}={}", escaped(value));
        let query = query.iter().map(pair).collect::<Vec<_>>().join("&");
        let request = format!(
            "GET\n/\n{query}\nhost:{host}\nx-k8s-aws-id:{}\n\nhost;x-k8s-aws-id\n{}",
            self.cluster,
            hex::encode(Sha256::digest(b""))
        );
        let request = hex::encode(Sha256::digest(request.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{request}");
        let signature = self.signature(&date.to_string(), &text);
        format!("https://{host}/?{query}&X-Amz-Signature={signature}")
    }

    fn signature(&self, date: &str, text: &str) -> String {
        let mut key = format!("AWS4{}", self.secret.expose_secret()).into_bytes();
        for part in [date, &self.region, "sts", "aws4_request", text] {
            key = authenticated(&key, part);
        }
        hex::encode(key)
    }
}

fn authenticated(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// As signatures of AWS want it: everything but letters, digits and `-._~`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `ABC.gr7.us-east-1.eks.amazonaws.com` tells its region.
fn of_host(host: &str) -> Option<String> {
    let (rest, _) = host.split_once(".eks.amazonaws.com")?;
    rest.rsplit('.').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(session: Option<&str>) -> Signer {
        Signer {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session: session.map(|text| text.to_owned().into()),
            region: "us-east-1".to_owned(),
            cluster: "prod".to_owned(),
        }
    }

    #[test]
    fn keys_are_derived_as_the_documentation_of_aws_does() {
        // The example of "Deriving the signing key" in the reference of AWS.
        let secret = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec();
        let parts = ["20120215", "us-east-1", "iam", "aws4_request"];
        let key = parts.iter().fold(secret, |key, part| authenticated(&key, part));
        let expected = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d";
        assert_eq!(hex::encode(key), expected);
    }

    #[test]
    fn a_token_is_a_signed_address_that_names_the_cluster() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let token = signer(Some("a/b+c")).token(now);
        let encoded = token.strip_prefix("k8s-aws-v1.").expect("the prefix");
        let url = URL_SAFE_NO_PAD.decode(encoded).expect("base64");
        let url = String::from_utf8(url).expect("text");
        let expected = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&\
            Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
            X-Amz-Credential=AKIDEXAMPLE%2F20231114%2Fus-east-1%2Fsts%2Faws4_request&\
            X-Amz-Date=20231114T221320Z&X-Amz-Expires=60&X-Amz-Security-Token=a%2Fb%2Bc&\
            X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=";
        assert!(url.starts_with(expected), "{url}");
        assert!(!url.contains("EXAMPLEKEY"), "the key itself is not in it");
        assert_ne!(token, signer(None).token(now));
    }

    #[test]
    fn the_region_is_in_the_host_of_the_api() {
        assert_eq!(of_host("AB.gr7.eu-west-1.eks.amazonaws.com").as_deref(), Some("eu-west-1"));
        assert_eq!(of_host("10.0.0.1"), None);
    }
}
