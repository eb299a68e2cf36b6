//! `prag keys`.
//!
//! Layer: client, below `cli`.
//! Holds: making and showing an identity's public half.
//! Never: a secret on the screen.
//! Invariant: an identity that is there is never replaced.

use super::{Done, Setting};
use crate::error::ClientError;
use crate::identity::Identity;
use crate::system::OsEntropy;
use serde_json::json;

pub(super) fn new(setting: &Setting) -> Done {
    let passphrase = setting.passphrase();
    let identity = Identity::create(&setting.home, &setting.identity, passphrase, &mut OsEntropy)?;
    if passphrase.is_none() {
        setting.screen.note("kept under file permissions only; set PRAG_PASSPHRASE to seal keys");
    }
    present(setting, &identity)
}

pub(super) fn show(setting: &Setting) -> Done {
    let identity = setting.load_identity()?;
    present(setting, &identity)
}

fn present(setting: &Setting, identity: &Identity) -> Result<bool, ClientError> {
    let session = hex::encode(identity.session().public_key());
    let file = setting.home.identity(identity.name());
    let value = json!({
        "identity": identity.name(),
        "address": identity.address(),
        "session_key": session,
        "file": file,
    });
    setting.screen.show(&value, || {
        format!(
            "identity     {}\naddress      {}\nsession key  {session}\nfile         {}",
            identity.name(),
            setting.screen.bold(identity.address().as_str()),
            file.display()
        )
    });
    Ok(true)
}
