//! The ledger seam: who may do what, and which state is the newest.
//!
//! Layer: client; implemented by `prag-server::ledger` (embedded) and by chain readers.
//! Holds: the trait and the shape of its answers.
//! Never: admission itself; `trust::admission` decides from an [`AccessView`].
//! Invariant: an answer names the height and time at which it held, so a stale one can be refused.

use async_trait::async_trait;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{MarketMsg, MarketQuery, MarketReply};
use prag_protocol::ledger::transaction::TransactionTerms;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId, Epoch};
use prag_trust::address::check_address;
use prag_trust::admission::AccessView;
use prag_trust::evidence::{Binding, Evidence};
use prag_trust::key::Share;
use prag_trust::release::{Answer, Ask};

/// The newest transition that a ledger has made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LedgerHead {
    /// Number of transitions, from 0.
    pub height: u64,
    /// Merkle root (RFC 9162) over the digests of all transitions.
    pub root: [u8; 32],
}

/// Where a ledger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `embedded`, or the kind of chain.
    pub kind: &'static str,
    /// The newest height that answers are of.
    pub height: u64,
    /// When that was, Unix seconds; absent where it is always now.
    pub time: Option<u64>,
}

/// What a ledger that keeps shares keeps of one key.
pub struct Deposit<'a> {
    /// Whose key.
    pub collection: CollectionId,
    /// Of which key epoch.
    pub epoch: Epoch,
    /// Of the KEK that the shares give.
    pub commitment: [u8; 32],
    /// The ledger's own share.
    pub chain: &'a Share,
    /// The owner's share too, where the owner declared the collection managed.
    pub owner: Option<&'a Share>,
}

/// What a ledger asks of the sender of a message, where that is not the worker itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// The request that it signed ([`prag_trust::request::Caller::authorization`]).
    Request,
    /// The message itself, signed ([`crate::relay::Relay`]): whoever pays for the transaction has no say in it.
    Relay,
}

/// What a ledger keeps of the scope of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// The filter's JSON: nobody reads this ledger but the worker.
    Plain,
    /// A commitment and a sealed body ([`prag_trust::scope`]): others read it, or may one day.
    Sealed,
}

/// Why a ledger did not answer or did not accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Fewer units of a grant are left than were asked for. Ask the owner for more.
    #[error("only {0} units of the grant are left")]
    Quota(u64),
    /// The account has less than is to be paid; state is unchanged. Get more first.
    #[error("{needs} units are to be paid, and the account has {has}")]
    Short {
        /// What there is.
        has: u128,
        /// What is to be paid.
        needs: u128,
    },
    /// The contract refused; state is unchanged. The text names the rule, never content.
    #[error("the ledger refused: {0}")]
    Refused(String),
    /// No answer, or nothing durable; what was sent may yet happen. Retryable.
    #[error("the ledger cannot be reached: {0}")]
    Unavailable(String),
    /// No answer whether it happened, and it may have. Ask for the state before it is sent again.
    #[error("whether the ledger took it is unknown")]
    Unknown,
    /// After a boot, nobody has shown a remembered head yet.
    #[error("the ledger is unconfirmed since boot: show a remembered head")]
    Unconfirmed,
    /// A remembered head is newer than the ledger, or of another history.
    #[error("the ledger was rolled back or forked")]
    RolledBack,
    /// Stored state failed its check.
    #[error("the ledger's stored state failed its check at height {0}")]
    Tampered(u64),
    /// This ledger keeps no shares. Not retryable.
    #[error("this ledger keeps no shares")]
    Unsupported,
    /// No contracts beside access are reached through this ledger. Not retryable.
    #[error("this ledger runs no market: no workers, subscriptions, rewards or money")]
    NoMarket,
}

