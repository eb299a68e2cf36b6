//! One certificate of the chain.
//!
//! Layer: `prag-quote::nvidia`; knows no chain.
//! Holds: what RFC 5280 asks of one certificate, and the firmware id that DICE writes into it.
//! Never: another curve or hash, a critical extension that is not understood.
//! Invariant: a [`Certificate`] is X.509 version 3 in the only encoding that DER allows.

use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{DerSignature, VerifyingKey};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{self, Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::{Version, certificate};

use crate::QuoteError;
use crate::error::{bounded, dated};

pub(super) struct Certificate {
    der: Vec<u8>,
    parsed: certificate::Certificate,
}

/// What DICE says of the firmware that holds the key.
pub(super) struct Identity {
    /// Of the chip, SEC1; Blackwell does not repeat it here.
    pub(super) device_key: Option<Vec<u8>>,
    pub(super) fwid: [u8; 48],
}

impl Certificate {
    pub(super) fn parse(der: &[u8]) -> Result<Self, QuoteError> {
        bounded("certificate of the GPU", der, CERTIFICATE_BYTES_MAX)?;
        let format = QuoteError::Format("certificate of the GPU");
        let parsed = certificate::Certificate::from_der(der).map_err(|_| format)?;
        // The signature is checked over the encoding of what was parsed.
        if parsed.to_der().map_err(|_| format)? != der {
            return Err(QuoteError::Format("encoding of a certificate of the GPU"));
        }
        if parsed.tbs_certificate.version != Version::V3 {
            return Err(QuoteError::Unsupported("version of a certificate of the GPU"));
        }
        let this = Self { der: der.to_vec(), parsed };
        this.extensions().map(|()| this)
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn subject(&self) -> &Name {
        &self.parsed.tbs_certificate.subject
    }

    pub(super) fn key(&self) -> Result<VerifyingKey, QuoteError> {
        key(&self.parsed.tbs_certificate.subject_public_key_info)
            .ok_or(QuoteError::Unsupported("key of a certificate of the GPU"))
    }

    /// That the issuer has this name and made the signature.
    pub(super) fn issued(&self, name: &Name, key: &VerifyingKey) -> Result<(), QuoteError> {
        let body = &self.parsed.tbs_certificate;
        if body.issuer != *name {
            return Err(QuoteError::Chain("the GPU"));
        }
        let algorithm = &self.parsed.signature_algorithm;
        if body.signature != *algorithm
            || algorithm.oid != ECDSA_SHA384
            || algorithm.parameters.is_some()
        {
            return Err(QuoteError::Unsupported("signature of a certificate of the GPU"));
        }
        let refused = QuoteError::Signature("a certificate of the GPU");
        let signature = self.parsed.signature.as_bytes().ok_or(refused)?;
        let signature = DerSignature::from_bytes(signature).map_err(|_| refused)?;
        let body = body.to_der().map_err(|_| refused)?;
        key.verify(&body, &signature).map_err(|_| refused)
    }

    pub(super) fn valid(&self, now: u64) -> Result<(), QuoteError> {
        dated("a certificate of the GPU", &self.parsed.tbs_certificate.validity, now)
    }

    /// That it may issue certificates, and has at most as many issuers below it as it allows.
    pub(super) fn may_issue(&self, issuers_below: usize) -> Result<(), QuoteError> {
        let constraints: Option<BasicConstraints> = self.extension()?;
        let depth = match constraints {
            Some(BasicConstraints { ca: true, path_len_constraint }) => path_len_constraint,
            _ => return Err(QuoteError::Forbidden("issuer of the GPU's that is no CA")),
        };
        if depth.is_some_and(|depth| issuers_below > usize::from(depth)) {
            return Err(QuoteError::Forbidden("length of the GPU's chain"));
        }
        let usage: Option<KeyUsage> = self.extension()?;
        if !usage.is_some_and(|usage| usage.key_cert_sign()) {
            return Err(QuoteError::Forbidden("issuer of the GPU's that must not issue"));
        }
        Ok(())
    }

    /// That it may sign reports, and nothing but that.
    pub(super) fn may_sign(&self) -> Result<(), QuoteError> {
        let constraints: Option<BasicConstraints> = self.extension()?;
        if constraints.is_some_and(|constraints| constraints.ca) {
            return Err(QuoteError::Forbidden("CA that signs GPU reports"));
        }
        let usage: Option<KeyUsage> = self.extension()?;
        if !usage.is_some_and(|usage| usage.digital_signature() && !usage.key_cert_sign()) {
            return Err(QuoteError::Forbidden("key usage of the GPU's certificate"));
        }
        Ok(())
    }

    pub(super) fn common_name(&self) -> Result<String, QuoteError> {
        let names = self.subject().0.iter().flat_map(|part| part.0.iter());
        let mut names = names.filter(|name| name.oid == COMMON_NAME);
        let format = QuoteError::Format("name of the GPU's certificate");
        let (Some(name), None) = (names.next(), names.next()) else { return Err(format) };
        let text = std::str::from_utf8(name.value.value()).map_err(|_| format)?;
        match name.value.tag() {
            Tag::Utf8String | Tag::PrintableString => Ok(text.to_owned()),
            _ => Err(format),
        }
    }

    pub(super) fn identity(&self) -> Result<Identity, QuoteError> {
        let format = QuoteError::Format("firmware id of the GPU's certificate");
        match (self.value(DICE_HOPPER), self.value(DICE_BLACKWELL)) {
            (Some(value), None) => hopper(value).map_err(|_| format),
            (None, Some(value)) => {
                let (fwid, flags) = blackwell(value).map_err(|_| format)?;
                if flags & (NOT_SECURE | DEBUG) != 0 {
                    return Err(QuoteError::Debug("firmware of the GPU"));
                }
                Ok(Identity { device_key: None, fwid })
            }
            _ => Err(format),
        }
    }

    /// That no extension is there twice, and none unknown is critical.
    fn extensions(&self) -> Result<(), QuoteError> {
        let known = [BasicConstraints::OID, KeyUsage::OID, DICE_HOPPER, DICE_BLACKWELL];
        let all = self.parsed.tbs_certificate.extensions.as_deref().unwrap_or_default();
        for (index, extension) in all.iter().enumerate() {
            if extension.critical && !known.contains(&extension.extn_id) {
                return Err(QuoteError::Unsupported("critical extension of the GPU's"));
            }
            if all[..index].iter().any(|earlier| earlier.extn_id == extension.extn_id) {
                return Err(QuoteError::Format("repeated extension of the GPU's"));
            }
        }
        Ok(())
    }

    fn extension<'a, T: AssociatedOid + Decode<'a>>(&'a self) -> Result<Option<T>, QuoteError> {
        let value = self.value(T::OID).map(T::from_der).transpose();
        value.map_err(|_| QuoteError::Format("extension of a certificate of the GPU"))
    }

    fn value(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let mut all = self.parsed.tbs_certificate.extensions.iter().flatten();
        all.find(|extension| extension.extn_id == oid).map(|found| found.extn_value.as_bytes())
    }
}

fn key(info: &SubjectPublicKeyInfoOwned) -> Option<VerifyingKey> {
    let curve = info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
    if (info.algorithm.oid, curve) != (EC_KEY, P_384) {
        return None;
    }
    VerifyingKey::from_sec1_bytes(info.subject_public_key.as_bytes()?).ok()
}

/// `SEQUENCE { version, key of the chip, SEQUENCE { hash, firmware id } }`.
///
/// Source: "RIoT Composite Device ID" of Microsoft's RIoT core, under the number that TCG gave to DICE later; seen so
/// in NVIDIA's GH100 certificates.
fn hopper(value: &[u8]) -> der::Result<Identity> {
    let mut reader = SliceReader::new(value)?;
    let identity = reader.sequence(|fields| {
        fields.decode::<u8>()?;
        let key: SubjectPublicKeyInfoOwned = fields.decode()?;
        let device_key = Some(key.subject_public_key.raw_bytes().to_vec());
        Ok(Identity { device_key, fwid: fields.sequence(fwid)? })
    })?;
    reader.finish(identity)
}

/// The first of the firmware ids, and the first byte of the flags; the other fields are not read.
///
/// Source: TCG DICE Attestation Architecture 1.1, `DiceTcbInfo`, implicit tags. NVIDIA's number for it,
/// and that the first firmware id counts: `nv-local-gpu-verifier` 2.7.3.
fn blackwell(value: &[u8]) -> der::Result<([u8; 48], u8)> {
    let mut reader = SliceReader::new(value)?;
    let (id, flags) = reader.sequence(|fields| {
        let (mut id, mut flags) = (None, 0);
        while !fields.is_finished() {
            let field: AnyRef<'_> = fields.decode()?;
            match field.tag() {
                Tag::ContextSpecific { number: TagNumber::N6, constructed: true } => {
                    id = Some(SliceReader::new(field.value())?.sequence(fwid)?);
                }
                Tag::ContextSpecific { number: TagNumber::N7, constructed: false } => {
                    flags = field.value().get(1).copied().unwrap_or_default();
                }
                _ => {}
            }
        }
        Ok((id, flags))
    })?;
    let id = id.ok_or_else(|| Tag::Sequence.value_error())?;
    reader.finish((id, flags))
}

fn fwid<'r, R: Reader<'r>>(fields: &mut R) -> der::Result<[u8; 48]> {
    if fields.decode::<ObjectIdentifier>()? != SHA384 {
        return Err(Tag::ObjectIdentifier.value_error());
    }
    let id: OctetStringRef<'_> = fields.decode()?;
    id.as_bytes().try_into().map_err(|_| Tag::OctetString.value_error())
}

/// A certificate's size; NVIDIA's have 0.5 to 0.9 KiB.
pub const CERTIFICATE_BYTES_MAX: usize = 8 << 10;

// Source: RFC 5480, sections 2.1.1 and 2.1.1.1; RFC 5758, section 3.2; RFC 5280, appendix A; NIST's registry of hashes.
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
// Source: NVIDIA attestation SDK.
const DICE_HOPPER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1");
const DICE_BLACKWELL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1.1");
/// Bit 1 of `OperationalFlags`, the highest bit being 0 ...
const NOT_SECURE: u8 = 0x40;
/// ... and bit 3.
const DEBUG: u8 = 0x10;
