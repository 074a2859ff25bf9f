//! The tokens of workers and attempts. Their keys come from the master key, one key a kind, so
//! that neither passes as the other.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use slipway_pipelines::ids::{AttemptId, WorkerId};
use slipway_pipelines::wire::SecretText;
use zeroize::Zeroizing;

use crate::config::MasterKey;

/// Seconds until a worker must register again.
pub(super) const WORKER_SECONDS: u64 = 12 * 3600;

/// Longer than any job may last, with its freezes: the fence, not the clock, ends an attempt.
const ATTEMPT_SECONDS: u64 = 7 * 24 * 3600;

const WORKER: &str = "slipway worker";
const ATTEMPT: &str = "slipway attempt";

/// What a worker's token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkerClaims {
    /// Which worker.
    pub(super) worker: WorkerId,
    /// Which registration of it.
    pub(super) generation: i32,
    exp: u64,
    aud: String,
}

/// What an attempt's token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttemptClaims {
    /// Which attempt.
    pub(super) attempt: AttemptId,
    exp: u64,
    aud: String,
}

/// The token is not ours, of another kind, or too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadToken;

fn key(master: &MasterKey, kind: &str) -> Zeroizing<Vec<u8>> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(master.expose()).expect("HMAC takes keys of every length");
    mac.update(b"slipway token key\0");
    mac.update(kind.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

fn issue<T: Serialize>(master: &MasterKey, kind: &str, claims: &T) -> anyhow::Result<SecretText> {
    let key = EncodingKey::from_secret(&key(master, kind));
    Ok(SecretText::new(encode(&Header::new(Algorithm::HS256), claims, &key)?))
}

fn check<T: DeserializeOwned>(master: &MasterKey, kind: &str, token: &str) -> Result<T, BadToken> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.set_audience(&[kind]);
    validation.set_required_spec_claims(&["exp", "aud"]);
    let key = DecodingKey::from_secret(&key(master, kind));
    decode(token, &key, &validation).map(|data| data.claims).map_err(|_| BadToken)
}

fn expiry(seconds: u64) -> u64 {
    jsonwebtoken::get_current_timestamp().saturating_add(seconds)
}

/// A token with which the worker claims.
pub(super) fn for_worker(
    master: &MasterKey,
    worker: WorkerId,
    generation: i32,
) -> anyhow::Result<SecretText> {
    let (exp, aud) = (expiry(WORKER_SECONDS), WORKER.to_owned());
    issue(master, WORKER, &WorkerClaims { worker, generation, exp, aud })
}

/// A token that can do nothing but this attempt.
pub(super) fn for_attempt(master: &MasterKey, attempt: AttemptId) -> anyhow::Result<SecretText> {
    let (exp, aud) = (expiry(ATTEMPT_SECONDS), ATTEMPT.to_owned());
    issue(master, ATTEMPT, &AttemptClaims { attempt, exp, aud })
}

/// Reads a worker's token.
pub(super) fn worker(master: &MasterKey, token: &str) -> Result<WorkerClaims, BadToken> {
    check(master, WORKER, token)
}

/// Reads an attempt's token.
pub(super) fn attempt(master: &MasterKey, token: &str) -> Result<AttemptClaims, BadToken> {
    check(master, ATTEMPT, token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (WorkerId, AttemptId) {
        (uuid::Uuid::now_v7().into(), uuid::Uuid::now_v7().into())
    }

    #[test]
    fn a_token_says_what_it_was_issued_for() {
        let (master, (who, which)) = (MasterKey::new([1; 32]), ids());
        let token = for_worker(&master, who, 3).expect("issues");
        let claims = worker(&master, token.expose()).expect("reads");
        assert_eq!((claims.worker, claims.generation), (who, 3));
        let token = for_attempt(&master, which).expect("issues");
        assert_eq!(attempt(&master, token.expose()).expect("reads").attempt, which);
    }

    #[test]
    fn neither_kind_passes_as_the_other_nor_another_installations() {
        let (master, (who, which)) = (MasterKey::new([1; 32]), ids());
        let of_worker = for_worker(&master, who, 1).expect("issues");
        let of_attempt = for_attempt(&master, which).expect("issues");
        assert_eq!(attempt(&master, of_worker.expose()), Err(BadToken));
        assert_eq!(worker(&master, of_attempt.expose()), Err(BadToken));
        assert_eq!(worker(&MasterKey::new([2; 32]), of_worker.expose()), Err(BadToken));
    }

    #[test]
    fn an_old_or_altered_token_is_refused() {
        let (master, (who, _)) = (MasterKey::new([1; 32]), ids());
        let old = WorkerClaims { worker: who, generation: 1, exp: 1000, aud: WORKER.to_owned() };
        let old = issue(&master, WORKER, &old).expect("issues");
        assert_eq!(worker(&master, old.expose()), Err(BadToken));
        let good = for_worker(&master, who, 1).expect("issues");
        let mut altered = good.expose().to_owned();
        altered.replace_range(..1, "f");
        assert_eq!(worker(&master, &altered), Err(BadToken));
        assert_eq!(worker(&master, ""), Err(BadToken));
    }
}
