//! One transaction: estimated, signed, sent, and believed only when two headers prove what it did.
//!
//! Layer: `cosmos`, above `account` and `rows`.
//! Holds: who sends, gas and fees, the account's sequence, what may be repeated, the proof of a result.
//! Never: a second transaction while the first can still be included: the very same bytes go to other nodes.
//! Invariant: success means that a verified block holds the transaction, and the verified header after it the result.

mod foreign;
pub(crate) mod result;

use crate::account::{Account, Place, Turn};
use crate::json::{Broadcast, TxResult};
use crate::node::cut;
use crate::nodes::Answer;
use crate::rows::Rows;
use crate::{CosmosError, GasPrice, Network, TrustedHeader};
use cosmrs::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use cosmrs::tx::{Body, Fee};
use cosmrs::{Any, Coin};
use prag_client::border::Border;
use prag_trust::address::WalletKey;
use prag_trust::entropy::Clock;
use prost::{Message, Name};
use result::Done;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Who sends, and where.
pub(crate) struct Sender {
    pub(crate) network: Network,
    pub(crate) border: Border,
    pub(crate) account: Account,
    pub(crate) rows: Rows,
}

/// A message that happened: a verified block holds its transaction, and the header after it the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The height from which on it holds.
    pub height: u64,
    /// Gas that the transaction asked for, and paid.
    pub gas_wanted: u64,
    /// Gas that it used.
    pub gas_used: u64,
    /// What it cost, in the smallest unit of the network's gas price; with the try before it, if that ran out of gas.
    pub fee: u128,
    pub(crate) data: Vec<u8>,
}

/// What came of one try.
enum Tried {
    Done(Executed),
    /// It was never in a block and never will be, or it failed without doing anything but pay: it may be sent anew,
    /// with `margin` times the gas.
    Again {
        margin: u64,
        paid: u128,
    },
}

/// A transaction that a node may have.
struct Sent {
    place: Place,
    bytes: Vec<u8>,
    hash: [u8; 32],
    /// The last height whose block can have it.
    last: u64,
    margin: u64,
    /// What it pays, wherever it is in a block.
    fee: u128,
}

