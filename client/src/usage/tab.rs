//! The files of what is known of one's use.
//!
//! Layer: client, inside `usage`.
//! Holds: one small file for each ledger, worker, collection and session, changed under a lock and written whole.
//! Never: a change without the lock; another use's file.
//! Invariant: what a request may cost is on disk before the request leaves, and what is countersigned before it is shown.

use super::{Claim, Usage, Whose};
use crate::error::ClientError;
use crate::home::{Home, locked, read_private, write_private};
use prag_protocol::RequestId;
use prag_protocol::ledger::voucher::{Counters, SignedVoucher, Voucher};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The file of one [`Usage`].
pub(crate) struct Tab {
    pub(super) path: PathBuf,
    whose: Whose,
}

impl Tab {
    pub(crate) fn open(home: &Home, whose: Whose) -> Self {
        let Whose { ledger, worker, collection, consumer, session } = &whose;
        let name = format!("{ledger}/{worker}/{collection}/{consumer}/{session}");
        let name = hex::encode(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
        Self { path: home.state(&format!("{FOLDER}/{name}.json")), whose }
    }

    pub(crate) fn whose(&self) -> &Whose {
        &self.whose
    }

    /// What is known; nothing yet is no error.
    pub(crate) fn read(&self) -> Result<Usage, ClientError> {
        match read(&self.path)? {
            None => Ok(Usage::new(self.whose.clone())),
            Some(usage) if usage.whose == self.whose => Ok(usage),
            Some(_) => Err(DAMAGED),
        }
    }

    /// [`Usage::begin`], durably.
    pub(crate) fn begin(
        &self,
        mark: impl Fn(&RequestId) -> String,
        most: Counters,
        fresh: RequestId,
        busy: &HashSet<RequestId>,
    ) -> Result<RequestId, ClientError> {
        self.change(|usage| usage.begin(mark, most, fresh, busy))
    }

    /// The reply to a request came, at this cost; `again`: it was sent more than once.
    pub(crate) fn answer(
        &self,
        id: RequestId,
        cost: &Counters,
        again: bool,
    ) -> Result<(), ClientError> {
        self.change(|usage| usage.answer(id, cost, again))
    }

    /// A request was not counted by this try, hence not at all unless it was sent before.
    pub(crate) fn forget(&self, id: RequestId) -> Result<(), ClientError> {
        self.change(|usage| {
            let open = usage.open.iter().find(|open| open.id == id);
            if open.is_some_and(|open| !open.again) {
                usage.forget(id);
            }
        })
    }

    /// Weighs a verified claim; where it brings something new, `sign` signs it, and that is kept before it is returned.
    /// With `accept`, whatever it claims.
    pub(crate) fn take(
        &self,
        claim: &Voucher,
        accept: bool,
        sign: impl FnOnce() -> SignedVoucher,
    ) -> Result<Result<Option<SignedVoucher>, Claim>, ClientError> {
        self.change(|usage| match usage.weigh(claim) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let signed = sign();
                usage.settle(signed.clone());
                Ok(Some(signed))
            }
            Err(over) if !accept => {
                usage.refused = Some(over);
                Err(over)
            }
            Err(_) => {
                let signed = sign();
                usage.adopt(signed.clone());
                Ok(Some(signed))
            }
        })
    }

    /// [`Usage::adopt`], if it is newer than what is known here.
    pub(crate) fn adopt(&self, signed: SignedVoucher) -> Result<(), ClientError> {
        self.change(|usage| {
            let newer = |kept: &SignedVoucher| signed.voucher.supersedes(&kept.voucher);
            if usage.voucher.as_ref().is_none_or(newer) {
                usage.adopt(signed);
            }
        })
    }

    /// Reads, changes and writes under a lock that other processes of this person take too.
    fn change<T>(&self, verb: impl FnOnce(&mut Usage) -> T) -> Result<T, ClientError> {
        let _alone = locked(&self.path.with_extension("lock"))?;
        let before = self.read()?;
        let mut usage = before.clone();
        let done = verb(&mut usage);
        if usage != before {
            let bytes = serde_json::to_vec_pretty(&usage).map_err(|_| DAMAGED)?;
            write_private(&self.path, &bytes)?;
        }
        Ok(done)
    }
}

/// Everything that is known of the session with this key (hex), by collection.
pub(crate) fn all(home: &Home, session: &str) -> Result<Vec<Usage>, ClientError> {
    let folder = match std::fs::read_dir(home.state(FOLDER)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        folder => folder.map_err(ClientError::file("listing usage"))?,
    };
    let mut found = Vec::new();
    for entry in folder {
        let path = entry.map_err(ClientError::file("listing usage"))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            found.extend(read(&path)?.filter(|usage| usage.whose.session == session));
        }
    }
    found.sort_by_key(|usage| (usage.whose.collection, usage.whose.worker.clone()));
    Ok(found)
}

fn read(path: &Path) -> Result<Option<Usage>, ClientError> {
    let Some(bytes) = read_private(path, USAGE_BYTES_MAX)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| DAMAGED)
}

const FOLDER: &str = "usage";
const DAMAGED: ClientError = ClientError::SecretFile("what is remembered of usage does not parse");
const USAGE_BYTES_MAX: u64 = 64 << 10;
