//! A ledger outside every worker that takes its senders' own signatures, as a chain's contract does: the core's state
//! machine, and the checks of a relayed message.

use async_trait::async_trait;
use prag_client::ledger::{Authorization, Ledger, LedgerError, LedgerHead, Scopes, Standing};
use prag_client::relay::Relay;
use prag_client::system::{OsEntropy, SystemClock};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId};
use prag_server::ledger::{EmbeddedLedger, Opening};
use prag_store::{Engine, MemoryEngine, Open, ShardName};
use prag_trust::admission::AccessView;
use prag_trust::entropy::Clock;
use prag_trust::key::{Key, Vault};
use prag_trust::permit::Expected;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) struct Signed {
    core: EmbeddedLedger,
    /// The last sequence of each session key.
    sequences: Mutex<HashMap<[u8; 32], u64>>,
    silent: AtomicBool,
    /// Has workers send scopes in clear, as one of another version or another's making might.
    pub(crate) publishes: AtomicBool,
    /// Units that workers took, by transactions.
    pub(crate) taken: AtomicUsize,
    /// What everybody reads: every message and word for it, one after another.
    said: Mutex<Vec<u8>>,
}

impl Signed {
    pub(crate) fn new() -> Arc<Self> {
        let mode = Open::Writer { expected_epoch: 0, claim: 1 };
        let shard = MemoryEngine::new().open(ShardName([5; 16]), mode).unwrap();
        let key = Key::<Vault>::from_root(&[5; 32]).derive();
        let opening = Opening { genesis: [5; 32], confirmed: true, market: None };
        let (clock, chance) = (Arc::new(SystemClock::default()), Box::new(OsEntropy));
        let core = EmbeddedLedger::open(opening, key, shard, clock, chance).unwrap();
        let (sequences, silent, publishes, taken, said) = Default::default();
        Arc::new(Self { core, sequences, silent, publishes, taken, said })
    }

    /// From now on it does not answer; or does again.
    pub(crate) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    /// What an observer of the chain has read.
    pub(crate) fn read(&self) -> Vec<u8> {
        self.said.lock().unwrap().clone()
    }

    fn answers(&self) -> Result<(), LedgerError> {
        if self.silent.load(Ordering::SeqCst) {
            return Err(LedgerError::Unavailable("nobody answers".to_owned()));
        }
        Ok(())
    }

    fn check(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: &AccessMsg,
    ) -> Result<(), LedgerError> {
        let refuse = |why: String| LedgerError::Refused(why);
        let expected = Expected { chain_id: self.chain_id(), contract: self.contract() };
        let now = SystemClock::default().now();
        let relay = Relay::check(authorization, &expected, sender, message, now)
            .map_err(|error| refuse(error.to_string()))?;
        let key = relay.permit.verify(now, &expected).unwrap().session_key;
        let mut sequences = self.sequences.lock().unwrap();
        let last = sequences.entry(key).or_default();
        if relay.sequence <= *last {
            return Err(refuse("the sequence is not above the last".to_owned()));
        }
        *last = relay.sequence;
        Ok(())
    }
}

#[async_trait]
impl Ledger for Signed {
    fn id(&self) -> [u8; 32] {
        self.core.id()
    }

    fn chain_id(&self) -> String {
        "signed-1".to_owned()
    }

    fn contract(&self) -> String {
        let prefix = bech32::Hrp::parse("wasm").unwrap();
        bech32::encode::<bech32::Bech32>(prefix, &[7; 32]).unwrap()
    }

    fn authorization(&self) -> Authorization {
        Authorization::Relay
    }

    fn scopes(&self) -> Scopes {
        let publishes = self.publishes.load(Ordering::SeqCst);
        if publishes { Scopes::Plain } else { Scopes::Sealed }
    }

    async fn standing(&self) -> Result<Standing, LedgerError> {
        self.answers()?;
        self.core.standing().await
    }

    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        self.answers()?;
        {
            let mut said = self.said.lock().unwrap();
            said.extend_from_slice(authorization);
            said.extend(serde_json::to_vec(&message).unwrap());
        }
        match &message {
            AccessMsg::Consume { .. } => {
                self.taken.fetch_add(1, Ordering::SeqCst);
            }
            AccessMsg::Rebind { .. } | AccessMsg::ClaimWriter { .. } | AccessMsg::Anchor { .. } => {
            }
            _ => self.check(sender, authorization, &message)?,
        }
        self.core.execute(sender, authorization, message).await
    }

    async fn view(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
    ) -> Result<AccessView, LedgerError> {
        self.answers()?;
        self.core.view(collection, caller, permit_name).await
    }

    async fn query(&self, query: AccessQuery) -> Result<AccessReply, LedgerError> {
        self.answers()?;
        self.core.query(query).await
    }

    async fn head(&self) -> LedgerHead {
        self.core.head().await
    }

    async fn confirm(&self, remembered: LedgerHead) -> Result<(), LedgerError> {
        self.core.confirm(remembered).await
    }
}
