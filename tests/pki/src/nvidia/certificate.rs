//! The certificates, in DER.
//!
//! Layer: `prag-pki::nvidia`.
//! Holds: X.509 with the extensions of NVIDIA's, and DICE's firmware id in both forms.
//! Never: randomness; signatures follow RFC 6979, serial numbers are fixed.
//! Invariant: a name or key that is not set is that of the next certificate.

use std::str::FromStr;
use std::time::Duration;

use p384::ecdsa::signature::Signer;
use p384::ecdsa::{DerSignature, SigningKey};
use x509_cert::certificate::{CertificateInner, TbsCertificateInner};
use x509_cert::der::asn1::{
    Any, BitString, GeneralizedTime, ObjectIdentifier, OctetString, UtcTime,
};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{DateTime, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate as Signed, Version};

use super::Gpu;

/// One certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Of the subject; or, with an equals sign, all of its name as in RFC 4514.
    pub common_name: String,
    /// Of the issuer; else that of the next certificate.
    pub issuer: Option<String>,
    /// First second of validity.
    pub from: u64,
    /// Last second of validity.
    pub to: u64,
    /// X.509 version 3, else 1.
    pub version_3: bool,
    /// Basic constraints: none, or whether it is a CA.
    pub ca: Option<bool>,
    /// Issuers allowed below.
    pub path_length: Option<u8>,
    /// Key usage: may sign certificates.
    pub signs_certificates: bool,
    /// Key usage: may sign other things.
    pub signs_reports: bool,
    /// Curve, as stated.
    pub curve: &'static str,
    /// Signature algorithm, as stated.
    pub algorithm: &'static str,
    /// Signed with a stranger's key.
    pub forged: bool,
    /// The firmware id.
    pub dice: Dice,
    /// Other extensions: identifier, critical, content.
    pub extensions: Vec<(&'static str, bool, Vec<u8>)>,
}

/// What the certificate says of firmware.
#[derive(Clone, Debug)]
pub enum Dice {
    /// Nothing.
    None,
    /// The chip's key and one firmware id.
    Hopper {
        /// 1.
        version: u8,
        /// SEC1; else that of the next certificate.
        device_key: Option<Vec<u8>>,
        /// SHA-384.
        fwid: [u8; 48],
    },
    /// `DiceTcbInfo`.
    Blackwell {
        /// SHA-384, the first of them counts.
        fwids: Vec<[u8; 48]>,
        /// `OperationalFlags`, bit 0 highest.
        flags: u32,
    },
}

impl Certificate {
    pub(super) fn issuer(common_name: &str) -> Self {
        Self {
            common_name: common_name.into(),
            issuer: None,
            from: 1_609_459_200,
            to: END_OF_TIME,
            version_3: true,
            ca: Some(true),
            path_length: None,
            signs_certificates: true,
            signs_reports: false,
            curve: "1.3.132.0.34",
            algorithm: "1.2.840.10045.4.3.3",
            forged: false,
            dice: Dice::None,
            extensions: Vec::new(),
        }
    }

    pub(super) fn leaf(common_name: &str) -> Self {
        let issuer = Self::issuer(common_name);
        Self { ca: None, signs_certificates: false, signs_reports: true, ..issuer }
    }
}

pub(super) fn signed(gpu: &Gpu, index: usize) -> Vec<u8> {
    let certificate = &gpu.chain[index];
    let above = (index + 1).min(gpu.chain.len() - 1);
    let issuer = if certificate.forged { gpu.key("stranger") } else { gpu.level(above) };
    let issuer_name = certificate.issuer.as_ref().unwrap_or(&gpu.chain[above].common_name);
    let algorithm = AlgorithmIdentifierOwned { oid: oid(certificate.algorithm), parameters: None };
    let extensions = extensions(certificate, &point(&gpu.level(above)));
    let tbs: TbsCertificateInner = TbsCertificateInner {
        version: if certificate.version_3 { Version::V3 } else { Version::V1 },
        serial_number: SerialNumber::new(&[index as u8 + 1]).expect(DER),
        signature: algorithm.clone(),
        issuer: name(issuer_name),
        validity: Validity { not_before: time(certificate.from), not_after: time(certificate.to) },
        subject: name(&certificate.common_name),
        subject_public_key_info: key_info(&point(&gpu.level(index)), certificate.curve),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: certificate.version_3.then_some(extensions),
    };
    let signature: DerSignature = issuer.sign(&tbs.to_der().expect(DER));
    let signature = BitString::from_bytes(signature.as_bytes()).expect(DER);
    let signed: Signed =
        CertificateInner { tbs_certificate: tbs, signature_algorithm: algorithm, signature };
    signed.to_der().expect(DER)
}

