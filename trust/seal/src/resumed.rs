//! Many messages of one channel under keys that a single sealed message brought.
//!
//! Layer: `prag-seal`, above `seal`'s cipher; the channel's two ends use it.
//! Holds: both directions' keys, the form of a message, and the window of numbers that were opened.
//! Never: a secret of its own making, or a number that it opened already.
//! Invariant: a message opens under the secret, direction and number that it was sealed with, and a request once.
//!
//! The secret is 32 random bytes of the client's, and comes to the worker in a message that is sealed to its attested
//! key; so whoever answers under it is that worker. Request = `PRAGRS` 1 ‖ id 24 ‖ number 8 ‖ ciphertext ‖ tag 16; answer
//! = `PRAGRS` 1 0 ‖ number 8 ‖ ciphertext ‖ tag 16: as long as Oblivious HTTP makes them (RFC 9458 with AES-128-GCM).
//! AES-256-GCM-SIV (RFC 8452), a key for each direction; the nonce is the number, which no direction uses twice, and even
//! then nothing but equality would show. Frozen as version 1.

use crate::seal::envelope::{Cipher, NONCE_BYTES, TAG_BYTES};
use crate::wiped::Wiped;
use zeroize::Zeroizing;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 32;
/// Bytes of what names a secret without telling anything of it.
pub const ID_BYTES: usize = 24;
/// Bytes that a request is longer than what it carries.
pub const REQUEST_OVERHEAD_BYTES: usize = LABEL_BYTES + TAG_BYTES;
/// Bytes that an answer is longer than what it carries.
pub const ANSWER_OVERHEAD_BYTES: usize = HEAD_BYTES + TAG_BYTES;

/// The keys that follow from one secret.
pub struct Resumption {
    id: [u8; ID_BYTES],
    to_worker: Cipher,
    to_client: Cipher,
}

/// What names a request: which secret, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Of the secret.
    pub id: [u8; ID_BYTES],
    /// Of the request: each is sent once.
    pub number: u64,
}

impl Label {
    /// The label of a sealed request, which nothing vouches for before the request opens; `None` if it is too short.
    #[must_use]
    pub fn of(request: &[u8]) -> Option<Self> {
        let rest = request.strip_prefix(&FORM[..])?;
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>()?;
        let (number, _) = rest.split_first_chunk::<NUMBER_BYTES>()?;
        Some(Self { id: *id, number: u64::from_be_bytes(*number) })
    }

