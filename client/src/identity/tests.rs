#![allow(clippy::unwrap_used, clippy::panic)]
//! Identities and shares come back as they were kept, and permits say what they are for.

use super::*;
use crate::system::OsEntropy;

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
        let delegation = permit.verify(now, &expected).unwrap();
        assert_eq!(delegation.permissions, permissions);
        assert_eq!(&delegation.address, identity.address());
        assert_eq!(delegation.session_key, identity.session().public_key());
        assert!(delegation.expires > now + DAY && delegation.expires <= now + 2 * DAY);
    }
}

/// A share is kept once under its id, opens for it, and is gone once forgotten.
#[test]
fn shares_are_kept() {
    let (_folder, home) = home();
    let shares = ShareStore::new(&home, None);
    let id = CollectionId([1; 16]);
    let share = Share::from_bytes(&[9; 32]);
    assert!(matches!(shares.fetch(id), Err(ClientError::NoShare(_))));
    shares.keep(id, &share, &mut OsEntropy).unwrap();
    assert_eq!(shares.fetch(id).unwrap().expose(), share.expose());
    assert!(shares.keep(id, &share, &mut OsEntropy).is_err());
    shares.forget(id).unwrap();
    shares.forget(id).unwrap();
    assert!(!shares.has(id));
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
    shares.keep(id, &Share::from_bytes(&[9; 32]), &mut OsEntropy).unwrap();
    let kept = std::fs::read_to_string(home.share(&id.to_string())).unwrap();
    assert_eq!(kept, file("share/01010101010101010101010101010101", &[9; 32]));
}