fn extensions(certificate: &Certificate, device_key: &[u8]) -> Vec<Extension> {
    let mut all = Vec::new();
    if let Some(ca) = certificate.ca {
        let path_len_constraint = certificate.path_length;
        all.push(critical(&BasicConstraints { ca, path_len_constraint }));
    }
    let mut usage = x509_cert::der::flagset::FlagSet::<KeyUsages>::default();
    if certificate.signs_certificates {
        usage |= KeyUsages::KeyCertSign;
    }
    if certificate.signs_reports {
        usage |= KeyUsages::DigitalSignature;
    }
    if !usage.is_empty() {
        all.push(critical(&KeyUsage(usage)));
    }
    match &certificate.dice {
        Dice::None => {}
        Dice::Hopper { version, device_key: other, fwid } => {
            let key = key_info(other.as_deref().unwrap_or(device_key), certificate.curve);
            let fields = [tlv(0x02, &[*version]), key.to_der().expect(DER), firmware(fwid)];
            all.push(extension("2.23.133.5.4.1", false, &tlv(SEQUENCE, &fields.concat())));
        }
        Dice::Blackwell { fwids, flags } => {
            let fwids: Vec<u8> = fwids.iter().flat_map(firmware).collect();
            let flags = [&[0][..], &flags.to_be_bytes()].concat();
            let fields = [tlv(0x80, b"NVIDIA"), tlv(0xa6, &fwids), tlv(0x87, &flags)];
            all.push(extension("2.23.133.5.4.1.1", false, &tlv(SEQUENCE, &fields.concat())));
        }
    }
    let others = certificate.extensions.iter();
    all.extend(others.map(|(id, critical, content)| extension(id, *critical, content)));
    all
}

fn firmware(fwid: &[u8; 48]) -> Vec<u8> {
    let hash = oid("2.16.840.1.101.3.4.2.2").to_der().expect(DER);
    tlv(SEQUENCE, &[hash, tlv(0x04, fwid)].concat())
}

fn key_info(point: &[u8], curve: &str) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned {
            oid: oid("1.2.840.10045.2.1"),
            parameters: Some(Any::encode_from(&oid(curve)).expect(DER)),
        },
        subject_public_key: BitString::from_bytes(point).expect(DER),
    }
}

fn point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_encoded_point(false).as_bytes().to_vec()
}

fn critical<T: AssociatedOid + Encode>(value: &T) -> Extension {
    extension(&T::OID.to_string(), true, &value.to_der().expect(DER))
}

fn extension(id: &str, critical: bool, content: &[u8]) -> Extension {
    Extension { extn_id: oid(id), critical, extn_value: OctetString::new(content).expect(DER) }
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("under 256 bytes");
    let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [&head, content].concat()
}

/// Seconds as an X.509 time. Source: RFC 5280, section 4.1.2.5.
fn time(seconds: u64) -> Time {
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds)).expect(DER);
    match UtcTime::from_date_time(date) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_date_time(date)),
    }
}

fn name(common: &str) -> Name {
    let parts =
        if common.contains('=') { common.into() } else { format!("CN={common},O=PRAG test,C=US") };
    Name::from_str(&parts).expect("a plain name")
}

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new(text).expect("a fixed identifier")
}

const SEQUENCE: u8 = 0x30;
const DER: &str = "small values encode";
/// 9999-12-31T23:59:59Z, which X.509 reads as "without end".
const END_OF_TIME: u64 = 253_402_300_799;
