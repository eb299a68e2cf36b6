//! A shell's own message beside those of its ledger.
//!
//! Layer: shell.
//! Holds: one enum out of two, read by the message's name.
//! Never: serde's own way for untagged enums: it reads everything that JSON can hold, floats too, and Secret stores no
//! wasm with floats.
//! Invariant: what the ledger's type refuses is refused; its messages keep their spelling.

use core::fmt;
use core::marker::PhantomData;
use serde::Deserialize;
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beside<L, O> {
    /// The ledger's.
    Ledger(L),
    /// The body of the shell's own.
    Own(O),
}

/// Reads a message named `own` as an `O`, and any other as an `L`.
///
/// # Errors
/// Those of the two types.
pub fn beside<'de, D, L, O>(input: D, own: &'static str) -> Result<Beside<L, O>, D::Error>
where
    D: Deserializer<'de>,
    L: Deserialize<'de>,
    O: Deserialize<'de>,
{
    // JSON's readers do not look at the list of names.
    input.deserialize_enum("message", &[], ByName { own, types: PhantomData })
}

struct ByName<L, O> {
    own: &'static str,
    types: PhantomData<(L, O)>,
}

impl<'de, L: Deserialize<'de>, O: Deserialize<'de>> Visitor<'de> for ByName<L, O> {
    type Value = Beside<L, O>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a message")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, input: A) -> Result<Self::Value, A::Error> {
        let (name, body) = input.variant::<String>()?;
        if name == self.own {
            return body.newtype_variant().map(Beside::Own);
        }
        L::deserialize(Named { name, body }).map(Beside::Ledger)
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

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, B), B::Error> {
        let name: StringDeserializer<B::Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.body))
    }
}
