//! One account, two spellings: ours and the chain's.
//!
//! Layer: client; below `relay` and the ledgers on chains.
//! Holds: the translation of every address that crosses to the chain or back.
//! Never: another account: the bytes stay, the prefix and checksum change.
//! Invariant: there and back is the same text. Wallets here have one prefix; a chain has its own for the same keys.

mod market;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use prag_protocol::Address;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Admission, GrantRecord, Source};
use prag_trust::permit::Expected;

/// What stands where an address should is none. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is not bech32 text")]
pub struct NoAddress;

/// The border of one chain.
#[derive(Clone, Copy, Debug)]
pub struct Border {
    there: Hrp,
    here: Hrp,
}

impl Border {
    /// `there`: the chain's prefix.
    #[must_use]
    pub fn of(there: Hrp) -> Self {
        Self { there, here: Hrp::parse_unchecked(HERE) }
    }

    /// The border of the chain on which `expected`'s contract is.
    ///
    /// # Errors
    /// [`NoAddress`] where that is no address.
    pub fn at(expected: &Expected) -> Result<Self, NoAddress> {
        let parsed = CheckedHrpstring::new::<Bech32>(&expected.contract).map_err(|_| NoAddress)?;
        Ok(Self::of(parsed.hrp()))
    }

    /// As the chain writes it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn out(&self, address: &Address) -> Result<Address, NoAddress> {
        spell(address, self.there)
    }

    /// As we write it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn back(&self, address: &Address) -> Result<Address, NoAddress> {
        spell(address, self.here)
    }

    /// A message, as the chain writes it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn message(&self, mut message: AccessMsg) -> Result<AccessMsg, NoAddress> {
        if let Some(account) = named(&mut message) {
            *account = self.out(account)?;
        }
        Ok(message)
    }

    /// A message that the chain's way of writing was signed in, as we write it.
    ///
    /// # Errors
    /// [`NoAddress`]; also where an address in it is not in the chain's spelling.
    pub fn message_back(&self, signed: &AccessMsg) -> Result<AccessMsg, NoAddress> {
        let mut ours = signed.clone();
        if let Some(account) = named(&mut ours) {
            *account = self.back(account)?;
        }
        if self.message(ours.clone())? == *signed { Ok(ours) } else { Err(NoAddress) }
    }

    /// A question, as the chain writes it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn question(&self, mut query: AccessQuery) -> Result<AccessQuery, NoAddress> {
        match &mut query {
            AccessQuery::Grant { grantee: account, .. }
            | AccessQuery::PermitRevoked { address: account, .. }
            | AccessQuery::Anchor { account }
            | AccessQuery::Admission { caller: account, .. }
            | AccessQuery::Collections { owner: account, .. }
            | AccessQuery::Shared { grantee: account, .. } => *account = self.out(account)?,
            AccessQuery::Collection { .. }
            | AccessQuery::Placement { .. }
            | AccessQuery::Writer { .. }
            | AccessQuery::Policy { .. }
            | AccessQuery::Price { .. }
            | AccessQuery::Grants { .. } => {}
        }
        Ok(query)
    }

    /// An answer, as we write it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn answer(&self, mut reply: AccessReply) -> Result<AccessReply, NoAddress> {
        match &mut reply {
            AccessReply::Collection(Some(record)) => record.owner = self.back(&record.owner)?,
            AccessReply::Grant(Some(grant)) => self.grant(grant)?,
            AccessReply::Placement(Some(placement)) => {
                placement.account = self.back(&placement.account)?;
            }
            AccessReply::Admission(admission) => self.admission(admission)?,
            AccessReply::Grants { rows, .. } => {
                rows.iter_mut().try_for_each(|grant| self.grant(grant))?;
            }
            AccessReply::Collection(None)
            | AccessReply::Grant(None)
            | AccessReply::Placement(None)
            | AccessReply::PermitRevoked(_)
            | AccessReply::Writer(_)
            | AccessReply::Anchor(_)
            | AccessReply::Policy(_)
            | AccessReply::Price(_)
            | AccessReply::Collections { .. } => {}
        }
        Ok(reply)
    }

    fn admission(&self, admission: &mut Admission) -> Result<(), NoAddress> {
        if let Some(record) = &mut admission.collection {
            record.owner = self.back(&record.owner)?;
        }
        let mut grants = admission.grant.iter_mut().chain(admission.through.as_deref_mut());
        grants.try_for_each(|grant| self.grant(grant))
    }

    fn grant(&self, grant: &mut GrantRecord) -> Result<(), NoAddress> {
        grant.grantee = self.back(&grant.grantee)?;
        if let Source::Delegate { by, .. } = &mut grant.source {
            *by = self.back(by)?;
        }
        Ok(())
    }
}

