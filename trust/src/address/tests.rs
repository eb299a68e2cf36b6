#![allow(clippy::unwrap_used, clippy::panic)]

use super::{AddressError, SessionKey, WalletKey, address_of, check_address, ed25519_holds};
use crate::entropy::{Entropy, EntropyError};
use prag_protocol::Address;

struct Dry;
impl Entropy for Dry {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

/// The public test account `a` of LocalSecret: mnemonic and address are in its documentation; the
/// scalar follows by BIP-39 and BIP-32 at m/44'/529'/0'/0/0.
#[test]
fn localsecret_account_has_its_address() {
    let hex = "f0a7b67eb9a719d54f8a9bfbfb187d8c296b97911a05bf5ca30494823e46beb6";
    let mut scalar = [0u8; 32];
    hex::decode_to_slice(hex, &mut scalar).unwrap();
    let wallet = WalletKey::from_bytes(&scalar).unwrap();
    assert_eq!(wallet.address().as_str(), "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03");
    assert_eq!(address_of(&wallet.public_key()).unwrap(), wallet.address());
    assert_eq!(*wallet.expose(), scalar);
}

/// A chain checks a transaction's signature over the document's SHA-256, r ‖ s with low s.
#[test]
fn a_transactions_signature_is_the_wallets() {
    use k256::ecdsa::signature::Verifier;
    let wallet = WalletKey::from_bytes(&[7; 32]).unwrap();
    let signature = wallet.sign_transaction(r#"{"account_number":"7"}"#);
    let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&wallet.public_key()).unwrap();
    let signature = k256::ecdsa::Signature::from_slice(&signature).unwrap();
    assert!(key.verify(br#"{"account_number":"7"}"#, &signature).is_ok());
    assert_eq!(signature.normalize_s(), None);
}

/// Zero and the order are no keys; a point is compressed and on the curve.
#[test]
fn unusable_keys_are_refused() {
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let mut scalar = [0u8; 32];
    hex::decode_to_slice(order, &mut scalar).unwrap();
    assert_eq!(WalletKey::from_bytes(&scalar).err(), Some(AddressError::WalletKey));
    scalar[31] -= 1;
    assert!(WalletKey::from_bytes(&scalar).is_ok());
    assert_eq!(WalletKey::from_bytes(&[0; 32]).err(), Some(AddressError::WalletKey));

    let mut point = WalletKey::from_bytes(&[7; 32]).unwrap().public_key();
    point[0] = 4;
    assert_eq!(address_of(&point), Err(AddressError::PublicKey));
    point[0] = 2;
    point[1..].fill(0xff);
    assert_eq!(address_of(&point), Err(AddressError::PublicKey));
}

/// A key is not made of entropy that failed.
#[test]
fn no_entropy_no_key() {
    assert_eq!(WalletKey::random(&mut Dry).err(), Some(AddressError::Entropy(EntropyError)));
    assert_eq!(SessionKey::random(&mut Dry).err(), Some(EntropyError));
}

/// One changed character of an address is noticed, as is another network's prefix.
#[test]
fn addresses_are_checked() {
    let good = WalletKey::from_bytes(&[7; 32]).unwrap().address();
    assert_eq!(good.as_str(), "secret150rtrmj2f8vl9tem8qpfw36ylw5jg9j23x7qy9");
    assert_eq!(check_address(&good), Ok(()));
    let contract = "secret1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zsv4vj2x";
    assert_eq!(check_address(&Address::try_from(contract.to_owned()).unwrap()), Ok(()));
    let others = [
        good.as_str().replace("50rt", "50rq"),
        good.as_str().replace("secret", "cosmos"),
        "secret1qqqqqqqq".to_owned(),
        "aaaaaaa1aaaaaaa".to_owned(),
    ];
    for text in others {
        let address = Address::try_from(text).unwrap();
        assert_eq!(check_address(&address), Err(AddressError::Text), "{address}");
    }
}

/// Signatures hold for their key and message only; a key of small order signs for everything, so for us nothing.
#[test]
fn ed25519_is_strict() {
    let key = SessionKey::from_bytes(&[9; 32]);
    let signature = key.sign(b"message");
    assert!(ed25519_holds(&key.public_key(), b"message", &signature));
    assert!(!ed25519_holds(&key.public_key(), b"massage", &signature));
    assert!(!ed25519_holds(&SessionKey::from_bytes(&[8; 32]).public_key(), b"message", &signature));
    // The neutral element as key and commitment, zero as scalar: the equation holds for any message.
    let mut neutral = [0u8; 32];
    neutral[0] = 1;
    let mut forged = [0u8; 64];
    forged[0] = 1;
    assert!(!ed25519_holds(&neutral, b"message", &forged));
}
