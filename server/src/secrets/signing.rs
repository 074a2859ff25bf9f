//! The keys that tokens for other services are signed with: RSA, since every service takes it.

use anyhow::{Context, Result};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use slipway_pipelines::ids::RepoId;
use slipway_pipelines::wire::SecretText;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{open, seal};
use crate::config::MasterKey;

/// What the sealed key is bound to, beside its own id: it is of no repo.
const NAME: &str = "signing key";

/// A new key, sealed, with what others may know of it.
#[derive(Debug)]
pub(crate) struct NewKey {
    /// The tokens' `kid`.
    pub(crate) id: Uuid,
    /// Sealed with the master key.
    pub(crate) sealed: Vec<u8>,
    /// A JWK.
    pub(crate) public: serde_json::Value,
}

/// Makes one. Takes a good part of a second.
pub(crate) fn make(master: &MasterKey) -> Result<NewKey> {
    let pair = KeyPair::generate(KeySize::Rsa2048).context("no signing key can be made")?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).context("the signing key has no form")?;
    let id = Uuid::now_v7();
    let mut public = Jwk::from_encoding_key(&key(der.as_ref())?, Algorithm::RS256)?;
    public.common.key_id = Some(id.to_string());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    let sealed = seal(master, id, of_no_repo(), NAME, der.as_ref());
    Ok(NewKey { id, sealed, public: serde_json::to_value(public)? })
}

/// Signs the claims with the sealed key of that id.
pub(crate) fn sign<T: Serialize>(
    master: &MasterKey,
    id: Uuid,
    sealed: &[u8],
    claims: &T,
) -> Result<SecretText> {
    let der = open(master, id, of_no_repo(), NAME, sealed)?;
    let header = Header { kid: Some(id.to_string()), ..Header::new(Algorithm::RS256) };
    Ok(SecretText::new(encode(&header, claims, &key(&der)?)?))
}

fn of_no_repo() -> RepoId {
    RepoId::from(Uuid::nil())
}

fn key(pkcs8: &[u8]) -> Result<EncodingKey> {
    let text = Zeroizing::new(STANDARD.encode(pkcs8));
    let pem = Zeroizing::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        text.as_str()
    ));
    EncodingKey::from_rsa_pem(pem.as_bytes()).context("the signing key can not be read")
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_key_signs_its_public_half_knows() {
        let master = MasterKey::new([7; 32]);
        let made = make(&master).expect("a key");
        let claims = json!({ "sub": "repo:a/b:environment:c", "exp": 4_000_000_000_u64 });
        let token = sign(&master, made.id, &made.sealed, &claims).expect("signs");
        let public: Jwk = serde_json::from_value(made.public.clone()).expect("a JWK");
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_aud = false;
        let key = DecodingKey::from_jwk(&public).expect("a key");
        let read = decode::<serde_json::Value>(token.expose(), &key, &rules).expect("it is ours");
        assert_eq!(read.claims, claims);
        assert_eq!(read.header.kid, Some(made.id.to_string()));
        assert!(made.public.get("d").is_none(), "the secret half is not shown");
        let other = MasterKey::new([8; 32]);
        assert!(sign(&other, made.id, &made.sealed, &claims).is_err());
    }
}
