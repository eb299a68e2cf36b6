//! The certificate of the signer: its chain, its dates, and what AMD wrote into it.
//!
//! Layer: `prag-quote::snp`.
//! Holds: ARK -> ASK -> VCEK and ARK -> ASVK -> VLEK, and the extensions that name chip and firmware.
//! Never: one kind in the other's place, or a chain of another length.
//! Invariant: an [`Endorsed`] comes out only if the chain to the root holds at `now`.

use super::{Product, Root, Rules, Signer, Tcb};
use crate::QuoteError;
use crate::error::{bounded, dated};
use p384::ecdsa::VerifyingKey;
use sev::certs::snp::{Certificate as Signed, Verifiable, builtin};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier};

/// What the certificate says of the signer of the report.
pub(super) struct Endorsed {
    pub(super) key: VerifyingKey,
    pub(super) product: Product,
    /// As in the report: 64 bytes, Turin 8. A VLEK names no chip.
    pub(super) chip_id: Option<Vec<u8>>,
    pub(super) tcb: Tcb,
}

pub(super) fn endorsed(
    der: &[u8],
    signer: Signer,
    rules: &Rules<'_>,
    now: u64,
) -> Result<Endorsed, QuoteError> {
    let asvk = match signer {
        Signer::Chip => None,
        Signer::Cloud => {
            Some(rules.asvk.ok_or(QuoteError::Unsupported("SNP report signed by a VLEK"))?)
        }
    };
    let leaf = parse("VCEK certificate", der)?;
    // AMD names the cloud in a VLEK, and in nothing else.
    match (extension(&leaf, CUSTOMER)?, signer) {
        (Some(_), Signer::Chip) => return Err(QuoteError::Unsupported("VLEK certificate")),
        (None, Signer::Cloud) => return Err(QuoteError::Unsupported("VCEK certificate")),
        _ => (),
    }
    let product = product(&leaf)?;
    let (ark, ask) = authorities(&rules.root, product)?;
    issued("ARK", &ark, &ark, now)?;
    match asvk {
        None => {
            issued("ASK", &ark, &ask, now)?;
            issued("VCEK", &ask, &leaf, now)?;
        }
        Some(asvk) => {
            let asvk = parse("ASVK", asvk)?;
            issued("ASVK", &ark, &asvk, now)?;
            issued("VLEK", &asvk, &leaf, now)?;
        }
    }
    let key = leaf.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
    let key =
        VerifyingKey::from_sec1_bytes(key).map_err(|_| QuoteError::Format("key of the VCEK"))?;
    let chip_id = match signer {
        Signer::Chip => Some(chip_id(&leaf, product)?),
        Signer::Cloud => None,
    };
    Ok(Endorsed { key, product, chip_id, tcb: tcb(&leaf, product)? })
}

/// ARK and ASK.
fn authorities(
    root: &Root<'_>,
    product: Product,
) -> Result<(Certificate, Certificate), QuoteError> {
    let (ark, ask) = match (root, product) {
        (Root::Other { ark, ask }, _) => return Ok((parse("ARK", ark)?, parse("ASK", ask)?)),
        (Root::Amd, Product::Milan) => (builtin::milan::ark(), builtin::milan::ask()),
        (Root::Amd, Product::Genoa) => (builtin::genoa::ark(), builtin::genoa::ask()),
        (Root::Amd, Product::Turin) => (builtin::turin::ark(), builtin::turin::ask()),
    };
    let read = |pem: std::io::Result<Signed>, name| {
        pem.map(Certificate::from).map_err(|_| QuoteError::Format(name))
    };
    Ok((read(ark, "built-in ARK")?, read(ask, "built-in ASK")?))
}

