//! Secret files: plain under file permissions, or sealed under a passphrase.
//!
//! Layer: client.
//! Holds: AES-256-GCM-SIV under Argon2id (RFC 9106), bound to what the file is for.
//! Never: prints a secret, or keeps one in memory that is not wiped.
//! Invariant: a file written for one purpose does not open for another.

use crate::error::ClientError;
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_trust::entropy::{Entropy, random};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Largest secret file, bytes.
pub(crate) const SECRET_FILE_BYTES_MAX: u64 = 16 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFile {
    version: u32,
    purpose: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argon2id: Option<Stretch>,
    /// Base64 of the secret, or of nonce and ciphertext where `argon2id` is there.
    body: Zeroizing<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
}

/// The file's bytes for `secret`.
pub(crate) fn encode(
    purpose: &str,
    secret: &[u8],
    passphrase: Option<&str>,
    entropy: &mut dyn Entropy,
) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let (argon2id, body) = match passphrase {
        None => (None, Zeroizing::new(STANDARD.encode(secret))),
        Some(passphrase) => {
            let stretch = Stretch {
                memory_kib: MEMORY_KIB,
                passes: PASSES,
                lanes: 1,
                salt: random(entropy)?,
            };
            let nonce: [u8; 12] = random(entropy)?;
            let aad = associated(purpose);
            let payload = Payload { msg: secret, aad: &aad };
            let sealed = cipher(passphrase, stretch)?
                .encrypt(&Nonce::from(nonce), payload)
                .map_err(|_| ClientError::Crypto("sealing a secret file"))?;
            let body = [&nonce[..], &sealed].concat();
            (Some(stretch), Zeroizing::new(STANDARD.encode(body)))
        }
    };
    let file = SecretFile { version: 1, purpose: purpose.to_owned(), argon2id, body };
    serde_json::to_vec_pretty(&file)
        .map(Zeroizing::new)
        .map_err(|_| ClientError::Crypto("writing a secret file"))
}

/// The secret in a file's bytes.
pub(crate) fn decode(
    purpose: &str,
    bytes: &[u8],
    passphrase: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let file: SecretFile =
        serde_json::from_slice(bytes).map_err(|_| ClientError::SecretFile("not a secret file"))?;
    if file.version != 1 {
        return Err(ClientError::SecretFile("unknown version"));
    }
    if file.purpose != purpose {
        return Err(ClientError::SecretFile("it was written for something else"));
    }
    let body = STANDARD
        .decode(file.body.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| ClientError::SecretFile("not base64"))?;
    let Some(stretch) = file.argon2id else {
        return Ok(body);
    };
    let passphrase = passphrase.ok_or(ClientError::Passphrase)?;
    let (nonce, sealed) =
        body.split_first_chunk::<12>().ok_or(ClientError::SecretFile("truncated"))?;
    let aad = associated(purpose);
    let payload = Payload { msg: sealed, aad: &aad };
    cipher(passphrase, stretch)?
        .decrypt(&Nonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| ClientError::Passphrase)
}

fn cipher(passphrase: &str, stretch: Stretch) -> Result<Aes256GcmSiv, ClientError> {
    let Stretch { memory_kib, passes, lanes, salt } = stretch;
    if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
        return Err(ClientError::SecretFile("it asks for too much memory or time"));
    }
    let refused = |_| ClientError::SecretFile("its Argon2 parameters are not usable");
    let params = argon2::Params::new(memory_kib, passes, lanes, Some(32)).map_err(refused)?;
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut key = Zeroizing::new([0u8; 32]);
    argon.hash_password_into(passphrase.as_bytes(), &salt, &mut key[..]).map_err(refused)?;
    Aes256GcmSiv::new_from_slice(&key[..]).map_err(|_| ClientError::Crypto("keying a cipher"))
}

fn associated(purpose: &str) -> Vec<u8> {
    let mut out = b"prag/secret-file/v1".to_vec();
    out.extend_from_slice(purpose.as_bytes());
    out
}

