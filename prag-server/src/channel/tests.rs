#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use ohttp::ClientRequest;
use prag_trust::entropy::EntropyError;
use prag_trust::resumed::Resumption;

/// Bytes that count: a failing test replays.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}

fn fixture() -> (KeyRing, SigningKey) {
    let ring = KeyRing::new(Box::new(Counting(0)), 1_000).unwrap();
    (ring, SigningKey::from_bytes(&[7; 32]))
}

fn config(ring: &KeyRing, signer: &SigningKey, now: u64) -> Vec<u8> {
    STANDARD.decode(ring.key_set(signer, now).unwrap().ohttp_config).unwrap()
}

fn sealed(config: &[u8], plain: &[u8]) -> Vec<u8> {
    let client = ClientRequest::from_encoded_config(config).unwrap();
    client.encapsulate(plain).unwrap().0
}

fn refused(ring: &KeyRing, message: &[u8], now: u64) -> ChannelError {
    match ring.decapsulate(message, now) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

/// A message opens once, and its answer opens where it was asked for.
#[test]
fn opens_once() {
    let (ring, signer) = fixture();
    let client = ClientRequest::from_encoded_config(&config(&ring, &signer, 1_000)).unwrap();
    let (message, answer) = client.encapsulate(b"ask").unwrap();
    let opened = ring.decapsulate(&message, 1_000).unwrap();
    assert_eq!(&opened.plain[..], b"ask");
    let reply = opened.seal.seal(b"tell").unwrap();
    assert_eq!(answer.decapsulate(&reply).unwrap(), b"tell");
    assert_eq!(refused(&ring, &message, 1_000), ChannelError::Replayed);
}

/// Any changed, cut or foreign message stays closed, and none of them is remembered as opened.
#[test]
fn stays_closed_to_other_bytes() {
    let (ring, signer) = fixture();
    let message = sealed(&config(&ring, &signer, 1_000), b"ask");
    for place in 0..message.len() {
        let mut other = message.clone();
        other[place] ^= 1;
        assert_eq!(refused(&ring, &other, 1_000), ChannelError::Closed, "byte {place}");
    }
    for length in 0..message.len() {
        assert_eq!(refused(&ring, &message[..length], 1_000), ChannelError::Closed);
    }
    assert!(ring.decapsulate(&message, 1_000).is_ok());
}

/// Keys are replaced hourly; the previous ones open until their end and its grace, and no longer.
#[test]
fn rotates_and_retires() {
    let (ring, signer) = fixture();
    let first = config(&ring, &signer, 1_000);
    assert_eq!(first, config(&ring, &signer, 1_000 + ROTATE_SECONDS - 1));
    let end = 1_000 + LIFE_SECONDS + GRACE_SECONDS;
    assert_eq!(ring.key_set(&signer, 1_000).unwrap().not_after, 1_000 + LIFE_SECONDS);
    let second = config(&ring, &signer, 1_000 + ROTATE_SECONDS);
    assert_ne!(first, second);
    assert!(ring.decapsulate(&sealed(&first, b"late"), end).is_ok());
    assert_eq!(refused(&ring, &sealed(&first, b"too late"), end + 1), ChannelError::Closed);
    assert!(ring.decapsulate(&sealed(&second, b"fine"), end + 1).is_ok());
}

/// A secret opens requests, each once, for as long as the key that its message was sealed to, and not a second longer.
#[test]
fn a_secret_lives_with_its_key() {
    let (ring, signer) = fixture();
    let first = ring.decapsulate(&sealed(&config(&ring, &signer, 1_000), b"ask"), 1_000).unwrap();
    let keys = Resumption::new(&[9; 32]);
    let request = |number| keys.seal_request(number, b"more").unwrap();
    let refused = |number, now| ring.resume(&request(number), now).map(drop).unwrap_err();
    assert_eq!(refused(0, 1_000), ChannelError::Closed, "not known yet");
    first.resume(&[9; 32], None, 1_000);
    let opened = ring.resume(&request(0), 1_000).unwrap();
    assert_eq!(&opened.plain[..], b"more");
    let answer = opened.seal.seal(b"tell").unwrap();
    assert_eq!(&keys.open_answer(0, &answer).unwrap()[..], b"tell");
    assert_eq!(refused(0, 1_000), ChannelError::Replayed);
    for place in 0..request(1).len() {
        let mut other = request(1);
        other[place] ^= 1;
        let refused = ring.resume(&other, 1_000).map(drop).unwrap_err();
        assert_eq!(refused, ChannelError::Closed, "byte {place}");
    }
    // It neither opens as the other form, nor the other form as this one.
    assert!(ring.decapsulate(&request(1), 1_000).is_err());
    assert!(ring.resume(&sealed(&config(&ring, &signer, 1_000), b"ask"), 1_000).is_err());
    let end = 1_000 + LIFE_SECONDS + GRACE_SECONDS;
    config(&ring, &signer, 1_000 + ROTATE_SECONDS);
    assert!(ring.resume(&request(1), end).is_ok());
    assert_eq!(refused(2, end + 1), ChannelError::Closed);
}

/// After a long sleep both generations are gone, and what they opened before is not opened again.
#[test]
fn sleep_retires_everything() {
    let (ring, signer) = fixture();
    let first = config(&ring, &signer, 1_000);
    let message = sealed(&first, b"ask");
    assert!(ring.decapsulate(&message, 1_000).is_ok());
    assert_eq!(refused(&ring, &message, 1_000_000), ChannelError::Closed);
}
