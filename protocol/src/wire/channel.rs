//! Names on the channel's outside and inside, for messages that go on under a secret of an earlier one.
//!
//! Layer: protocol, wire.
//! Holds: media types, the header's name.
//! Never: keys or their derivation: `prag-seal`'s `resumed` fixes those bytes.
//! Invariant: the header travels inside a sealed message only.

/// Of a resumed request to `POST /gateway`.
pub const RESUMED_REQUEST_TYPE: &str = "message/prag1-req";
/// Of its answer.
pub const RESUMED_ANSWER_TYPE: &str = "message/prag1-res";
/// A header of the first messages of a session: 64 hex digits, the secret under which the sender would go on. A worker
/// that does not know it answers as ever, and refuses the sender's next message, which is then encapsulated.
pub const RESUMPTION_HEADER: &str = "prag-resumption";
