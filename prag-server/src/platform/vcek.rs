//! AMD's certificate for the signer of an SNP report: from a file, from the host, or from AMD's key server.
//!
//! Layer: server, `platform`.
//! Holds: the order of the three, and how the key server is asked.
//! Never: a judgement: whoever gives the certificate can only make evidence fail.
//! Invariant: a kept certificate is used for the chip and firmware that it was fetched for.
//!
//! Source: AMD VCEK Certificate and KDS Interface (57230).

use super::cache::{Answer, Cache};
use super::{PlatformError, fetch, file};
use prag_trust::quote::snp::{self, CERTIFICATE_BYTES_MAX, Product, Signer, TABLE_BYTES_MAX, Tcb};
use std::path::PathBuf;

/// Where certificates come from.
pub(super) struct Certificates {
    /// DER, PEM or a host's table; read anew for each report.
    file: Option<PathBuf>,
    /// AMD's key server, or one that speaks for it.
    kds: Option<String>,
    cache: Cache<String>,
}

impl Certificates {
    pub(super) fn new(file: Option<PathBuf>, kds: Option<&str>) -> Self {
        let kds = kds.map(|base| base.trim_end_matches('/').to_owned());
        Self { file, kds, cache: Cache::new() }
    }

    /// The certificate of the signer of `report`, DER, at Unix second `now`. `table`: what the host gave with the report.
    pub(super) fn of(
        &self,
        report: &[u8],
        table: Option<&[u8]>,
        now: u64,
    ) -> Result<Vec<u8>, PlatformError> {
        let read = snp::parse(report)?;
        if let Some(path) = &self.file {
            let bytes = file(path, "the file of the VCEK (`vcek`)", TABLE_BYTES_MAX)?;
            return Ok(snp::endorsement(&bytes, read.signer)?);
        }
        let table = table.map(|table| snp::certificates(table, read.signer));
        match (table, &self.kds) {
            (Some(Ok(found)), _) => Ok(found.to_vec()),
            (Some(Err(error)), _) if read.signer == Signer::Cloud => Err(error.into()),
            (Some(Err(error)), None) => Err(error.into()),
            (None, _) if read.signer == Signer::Cloud => Err(UNSET_VLEK),
            (None, None) => Err(UNSET),
            (_, Some(base)) => {
                let (Some(product), Some(tcb)) = (read.product, read.reported_tcb) else {
                    return Err(UNNAMED);
                };
                let url = format!("{base}/{}", path(product, &read.chip_id, tcb));
                self.cache.get(url, now, |url| get(url))
            }
        }
    }
}

fn get(url: &str) -> Result<Answer, PlatformError> {
    let [reply] = fetch::get("AMD's key server (`kds`)", &[url.to_owned()])?;
    if reply.body.len() > CERTIFICATE_BYTES_MAX {
        return Err(PlatformError::Size { what: "the VCEK", max: CERTIFICATE_BYTES_MAX });
    }
    // A VCEK lives for years; the cache asks again long before.
    Ok(Answer { bytes: reply.body, expires: u64::MAX })
}

fn path(product: Product, chip_id: &[u8; 64], tcb: Tcb) -> String {
    let Tcb { fmc, bootloader, tee, snp, microcode } = tcb;
    let (name, id, fmc) = match product {
        Product::Milan => ("Milan", &chip_id[..], String::new()),
        Product::Genoa => ("Genoa", &chip_id[..], String::new()),
        Product::Turin => ("Turin", &chip_id[..8], format!("fmcSPL={fmc:02}&")),
    };
    let firmware =
        format!("blSPL={bootloader:02}&teeSPL={tee:02}&snpSPL={snp:02}&ucodeSPL={microcode:02}");
    format!("vcek/v1/{name}/{}?{fmc}{firmware}", hex::encode(id))
}

const UNSET: PlatformError = PlatformError::Unset(
    "the host gives no certificate with its SNP reports: set `evidence.vcek` (a file) or `evidence.kds` (AMD's is \
     https://kdsintf.amd.com)",
);
const UNSET_VLEK: PlatformError = PlatformError::Unset(
    "the host signs with a VLEK and gives no certificate for it: set `evidence.vcek` (a file)",
);
const UNNAMED: PlatformError = PlatformError::Unset(
    "the SNP report is of version 2, which does not name the product for the key server: set `evidence.vcek` (a file)",
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// The key server is asked as AMD's document has it; Turin has a fifth part and a short chip id.
    #[test]
    fn the_key_server_is_asked_for_chip_and_firmware() {
        let mut id = [0xab; 64];
        let tcb = Tcb { fmc: 1, bootloader: 3, tee: 0, snp: 8, microcode: 115 };
        let asked = path(Product::Milan, &id, tcb);
        let firmware = "blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115";
        assert_eq!(asked, format!("vcek/v1/Milan/{}?{firmware}", "ab".repeat(64)));
        id[8..].fill(0);
        let asked = path(Product::Turin, &id, tcb);
        assert_eq!(asked, format!("vcek/v1/Turin/{}?fmcSPL=01&{firmware}", "ab".repeat(8)));
    }
}
