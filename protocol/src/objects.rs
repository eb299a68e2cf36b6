//! Structs that are read from JSON objects only.
//!
//! Layer: protocol.
//! Holds: `deserialize_with` functions for fields that hold structs.
//! Never: a struct from a list. serde's derive reads one by position, so that `[]` passes for a struct whose
//! fields all have defaults: an empty list would be a filter that lets everything through.
//! Invariant: what is no object is refused, whatever the struct's defaults.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

struct Object<T>(T);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

pub(crate) fn one<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
) -> Result<T, D::Error> {
    Object::deserialize(source).map(|object| object.0)
}

pub(crate) fn maybe<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(source)?.map(|object| object.0))
}

pub(crate) fn many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Object<T>>::deserialize(source)?.into_iter().map(|object| object.0).collect())
}

pub(crate) fn maybe_many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Option::<Vec<Object<T>>>::deserialize(source)?;
    Ok(list.map(|list| list.into_iter().map(|object| object.0).collect()))
}
