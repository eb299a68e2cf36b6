//! What Secret offers to a contract.
//!
//! Layer: vm, Secret's engine.
//! Holds: every import of Secret's list, with its cost.
//! Never: a signature made for a contract: those imports are there, so that every contract loads, and trap when they are
//! called. Intel's library: which quotes are good is what a test says. Of questions to the chain, any but those to other
//! contracts.
//! Invariant: error codes are those that the library expects.

use super::regions::{fill, give, read};
use crate::{Peers, SharedRows};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use cosmwasm_crypto::{CryptoError, ed25519_verify, secp256k1_recover_pubkey, secp256k1_verify};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wasmi::errors::LinkerError;
use wasmi::{Caller, Error, Linker};

/// Quotes with their collateral that the chain's verifier accepts.
pub(super) type Quotes = BTreeSet<(Vec<u8>, Vec<u8>)>;

/// Beside a running contract.
pub(super) struct Host {
    pub(super) rows: SharedRows,
    /// Quotes that verify, with their collateral.
    pub(super) quotes: Quotes,
    /// Other contracts.
    pub(super) peers: Peers,
    /// Secret's gas for host functions.
    pub(super) gas: u64,
    pub(super) readonly: bool,
}

type Call<'a> = Caller<'a, Host>;

/// The whole list.
pub(super) fn imports(engine: &wasmi::Engine) -> Result<Linker<Host>, LinkerError> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("env", "db_read", db_read)?
        .func_wrap("env", "db_write", db_write)?
        .func_wrap("env", "db_remove", db_remove)?
        .func_wrap("env", "addr_validate", addr_validate)?
        .func_wrap("env", "addr_canonicalize", addr_canonicalize)?
        .func_wrap("env", "addr_humanize", addr_humanize)?
        .func_wrap("env", "secp256k1_verify", verify_secp256k1)?
        .func_wrap("env", "secp256k1_recover_pubkey", recover_secp256k1)?
        .func_wrap("env", "ed25519_verify", verify_ed25519)?
        .func_wrap("env", "debug", |_: Call<'_>, _: u32| {})?
        .func_wrap("env", "check_gas", |mut call: Call<'_>| spent(&mut call))?
        .func_wrap("env", "gas_evaporate", evaporate)?
        .func_wrap("env", "ed25519_batch_verify", absent3)?
        .func_wrap("env", "secp256k1_sign", absent2)?
        .func_wrap("env", "ed25519_sign", absent2)?
        .func_wrap("env", "dcap_quote_verify", verify_quote)?
        .func_wrap("env", "query_chain", query_chain)?;
    Ok(linker)
}

fn db_read(mut call: Call<'_>, key: u32) -> Result<u32, Error> {
    let key = read(&call, key)?;
    match call.data().rows.get(&key).0 {
        Some(value) => give(&mut call, &value),
        None => Ok(0),
    }
}

fn db_write(call: Call<'_>, key: u32, value: u32) -> Result<(), Error> {
    let (key, value) = (read(&call, key)?, read(&call, value)?);
    writable(&call)?;
    call.data().rows.put(&key, &value);
    Ok(())
}

fn db_remove(call: Call<'_>, key: u32) -> Result<(), Error> {
    let key = read(&call, key)?;
    writable(&call)?;
    call.data().rows.delete(&key);
    Ok(())
}

fn writable(call: &Call<'_>) -> Result<(), Error> {
    if call.data().readonly { Err(Error::new("a query must not write")) } else { Ok(()) }
}

fn addr_validate(mut call: Call<'_>, text: u32) -> Result<u32, Error> {
    charge(&mut call, ADDRESS);
    let text = read(&call, text)?;
    match canonical(&text) {
        Ok(_) => Ok(0),
        Err(why) => give(&mut call, why.as_bytes()),
    }
}

fn addr_canonicalize(mut call: Call<'_>, text: u32, out: u32) -> Result<u32, Error> {
    charge(&mut call, ADDRESS);
    let text = read(&call, text)?;
    match canonical(&text) {
        Ok(bytes) => fill(&mut call, out, &bytes).map(|()| 0),
        Err(why) => give(&mut call, why.as_bytes()),
    }
}

fn addr_humanize(mut call: Call<'_>, bytes: u32, out: u32) -> Result<u32, Error> {
    charge(&mut call, ADDRESS);
    let bytes = read(&call, bytes)?;
    let prefix = Hrp::parse(PREFIX).map_err(|_| Error::new("prefix"))?;
    match bech32::encode::<Bech32>(prefix, &bytes) {
        Ok(text) => fill(&mut call, out, text.as_bytes()).map(|()| 0),
        Err(_) => give(&mut call, b"not the bytes of an address"),
    }
}

/// 20 bytes of an account, or 32 of a contract.
fn canonical(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let text = core::str::from_utf8(text).map_err(|_| "not UTF-8")?;
    let parsed = CheckedHrpstring::new::<Bech32>(text).map_err(|_| "not bech32")?;
    let bytes: Vec<u8> = parsed.byte_iter().collect();
    if parsed.hrp().as_str() != PREFIX || !matches!(bytes.len(), 20 | 32) {
        return Err("not an address of this chain");
    }
    Ok(bytes)
}

fn verify_secp256k1(mut call: Call<'_>, hash: u32, signature: u32, key: u32) -> Result<u32, Error> {
    charge(&mut call, SECP256K1);
    verdict(&call, [hash, signature, key], secp256k1_verify)
}

fn verify_ed25519(
    mut call: Call<'_>,
    message: u32,
    signature: u32,
    key: u32,
) -> Result<u32, Error> {
    charge(&mut call, ED25519);
    verdict(&call, [message, signature, key], ed25519_verify)
}

/// A signature's check: message, signature, key.
type Verify = fn(&[u8], &[u8], &[u8]) -> Result<bool, CryptoError>;

/// 0 for a good signature, 1 for another one, and otherwise the library's code.
fn verdict(
    call: &Call<'_>,
    [message, signature, key]: [u32; 3],
    verify: Verify,
) -> Result<u32, Error> {
    let (message, signature, key) =
        (read(call, message)?, read(call, signature)?, read(call, key)?);
    Ok(match verify(&message, &signature, &key) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => error.code(),
    })
}

