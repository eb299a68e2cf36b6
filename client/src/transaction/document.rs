//! A wallet's signature under a transaction of its own, as chains of the Cosmos SDK take it.
//!
//! Layer: client, below `transaction`.
//! Holds: the document's layout, and the one way to sign it.
//! Never: what the transaction does: whoever calls lays that out, from what it was asked for.
//! Invariant: a document has one text: keys sorted, no spaces, no character that encoders escape in different ways.
//!
//! Source: `StdSignDoc` of the Cosmos SDK (`x/tx/signing/aminojson`), SHA-256, secp256k1, 64 bytes r ‖ s.

use prag_protocol::ledger::transaction::{
    SignedTransaction, TRANSACTION_GAS_MAX, TransactionTerms,
};
use prag_trust::address::WalletKey;

/// Why a transaction is not signed. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// Names the term.
    #[error("the transaction's {0} is not acceptable")]
    Term(&'static str),
}

/// What the wallet signs. `content`: the one message as the SDK's own JSON, `{"type":…,"value":…}`, sorted and without
/// spaces.
///
/// # Errors
/// [`TransactionError::Term`] names what no chain takes.
pub fn document(terms: &TransactionTerms, content: &str) -> Result<String, TransactionError> {
    let plain = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte);
        !text.is_empty() && text.len() <= TEXT_BYTES_MAX && text.bytes().all(fits)
    };
    for (text, term) in [(&terms.chain_id, "chain"), (&terms.fee_denom, "fee")] {
        if !plain(text) {
            return Err(TransactionError::Term(term));
        }
    }
    if !(1..=TRANSACTION_GAS_MAX).contains(&terms.gas) {
        return Err(TransactionError::Term("gas"));
    }
    if terms.timeout_height == 0 {
        return Err(TransactionError::Term("last height"));
    }
    let TransactionTerms { chain_id, account_number, sequence, timeout_height, .. } = terms;
    let TransactionTerms { gas, fee, fee_denom, .. } = terms;
    let fee = format!(r#"{{"amount":[{{"amount":"{fee}","denom":"{fee_denom}"}}],"gas":"{gas}"}}"#);
    Ok(format!(
        concat!(
            r#"{{"account_number":"{}","chain_id":"{}","fee":{},"memo":"","msgs":[{}],"#,
            r#""sequence":"{}","timeout_height":"{}"}}"#
        ),
        account_number, chain_id, fee, content, sequence, timeout_height
    ))
}

/// Signs [`document`]. Deterministic.
///
/// # Errors
/// As [`document`].
pub fn sign(
    wallet: &WalletKey,
    terms: TransactionTerms,
    content: &str,
) -> Result<SignedTransaction, TransactionError> {
    let signature = wallet.sign_transaction(&document(&terms, content)?);
    Ok(SignedTransaction { terms, public_key: hex::encode(wallet.public_key()), signature })
}

/// Longest text of a term, bytes.
const TEXT_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transaction::tests::terms;

    /// The document is the SDK's, to the byte, and what is signed is its text.
    #[test]
    fn the_document_is_the_sdks() {
        let text = document(&terms(), r#"{"type":"t","value":{}}"#).unwrap();
        let golden = r#"{"account_number":"7","chain_id":"prag-1","fee":{"amount":[{"amount":"5000","denom":"ustake"}],"gas":"200000"},"memo":"","msgs":[{"type":"t","value":{}}],"sequence":"0","timeout_height":"120"}"#;
        assert_eq!(text, golden);
        let wallet = WalletKey::from_bytes(&[7; 32]).unwrap();
        let signed = sign(&wallet, terms(), r#"{"type":"t","value":{}}"#).unwrap();
        assert_eq!(signed.signature, wallet.sign_transaction(golden));
        assert_eq!(signed.public_key, hex::encode(wallet.public_key()));
    }

    /// Terms that would read two ways, or that no chain takes, are not signed.
    #[test]
    fn other_terms_are_not_signed() {
        type Change = fn(&mut TransactionTerms);
        let bad: [(&str, Change); 6] = [
            ("chain", |terms| terms.chain_id.clear()),
            ("chain", |terms| terms.chain_id = r#"a","memo":"b"#.to_owned()),
            ("fee", |terms| terms.fee_denom = "u\"x".to_owned()),
            ("gas", |terms| terms.gas = 0),
            ("gas", |terms| terms.gas = TRANSACTION_GAS_MAX + 1),
            ("last height", |terms| terms.timeout_height = 0),
        ];
        for (term, change) in bad {
            let mut terms = terms();
            change(&mut terms);
            assert_eq!(document(&terms, "{}"), Err(TransactionError::Term(term)));
        }
    }
}
