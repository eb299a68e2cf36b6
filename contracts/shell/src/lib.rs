//! What every contract's shell shares: the chain's library, storage, headers, coins, events, permits, other contracts.
//!
//! Layer: contracts; above `core` and `permit`, below one thin crate per contract.
//! Holds: the only code that knows that there are two standard libraries.
//! Never: a rule of any contract.
//! Invariant: exactly one standard library is linked; both export the same symbols.

#[cfg(all(feature = "cosmwasm", feature = "secret"))]
compile_error!(
    "choose one of the features `cosmwasm` and `secret`: their libraries export the same symbols"
);
#[cfg(not(any(feature = "cosmwasm", feature = "secret")))]
compile_error!("choose one of the features `cosmwasm` and `secret`");

mod beside;
mod chain;
mod curves;
mod event;
mod export;
mod import;
mod json;
mod money;
mod peer;
mod refusal;
mod signed;
mod store;

#[cfg(all(feature = "cosmwasm", not(feature = "secret")))]
pub use cosmwasm_std as std;
#[cfg(feature = "secret")]
pub use secret_cosmwasm_std as std;

pub use beside::{Beside, beside};
pub use chain::{address, header, sender};
pub use curves::Curves;
pub use event::happened;
#[cfg(feature = "secret")]
pub use import::quote_accepted;
pub use json::{binary, parse};
pub use money::{COINS_MAX, funds, payments, unpaid};
pub use peer::Peer;
pub use refusal::Refusal;
pub use signed::{ask, delegated, say};
pub use store::{ReadStore, Store};
