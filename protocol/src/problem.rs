//! The registry of problem codes (RFC 9457).
//!
//! Layer: protocol.
//! Holds: one stable code for each way a request can fail, and the problem document.
//! Never: status codes (the server's `http/problem.rs` alone maps them), content of documents or queries.
//! Invariant: codes are append-only; a client may match on them for ever.

use crate::ledger::AccessMsg;
use crate::ledger::transaction::TransactionTerms;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $title:literal;)*) => {
        /// Why a request failed. Stable text, append-only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code, in order of registration.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code's stable text, the last part of the problem's `type`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text),* }
            }

            /// A short sentence for people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }
        }
    };
}

codes! {
    /// The body is not the JSON that the route takes.
    Malformed = "malformed", "the body does not parse";
    /// A field has a value outside its bounds, or of the wrong type.
    InvalidField = "invalid-field", "a field is not acceptable";
    /// The route does not know this field.
    UnknownField = "unknown-field", "unknown field";
    /// Bytes, lines, rows or tokens over a limit.
    TooLarge = "too-large", "over a limit";
    /// JSON nested deeper than the limit.
    TooDeep = "too-deep", "nested too deeply";
    /// A vector's length is not the collection's dimension.
    WrongDimension = "wrong-dimension", "vector of the wrong dimension";
    /// A vector holds a number that is not finite, or has no direction.
    BadVector = "bad-vector", "vector is not usable";
    /// Text without a single visible character.
    EmptyText = "empty-text", "the text is empty";
    /// The filter is not well formed, or compares unlike types.
    BadFilter = "bad-filter", "the filter is not acceptable";
    /// No permit, or one that does not verify.
    PermitInvalid = "permit-invalid", "the permit does not verify";
    /// The permit or the session key that it names has expired.
    PermitExpired = "permit-expired", "the permit has expired";
    /// The request's signature does not verify, or covers too little.
    SignatureInvalid = "signature-invalid", "the request's signature does not verify";
    /// Signed too long ago, or in the future.
    ClockSkew = "clock-skew", "signed outside the time window";
    /// This signed request was seen before.
    Replayed = "replayed", "the request was seen before";
    /// Absent or not granted: on purpose one answer.
    Forbidden = "forbidden", "no such collection, or no grant for it";
    /// The permit lacks the permission that the route asks for.
    PermissionMissing = "permission-missing", "the permit lacks the permission";
    /// The grant's quota is used up.
    QuotaExhausted = "quota-exhausted", "the quota is used up";
    /// No such document in this collection.
    DocumentNotFound = "document-not-found", "no such document";
    /// No such operation for this caller.
    OperationNotFound = "operation-not-found", "no such operation";
    /// Something of that name or id is there already.
    Conflict = "conflict", "it exists already";
    /// The idempotency key was used with another body.
    IdempotencyMismatch = "idempotency-mismatch", "idempotency key used with another body";
    /// A sealed record or share does not open.
    CiphertextInvalid = "ciphertext-invalid", "a sealed record does not open";
    /// The corpus was not opened on this worker, or its key has expired.
    CorpusNotOpen = "corpus-not-open", "open the corpus first";
    /// The worker holds no key for this collection: release it.
    KeyMissing = "key-missing", "the worker has no key for this collection";
    /// The shard failed a check and is quarantined.
    ShardUnavailable = "shard-unavailable", "the shard is quarantined";
    /// The ledger's view is older than the staleness bound.
    LedgerStale = "ledger-stale", "the ledger view is too old";
    /// The ledger has not been confirmed since boot.
    LedgerUnconfirmed = "ledger-unconfirmed", "show a remembered ledger head first";
    /// The read-your-writes token is ahead of this worker.
    Behind = "behind", "this worker is behind the token";
    /// The write is sealed and stays, but no anchor covers it yet.
    NotAnchored = "not-anchored", "sealed, and not anchored yet";
    /// The worker waits for its sealing root: its steward must release it.
    WorkerSealed = "worker-sealed", "the worker is sealed";
    /// Too much work at once.
    Overloaded = "overloaded", "too busy";
    /// The route needs the encrypted channel.
    ChannelRequired = "channel-required", "use the encrypted channel";
    /// The channel's message does not open.
    ChannelInvalid = "channel-invalid", "the channel message does not open";
    /// No such route.
    RouteNotFound = "route-not-found", "no such route";
    /// The route has other methods.
    MethodNotAllowed = "method-not-allowed", "method not allowed";
    /// The body has a media type that the route does not take.
    MediaType = "media-type", "unsupported media type";
    /// The embedding model or device failed.
    Device = "device", "the embedding device failed";
    /// The disk failed, or is full.
    Storage = "storage", "the storage failed";
    /// A fault of ours.
    Internal = "internal", "internal error";
    /// More requests a second than one grant admits.
    RateLimited = "rate-limited", "too many requests";
    /// The collection's readers must be attested, by an image that its owner lists.
    ReaderAttestationRequired = "reader-attestation-required", "the collection asks for an attested reader";
    /// The challenge is not this worker's, not this key's, used or expired: ask for another.
    ChallengeInvalid = "challenge-invalid", "the challenge is not valid";
    /// Evidence does not hold, or does not bind what was claimed.
    EvidenceRefused = "evidence-refused", "the evidence was refused";
    /// The collection's policy does not list this worker's image.
    WorkerNotAllowed = "worker-not-allowed", "the collection's policy does not allow this worker";
    /// The session owes as many queries as the worker lends: countersign its latest voucher.
    VoucherDue = "voucher-due", "countersign what is owed first";
    /// A signature of the voucher does not hold, or one of its numbers is out of bounds.
    VoucherInvalid = "voucher-invalid", "the voucher does not hold";
    /// The voucher is of another ledger, worker, collection, account or session.
    VoucherForeign = "voucher-foreign", "the voucher is of another session";
    /// A later voucher of the session is kept.
    VoucherOld = "voucher-old", "a later voucher is kept";
    /// This worker's ledger runs no contracts beside access.
    NoMarket = "no-market", "the ledger runs no market";
    /// A contract refused; the detail is its own word. Nothing has changed.
    LedgerRefused = "ledger-refused", "the ledger refused";
    /// The account has less than is to be paid.
    FundsShort = "funds-short", "the account has too little";
    /// The worker's ledger does not answer; the worker serves again by itself once it does. What was asked may have
    /// happened: the detail says where that is unknown.
    LedgerUnavailable = "ledger-unavailable", "the ledger does not answer";
    /// The ledger takes a message of its sender only signed: sign those in `sign`, and send the request again with them.
    AuthorizationRequired = "authorization-required", "sign the messages to the ledger";
    /// The worker's memory is used up to its limit: searches go on, writes wait until something is deleted or closed.
    MemoryLimit = "memory-limit", "the worker's memory is used up";
    /// The worker's settings name no such target for snapshots, or none at all.
    NoTarget = "no-target", "no such target for snapshots";
    /// No such snapshot in the target, or none that opens.
    SnapshotNotFound = "snapshot-not-found", "no such snapshot";
    /// The snapshot is older than a head that the caller remembers, or that was anchored, or of another history.
    SnapshotOlder = "snapshot-older", "the snapshot is older than what is known";
    /// A piece of the snapshot is missing, or not what it must be.
    SnapshotDamaged = "snapshot-damaged", "the snapshot is damaged";
    /// The target does not answer, or refuses.
    TargetUnavailable = "target-unavailable", "the target for snapshots fails";
}