impl Sender {
    /// `wallet` on `network`, which is checked here; `resume`: as [`Rows::open`]. Nothing is asked yet.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the field.
    pub(crate) fn open(
        network: Network,
        resume: Option<TrustedHeader>,
        wallet: &WalletKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CosmosError> {
        network.check()?;
        let border = Border::of(network.hrp()?);
        let account = Account::new(wallet, &border)?;
        let rows = Rows::open(&network, resume, clock)?;
        Ok(Self { network, border, account, rows })
    }

    /// The account, as messages of the chain name it.
    pub(crate) fn there(&self) -> String {
        self.account.there.as_str().to_owned()
    }

    /// Sends `message` in a transaction of its own.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] with the contract's words, and [`CosmosError::NotIncluded`]: it has not happened.
    /// [`CosmosError::Unknown`]: it may have, so ask for the state before it is sent again.
    pub(crate) async fn send<M: Message + Name>(
        &self,
        message: &M,
    ) -> Result<Executed, CosmosError> {
        let message = Any::from_msg(message).map_err(|_| CosmosError::Setting("message"))?;
        self.send_any(message).await
    }

    /// As [`Sender::send`].
    pub(crate) async fn send_any(&self, message: Any) -> Result<Executed, CosmosError> {
        let mut turn = self.account.turn().await;
        let (mut margin, mut spent) = (1, 0_u128);
        for _ in 0..TRIES_MAX {
            match self.once(&mut turn, message.clone(), margin).await {
                Ok(Tried::Done(done)) => {
                    self.rows.raise(done.height);
                    let fee = done.fee.saturating_add(spent);
                    return Ok(Executed { fee, ..done });
                }
                Ok(Tried::Again { margin: more, paid }) => {
                    (margin, spent) = (more, spent.saturating_add(paid));
                }
                Err(error) => {
                    // Whatever happened to it, the next transaction asks where the sequence is.
                    *turn = None;
                    return Err(error);
                }
            }
        }
        Err(CosmosError::NotIncluded)
    }

    async fn once(
        &self,
        turn: &mut Turn<'_>,
        message: Any,
        margin: u64,
    ) -> Result<Tried, CosmosError> {
        let place = self.account.place(turn, &self.rows).await?;
        let last = self.rows.header().await?.height() + BLOCKS_TO_LIVE;
        let height = u32::try_from(last).map_err(|_| CosmosError::Setting("chain height"))?;
        let body = Body::new([message], "", height);
        let gas = match self.estimate(&body, place).await {
            Ok(gas) => gas.saturating_mul(margin).min(GAS_MAX),
            Err(CosmosError::Code { log, .. }) if wrong_sequence(&log) => {
                // Nothing was signed yet. The account sent something elsewhere: the next state shows it.
                **turn = None;
                self.rows.raise(self.rows.header().await?.height());
                return Ok(Tried::Again { margin, paid: 0 });
            }
            Err(CosmosError::Code { code, log, .. }) if executed(code, &log) => {
                return Err(CosmosError::Refused(log));
            }
            Err(other) => return Err(other),
        };
        let (fee, paid) = fee(&self.network.gas_price, gas)?;
        let bytes = self.account.sign(&self.network.chain_id, &body, fee, place)?;
        let hash: [u8; 32] = Sha256::digest(&bytes).into();

        match accepted(&self.rows.nodes.broadcast(&bytes).await, self.rows.nodes.count()) {
            Accepted::Maybe => {}
            Accepted::WrongSequence => return self.settle(turn, place, margin).await,
            Accepted::No(log) if log.contains(POOR) => {
                return Err(CosmosError::Account("it cannot pay for gas: pay something to it"));
            }
            Accepted::No(log) => return Err(CosmosError::Refused(log)),
        }
        **turn = Some(Place { sequence: place.sequence.saturating_add(1), ..place });
        let sent = Sent { place, bytes, hash, last, margin, fee: paid };
        // Nodes that hang make each look long, and others wait for this turn.
        let outcome = tokio::time::timeout(OUTCOME_MAX, self.outcome(turn, &sent)).await;
        outcome.unwrap_or(Err(CosmosError::Unknown))
    }

    /// Waits until the transaction is proven to be in a block, or can be in none.
    async fn outcome(&self, turn: &mut Turn<'_>, sent: &Sent) -> Result<Tried, CosmosError> {
        match self.awaited(&sent.bytes, &sent.hash, sent.last).await? {
            Some(done) => judge(done, sent.margin, sent.fee),
            None => self.settle(turn, sent.place, sent.margin).await,
        }
    }

    /// Looks for a transaction, and sends it again, until it is proven to be in a block; `None` once no block up to
    /// `last`, the last that can have it, shows it.
    async fn awaited(
        &self,
        bytes: &[u8],
        hash: &[u8; 32],
        last: u64,
    ) -> Result<Option<Done>, CosmosError> {
        for wait in 1..=WAITS_MAX {
            tokio::time::sleep(WAIT).await;
            if let Ok(done) = result::proven(&self.rows, hash).await {
                return Ok(Some(done));
            }
            if self.rows.reached().await.is_some_and(|height| height > last + 1) {
                self.rows.raise(last + 1);
                // It may have been in one of the blocks since the last look.
                return Ok(result::proven(&self.rows, hash).await.ok());
            }
            if wait % RESEND_EVERY == 0 {
                // The same bytes: they can happen once at most.
                let _ = self.rows.nodes.broadcast(bytes).await;
            }
        }
        Err(CosmosError::Unknown)
    }

    /// What to do about a transaction that no node shows in a block. While the account's sequence is proven to be that
    /// of the transaction, another one of the same sequence may be sent: one of them happens at most.
    async fn settle(
        &self,
        turn: &mut Turn<'_>,
        place: Place,
        margin: u64,
    ) -> Result<Tried, CosmosError> {
        **turn = None;
        let proven = self.account.proven(&self.rows).await?;
        if proven == place {
            Ok(Tried::Again { margin, paid: 0 })
        } else {
            Err(CosmosError::Unknown)
        }
    }

    /// Gas by simulation, with a margin for what changes until then.
    async fn estimate(&self, body: &Body, place: Place) -> Result<u64, CosmosError> {
        // Simulated transactions pay too, so this one offers nothing; its gas is not metered.
        let fee = Fee { amount: Vec::new(), gas_limit: 0, payer: None, granter: None };
        self.simulate(self.account.unsigned(body, fee, place)?).await
    }

    /// Gas of a transaction without a signature.
    async fn simulate(&self, tx_bytes: Vec<u8>) -> Result<u64, CosmosError> {
        #[allow(
            deprecated,
            reason = "the other field is the deprecated one; the struct has no constructor"
        )]
        let ask = SimulateRequest { tx: None, tx_bytes };
        let used = median(self.rows.nodes.ask(SIMULATE_PATH, &ask.encode_to_vec()).await)?;
        Ok(used.saturating_mul(13).div_ceil(10).saturating_add(GAS_SPARE).min(GAS_MAX))
    }
}

