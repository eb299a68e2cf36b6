//! A message to a contract beside access, as a transaction of its sender's own.
//!
//! Layer: client, above `border`.
//! Holds: what such a transaction does, in the SDK's amino JSON, which wallets sign and ledgers on chains send on.
//! Never: a message that somebody else laid out: both sides make it anew from what was asked for.
//! Invariant: one message has one text: keys sorted, no spaces, escaped as the SDK does.

mod document;

pub use document::{TransactionError, document, sign};

use crate::border::Border;
use prag_protocol::Address;
use prag_protocol::ledger::INTEGER_MAX;
use prag_protocol::ledger::bank::{BankMsg, Coin};
use prag_protocol::ledger::market::MarketMsg;
use prag_protocol::ledger::transaction::TransactionTerms;
use serde_json::{Value, json};

/// Why there is no transaction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// A chain's money is its own: nobody here mints it. Not retryable.
    #[error(
        "this ledger is a chain, whose money is its own: nothing is minted and no faucet runs here"
    )]
    Mint,
    /// The message names nobody, or has no JSON that everybody reads alike. Not retryable.
    #[error("the message cannot be sent to a chain: {0}")]
    Message(&'static str),
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A contract is told something.
    Tell(Value),
    /// Somebody is paid.
    Pay(Coin),
}

impl Content {
    /// Of `message`, spelled as the chain does.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn of(border: &Border, message: MarketMsg) -> Result<Self, ContentError> {
        let spelled = border.market_message(message);
        let value = match spelled.map_err(|_| ContentError::Message("it names no account"))? {
            MarketMsg::Bank(BankMsg::Send { coin, .. }) => return Ok(Self::Pay(coin)),
            MarketMsg::Bank(BankMsg::Mint { .. } | BankMsg::Faucet {}) => {
                return Err(ContentError::Mint);
            }
            MarketMsg::Access(message) => serde_json::to_value(message),
            MarketMsg::Workers(message) => serde_json::to_value(message),
            MarketMsg::Subscription(message) => serde_json::to_value(message),
            MarketMsg::Rewards(message) => serde_json::to_value(message),
        };
        let value = value.map_err(|_| ContentError::Message("it has no JSON"))?;
        plain(&value).map_err(ContentError::Message)?;
        Ok(Self::Tell(value))
    }

    /// The SDK's JSON of it, as `terms` say who tells whom. `funds`: what a contract is sent along.
    #[must_use]
    pub fn text(&self, terms: &TransactionTerms, funds: &[Coin]) -> String {
        let (sender, to) = (&terms.sender, &terms.to);
        let value = match self {
            Self::Tell(message) => json!({
                "type": "wasm/MsgExecuteContract",
                "value": {"sender": sender, "contract": to, "msg": message, "funds": coins(funds)},
            }),
            Self::Pay(coin) => json!({
                "type": "cosmos-sdk/MsgSend",
                "value": {
                    "from_address": sender,
                    "to_address": to,
                    "amount": coins(std::slice::from_ref(coin)),
                },
            }),
        };
        let mut out = String::new();
        write(&value, &mut out);
        out
    }
}

/// Who receives a payment, spelled as the chain does.
#[must_use]
pub fn payee(border: &Border, message: &MarketMsg) -> Option<Address> {
    match message {
        MarketMsg::Bank(BankMsg::Send { to, .. }) => border.out(to).ok(),
        _ => None,
    }
}

/// Ordered by denomination, as the SDK wants them.
fn coins(funds: &[Coin]) -> Vec<Value> {
    let mut funds: Vec<&Coin> = funds.iter().collect();
    funds.sort_by_key(|coin| coin.denom.as_str());
    let coin = |coin: &&Coin| json!({"denom": coin.denom, "amount": coin.amount.get().to_string()});
    funds.iter().map(coin).collect()
}