/// Whom a message names.
fn named(message: &mut AccessMsg) -> Option<&mut Address> {
    match message {
        AccessMsg::Grant { grantee: account, .. }
        | AccessMsg::Revoke { grantee: account, .. }
        | AccessMsg::Consume { grantee: account, .. }
        | AccessMsg::Transfer { to: account, .. } => Some(account),
        AccessMsg::Place { placement } => Some(&mut placement.account),
        AccessMsg::CreateCollection { .. }
        | AccessMsg::DestroyCollection { .. }
        | AccessMsg::RevokePermit { .. }
        | AccessMsg::RotateEpoch { .. }
        | AccessMsg::Unplace { .. }
        | AccessMsg::Rebind { .. }
        | AccessMsg::ClaimWriter { .. }
        | AccessMsg::Anchor { .. }
        | AccessMsg::SetPolicy { .. }
        | AccessMsg::SetPrice { .. } => None,
    }
}

fn spell(address: &Address, prefix: Hrp) -> Result<Address, NoAddress> {
    let text = bech32::encode::<Bech32>(prefix, &bytes(address)?).map_err(|_| NoAddress)?;
    text.parse().map_err(|_| NoAddress)
}

/// `account` as the ledger of `expected` writes it, in vouchers too. An embedded ledger's contract is no address of any
/// chain: there accounts are written as here.
#[must_use]
pub fn spelled(expected: &Expected, account: &Address) -> Address {
    let there = Border::at(expected).and_then(|border| border.out(account));
    there.unwrap_or_else(|_| account.clone())
}

/// `account` as we write it, where it came as the ledger of `expected` writes it; as it is otherwise: another chain's
/// account of the same key may be somebody else's.
#[must_use]
pub fn unspelled(expected: &Expected, account: &Address) -> Address {
    let border = Border::at(expected);
    let ours = border.and_then(|border| match border.out(account)? == *account {
        true => border.back(account),
        false => Err(NoAddress),
    });
    ours.unwrap_or_else(|_| account.clone())
}

/// `account` as we write it, whichever chain's spelling it came in.
///
/// # Errors
/// [`NoAddress`].
pub fn here(account: &Address) -> Result<Address, NoAddress> {
    spell(account, Hrp::parse_unchecked(HERE))
}

/// The account itself, which both spellings have in common.
///
/// # Errors
/// [`NoAddress`].
pub fn bytes(address: &Address) -> Result<Vec<u8>, NoAddress> {
    let parsed = CheckedHrpstring::new::<Bech32>(address.as_str()).map_err(|_| NoAddress)?;
    Ok(parsed.byte_iter().collect())
}

/// The prefix of every address that `trust` makes.
const HERE: &str = "secret";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_protocol::CollectionId;

    fn border() -> Border {
        Border::of(Hrp::parse("wasm").unwrap())
    }

    fn ours() -> Address {
        prag_trust::address::WalletKey::from_bytes(&[7; 32]).unwrap().address()
    }

    /// The account stays, the spelling changes, and there and back is the same.
    #[test]
    fn there_and_back() {
        let there = border().out(&ours()).unwrap();
        assert!(there.as_str().starts_with("wasm1"));
        assert_eq!(border().back(&there).unwrap(), ours());
        assert_eq!(border().out(&there).unwrap(), there);
        assert_eq!(bytes(&there).unwrap(), bytes(&ours()).unwrap());
        let expected = Expected {
            chain_id: "test-1".to_owned(),
            contract: border().out(&ours()).unwrap().to_string(),
        };
        assert_eq!(unspelled(&expected, &there), ours());
        let elsewhere = Border::of(Hrp::parse("osmo").unwrap()).out(&ours()).unwrap();
        for as_it_is in [ours(), elsewhere] {
            assert_eq!(unspelled(&expected, &as_it_is), as_it_is);
        }
        let mistyped: Address = format!("{}q", ours()).parse().unwrap();
        assert!(border().out(&mistyped).is_err(), "the checksum is checked");
        let to = |to: Address| AccessMsg::Transfer { collection: CollectionId([1; 16]), to };
        assert_eq!(border().message_back(&to(there)).unwrap(), to(ours()));
        assert!(border().message_back(&to(ours())).is_err(), "the chain does not spell so");
    }

    /// Whoever a message or question names is named in the chain's spelling, and answers come back in ours.
    #[test]
    fn everybody_is_translated() {
        let collection = CollectionId([1; 16]);
        let revoke = AccessMsg::Revoke { collection, grantee: ours() };
        let text = serde_json::to_string(&border().message(revoke).unwrap()).unwrap();
        assert!(text.contains("wasm1") && !text.contains("secret1"), "{text}");
        let ask = AccessQuery::Grant { collection, grantee: ours() };
        let text = serde_json::to_string(&border().question(ask).unwrap()).unwrap();
        assert!(text.contains("wasm1") && !text.contains("secret1"), "{text}");
        let there = border().out(&ours()).unwrap();
        let record = prag_protocol::ledger::CollectionRecord {
            owner: there,
            epoch: 1,
            commitment: [0; 32],
            destroyed: false,
        };
        let answer = border().answer(AccessReply::Collection(Some(record))).unwrap();
        let AccessReply::Collection(Some(record)) = answer else { panic!("an answer") };
        assert_eq!(record.owner, ours());
    }
}