/// Error code in the upper half, region in the lower.
fn recover_secp256k1(
    mut call: Call<'_>,
    hash: u32,
    signature: u32,
    parameter: u32,
) -> Result<u64, Error> {
    charge(&mut call, SECP256K1);
    let (hash, signature) = (read(&call, hash)?, read(&call, signature)?);
    let parameter = u8::try_from(parameter).map_err(|_| Error::new("no recovery parameter"))?;
    match secp256k1_recover_pubkey(&hash, &signature, parameter) {
        Ok(key) => give(&mut call, &key).map(u64::from),
        Err(error) => Ok(u64::from(error.code()) << 32),
    }
}

/// Error code in the upper half, the result of Intel's library in the lower.
fn verify_quote(mut call: Call<'_>, quote: u32, collateral: u32) -> Result<u64, Error> {
    charge(&mut call, QUOTE);
    let known = (read(&call, quote)?, read(&call, collateral)?);
    Ok(if call.data().quotes.contains(&known) { 0 } else { INVALID_SIGNATURE })
}

/// Smart queries, with the code hash that Secret demands. What another contract costs is not measured.
fn query_chain(mut call: Call<'_>, request: u32) -> Result<u32, Error> {
    let request = read(&call, request)?;
    let request: Value = serde_json::from_slice(&request).map_err(|_| Error::new("not JSON"))?;
    let smart = &request["wasm"]["smart"];
    let text = |field: &str| smart[field].as_str().ok_or(Error::new("not a smart query"));
    let (contract, hash, question) =
        (text("contract_addr")?, text("callback_code_hash")?, text("msg")?);
    if hash.len() != 64 {
        return Err(Error::new("no code hash"));
    }
    let question = STANDARD.decode(question).map_err(|_| Error::new("not base64"))?;
    let answer = match (call.data().peers)(contract, &question) {
        Ok(reply) => json!({ "Ok": { "Ok": STANDARD.encode(reply) } }),
        Err(text) => json!({ "Ok": { "Err": text } }),
    };
    give(&mut call, answer.to_string().as_bytes())
}

fn evaporate(mut call: Call<'_>, amount: u32) -> u32 {
    charge(&mut call, u64::from(amount));
    0
}

fn spent(call: &mut Call<'_>) -> u64 {
    call.data().gas
}

fn charge(call: &mut Call<'_>, amount: u64) {
    let host = call.data_mut();
    host.gas = host.gas.saturating_add(amount);
}

fn absent2(_: Call<'_>, _: u32, _: u32) -> Result<u64, Error> {
    absent()
}

fn absent3(_: Call<'_>, _: u32, _: u32, _: u32) -> Result<u32, Error> {
    absent()
}

fn absent<T>() -> Result<T, Error> {
    Err(Error::new("this engine has no such import: no contract of ours calls it"))
}

/// Of Secret's addresses.
pub(super) const PREFIX: &str = "secret";
const ADDRESS: u64 = 8192;
const SECP256K1: u64 = 98_304;
const ED25519: u64 = 73_728;
const QUOTE: u64 = 100_000;
/// `SGX_QL_QV_RESULT_INVALID_SIGNATURE`.
const INVALID_SIGNATURE: u64 = 0xa004;
