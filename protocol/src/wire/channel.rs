//! Names on the channel's outside and inside, for messages that go on under a secret of an earlier one.
//!
//! Layer: protocol, wire.
//! Holds: media types, the headers' names.
//! Never: keys or their derivation: `prag-seal`'s `resumed` fixes those bytes.
//! Invariant: the headers travel inside a sealed message only.

/// Of a resumed request to `POST /gateway`.
pub const RESUMED_REQUEST_TYPE: &str = "message/prag1-req";
/// Of its answer.
pub const RESUMED_ANSWER_TYPE: &str = "message/prag1-res";
/// A header of the first messages of a session: 64 hex digits, the secret under which the sender would go on. A worker
/// that does not know it answers as ever, and refuses the sender's next message, which is then encapsulated.
pub const RESUMPTION_HEADER: &str = "prag-resumption";
/// A header beside it: the session key's statement that whoever shares this secret speaks for it
/// (`prag_trust::request::Bond`), 128 characters of base64url. With it, searches of this session need no signature.
pub const BOND_HEADER: &str = "prag-bond";