/// Whether nodes took a transaction.
enum Accepted {
    /// One has it, or may: only its height of no return tells.
    Maybe,
    /// None has, by its own word, and one knows another sequence.
    WrongSequence,
    /// None has, by its own word; this is one's reason.
    No(String),
}

/// What `nodes` asked nodes say together. Nobody speaks for a node that broke off or hangs: it may have taken it.
fn accepted(answers: &[Broadcast], nodes: usize) -> Accepted {
    // A node that has it already is as good as one that takes it.
    let taken = |answer: &Broadcast| answer.code == 0 || answer.code == ALREADY_THERE;
    let moved = |answer: &Broadcast| answer.code == WRONG_SEQUENCE && answer.codespace == SDK;
    match answers.first() {
        Some(_) if answers.iter().any(taken) => Accepted::Maybe,
        Some(_) if answers.iter().any(moved) => Accepted::WrongSequence,
        Some(answer) if answers.len() >= nodes => Accepted::No(cut(&answer.log)),
        Some(_) | None => Accepted::Maybe,
    }
}

/// The gas that the middle one of the nodes says; the greater one of two, since too little costs a fee for nothing. A
/// refusal only where no node simulates to an end.
fn median(answers: Vec<Answer>) -> Result<u64, CosmosError> {
    let (mut gas, mut refusal) = (Vec::new(), CosmosError::Silent);
    for answer in answers {
        let used = |bytes: Vec<u8>| {
            let answer = SimulateResponse::decode(bytes.as_slice()).ok()?;
            Some(answer.gas_info?.gas_used)
        };
        match answer {
            Ok(bytes) => gas.extend(used(bytes)),
            Err(error @ CosmosError::Code { .. }) => refusal = error,
            Err(_) => {}
        }
    }
    gas.sort_unstable();
    gas.get(gas.len() / 2).copied().ok_or(refusal)
}

/// A proven result of a transaction that paid `fee`, or why the same may be sent again.
fn judge(done: Done, margin: u64, fee: u128) -> Result<Tried, CosmosError> {
    let gas = |gas: i64| u64::try_from(gas).unwrap_or(0);
    match done.result {
        TxResult { code: 0, data, gas_wanted, gas_used, .. } => {
            let (gas_wanted, gas_used) = (gas(gas_wanted), gas(gas_used));
            Ok(Tried::Done(Executed { height: done.height, gas_wanted, gas_used, fee, data }))
        }
        // Nothing happened but the fee: the estimate was short.
        TxResult { code: OUT_OF_GAS, ref codespace, .. } if codespace == SDK && margin == 1 => {
            Ok(Tried::Again { margin: 2, paid: fee })
        }
        result => Err(CosmosError::Refused(cut(&result.log))),
    }
}

/// What `gas` costs, rounded up: as the transaction offers it, and as a number.
fn fee(price: &GasPrice, gas: u64) -> Result<(Fee, u128), CosmosError> {
    let amount = (u128::from(gas) * u128::from(price.micro)).div_ceil(1_000_000);
    let denom = price.denom.parse().map_err(|_| CosmosError::Setting("gas_price.denom"))?;
    Ok((Fee::from_amount_and_gas(Coin { denom, amount }, gas), amount))
}

/// Whether a failed simulation is the transaction's fault: not where the node failed (codes of its RPC are negative), or
/// serves no simulations.
fn executed(code: i64, log: &str) -> bool {
    code > 0 && !log.contains("unknown query path")
}

fn wrong_sequence(log: &str) -> bool {
    log.contains("account sequence mismatch")
}

const SIMULATE_PATH: &str = "/cosmos.tx.v1beta1.Service/Simulate";
/// In the SDK's words.
const POOR: &str = "insufficient funds";
/// The SDK's own errors.
const SDK: &str = "sdk";
const OUT_OF_GAS: u32 = 11;
const ALREADY_THERE: u32 = 19;
const WRONG_SEQUENCE: u32 = 32;
/// Most gas of a transaction, and what its fee is bounded by.
const GAS_MAX: u64 = 50_000_000;
/// Gas beside the margin: signatures and fees are charged differently than simulated.
const GAS_SPARE: u64 = 20_000;
/// Sequences that moved, an estimate that was short.
const TRIES_MAX: usize = 4;
/// How long a transaction is looked for.
const OUTCOME_MAX: Duration = Duration::from_secs(600);
/// Blocks until a transaction that was not included cannot be.
const BLOCKS_TO_LIVE: u64 = 30;
const WAIT: Duration = Duration::from_millis(500);
/// Ten minutes.
const WAITS_MAX: usize = 1200;
const RESEND_EVERY: usize = 20;

#[cfg(test)]
mod tests;
