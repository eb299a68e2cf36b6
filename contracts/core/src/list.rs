//! A set that can be paged without iteration: members by number, and numbers by member.
//!
//! Layer: bottom of the core.
//! Holds: raw rows below one prefix: 0 = count, 1 ‖ number = member, 2 ‖ member = number.
//! Never: an order; removal puts the last member in the gap.
//! Invariant: numbers run from 0 to count - 1, and both directions agree. Each verb is O(1).

use crate::{Kv, RowError};

/// One set.
pub(crate) struct List {
    prefix: Vec<u8>,
}

impl List {
    pub(crate) fn new(prefix: Vec<u8>) -> Self {
        Self { prefix }
    }

    /// How many members there are.
    pub(crate) fn count(&self, kv: &dyn Kv) -> Result<u32, RowError> {
        Ok(number(kv, &self.count_key())?.unwrap_or(0))
    }

    /// Adds a member that is not in the set.
    pub(crate) fn add(&self, kv: &mut dyn Kv, member: &[u8]) -> Result<(), RowError> {
        let at = self.count(kv)?;
        let count = at.checked_add(1).ok_or(RowError::Exhausted(TABLE))?;
        if kv.get(&self.number_key(member)).is_some() {
            return Err(DAMAGED);
        }
        kv.put(&self.member_key(at), member);
        kv.put(&self.number_key(member), &at.to_be_bytes());
        kv.put(&self.count_key(), &count.to_be_bytes());
        Ok(())
    }

    /// Takes out a member that is in the set.
    pub(crate) fn remove(&self, kv: &mut dyn Kv, member: &[u8]) -> Result<(), RowError> {
        let last = self.count(kv)?.checked_sub(1).ok_or(DAMAGED)?;
        let gap = number(kv, &self.number_key(member))?.ok_or(DAMAGED)?;
        let mover = kv.get(&self.member_key(last)).ok_or(DAMAGED)?;
        kv.put(&self.member_key(gap), &mover);
        kv.put(&self.number_key(&mover), &gap.to_be_bytes());
        kv.delete(&self.member_key(last));
        kv.delete(&self.number_key(member));
        if last == 0 {
            kv.delete(&self.count_key());
        } else {
            kv.put(&self.count_key(), &last.to_be_bytes());
        }
        Ok(())
    }

    /// The count, and at most `limit` members from `offset` on.
    pub(crate) fn page(
        &self,
        kv: &dyn Kv,
        offset: u32,
        limit: u32,
    ) -> Result<(u32, Vec<Vec<u8>>), RowError> {
        let count = self.count(kv)?;
        // All are read before one is missed: who proves rows learns of all that it needs in one round.
        let members: Vec<_> = (offset..offset.saturating_add(limit).min(count))
            .map(|at| kv.get(&self.member_key(at)))
            .collect();
        let members =
            members.into_iter().map(|member| member.ok_or(DAMAGED)).collect::<Result<_, _>>()?;
        Ok((count, members))
    }

    fn count_key(&self) -> Vec<u8> {
        self.key(0, &[])
    }

    fn member_key(&self, number: u32) -> Vec<u8> {
        self.key(1, &number.to_be_bytes())
    }

    fn number_key(&self, member: &[u8]) -> Vec<u8> {
        self.key(2, member)
    }

    fn key(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        [self.prefix.as_slice(), &[kind], rest].concat()
    }
}

fn number(kv: &dyn Kv, key: &[u8]) -> Result<Option<u32>, RowError> {
    kv.get(key)
        .map(|value| value.try_into().map(u32::from_be_bytes))
        .transpose()
        .map_err(|_| DAMAGED)
}

const TABLE: &str = "lists";
const DAMAGED: RowError = RowError::Damaged(TABLE);
