//! The certificates and CRLs: root, platform CA, PCK, TCB signer.
//!
//! Layer: tests, inside `tdx`.
//! Holds: X.509 in DER with the SGX extension of a PCK certificate.
//! Never: randomness; signatures follow RFC 6979, serial numbers are fixed.
//! Invariant: chains end in a root made from the seed.

use std::str::FromStr;
use std::time::Duration;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use x509_cert::certificate::{CertificateInner, TbsCertificateInner};
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
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
use x509_cert::{Certificate, Version};

use super::{Cert, Platform, Signed, Tdx, Window};

/// All certificates and CRLs of one host.
pub(super) struct Pki {
    /// DER.
    pub(super) root: Vec<u8>,
    /// PEM: PCK, platform CA, root.
    pub(super) pck_chain: String,
    /// PEM: platform CA, root.
    pub(super) platform_chain: String,
    /// PEM: TCB signer, root.
    pub(super) tcb_chain: String,
    /// DER.
    pub(super) root_crl: Vec<u8>,
    /// DER.
    pub(super) pck_crl: Vec<u8>,
}

impl Pki {
    pub(super) fn new(tdx: &Tdx) -> Self {
        let dates = &tdx.dates;
        let root = Issue { name: ROOT, issuer: ROOT, cert: Cert::Root, window: dates.root }.sign(
            &tdx.key("root"),
            &tdx.key("root"),
            None,
        );
        let ca =
            Issue { name: CA, issuer: ROOT, cert: Cert::PlatformCa, window: dates.platform_ca }
                .sign(&tdx.key("platform ca"), &tdx.signer(Signed::PlatformCa, "root"), None);
        let pck = Issue { name: PCK, issuer: CA, cert: Cert::Pck, window: dates.pck }.sign(
            &tdx.key("pck"),
            &tdx.signer(Signed::Pck, "platform ca"),
            Some(sgx_extension(&tdx.platform)),
        );
        let signer =
            Issue { name: SIGNER, issuer: ROOT, cert: Cert::TcbSigner, window: dates.tcb_signer }
                .sign(&tdx.key("tcb"), &tdx.signer(Signed::TcbSigner, "root"), None);

        let by_root: Vec<Cert> = tdx.revoked.iter().copied().filter(|c| *c != Cert::Pck).collect();
        let by_ca: Vec<Cert> = tdx.revoked.iter().copied().filter(|c| *c == Cert::Pck).collect();
        let root_key = tdx.signer(Signed::RootCrl, "root");
        let ca_key = tdx.signer(Signed::PckCrl, "platform ca");
        Self {
            pck_chain: pem(&[&pck, &ca, &root]),
            platform_chain: pem(&[&ca, &root]),
            tcb_chain: pem(&[&signer, &root]),
            root_crl: crl(ROOT, &root_key, dates.root_crl, &by_root),
            pck_crl: crl(CA, &ca_key, dates.pck_crl, &by_ca),
            root,
        }
    }
}

struct Issue {
    name: &'static str,
    issuer: &'static str,
    cert: Cert,
    window: Window,
}

impl Issue {
    fn sign(self, key: &SigningKey, issuer: &SigningKey, extra: Option<Extension>) -> Vec<u8> {
        let (ca, depth, usage) = match self.cert {
            Cert::Root => (true, Some(1), KeyUsages::KeyCertSign | KeyUsages::CRLSign),
            Cert::PlatformCa => (true, Some(0), KeyUsages::KeyCertSign | KeyUsages::CRLSign),
            Cert::Pck | Cert::TcbSigner => {
                (false, None, KeyUsages::DigitalSignature | KeyUsages::NonRepudiation)
            }
        };
        let constraints = BasicConstraints { ca, path_len_constraint: depth };
        let mut extensions = vec![critical(&KeyUsage(usage)), critical(&constraints)];
        extensions.extend(extra);
        let tbs: TbsCertificateInner = TbsCertificateInner {
            version: Version::V3,
            serial_number: serial(self.cert),
            signature: ecdsa(),
            issuer: name(self.issuer),
            validity: Validity {
                not_before: time(self.window.from),
                not_after: time(self.window.to),
            },
            subject: name(self.name),
            subject_public_key_info: SubjectPublicKeyInfoOwned {
                algorithm: AlgorithmIdentifierOwned {
                    oid: oid("1.2.840.10045.2.1"),
                    parameters: Some(Any::encode_from(&oid("1.2.840.10045.3.1.7")).expect(DER)),
                },
                subject_public_key: bits(&[&[4], &point(key)[..]].concat()),
            },
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        };
        let signature = signature(issuer, &tbs.to_der().expect(DER));
        let cert: Certificate =
            CertificateInner { tbs_certificate: tbs, signature_algorithm: ecdsa(), signature };
        cert.to_der().expect(DER)
    }
}

