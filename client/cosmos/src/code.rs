//! What code a contract runs, and whether somebody may replace it.
//!
//! Layer: `cosmos`, above `rows`.
//! Holds: the two rows of the chain's contract module that say so.
//! Never: a contract's own word.
//! Invariant: without an administrator a contract's code cannot change but by the chain's own governance, so that it is
//! enough to prove it once.

use crate::CosmosError;
use crate::rows::{Rows, WASM_STORE};
use cosmrs::proto::cosmwasm::wasm::v1::{CodeInfo, ContractInfo};
use prost::Message;

/// Proves that `contract` is the code of this SHA-256, and nobody's to replace.
///
/// # Errors
/// [`CosmosError::Contract`] says what it is instead.
pub(crate) async fn pinned(
    rows: &Rows,
    contract: &[u8; 32],
    code_hash: &[u8; 32],
) -> Result<(), CosmosError> {
    let key = [&[CONTRACTS], contract.as_slice()].concat();
    let row = rows.module(WASM_STORE, &key).await?;
    let row = row.ok_or(CosmosError::Contract("there is none"))?;
    let info = ContractInfo::decode(row.as_slice())
        .map_err(|_| CosmosError::Contract("its entry does not read back"))?;
    if !info.admin.is_empty() {
        return Err(CosmosError::Contract("an administrator may replace its code"));
    }
    let key = [&[CODES], info.code_id.to_be_bytes().as_slice()].concat();
    let row = rows.module(WASM_STORE, &key).await?.unwrap_or_default();
    let code = CodeInfo::decode(row.as_slice())
        .map_err(|_| CosmosError::Contract("its code's entry does not read back"))?;
    if code.code_hash == code_hash {
        Ok(())
    } else {
        Err(CosmosError::Contract("it is other code"))
    }
}

/// wasmd's tables: codes by number, contracts by address.
const CODES: u8 = 1;
const CONTRACTS: u8 = 2;
