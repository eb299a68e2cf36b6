//! ARK, ASK and VCEK as AMD's key server writes them.
//!
//! Layer: `prag-pki::snp`.
//! Holds: two embedded RSA-4096 keys, VCEK keys from seeds, X.509 with RSASSA-PSS over SHA-384.
//! Never: randomness: the salt of a signature is a hash of what it signs.
//! Invariant: names, order and encodings are those of AMD's certificates, so only signatures tell them apart.

use super::{Product, Tcb, VALID_FROM, VALID_UNTIL};
use p384::ecdsa::SigningKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::rand_core::{self, CryptoRng, RngCore};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::{RsaPrivateKey, pss};
use sha2::{Digest, Sha256, Sha384};
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{BitString, Ia5StringRef, ObjectIdentifier, OctetString, UtcTime};
use x509_cert::der::{Any, Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfoOwned,
};
use x509_cert::time::{Time, Validity};

/// The keys of one product's ARK and ASK.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    /// In the names.
    pub product: Product,
    /// ARK and ASK change their keys: a root that differs in nothing but that.
    pub swapped: bool,
    /// First and last second of the ARK.
    pub ark_dates: [u64; 2],
    /// First and last second of the ASK.
    pub ask_dates: [u64; 2],
}

impl Authority {
    /// Valid for [`VALID_FROM`] to [`VALID_UNTIL`].
    #[must_use]
    pub fn new(product: Product) -> Self {
        let dates = [VALID_FROM, VALID_UNTIL];
        Self { product, swapped: false, ark_dates: dates, ask_dates: dates }
    }

    /// The root's certificate, DER, signed by itself.
    #[must_use]
    pub fn ark(&self) -> Vec<u8> {
        let name = format!("ARK-{}", self.product.name());
        self.authority(&name, self.ark_dates, self.keys()[0])
    }

    /// The signing key's certificate, DER, signed by the root.
    #[must_use]
    pub fn ask(&self) -> Vec<u8> {
        self.authority(&format!("SEV-{}", self.product.name()), self.ask_dates, self.keys()[1])
    }

    /// The certificate of the key that signs VLEKs, DER, signed by the root. Its key is the ARK's, for want of a third.
    #[must_use]
    pub fn asvk(&self) -> Vec<u8> {
        let name = format!("SEV-VLEK-{}", self.product.name());
        self.authority(&name, self.ask_dates, self.keys()[0])
    }

    /// The chip's certificate, DER, signed by the signing key.
    #[must_use]
    pub fn vcek(&self, vcek: &Vcek) -> Vec<u8> {
        self.endorse(vcek, self.keys()[1])
    }

    /// A cloud's certificate, DER, signed by the ASVK.
    #[must_use]
    pub fn vlek(&self, vlek: &Vcek) -> Vec<u8> {
        self.endorse(vlek, self.keys()[0])
    }

    fn endorse(&self, vcek: &Vcek, signer: &RsaPrivateKey) -> Vec<u8> {
        let point = vcek.key().verifying_key().to_encoded_point(false);
        let key = SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned {
                oid: ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
                parameters: Some(Any::from(ObjectIdentifier::new_unwrap("1.3.132.0.34"))),
            },
            subject_public_key: BitString::from_bytes(point.as_bytes()).expect(ENCODES),
        };
        let extensions = vcek.extensions.iter().map(|(oid, value)| (*oid, false, value.clone()));
        let names = [vcek.issuer.as_str(), vcek.subject.as_str()];
        certificate(names, vcek.dates, key, extensions, signer)
    }

    fn authority(&self, name: &str, dates: [u64; 2], key: &RsaPrivateKey) -> Vec<u8> {
        let public = key.to_public_key().to_public_key_der().expect(ENCODES);
        let public = SubjectPublicKeyInfoOwned::from_der(public.as_bytes()).expect(ENCODES);
        // Key usage: certificates and revocation lists; basic constraints: an authority.
        let extensions =
            [("2.5.29.15", true, vec![3, 2, 1, 6]), ("2.5.29.19", true, vec![0x30, 3, 1, 1, 0xff])];
        let issuer = format!("ARK-{}", self.product.name());
        certificate([&issuer, name], dates, public, extensions.into_iter(), self.keys()[0])
    }

    fn keys(&self) -> [&'static RsaPrivateKey; 2] {
        let [a, b] = [&KEYS[0], &KEYS[1]];
        if self.swapped { [b, a] } else { [a, b] }
    }
}

/// What a chip's certificate says.
#[derive(Clone, Debug)]
pub struct Vcek {
    /// Of its key.
    pub seed: u8,
    /// Common name.
    pub issuer: String,
    /// Common name.
    pub subject: String,
    /// First and last second.
    pub dates: [u64; 2],
    /// Object identifier and value of each extension, in AMD's order.
    pub extensions: Vec<(&'static str, Vec<u8>)>,
}

impl Vcek {
    /// `chip_id`: 64 bytes, Turin 8.
    #[must_use]
    pub fn new(product: Product, seed: u8, chip_id: &[u8], tcb: Tcb) -> Self {
        let name = match product {
            Product::Milan => "Milan-B0",
            Product::Genoa => "Genoa-B1",
            Product::Turin => "Turin",
        };
        let mut extensions = vec![(STRUCTURE, number(0)), (PRODUCT_NAME, text(name))];
        if product == Product::Turin {
            extensions.push((FMC, number(tcb.fmc)));
        }
        extensions.extend([
            (BOOTLOADER, number(tcb.bootloader)),
            (TEE, number(tcb.tee)),
            (SNP, number(tcb.snp)),
            (MICROCODE, number(tcb.microcode)),
            (CHIP_ID, chip_id.to_vec()),
        ]);
        Self {
            seed,
            issuer: format!("SEV-{}", product.name()),
            subject: "SEV-VCEK".to_owned(),
            dates: [VALID_FROM, VALID_UNTIL],
            extensions,
        }
    }

