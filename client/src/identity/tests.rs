#![allow(clippy::unwrap_used, clippy::panic)]
//! Identities and shares come back as they were kept, and permits say what they are for.

use super::*;
use crate::home::write_private;
use crate::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_trust::key::Share;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    (folder, home)
}

/// An identity is made once, read back the same, and never replaced.
#[test]
fn identities_are_kept() {
    let (_folder, home) = home();
    let made = Identity::create(&home, "alice", Some("horse"), &mut OsEntropy).unwrap();
    let read = Identity::load(&home, "alice", Some("horse")).unwrap();
    assert_eq!(made.address(), read.address());
    assert_eq!(made.session().public_key(), read.session().public_key());
    let again = Identity::create(&home, "alice", None, &mut OsEntropy);
    assert!(matches!(again, Err(ClientError::IdentityExists(_))));
    let wrong = Identity::load(&home, "alice", Some("mule"));
    assert!(matches!(wrong, Err(ClientError::Passphrase)));
    assert!(matches!(Identity::load(&home, "bob", None), Err(ClientError::NoIdentity(_))));
    assert!(matches!(Identity::load(&home, "../bob", None), Err(ClientError::IdentityName)));
}

/// A permit verifies for its ledger, names the session key, and never mixes administration in.
#[test]
fn permits_are_for_one_purpose() {
    let identity = Identity::from_secret("alice", &[7; 64]).unwrap();
    let expected = Expected { chain_id: "prag-embedded".into(), contract: "secret1c".into() };
    let now = 1_800_000_000;
    for (purpose, permissions) in
        [(Purpose::Data, Permissions::QueryAndIngest), (Purpose::Admin, Permissions::Admin)]
    {
        let permit = identity.permit(purpose, &expected, now).unwrap();
        assert!(permit == identity.permit(purpose, &expected, now + 1).unwrap());
        let tomorrow = identity.permit(purpose, &expected, now + DAY).unwrap();
        assert!(tomorrow.verify(now + 2 * DAY, &expected).is_ok());
        let delegation = permit.verify(now, &expected).unwrap();
        assert_eq!(delegation.permissions, permissions);
        assert_eq!(&delegation.address, identity.address());
        assert_eq!(delegation.session_key, identity.session().public_key());
        assert!(delegation.expires > now + DAY && delegation.expires <= now + 2 * DAY);
        let other = Expected { chain_id: "another".into(), ..expected.clone() };
        let elsewhere = identity.permit(purpose, &other, now).unwrap();
        assert!(elsewhere.verify(now, &other).is_ok() && elsewhere.verify(now, &expected).is_err());
    }
}

/// A share is kept once under its id and epoch, opens for them only, and is gone once forgotten.
#[test]
fn shares_are_kept() {
    let (_folder, home) = home();
    let shares = ShareStore::new(&home, None);
    let (id, other) = (CollectionId([1; 16]), CollectionId([2; 16]));
    let share = |byte: u8| Share::from_bytes(&[byte; 32]);
    assert!(matches!(shares.fetch(id, 1), Err(ClientError::NoShare(_))));
    assert!(shares.epochs(id).unwrap().is_empty());
    for (of, epoch, byte) in [(id, 1, 9), (id, 2, 8), (id, 10, 7), (other, 1, 6)] {
        shares.keep(of, epoch, &share(byte), &mut OsEntropy).unwrap();
        assert_eq!(shares.fetch(of, epoch).unwrap().expose(), &[byte; 32]);
    }
    assert!(shares.keep(id, 2, &share(8), &mut OsEntropy).is_err());
    assert_eq!(shares.epochs(id).unwrap(), [1, 2, 10]);
    std::fs::copy(home.share(id, 1), home.share(id, 3)).unwrap();
    assert!(matches!(shares.fetch(id, 3), Err(ClientError::SecretFile(_))));
    shares.forget(id).unwrap();
    shares.forget(id).unwrap();
    assert_eq!((shares.epochs(id).unwrap(), shares.has(other, 1)), (vec![], true));
}

/// After a rotation the old share goes only if the new one is here and opens.
#[test]
fn shares_are_retired() {
    let (_folder, home) = home();
    let shares = ShareStore::new(&home, None);
    let id = CollectionId([1; 16]);
    let keep = |epoch| {
        let share = Share::from_bytes(&[9; 32]);
        shares.keep(id, epoch, &share, &mut OsEntropy).unwrap();
    };
    keep(1);
    assert!(matches!(shares.retire(id, 2), Err(ClientError::NoShare(_))));
    assert_eq!(shares.epochs(id).unwrap(), [1]);
    keep(2);
    keep(3);
    shares.retire(id, 2).unwrap();
    assert_eq!(shares.epochs(id).unwrap(), [2, 3]);
    std::fs::write(home.share(id, 3), b"damaged").unwrap();
    assert!(shares.retire(id, 3).is_err());
    assert_eq!(shares.epochs(id).unwrap(), [2, 3]);
}

/// What secret files say is frozen: an identity is wallet key, then session key; a share is its 32 bytes; each
/// under its purpose. Files written once are read for ever.
#[test]
fn golden_files() {
    let (_folder, home) = home();
    let file = |purpose: &str, secret: &[u8]| {
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, secret);
        format!("{{\n  \"version\": 1,\n  \"purpose\": \"{purpose}\",\n  \"body\": \"{body}\"\n}}")
    };
    let secret = [[7; 32], [9; 32]].concat();
    let alice = file("identity/alice", &secret);
    write_private(&home.identity("alice"), alice.as_bytes()).unwrap();
    let read = Identity::load(&home, "alice", None).unwrap();
    assert_eq!(read.address(), &WalletKey::from_bytes(&[7; 32]).unwrap().address());
    assert_eq!(read.session().expose(), &[9; 32]);

    let shares = ShareStore::new(&home, None);
    let id = CollectionId([1; 16]);
    shares.keep(id, 3, &Share::from_bytes(&[9; 32]), &mut OsEntropy).unwrap();
    let kept = home.shares().join("01010101010101010101010101010101.3");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert_eq!(kept, file("share/01010101010101010101010101010101/3", &[9; 32]));
}
