//! One account, two spellings: ours and the chain's.
//!
//! Layer: `cosmos`, above `settings`.
//! Holds: the translation of every address that crosses to the chain or back.
//! Never: another account: the bytes stay, the prefix and checksum change.
//! Invariant: there and back is the same text. Wallets here have one prefix; a chain has its own for the same keys.

use crate::CosmosError;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use prag_protocol::Address;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Admission, GrantRecord};
use prag_trust::permit::Expected;

/// The border of one chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Border {
    there: Hrp,
    here: Hrp,
}

impl Border {
    /// `there`: the chain's prefix.
    pub(crate) fn of(there: Hrp) -> Self {
        Self { there, here: Hrp::parse_unchecked(HERE) }
    }

    /// The border of the chain on which `expected`'s contract is.
    pub(crate) fn at(expected: &Expected) -> Result<Self, CosmosError> {
        let parsed = CheckedHrpstring::new::<Bech32>(&expected.contract).map_err(|_| wrong())?;
        Ok(Self::of(parsed.hrp()))
    }

    /// As the chain writes it.
    pub(crate) fn out(&self, address: &Address) -> Result<Address, CosmosError> {
        spell(address, self.there)
    }

    /// As we write it.
    pub(crate) fn back(&self, address: &Address) -> Result<Address, CosmosError> {
        spell(address, self.here)
    }

    /// A message, as the chain writes it.
    pub(crate) fn message(&self, mut message: AccessMsg) -> Result<AccessMsg, CosmosError> {
        match &mut message {
            AccessMsg::Grant { grantee: account, .. }
            | AccessMsg::Revoke { grantee: account, .. }
            | AccessMsg::Consume { grantee: account, .. }
            | AccessMsg::Transfer { to: account, .. } => *account = self.out(account)?,
            AccessMsg::Place { placement } => placement.account = self.out(&placement.account)?,
            AccessMsg::CreateCollection { .. }
            | AccessMsg::DestroyCollection { .. }
            | AccessMsg::RevokePermit { .. }
            | AccessMsg::RotateEpoch { .. }
            | AccessMsg::Unplace { .. }
            | AccessMsg::Rebind { .. }
            | AccessMsg::ClaimWriter { .. }
            | AccessMsg::Anchor { .. }
            | AccessMsg::SetPolicy { .. } => {}
        }
        Ok(message)
    }

    /// A question, as the chain writes it.
    pub(crate) fn question(&self, mut query: AccessQuery) -> Result<AccessQuery, CosmosError> {
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
            | AccessQuery::Grants { .. } => {}
        }
        Ok(query)
    }

    /// An answer, as we write it.
    pub(crate) fn answer(&self, mut reply: AccessReply) -> Result<AccessReply, CosmosError> {
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
            | AccessReply::Collections { .. } => {}
        }
        Ok(reply)
    }

    fn admission(&self, admission: &mut Admission) -> Result<(), CosmosError> {
        if let Some(record) = &mut admission.collection {
            record.owner = self.back(&record.owner)?;
        }
        admission.grant.as_mut().map_or(Ok(()), |grant| self.grant(grant))
    }

    fn grant(&self, grant: &mut GrantRecord) -> Result<(), CosmosError> {
        grant.grantee = self.back(&grant.grantee)?;
        Ok(())
    }
}

fn spell(address: &Address, prefix: Hrp) -> Result<Address, CosmosError> {
    let text = bech32::encode::<Bech32>(prefix, &bytes(address)?).map_err(|_| wrong())?;
    text.parse().map_err(|_| wrong())
}

/// The account itself, which both spellings have in common.
pub(crate) fn bytes(address: &Address) -> Result<Vec<u8>, CosmosError> {
    let parsed = CheckedHrpstring::new::<Bech32>(address.as_str()).map_err(|_| wrong())?;
    Ok(parsed.byte_iter().collect())
}

fn wrong() -> CosmosError {
    CosmosError::Refused("an address is not bech32 text".to_owned())
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
        let bytes = |text: &Address| {
            let parsed = CheckedHrpstring::new::<Bech32>(text.as_str()).unwrap();
            parsed.byte_iter().collect::<Vec<_>>()
        };
        assert_eq!(bytes(&there), bytes(&ours()));
        let mistyped: Address = format!("{}q", ours()).parse().unwrap();
        assert!(border().out(&mistyped).is_err(), "the checksum is checked");
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