    /// A VLEK: of a cloud instead of a chip.
    #[must_use]
    pub fn cloud(product: Product, seed: u8, tcb: Tcb) -> Self {
        let mut vlek = Self::new(product, seed, &[], tcb);
        vlek.extensions.pop();
        vlek.extensions.push((CUSTOMER, text("CN=cloud")));
        vlek.issuer = format!("SEV-VLEK-{}", product.name());
        vlek.subject = "SEV-VLEK".to_owned();
        vlek
    }

    /// Puts `value` in the place of the extension `oid`, or at the end.
    pub fn set(&mut self, oid: &'static str, value: Vec<u8>) {
        match self.extensions.iter_mut().find(|(name, _)| *name == oid) {
            Some((_, old)) => *old = value,
            None => self.extensions.push((oid, value)),
        }
    }

    /// Its private key.
    #[must_use]
    pub fn key(&self) -> SigningKey {
        let secret = Sha384::new_with_prefix(b"prag-pki vcek").chain_update([self.seed]).finalize();
        SigningKey::from_slice(&secret).expect("nearly every 48 bytes are a P-384 key")
    }
}

/// An INTEGER, DER.
#[must_use]
pub fn number(value: u8) -> Vec<u8> {
    value.to_der().expect(ENCODES)
}

/// An IA5String, DER.
#[must_use]
pub fn text(value: &str) -> Vec<u8> {
    Ia5StringRef::new(value).and_then(|value| value.to_der()).expect(ENCODES)
}

/// `names`: common names of issuer and subject.
fn certificate(
    names: [&str; 2],
    dates: [u64; 2],
    key: SubjectPublicKeyInfoOwned,
    extensions: impl Iterator<Item = (&'static str, bool, Vec<u8>)>,
    signer: &RsaPrivateKey,
) -> Vec<u8> {
    let signer = pss::SigningKey::<Sha384>::new(signer.clone());
    let algorithm = signer.signature_algorithm_identifier().expect(ENCODES);
    let [issuer, subject] = names.map(|name| {
        let rest = "O=Advanced Micro Devices,ST=CA,L=Santa Clara,C=US,OU=Engineering";
        Name::from_str(&format!("CN={name},{rest}")).expect(ENCODES)
    });
    let [not_before, not_after] = dates.map(|seconds| {
        Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(seconds)).expect(ENCODES))
    });
    let extensions = extensions.map(|(oid, critical, value)| Extension {
        extn_id: ObjectIdentifier::new_unwrap(oid),
        critical,
        extn_value: OctetString::new(value).expect(ENCODES),
    });
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&[0]).expect(ENCODES),
        signature: algorithm.clone(),
        issuer,
        validity: Validity { not_before, not_after },
        subject,
        subject_public_key_info: key,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions.collect()),
    };
    let body = tbs_certificate.to_der().expect(ENCODES);
    let signature = signer.sign_with_rng(&mut Salt(Sha256::digest(&body).into()), &body);
    let signature = BitString::from_bytes(&signature.to_bytes()).expect(ENCODES);
    let whole = Certificate { tbs_certificate, signature_algorithm: algorithm, signature };
    whole.to_der().expect(ENCODES)
}

/// A hash chain in the place of randomness.
struct Salt([u8; 32]);

impl RngCore for Salt {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            self.0 = Sha256::digest(self.0).into();
            chunk.copy_from_slice(&self.0[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Salt {}

static KEYS: LazyLock<[RsaPrivateKey; 2]> = LazyLock::new(|| {
    let texts = [
        include_str!("../../keys/TEST-ONLY-snp-ark.pem"),
        include_str!("../../keys/TEST-ONLY-snp-ask.pem"),
    ];
    texts.map(|pem| RsaPrivateKey::from_pkcs8_pem(pem).expect("the embedded keys parse"))
});

const ENCODES: &str = "a test's values fit into DER";

// Extensions. Source: AMD 57230, custom extensions of VCEK and VLEK.
const STRUCTURE: &str = "1.3.6.1.4.1.3704.1.1";
/// IA5String.
pub const PRODUCT_NAME: &str = "1.3.6.1.4.1.3704.1.2";
/// INTEGER, as those below.
pub const BOOTLOADER: &str = "1.3.6.1.4.1.3704.1.3.1";
#[allow(missing_docs)]
pub const TEE: &str = "1.3.6.1.4.1.3704.1.3.2";
#[allow(missing_docs)]
pub const SNP: &str = "1.3.6.1.4.1.3704.1.3.3";
#[allow(missing_docs)]
pub const MICROCODE: &str = "1.3.6.1.4.1.3704.1.3.8";
/// From Turin on.
pub const FMC: &str = "1.3.6.1.4.1.3704.1.3.9";
/// Bare bytes.
pub const CHIP_ID: &str = "1.3.6.1.4.1.3704.1.4";
/// IA5String; in a VLEK only.
pub const CUSTOMER: &str = "1.3.6.1.4.1.3704.1.5";