/// The ledger that a worker obeys.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Digest of kind, chain, contracts and genesis: part of the evidence.
    fn id(&self) -> [u8; 32];

    /// The chain id that permits must name.
    fn chain_id(&self) -> String;

    /// The access contract that permits must name.
    fn contract(&self) -> String;

    /// What [`Ledger::execute`] takes as the authorization of another sender than the worker.
    fn authorization(&self) -> Authorization {
        Authorization::Request
    }

    /// In which form it is told what a grant is narrowed to.
    fn scopes(&self) -> Scopes {
        Scopes::Sealed
    }

    /// An account as this ledger writes it: in vouchers, and in messages and answers of contracts beside access. Access
    /// itself is told and asked in our own spelling.
    fn spelled(&self, account: &Address) -> Address {
        account.clone()
    }

    /// Whether `account` can be one: an account of this ledger, in its spelling or ours.
    fn is_account(&self, account: &Address) -> bool {
        check_address(account).is_ok()
    }

    /// Where it stands, as of what is known. Asks nobody.
    ///
    /// # Errors
    /// Why it does not answer now.
    async fn standing(&self) -> Result<Standing, LedgerError> {
        Ok(Standing { kind: "embedded", height: self.head().await.height, time: None })
    }

    /// Execute one transition for `sender`; `authorization` is what the sender signed.
    /// Returns the height at which it holds, once durable.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] leaves the state unchanged.
    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError>;

    /// What `caller` may do with `collection`, as of the newest verified height.
    ///
    /// # Errors
    /// [`LedgerError::Unconfirmed`] after a boot, until somebody has shown a remembered head.
    async fn view(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
    ) -> Result<AccessView, LedgerError>;

    /// As [`Ledger::view`], of a caller who gave its word for this worker ([`crate::introduction`]). A ledger that is
    /// closed ([`Ledger::is_closed`]) answers then of what is the caller's, and for as long as the word holds answers
    /// [`Ledger::query`] of that collection too.
    ///
    /// # Errors
    /// As [`Ledger::view`]; [`LedgerError::Refused`] where the word is not the caller's for this worker.
    async fn view_introduced(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
        _introduction: &[u8],
    ) -> Result<AccessView, LedgerError> {
        self.view(collection, caller, permit_name).await
    }

    /// Whether this ledger tells a worker only of what concerns it: what is absent in its answers may be another's.
    fn is_closed(&self) -> bool {
        false
    }

    /// Whether what is answered from now on is of a state from after Unix second `then` of this worker's clock. A closed
    /// ledger on which nobody can prove that by itself does what proves it next, soon.
    async fn is_after(&self, _then: u64) -> bool {
        true
    }

    /// Answer a query from the newest verified state; the caller has decided who may ask.
    ///
    /// # Errors
    /// As [`Ledger::view`].
    async fn query(&self, query: AccessQuery) -> Result<AccessReply, LedgerError>;

    /// The newest durable head.
    async fn head(&self) -> LedgerHead;

    /// Compare a remembered head with this ledger's history, and serve from then on if it is part of it.
    ///
    /// # Errors
    /// [`LedgerError::RolledBack`] when the remembered head is not in this history.
    async fn confirm(&self, remembered: LedgerHead) -> Result<(), LedgerError>;

    /// Whether this ledger keeps shares, so that the two methods below work.
    fn keeps_shares(&self) -> bool {
        false
    }

    /// Hand the ledger what it keeps of a new key. Durable when this returns; `sender` owns the collection and signed
    /// `authorization`.
    ///
    /// A ledger that keeps shares takes those of the current epoch, for its very commitment, and those of the next, in
    /// place of what was kept for that one before. It refuses [`AccessMsg::RotateEpoch`] with a commitment that no
    /// kept shares are for; what it kept of earlier epochs goes in the same transition. So whatever is lost, late or
    /// repeated on the way, the shares of the current epoch are there.
    ///
    /// # Errors
    /// [`LedgerError::Unsupported`] where shares are kept beside the ledger (the embedded one: same process, same disk).
    async fn keep_shares(
        &self,
        _sender: &Address,
        _authorization: &[u8],
        _deposit: &Deposit<'_>,
    ) -> Result<(), LedgerError> {
        Err(LedgerError::Unsupported)
    }

    /// Ask for what the ledger keeps of a key, for the worker of `account`: an execute transaction, never a query. The
    /// ledger verifies `evidence` of `binding` where it can, wants the current epoch and a live placement of exactly
    /// this worker, in that epoch or, while a rotation is under way, the next; and seals its share to the key that the
    /// attested key signed for; of a managed collection, its share ‖ the owner's.
    ///
    /// `ask` is to [`Ledger::id`], and its nonce is a recent root of [`Ledger::head`].
    ///
    /// # Errors
    /// [`LedgerError::Refused`] without saying why more closely; [`LedgerError::Unsupported`] as above.
    async fn release_shares(
        &self,
        _account: &Address,
        _ask: &Ask,
        _evidence: &Evidence,
        _binding: &Binding,
    ) -> Result<Answer, LedgerError> {
        Err(LedgerError::Unsupported)
    }

    /// Whether this ledger runs the contracts beside access, so that the two methods below work.
    fn has_market(&self) -> bool {
        false
    }

    /// What another sender than the worker signs of `message`, where [`Ledger::execute_market`] takes a transaction of
    /// the sender's own: its terms, once the contract would accept it. `None` where the request is enough.
    ///
    /// # Errors
    /// As [`Ledger::execute_market`].
    async fn market_terms(
        &self,
        _sender: &Address,
        _message: &MarketMsg,
        _funds: &[Coin],
    ) -> Result<Option<TransactionTerms>, LedgerError> {
        Ok(None)
    }

    /// As [`Ledger::execute`], for a contract beside access, with `funds` out of the sender's balance. What the message
    /// makes due is paid in the same transition.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] leaves state and balances unchanged; [`LedgerError::NoMarket`].
    async fn execute_market(
        &self,
        _sender: &Address,
        _authorization: &[u8],
        _message: MarketMsg,
        _funds: &[Coin],
    ) -> Result<u64, LedgerError> {
        Err(LedgerError::NoMarket)
    }

    /// As [`Ledger::query`], of a contract beside access. `caller`: the account whose administration permit was verified,
    /// as that contract wants it for what is not public; `None` is anybody.
    ///
    /// # Errors
    /// As [`Ledger::view`]; [`LedgerError::Refused`] for what the caller may not know; [`LedgerError::NoMarket`].
    async fn query_market(
        &self,
        _caller: Option<&Address>,
        _query: MarketQuery,
    ) -> Result<MarketReply, LedgerError> {
        Err(LedgerError::NoMarket)
    }
}