/// A problem document: what went wrong, where, and the limit that was crossed.
///
/// `detail` names fields and limits, never content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    /// The registered code.
    pub code: Code,
    /// What happened and what to do next.
    pub detail: String,
    /// The field at fault, as a path such as `filter.must[0].range.gte`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The limit that was crossed, in the unit that `detail` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Messages to the ledger that the caller must sign, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub sign: Vec<AccessMsg>,
    /// The terms of the transaction that the caller must sign, where its message goes in one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub transaction: Option<Box<TransactionTerms>>,
}

impl Problem {
    /// A problem with `code` and a detail for people.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (field, limit, sign, transaction) = (None, None, Vec::new(), None);
        Self { code, detail: detail.into(), field, limit, sign, transaction }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, of entry `index` of the list that field `list` holds.
    #[must_use]
    pub fn of_entry(mut self, list: &str, index: usize) -> Self {
        let entry = format!("{list}[{index}]");
        self.field =
            Some(self.field.map_or_else(|| entry.clone(), |field| format!("{entry}.{field}")));
        self
    }

    /// Names the messages that the caller must sign.
    #[must_use]
    pub fn sign(mut self, messages: Vec<AccessMsg>) -> Self {
        self.sign = messages;
        self
    }

    /// Names the transaction that the caller must sign.
    #[must_use]
    pub fn transaction(mut self, terms: TransactionTerms) -> Self {
        self.transaction = Some(Box::new(terms));
        self
    }

    /// Names the limit that was crossed.
    #[must_use]
    pub fn limit(mut self, limit: impl TryInto<u64>) -> Self {
        self.limit = limit.try_into().ok();
        self
    }
}
