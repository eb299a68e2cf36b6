//! What the shell adds to the ledger's messages.
//!
//! Layer: rewards shell.
//! Holds: instantiation, and the one message that a chain with closed storage needs more.
//! Never: another spelling of the ledger's own messages.
//! Invariant: unknown fields and variants are refused.

use prag_contracts_permit::SignedQuery;
use prag_contracts_shell::Peer;
use prag_protocol::ledger::rewards::{RewardsInit, RewardsMsg, RoyaltyClaim};
use serde::de::value::StringDeserializer;
use serde::de::{Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the contract begins. The sender is its admin. The other two contracts stay what they are, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {
    /// The ledger's own settings.
    pub rewards: RewardsInit,
    /// Knows who owns a collection.
    pub access: Peer,
    /// Knows workers, their keys and their liveness; takes slashings once this contract is its `rewards` party.
    pub workers: Peer,
}

/// What the contract is told on Secret Network: the ledger's messages as everywhere, and one more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SecretMsg {
    /// As on every chain. `claim` with `royalty` is refused: nobody tells this contract who the owner is.
    Ledger(RewardsMsg),
    /// Only here.
    Own(OwnMsg),
}

/// What only Secret Network needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OwnMsg {
    /// Owner: takes one collection's royalty, as by `claim` with `royalty`.
    ClaimRoyalty(Box<OwnedClaim>),
}

/// A claim, and what lets the access contract say whose the collection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnedClaim {
    /// Which epoch.
    pub epoch: u64,
    /// The collection's leaf in one worker's report.
    pub royalty: RoyaltyClaim,
    /// The owner's question `{"collection":{"collection":…}}` to the access contract, signed for that contract: it is
    /// passed on as it is.
    pub question: SignedQuery,
}

/// By hand, since serde's own way for untagged enums reads everything that JSON can hold, floats too, and Secret stores
/// no wasm with floats.
impl<'de> Deserialize<'de> for SecretMsg {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_enum("SecretMsg", &[OWN], ByName)
    }
}

struct ByName;

impl<'de> Visitor<'de> for ByName {
    type Value = SecretMsg;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a message")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, input: A) -> Result<SecretMsg, A::Error> {
        let (name, body) = input.variant::<String>()?;
        if name == OWN {
            let claim = body.newtype_variant()?;
            return Ok(SecretMsg::Own(OwnMsg::ClaimRoyalty(Box::new(claim))));
        }
        RewardsMsg::deserialize(Named { name, body }).map(SecretMsg::Ledger)
    }
}

/// A message whose name has been read.
struct Named<B> {
    name: String,
    body: B,
}

impl<'de, B: VariantAccess<'de>> Deserializer<'de> for Named<B> {
    type Error = B::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, B::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, B: VariantAccess<'de>> EnumAccess<'de> for Named<B> {
    type Error = B::Error;
    type Variant = B;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, B), B::Error> {
        let name: StringDeserializer<B::Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.body))
    }
}

const OWN: &str = "claim_royalty";

#[cfg(test)]
mod tests;