/// Whether every reader takes the value alike: the SDK reads numbers as floats, and escapes control characters by its
/// age.
fn plain(value: &Value) -> Result<(), &'static str> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => match number.as_u64() {
            Some(0..=INTEGER_MAX) => Ok(()),
            _ => Err("a number is above 2^53 - 1"),
        },
        Value::String(text) if text.chars().any(char::is_control) => {
            Err("a text has control characters")
        }
        Value::String(_) => Ok(()),
        Value::Array(rows) => rows.iter().try_for_each(plain),
        Value::Object(fields) => fields.values().try_for_each(plain),
    }
}

/// Sorted whatever order the map keeps.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(rows) => {
            out.push('[');
            for (at, row) in rows.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(row, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            out.push('{');
            for (at, name) in names.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                escape(&Value::String(name.clone()).to_string(), out);
                out.push(':');
                write(&fields[name], out);
            }
            out.push('}');
        }
        other => escape(&other.to_string(), out),
    }
}

/// As Go's encoder does it: outside of texts these characters do not occur.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_protocol::ledger::rewards::RewardsMsg;
    use prag_protocol::ledger::subscription::SubscriptionMsg;
    use prag_trust::address::WalletKey;

    fn border() -> Border {
        Border::of(bech32::Hrp::parse("wasm").unwrap())
    }

    pub(super) fn terms() -> TransactionTerms {
        TransactionTerms {
            chain_id: "prag-1".to_owned(),
            sender: "wasm1sender".parse().unwrap(),
            to: "wasm1contract".parse().unwrap(),
            account_number: 7,
            sequence: 0,
            timeout_height: 120,
            gas: 200_000,
            fee: 5_000,
            fee_denom: "ustake".to_owned(),
        }
    }

    fn coin(denom: &str, amount: u128) -> Coin {
        Coin { denom: denom.parse().unwrap(), amount: amount.try_into().unwrap() }
    }

    /// The SDK's own text, to the byte: sorted, without spaces, funds by denomination.
    #[test]
    fn one_message_has_one_text() {
        let subscribe = MarketMsg::Subscription(SubscriptionMsg::Subscribe { plan: 3 });
        let content = Content::of(&border(), subscribe).unwrap();
        let text = content.text(&terms(), &[coin("ustake", 7), coin("uatom", 1)]);
        assert_eq!(
            text,
            r#"{"type":"wasm/MsgExecuteContract","value":{"contract":"wasm1contract","funds":[{"amount":"1","denom":"uatom"},{"amount":"7","denom":"ustake"}],"msg":{"subscribe":{"plan":3}},"sender":"wasm1sender"}}"#
        );
        let fund = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
        let text = Content::of(&border(), fund).unwrap().text(&terms(), &[]);
        assert!(text.contains(r#""funds":[],"msg":{"fund":{}}"#), "{text}");
    }

    /// Whom a payment is for is spelled as the chain does, and is in the terms.
    #[test]
    fn payments_are_the_banks() {
        let to = WalletKey::from_bytes(&[7; 32]).unwrap().address();
        let send = MarketMsg::Bank(BankMsg::Send { to, coin: coin("ustake", 5) });
        assert!(payee(&border(), &send).unwrap().as_str().starts_with("wasm1"));
        let text = Content::of(&border(), send).unwrap().text(&terms(), &[]);
        assert_eq!(
            text,
            r#"{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"5","denom":"ustake"}],"from_address":"wasm1sender","to_address":"wasm1contract"}}"#
        );
        let faucet = MarketMsg::Bank(BankMsg::Faucet {});
        assert_eq!(Content::of(&border(), faucet), Err(ContentError::Mint));
    }

    /// What the SDK would read or write in another way is refused, or escaped as it does.
    #[test]
    fn what_encoders_differ_in() {
        assert!(plain(&json!({"a": [INTEGER_MAX, "x", true, null]})).is_ok());
        for bad in [json!(INTEGER_MAX + 1), json!(-1), json!(1.5), json!(["a\nb"])] {
            assert!(plain(&bad).is_err(), "{bad}");
        }
        let mut out = String::new();
        write(&json!({"b": "<&>\u{2028}é\"", "a": 1}), &mut out);
        assert_eq!(out, r#"{"a":1,"b":"\u003c\u0026\u003e\u2028é\""}"#);
    }
}
