//! Evidence as registries on ledgers keep it: as text, with what it binds beside it.
//!
//! Layer: client, below `registered`.
//! Holds: the way back from a registry's text to evidence, and the hash that an approver confirms.
//! Never: a verdict; a GPU's part, which registries do not keep: a worker with a GPU does not verify from one.
//! Invariant: what is read is the very text that the registry has on record, and the hash is over all that the evidence
//! has to bind: who confirms it confirms nothing else.

use crate::error::ClientError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_protocol::ledger::workers::{EvidenceRecord, WorkerRecord};
use prag_trust::evidence::{Binding, BindingPurpose, Evidence};
use sha2::{Digest, Sha256};

/// A worker's registration, read back whole.
pub struct Kept {
    /// What a verifier takes. Hostile until verified.
    pub evidence: Evidence,
    /// What it has to bind: key and claims of the registration, and the registry's challenge.
    pub binding: Binding,
    /// What an approver confirms: `PRAG-CONFIRM/v1` of the registry.
    pub hash: [u8; 32],
}

impl Kept {
    /// Puts together what a registry answers about one worker. `report`, `collateral`: the texts that it keeps.
    ///
    /// # Errors
    /// [`ClientError::Kept`] where the texts are not those on record, or no evidence.
    pub fn read(
        worker: &WorkerRecord,
        record: &EvidenceRecord,
        report: &str,
        collateral: &str,
    ) -> Result<Self, ClientError> {
        let same = |text: &str, bytes: u32, sha256: &[u8; 32]| {
            u32::try_from(text.len()) == Ok(bytes)
                && <[u8; 32]>::from(Sha256::digest(text)) == *sha256
        };
        if !same(report, record.report_bytes, &record.report_sha256)
            || !same(collateral, record.collateral_bytes, &record.collateral_sha256)
        {
            return Err(ClientError::Kept("it is not what is on record: ask again"));
        }
        let claims = &record.binding;
        let binding = Binding {
            purpose: BindingPurpose::Register,
            sig_pk: worker.signing_key,
            tls_spki_sha256: claims.tls_spki_sha256,
            nonce: record.nonce,
            ledger_id: claims.ledger_id,
            config_digest: claims.config_digest,
            policy_epoch: claims.policy_epoch,
        };
        Ok(Self { evidence: evidence(report, collateral)?, binding, hash: hash(worker, record) })
    }
}

/// A TDX quote comes in hex, an SNP report in base64 with its certificate, any other kind as its own JSON.
fn evidence(report: &str, collateral: &str) -> Result<Evidence, ClientError> {
    if let Ok(quote) = hex::decode(report.trim_ascii()) {
        return Ok(Evidence::Tdx { quote, collateral: collateral.as_bytes().to_vec(), gpu: None });
    }
    if let (Ok(report), Ok(vcek)) = (STANDARD.decode(report), STANDARD.decode(collateral)) {
        return Ok(Evidence::Snp { report, vcek, gpu: None });
    }
    serde_json::from_str(report).map_err(|_| ClientError::Kept("it is of no known kind"))
}

fn hash(worker: &WorkerRecord, record: &EvidenceRecord) -> [u8; 32] {
    let claims = &record.binding;
    let parts: [&[u8]; 11] = [
        worker.worker.as_str().as_bytes(),
        &worker.signing_key,
        &worker.hpke_key,
        worker.ip_address.as_bytes(),
        &record.nonce,
        &claims.tls_spki_sha256,
        &claims.ledger_id,
        &claims.config_digest,
        &claims.policy_epoch.to_be_bytes(),
        &record.report_sha256,
        &record.collateral_sha256,
    ];
    let mut hasher = Sha256::new_with_prefix("PRAG-CONFIRM/v1");
    for part in parts {
        // Every part is bounded far below 2^32 bytes.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hasher.update(length.to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Each kind comes back as what it was; what is none is refused.
    #[test]
    fn every_kind_is_told_apart() {
        let tdx = Evidence::Tdx { quote: vec![4, 0xab], collateral: b"{}".to_vec(), gpu: None };
        assert!(evidence("04ab", "{}").is_ok_and(|read| read == tdx));
        let snp = Evidence::Snp { report: vec![0xfb, 0xff, 0xfe], vcek: vec![7], gpu: None };
        assert!(evidence("+//+", "Bw==").is_ok_and(|read| read == snp));
        let json = serde_json::to_string(&snp).unwrap();
        assert!(evidence(&json, "").is_ok_and(|read| read == snp));
        for bad in ["{}", "no evidence", r#"{"kind":"other"}"#] {
            assert!(matches!(evidence(bad, "{}"), Err(ClientError::Kept(_))), "{bad}");
        }
    }
}
