//! Requests as an attacker sends them: every field of the signature and the permit is free.

use crate::worker::Worker;
use prag_client::Client;
use prag_client::channel::{Channel, Sent};
use prag_client::envelope::Request;
use prag_client::home::Home;
use prag_client::identity::{Identity, ShareStore};
use prag_client::remembered::Remembered;
use prag_client::system::{OsEntropy, SystemClock};
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::entropy::{Clock, random};
use prag_trust::permit::{Expected, Permissions, Permit, PermitParams};
use prag_trust::request::{RequestParts, sign_request};
use std::path::Path;

/// A user whose keys the test knows.
pub(crate) struct Sender {
    pub(crate) client: Client,
    wallet: WalletKey,
    session: SessionKey,
    pub(crate) expected: Expected,
}

/// Tampers with the headers of a signed request.
pub(crate) type Change = fn(&mut Vec<(String, String)>);

/// What is signed, and how.
pub(crate) struct Letter<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: String,
    pub(crate) query: &'a str,
    pub(crate) media_type: &'a str,
    pub(crate) body: Vec<u8>,
    pub(crate) permissions: Permissions,
    pub(crate) expected: Expected,
    /// Seconds from now until the permit ends.
    pub(crate) expires: i64,
    /// Seconds from now at which it was signed.
    pub(crate) created: i64,
    pub(crate) worker: Option<[u8; 32]>,
    pub(crate) nonce: Option<[u8; 16]>,
    /// Sent instead of what was signed.
    pub(crate) sent_body: Option<Vec<u8>>,
    /// Sent with these headers changed.
    pub(crate) change: Option<Change>,
}

impl Sender {
    /// A new user `number` of `worker`, with a home under `folder`.
    pub(crate) async fn new(worker: &Worker, folder: &Path, number: u8) -> Self {
        let home = Home::at(&folder.join(format!("sender-{number}")));
        let secret = [[number; 32], [number + 100; 32]].concat();
        let identity = Identity::from_secret("default", &secret).unwrap();
        let url = format!("http://{}", worker.address);
        let (clock, entropy) = (Box::new(SystemClock::default()), Box::new(OsEntropy));
        let remembered = Remembered::new(&home);
        let channel = Channel::connect(&url, crate::worker::trusted(), remembered, clock, entropy)
            .await
            .unwrap();
        let session = channel.session().await.unwrap();
        let expected = Expected {
            chain_id: session.attestation().chain_id.clone(),
            contract: session.attestation().contract.clone(),
        };
        Self {
            client: Client::new(channel, identity, ShareStore::new(&home, None)),
            wallet: WalletKey::from_bytes(&[number; 32]).unwrap(),
            session: SessionKey::from_bytes(&[number + 100; 32]),
            expected,
        }
    }

    /// A request that nothing is wrong with.
    pub(crate) fn letter<'a>(&self, method: &'a str, path: &str, body: &str) -> Letter<'a> {
        Letter {
            method,
            path: path.to_owned(),
            query: "",
            media_type: "application/json",
            body: body.as_bytes().to_vec(),
            permissions: Permissions::QueryAndIngest,
            expected: self.expected.clone(),
            expires: 3600,
            created: 0,
            worker: None,
            nonce: None,
            sent_body: None,
            change: None,
        }
    }

    /// Send it; the inner status and body.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> (u16, String) {
        let session = self.client.channel().session().await.unwrap();
        let now = SystemClock::default().now();
        let key = self.session.public_key();
        let expires = now.saturating_add_signed(letter.expires);
        let params = PermitParams::new(&letter.expected, &key, letter.permissions, expires);
        let permit = Permit::sign(&self.wallet, params).unwrap();
        let parts = RequestParts {
            method: letter.method,
            path: &letter.path,
            query: letter.query,
            body: &letter.body,
        };
        let worker = letter.worker.unwrap_or(session.worker().sig_pk);
        let nonce = letter
            .nonce
            .unwrap_or_else(|| random(&mut OsEntropy).unwrap());
        let created = now.saturating_add_signed(letter.created);
        let signed = sign_request(&self.session, &parts, &permit, &worker, created, nonce);
        let mut headers = signed.unwrap();
        if let Some(change) = letter.change {
            change(&mut headers);
        }
        let request = Request {
            method: letter.method,
            path: &letter.path,
            query: letter.query,
            media_type: letter.media_type,
            body: letter.sent_body.as_ref().unwrap_or(&letter.body),
        };
        match self
            .client
            .channel()
            .send(&session, &request, &headers)
            .await
            .unwrap()
        {
            Sent::Answer(answer) => (answer.status, String::from_utf8(answer.body).unwrap()),
            Sent::Refused(status) => (status, String::new()),
        }
    }
}
