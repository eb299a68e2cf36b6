//! For whom this process pays: other accounts' signed messages cost its own gas.
//!
//! Layer: `cosmos`, below `ledger`.
//! Holds: who is listed, and how many messages of the running hour were paid for.
//! Never: a limit for this account's own messages.
//! Invariant: in one hour no more is paid for than the pace allows, and for no account more than a quarter of that.

use crate::CosmosError;
use prag_protocol::Address;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Whose messages are paid for, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payers {
    /// As we spell them; empty is everybody.
    pub accounts: Vec<Address>,
    /// Messages an hour, 4 or more.
    pub per_hour: u32,
}

/// What was paid for in the running hour.
pub(crate) struct Purse {
    payers: Payers,
    hour: Mutex<Hour>,
}

#[derive(Default)]
struct Hour {
    /// Hours since 1970.
    number: u64,
    all: u32,
    each: HashMap<Address, u32>,
}

impl Purse {
    pub(crate) fn new(payers: Payers) -> Self {
        Self { payers, hour: Mutex::default() }
    }

    /// Pays for one more message of `sender` at Unix second `now`.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] says what to do; nothing was counted.
    pub(crate) fn pay_for(&self, sender: &Address, now: u64) -> Result<(), CosmosError> {
        let Payers { accounts, per_hour } = &self.payers;
        if !accounts.is_empty() && !accounts.contains(sender) {
            let why = "this worker pays only for accounts that its operator lists; ask it, or another worker";
            return Err(CosmosError::Refused(why.to_owned()));
        }
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now / HOUR_SECONDS;
        if hour.number != number {
            *hour = Hour { number, ..Hour::default() };
        }
        let own = hour.each.get(sender).copied().unwrap_or(0);
        if hour.all >= *per_hour || own >= per_hour / 4 {
            let why = "this worker has paid for as many messages as it does in an hour; ask again in the next one";
            return Err(CosmosError::Refused(why.to_owned()));
        }
        hour.all = hour.all.saturating_add(1);
        hour.each.insert(sender.clone(), own.saturating_add(1));
        Ok(())
    }
}

const HOUR_SECONDS: u64 = 3600;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn account(name: &str) -> Address {
        format!("secret1{name}").parse().unwrap()
    }

    /// One account takes a quarter, all together take no more than there is, and the next hour begins anew.
    #[test]
    fn the_pace_holds() {
        let purse = Purse::new(Payers { accounts: Vec::new(), per_hour: 10 });
        let paid = |name: &str, now| purse.pay_for(&account(name), now).is_ok();
        assert_eq!([paid("ann", 5), paid("ann", 6), paid("ann", 7)], [true, true, false]);
        for name in ["bob", "cleo", "dan", "eve"] {
            assert!(paid(name, 8) && paid(name, 9) && !paid(name, 10), "{name}");
        }
        assert!(!paid("fred", 3599), "all ten are paid");
        assert!(paid("ann", 3600));
    }

    /// Where accounts are listed, no other one is paid for.
    #[test]
    fn who_is_not_listed_pays_itself() {
        let purse = Purse::new(Payers { accounts: vec![account("ann")], per_hour: 10 });
        assert!(purse.pay_for(&account("ann"), 0).is_ok());
        let told = purse.pay_for(&account("bob"), 0);
        assert!(matches!(told, Err(CosmosError::Refused(ref text)) if text.contains("lists")));
    }
}