/// RFC 9106, section 4: the choice for machines with little memory.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const MEMORY_KIB_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::system::OsEntropy;

    /// A sealed file opens with its passphrase for its purpose, and in no other way.
    #[test]
    fn opens_only_with_passphrase_and_purpose() {
        let sealed = encode("share/a", b"thirty-two", Some("horse"), &mut OsEntropy).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains(&STANDARD.encode(b"thirty-two")));
        let open = |purpose, passphrase| decode(purpose, &sealed, passphrase);
        assert_eq!(&open("share/a", Some("horse")).unwrap()[..], b"thirty-two");
        assert!(matches!(open("share/a", Some("mule")), Err(ClientError::Passphrase)));
        assert!(matches!(open("share/a", None), Err(ClientError::Passphrase)));
        assert!(matches!(open("share/b", Some("horse")), Err(ClientError::SecretFile(_))));

        let renamed = String::from_utf8_lossy(&sealed).replace("share/a", "share/b");
        let moved = decode("share/b", renamed.as_bytes(), Some("horse"));
        assert!(matches!(moved, Err(ClientError::Passphrase)));
    }

    /// A plain file opens with or without a passphrase in the environment.
    #[test]
    fn plain_files_need_none() {
        let plain = encode("identity/a", b"secret", None, &mut OsEntropy).unwrap();
        assert_eq!(&decode("identity/a", &plain, None).unwrap()[..], b"secret");
        assert_eq!(&decode("identity/a", &plain, Some("x")).unwrap()[..], b"secret");
        assert!(decode("identity/a", b"{}", None).is_err());
    }

    /// A hostile file cannot ask for unbounded memory.
    #[test]
    fn bounds_the_stretching() {
        let sealed = encode("p", b"s", Some("x"), &mut OsEntropy).unwrap();
        let text = String::from_utf8_lossy(&sealed).replace("65536", "4000000000");
        let opened = decode("p", text.as_bytes(), Some("x"));
        assert!(matches!(opened, Err(ClientError::SecretFile(_))));
    }

    /// File format 1 is frozen: JSON, base64, Argon2id's parameters, and what AES-256-GCM-SIV binds. An independent
    /// program (Python: cryptography's Argon2id and AES-GCM-SIV) sealed the body; it opens for ever.
    #[test]
    fn golden_files() {
        struct Counting(u8);
        impl Entropy for Counting {
            fn fill(&mut self, out: &mut [u8]) -> Result<(), prag_trust::entropy::EntropyError> {
                for byte in out {
                    *byte = self.0;
                    self.0 += 1;
                }
                Ok(())
            }
        }

        let plain = concat!(
            "{\n  \"version\": 1,\n  \"purpose\": \"share/a\",\n",
            "  \"body\": \"dGhpcnR5LXR3bw==\"\n}",
        );
        let file = encode("share/a", b"thirty-two", None, &mut Counting(0)).unwrap();
        assert_eq!(String::from_utf8_lossy(&file), plain);
        assert_eq!(&decode("share/a", plain.as_bytes(), None).unwrap()[..], b"thirty-two");

        let salt: Vec<String> = (0..16).map(|byte| format!("      {byte}")).collect();
        let sealed = [
            "{\n  \"version\": 1,\n  \"purpose\": \"share/a\",\n  \"argon2id\": {\n",
            "    \"memory_kib\": 65536,\n    \"passes\": 3,\n    \"lanes\": 1,\n",
            &format!("    \"salt\": [\n{}\n    ]\n  }},\n", salt.join(",\n")),
            "  \"body\": \"EBESExQVFhcYGRob/WJr/w1ZCaUrSyZnE/FVXB8r7govIXhrZJk=\"\n}",
        ]
        .concat();
        let file = encode("share/a", b"thirty-two", Some("horse"), &mut Counting(0)).unwrap();
        assert_eq!(String::from_utf8_lossy(&file), sealed);
        let opened = decode("share/a", sealed.as_bytes(), Some("horse")).unwrap();
        assert_eq!(&opened[..], b"thirty-two");
    }
}