/// `name` is signed by `issuer`, names it, and is within its dates.
fn issued(
    name: &'static str,
    issuer: &Certificate,
    certificate: &Certificate,
    now: u64,
) -> Result<(), QuoteError> {
    let body = &certificate.tbs_certificate;
    let pair = (&Signed::from(issuer.clone()), &Signed::from(certificate.clone()));
    if body.issuer != issuer.tbs_certificate.subject
        || body.signature != certificate.signature_algorithm
        || pair.verify().is_err()
    {
        return Err(QuoteError::Chain(name));
    }
    dated(name, &body.validity, now)
}

fn parse(name: &'static str, der: &[u8]) -> Result<Certificate, QuoteError> {
    bounded(name, der, CERTIFICATE_BYTES_MAX)?;
    Certificate::from_der(der).map_err(|_| QuoteError::Format(name))
}

/// `Milan-B0` or, without a stepping, `Turin`.
fn product(vcek: &Certificate) -> Result<Product, QuoteError> {
    let name: Ia5StringRef<'_> = required("product name of the VCEK", vcek, PRODUCT_NAME)?;
    match name.as_str().split('-').next() {
        Some("Milan") => Ok(Product::Milan),
        Some("Genoa") => Ok(Product::Genoa),
        Some("Turin") => Ok(Product::Turin),
        _ => Err(QuoteError::Unsupported("product of the VCEK")),
    }
}

/// The bare id as AMD's certificates have it, or within an OCTET STRING as Trustee also reads it; lengths tell.
fn chip_id(vcek: &Certificate, product: Product) -> Result<Vec<u8>, QuoteError> {
    let (length, header) = match product {
        Product::Milan | Product::Genoa => (64, [4, 64]),
        Product::Turin => (8, [4, 8]),
    };
    let name = "chip id of the VCEK";
    let value = extension(vcek, CHIP_ID)?.ok_or(QuoteError::Format(name))?;
    let id = if value.len() == length { value } else { value.strip_prefix(&header).unwrap_or(&[]) };
    if id.len() == length { Ok(id.to_vec()) } else { Err(QuoteError::Format(name)) }
}

fn tcb(vcek: &Certificate, product: Product) -> Result<Tcb, QuoteError> {
    let part = |name, oid| required::<u8>(name, vcek, oid);
    let fmc = match product {
        Product::Turin => part("FMC of the VCEK", FMC)?,
        Product::Milan | Product::Genoa => 0,
    };
    Ok(Tcb {
        fmc,
        bootloader: part("bootloader of the VCEK", BOOTLOADER)?,
        tee: part("TEE of the VCEK", TEE)?,
        snp: part("SNP firmware of the VCEK", SNP)?,
        microcode: part("microcode of the VCEK", MICROCODE)?,
    })
}

fn required<'a, T: Decode<'a>>(
    name: &'static str,
    certificate: &'a Certificate,
    oid: ObjectIdentifier,
) -> Result<T, QuoteError> {
    let value = extension(certificate, oid)?.ok_or(QuoteError::Format(name))?;
    T::from_der(value).map_err(|_| QuoteError::Format(name))
}

/// Its value; that it is there twice is refused.
fn extension(
    certificate: &Certificate,
    oid: ObjectIdentifier,
) -> Result<Option<&[u8]>, QuoteError> {
    let all = certificate.tbs_certificate.extensions.iter().flatten();
    let mut found = all.filter(|extension| extension.extn_id == oid);
    let first = found.next().map(|extension| extension.extn_value.as_bytes());
    if found.next().is_some() {
        return Err(QuoteError::Format("repeated extension of the VCEK"));
    }
    Ok(first)
}

/// A certificate's size; AMD's have 1.3 to 1.7 KiB.
pub const CERTIFICATE_BYTES_MAX: usize = 8 << 10;

// Extensions. Source: AMD 57230, custom extensions of VCEK and VLEK.
const PRODUCT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.2");
const BOOTLOADER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.3");
const MICROCODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.9");
const CHIP_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
/// The cloud that a VLEK was loaded for; a VCEK has none.
const CUSTOMER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");
