//! Who acts in tests.
//!
//! Layer: `permit`, feature `testing`.
//! Holds: wallets and session keys made from a number; permits, signed questions and messages.
//! Never: part of a contract; keys of anybody: all are known.
//! Invariant: a person's address is that of its wallet on the chain that it acts on.

use crate::{
    Expected, Introduction, Permit, PermitError, PermitParams, PermitPublicKey, PermitSignature,
    RelayTerms, SignedMessage, SignedQuery, account_of, introduction_bytes, question_bytes,
    relay_bytes,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bech32::{Bech32, Hrp};
use ed25519_dalek::Signer;
use k256::ecdsa::{Signature, SigningKey};
use prag_protocol::Address;

/// A wallet with a session key.
pub struct Person {
    /// The wallet's account.
    pub address: Address,
    wallet: SigningKey,
    session: ed25519_dalek::SigningKey,
}

impl Person {
    /// The person of that number, 1 or more, on the chain where `contract` lies.
    ///
    /// # Errors
    /// [`PermitError::Contract`] if `contract` has no prefix.
    pub fn new(number: u8, contract: &str) -> Result<Self, PermitError> {
        let wallet = SigningKey::from_slice(&[number; 32]).map_err(|_| PermitError::Encoding)?;
        let session = ed25519_dalek::SigningKey::from_bytes(&[number; 32]);
        let key = wallet.verifying_key().to_encoded_point(true);
        let key = key.as_bytes().try_into().map_err(|_| PermitError::Encoding)?;
        let address = account_of(&key, contract)?;
        Ok(Self { address, wallet, session })
    }

    /// The public key of this person's session.
    #[must_use]
    pub fn session_key(&self) -> [u8; 32] {
        self.session.verifying_key().to_bytes()
    }

    /// A permit for this person's session key.
    ///
    /// # Errors
    /// Those of [`PermitParams::sign_document`].
    pub fn permit(
        &self,
        expected: &Expected<'_>,
        permissions: &[&str],
        expires: u64,
    ) -> Result<Permit, PermitError> {
        let params = PermitParams::new(expected, &self.session_key(), permissions, expires);
        let document = params.sign_document()?;
        let signature: Signature = self.wallet.sign(document.as_bytes());
        let signature = signature.normalize_s().unwrap_or(signature);
        let key = self.wallet.verifying_key().to_encoded_point(true);
        let pub_key = PermitPublicKey {
            kind: "tendermint/PubKeySecp256k1".to_owned(),
            value: STANDARD.encode(key.as_bytes()),
        };
        let signature = STANDARD.encode(signature.to_bytes());
        Ok(Permit { params, signature: PermitSignature { pub_key, signature } })
    }
}

/// A question that the person's session key signed.
#[must_use]
pub fn signed(
    person: &Person,
    expected: &Expected<'_>,
    permit: Permit,
    shard: Option<u32>,
    until: u64,
    query: &[u8],
) -> SignedQuery {
    let bytes = question_bytes(expected, &permit.params.permit_name, shard, until, query);
    let signature = STANDARD.encode(person.session.sign(&bytes).to_bytes());
    let query = STANDARD.encode(query);
    SignedQuery { permit, query, shard, until, signature, introduction: None }
}

/// The person's word, under `permit`, that the session key `guest` may be told of what is the person's.
#[must_use]
pub fn introduced(
    person: &Person,
    expected: &Expected<'_>,
    permit: Permit,
    guest: &[u8; 32],
    until: u64,
) -> Introduction {
    let name = &permit.params.permit_name;
    let bytes = introduction_bytes(expected, &person.address, name, guest, until);
    let signature = STANDARD.encode(person.session.sign(&bytes).to_bytes());
    Introduction { permit, until, signature }
}

/// A message that the person's session key signed, for whoever sends it.
#[must_use]
pub fn relayed(
    person: &Person,
    expected: &Expected<'_>,
    permit: Permit,
    terms: RelayTerms,
    message: &[u8],
) -> SignedMessage {
    let name = &permit.params.permit_name;
    let bytes = relay_bytes(expected, &person.address, name, terms, message);
    let signature = STANDARD.encode(person.session.sign(&bytes).to_bytes());
    let RelayTerms { sequence, until } = terms;
    SignedMessage { permit, message: STANDARD.encode(message), sequence, until, signature }
}

/// The account of that number: an address without a wallet.
///
/// # Errors
/// [`PermitError::Encoding`] if `prefix` is none of bech32.
pub fn account(prefix: &str, number: u32) -> Result<Address, PermitError> {
    let mut bytes = [0xac; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    let prefix = Hrp::parse(prefix).map_err(|_| PermitError::Encoding)?;
    let text = bech32::encode::<Bech32>(prefix, &bytes).map_err(|_| PermitError::Encoding)?;
    text.parse().map_err(|_| PermitError::Encoding)
}
