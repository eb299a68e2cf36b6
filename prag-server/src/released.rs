//! A share that somebody released to this worker, from the form that travels.
//!
//! Layer: beside `channel`, below `flow` and `sealed`.
//! Holds: one step: parse, and open with the ring's keys.
//! Never: what the share is for; whoever asks names collection and epoch.
//! Invariant: whatever is wrong with it, the answer is `ciphertext-invalid` and names the field `share`.

use crate::channel::KeyRing;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::{CollectionId, Epoch};
use prag_trust::key::Share;
use prag_trust::release::ReleasedShare;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;

/// Open what `caller` released to a key of `ring`. `own`: the worker's signing key.
///
/// # Errors
/// `ciphertext-invalid`.
pub(crate) fn released_share(
    ring: &KeyRing,
    share: &serde_json::Value,
    own: &[u8; 32],
    caller: &Verified<Caller>,
    collection: CollectionId,
    epoch: Epoch,
    now: u64,
) -> Result<Share, Problem> {
    let bad = |detail: String| Problem::new(Code::CiphertextInvalid, detail).field("share");
    let released: ReleasedShare = serde_json::from_value(share.clone())
        .map_err(|_| bad("`share` is not a released share".to_owned()))?;
    let opened = ring.open_share(&released, own, caller, collection, epoch, now);
    opened.map_err(|error| bad(error.to_string()))
}