    fn to_bytes(self) -> [u8; LABEL_BYTES] {
        let mut bytes = [0; LABEL_BYTES];
        bytes[..FORM.len()].copy_from_slice(&FORM);
        bytes[FORM.len()..][..ID_BYTES].copy_from_slice(&self.id);
        bytes[LABEL_BYTES - NUMBER_BYTES..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// What an answer begins with.
    fn head(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..FORM.len()].copy_from_slice(&FORM);
        bytes[HEAD_BYTES - NUMBER_BYTES..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    fn nonce(self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce[NONCE_BYTES - NUMBER_BYTES..].copy_from_slice(&self.number.to_be_bytes());
        nonce
    }
}

impl Resumption {
    /// The keys of `secret`, which the caller wipes.
    #[must_use]
    pub fn new(secret: &[u8; SECRET_BYTES]) -> Self {
        let cipher = |context| Cipher::of_bytes(&derived(context, secret));
        let (to_worker, to_client) = (cipher(REQUEST_CONTEXT), cipher(ANSWER_CONTEXT));
        Self { id: Self::name_of(secret), to_worker, to_client }
    }

    /// What names `secret` on the wire.
    #[must_use]
    pub fn name_of(secret: &[u8; SECRET_BYTES]) -> [u8; ID_BYTES] {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&derived(ID_CONTEXT, secret)[..ID_BYTES]);
        id
    }

    /// What names the secret on the wire.
    #[must_use]
    pub fn id(&self) -> [u8; ID_BYTES] {
        self.id
    }

    /// The client's side: seals its request of this `number`, which it never uses again. `None` beyond 64 GiB.
    #[must_use]
    pub fn seal_request(&self, number: u64, plain: &[u8]) -> Option<Vec<u8>> {
        let label = Label { id: self.id, number };
        let mut out = Vec::with_capacity(plain.len() + REQUEST_OVERHEAD_BYTES);
        out.extend_from_slice(&label.to_bytes());
        sealed(&self.to_worker, label, plain, out)
    }

    /// The worker's side: opens a request. Whether its number is new, [`Window::take`] says, afterwards.
    #[must_use]
    pub fn open_request(&self, request: &[u8]) -> Option<(u64, Wiped)> {
        let label = Label::of(request).filter(|label| label.id == self.id)?;
        let body = request.get(LABEL_BYTES..)?;
        Some((label.number, opened(&self.to_worker, label, body)?))
    }

    /// The worker's side: seals the only answer to its request `number`. `None` beyond 64 GiB.
    #[must_use]
    pub fn seal_answer(&self, number: u64, plain: &[u8]) -> Option<Vec<u8>> {
        let label = Label { id: self.id, number };
        let mut out = Vec::with_capacity(plain.len() + ANSWER_OVERHEAD_BYTES);
        out.extend_from_slice(&label.head());
        sealed(&self.to_client, label, plain, out)
    }

    /// The client's side: opens the answer to its request `number`.
    #[must_use]
    pub fn open_answer(&self, number: u64, answer: &[u8]) -> Option<Wiped> {
        let label = Label { id: self.id, number };
        opened(&self.to_client, label, answer.strip_prefix(&label.head()[..])?)
    }
}

fn derived(context: &str, secret: &[u8; SECRET_BYTES]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(blake3::derive_key(context, secret))
}

/// Appends ciphertext and tag to `out`.
fn sealed(cipher: &Cipher, label: Label, plain: &[u8], mut out: Vec<u8>) -> Option<Vec<u8>> {
    let start = out.len();
    out.extend_from_slice(plain);
    let tag = cipher.seal(&label.nonce(), &[&label.to_bytes()], out.get_mut(start..)?)?;
    out.extend_from_slice(&tag);
    Some(out)
}

fn opened(cipher: &Cipher, label: Label, body: &[u8]) -> Option<Wiped> {
    let (text, tag) = body.split_at_checked(body.len().checked_sub(TAG_BYTES)?)?;
    let mut text = Wiped::new(text.to_vec());
    cipher.open(&label.nonce(), &[&label.to_bytes()], &mut text, tag)?;
    Some(text)
}

/// Which numbers were taken: each once, in any order within [`WINDOW`] of the highest (RFC 6479).
#[derive(Debug, Default)]
pub struct Window {
    /// One more than the highest that was taken; zero before the first.
    next: u64,
    /// A bit for each of the last numbers, at its remainder.
    taken: [u64; WORDS],
}

impl Window {
    /// Takes `number`, if it is neither taken nor older than the window. Ask only of a request that opened.
    pub fn take(&mut self, number: u64) -> bool {
        if number == u64::MAX || self.next > number.saturating_add(WINDOW) {
            return false;
        }
        if number >= self.next {
            // Everything between the last and this one is not taken yet, and stands where older ones stood.
            let skipped = (number - self.next).min(WINDOW);
            for back in 0..=skipped {
                self.clear(number - back);
            }
            self.next = number + 1;
        }
        let (word, bit) = place(number);
        let before = self.taken[word];
        self.taken[word] |= bit;
        before & bit == 0
    }

    fn clear(&mut self, number: u64) {
        let (word, bit) = place(number);
        self.taken[word] &= !bit;
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = (number % WINDOW) as usize;
    (at / 64, 1 << (at % 64))
}

/// How far a request may be overtaken by later ones of the same client.
pub const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;
const NUMBER_BYTES: usize = 8;
/// What both begin with.
const FORM: [u8; 7] = *b"PRAGRS\x01";
/// Before a request's ciphertext.
const LABEL_BYTES: usize = FORM.len() + ID_BYTES + NUMBER_BYTES;
/// Before an answer's.
const HEAD_BYTES: usize = FORM.len() + 1 + NUMBER_BYTES;
const ID_CONTEXT: &str = "prag/channel/resumed/id/v1";
const REQUEST_CONTEXT: &str = "prag/channel/resumed/request/v1";
const ANSWER_CONTEXT: &str = "prag/channel/resumed/answer/v1";

#[cfg(test)]
mod tests;
