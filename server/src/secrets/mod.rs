//! Seals values so that only the row they belong to can open them.

pub(crate) mod signing;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use slipway_pipelines::ids::RepoId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::config::MasterKey;

const NONCE: usize = 24;

/// A sealed value that does not open: another key, another row, or damage.
#[derive(Debug, thiserror::Error)]
#[error(
    "a sealed value does not open: it was sealed with another master key, for another row, or is damaged"
)]
pub struct DoesNotOpen;

fn bound_to(id: Uuid, repo: RepoId, name: &str) -> Vec<u8> {
    format!("{id}|{repo}|{name}").into_bytes()
}

/// Seals `plain`, bound to its row.
///
/// # Panics
/// Never: the cipher takes every plain text that fits into memory.
#[must_use]
pub fn seal(key: &MasterKey, id: Uuid, repo: RepoId, name: &str, plain: &[u8]) -> Vec<u8> {
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let nonce: [u8; NONCE] = rand::random();
    let aad = bound_to(id, repo, name);
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
        .expect("XChaCha20-Poly1305 fails only beyond 256 GiB");
    [nonce.as_slice(), &sealed].concat()
}

/// Opens what [`seal`] sealed for the same row.
///
/// # Errors
/// [`DoesNotOpen`].
pub fn open(
    key: &MasterKey,
    id: Uuid,
    repo: RepoId,
    name: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE>().ok_or(DoesNotOpen)?;
    let aad = bound_to(id, repo, name);
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_for_the_row_it_was_sealed_for() {
        let key = MasterKey::new([7; 32]);
        let (id, repo) = (Uuid::now_v7(), RepoId::from(Uuid::now_v7()));
        let sealed = seal(&key, id, repo, "TOKEN", b"value");
        assert_eq!(&open(&key, id, repo, "TOKEN", &sealed).expect("same row")[..], b"value");
        assert!(open(&key, id, repo, "OTHER", &sealed).is_err());
        assert!(open(&key, Uuid::now_v7(), repo, "TOKEN", &sealed).is_err());
        assert!(open(&MasterKey::new([8; 32]), id, repo, "TOKEN", &sealed).is_err());
        assert!(!sealed.windows(5).any(|window| window == b"value"));
    }
}