fn crl(issuer: &str, key: &SigningKey, window: Window, revoked: &[Cert]) -> Vec<u8> {
    let entries: Vec<RevokedCert> = revoked
        .iter()
        .map(|cert| RevokedCert {
            serial_number: serial(*cert),
            revocation_date: time(window.from),
            crl_entry_extensions: None,
        })
        .collect();
    let number = Extension {
        extn_id: oid("2.5.29.20"),
        critical: false,
        extn_value: octets(&tlv(0x02, &[1])),
    };
    let tbs = TbsCertList {
        version: Version::V2,
        signature: ecdsa(),
        issuer: name(issuer),
        this_update: time(window.from),
        next_update: Some(time(window.to)),
        revoked_certificates: (!entries.is_empty()).then_some(entries),
        crl_extensions: Some(vec![number]),
    };
    let signature = signature(key, &tbs.to_der().expect(DER));
    CertificateList { tbs_cert_list: tbs, signature_algorithm: ecdsa(), signature }
        .to_der()
        .expect(DER)
}

/// Source: Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5.
fn sgx_extension(platform: &Platform) -> Extension {
    let mut tcb: Vec<Vec<u8>> = (1..=16u8)
        .zip(platform.cpu_svn)
        .map(|(i, svn)| entry(&format!("2.{i}"), &integer(svn)))
        .collect();
    tcb.push(entry("2.17", &integer(platform.pce_svn)));
    tcb.push(entry("2.18", &tlv(OCTETS, &platform.cpu_svn)));
    let flags = [("7.1", platform.dynamic), ("7.2", platform.cached_keys), ("7.3", platform.smt)]
        .map(|(id, on)| entry(id, &tlv(0x01, &[if on { 0xff } else { 0 }])));
    let fields = [
        entry("1", &tlv(OCTETS, &platform.ppid)),
        entry("2", &tlv(SEQUENCE, &tcb.concat())),
        entry("3", &tlv(OCTETS, &platform.pce_id)),
        entry("4", &tlv(OCTETS, &platform.fmspc)),
        entry("5", &tlv(0x0a, &[1])),
        entry("6", &tlv(OCTETS, &platform.instance_id)),
        entry("7", &tlv(SEQUENCE, &flags.concat())),
    ];
    let value = tlv(SEQUENCE, &fields.concat());
    Extension { extn_id: oid(SGX), critical: false, extn_value: octets(&value) }
}

fn entry(id: &str, value: &[u8]) -> Vec<u8> {
    let id = oid(&format!("{SGX}.{id}")).to_der().expect(DER);
    tlv(SEQUENCE, &[&id, value].concat())
}

fn integer(value: u8) -> Vec<u8> {
    if value < 0x80 { tlv(0x02, &[value]) } else { tlv(0x02, &[0, value]) }
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("under 64 KiB");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head, content].concat()
}

/// `x || y`.
pub(super) fn point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec()
}

fn critical<T: AssociatedOid + Encode>(value: &T) -> Extension {
    Extension { extn_id: T::OID, critical: true, extn_value: octets(&value.to_der().expect(DER)) }
}

fn signature(key: &SigningKey, message: &[u8]) -> BitString {
    let signature: DerSignature = key.sign(message);
    bits(signature.as_bytes())
}

fn serial(cert: Cert) -> SerialNumber {
    SerialNumber::new(&[cert as u8 + 1]).expect(DER)
}

/// Seconds as an X.509 time. Source: RFC 5280, section 4.1.2.5.
fn time(seconds: u64) -> Time {
    let date = date(seconds);
    match UtcTime::from_date_time(date) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_date_time(date)),
    }
}

/// Seconds as a date; its text is RFC 3339.
pub(super) fn date(seconds: u64) -> DateTime {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).expect("before the year 10000")
}

fn pem(certs: &[&[u8]]) -> String {
    let lines = |der: &[u8]| {
        let text = base64(der);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|i| &text[i..text.len().min(i + 64)]).collect();
        lines.join("\n")
    };
    certs
        .iter()
        .map(|der| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines(der))
        })
        .collect()
}

/// Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        for i in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn name(common: &str) -> Name {
    Name::from_str(&format!("CN={common},O=PRAG test,C=US")).expect("a fixed name")
}

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new(text).expect("a fixed identifier")
}

fn ecdsa() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: oid("1.2.840.10045.4.3.2"), parameters: None }
}

fn bits(bytes: &[u8]) -> BitString {
    BitString::from_bytes(bytes).expect(DER)
}

fn octets(bytes: &[u8]) -> OctetString {
    OctetString::new(bytes).expect(DER)
}

const ROOT: &str = "PRAG test SGX Root CA";
const CA: &str = "PRAG test SGX PCK Platform CA";
const PCK: &str = "PRAG test SGX PCK Certificate";
const SIGNER: &str = "PRAG test SGX TCB Signing";
const SGX: &str = "1.2.840.113741.1.13.1";
const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const DER: &str = "small values encode";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
