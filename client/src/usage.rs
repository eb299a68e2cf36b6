//! What this machine knows of its use: what it asked, what it has countersigned, and what it would not.
//!
//! Layer: client, beside `remembered`.
//! Holds: one small file for each ledger, worker, collection and session, changed under a lock and written whole.
//! Never: a question or an answer; a countersignature above what was asked.
//! Invariant: what a request may cost is on disk before the request leaves, and what is countersigned before it is shown.
//!
//! `answered` and `open` together are never below what an honest worker has counted: a request is open until its reply
//! shows what it cost, and one whose reply was lost stays open, to be billed once at most. A retry, even by a later process,
//! takes the id of the open request that asks the same.

use crate::error::ClientError;
use crate::home::{Home, read_private, write_private, write_private_new};
use prag_protocol::ledger::voucher::{Counters, SignedVoucher, Voucher};
use prag_protocol::limits::REQUEST_IDS_MAX;
use prag_protocol::{Address, CollectionId, RequestId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// One session's use of one collection on one worker, as this machine knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Whose it is.
    pub whose: Whose,
    /// The latest voucher that it has countersigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<SignedVoucher>,
    /// The latest claim that it would not countersign, and what it allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Claim>,
    /// What answered requests cost in all, at most.
    answered: Counters,
    /// Requests without an answer, oldest first.
    open: Vec<Open>,
}

/// Which use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// The ledger that pays, hex.
    pub ledger: String,
    /// The worker's account.
    pub worker: Address,
    /// What is read.
    pub collection: CollectionId,
    /// Whom the session acts for.
    pub consumer: Address,
    /// The session's key, hex.
    pub session: String,
}

/// More than was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// All that the worker says was used.
    pub claimed: Counters,
    /// All that this machine can account for.
    pub allowed: Counters,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    id: RequestId,
    /// A hash over the id and the request.
    mark: String,
    most: Counters,
    /// It was sent before: what was counted then may be more than a later reply shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

impl Usage {
    fn new(whose: Whose) -> Self {
        let answered = Counters::default();
        Self { whose, voucher: None, refused: None, answered, open: Vec::new() }
    }

    /// All that is countersigned.
    #[must_use]
    pub fn countersigned(&self) -> Counters {
        self.voucher.as_ref().map(|signed| signed.voucher.used).unwrap_or_default()
    }

    /// All that the worker may claim: what is countersigned or answered, and what was asked since.
    #[must_use]
    pub fn allowed(&self) -> Counters {
        self.open.iter().fold(self.answered, |sum, open| add(&sum, &open.most))
    }

    /// Requests whose reply was lost, or is awaited.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.open.len()
    }

    /// A request is about to be sent. Returns its id: `fresh`, or that of the same request whose reply was lost; not one in
    /// `busy`, whose reply is awaited.
    fn begin(
        &mut self,
        mark: impl Fn(&RequestId) -> String,
        most: Counters,
        fresh: RequestId,
        busy: &HashSet<RequestId>,
    ) -> RequestId {
        let same = |open: &&mut Open| !busy.contains(&open.id) && open.mark == mark(&open.id);
        if let Some(open) = self.open.iter_mut().find(same) {
            open.again = true;
            return open.id;
        }
        self.open.push(Open { id: fresh, mark: mark(&fresh), most, again: false });
        while self.open.len() > REQUEST_IDS_MAX {
            // The worker has forgotten its id too: it may have been counted, once.
            let lost = self.open.remove(0);
            self.answered = add(&self.answered, &lost.most);
        }
        fresh
    }

    /// The reply shows what a request cost, unless it was sent before: then all that it might is left open to the voucher.
    fn answer(&mut self, id: RequestId, cost: &Counters, again: bool) {
        if let Some(open) = self.forget(id) {
            let cost = if again || open.again { &open.most } else { cost };
            self.answered = add(&self.answered, cost);
        }
    }

    /// A request was refused, hence not counted; `None` if it was not open.
    fn forget(&mut self, id: RequestId) -> Option<Open> {
        let at = self.open.iter().position(|open| open.id == id)?;
        Some(self.open.remove(at))
    }

    /// Whether a voucher of this session is to be countersigned: `false` for one that brings nothing new.
    fn weigh(&self, claim: &Voucher) -> Result<bool, Claim> {
        let floor = self.countersigned();
        let known = self.voucher.as_ref().map_or(0, |signed| signed.voucher.sequence);
        let allowed = self.allowed();
        let fits = if claim.sequence <= known {
            floor.minus(&claim.used).is_some()
        } else {
            claim.used.minus(&floor).is_some() && allowed.minus(&claim.used).is_some()
        };
        if fits { Ok(claim.sequence > known) } else { Err(Claim { claimed: claim.used, allowed }) }
    }

    /// A voucher is countersigned. No answered request has cost more than it says, as it counts them all.
    fn settle(&mut self, signed: SignedVoucher) {
        self.answered = self.answered.least(&signed.voucher.used);
        (self.voucher, self.refused) = (Some(signed), None);
    }

    /// Somebody with this session's key has countersigned more than this machine knows of: begin from there.
    fn adopt(&mut self, signed: SignedVoucher) {
        let since = self.answered.minus(&self.countersigned()).unwrap_or_default();
        self.answered = add(&signed.voucher.used, &since);
        (self.voucher, self.refused) = (Some(signed), None);
    }
}

/// The file of one [`Usage`].
pub(crate) struct Tab {
    path: PathBuf,
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
            Err(over) if !accept => {
                usage.refused = Some(over);
                Err(over)
            }
            Ok(true) | Err(_) => {
                let signed = sign();
                if accept {
                    usage.adopt(signed.clone());
                } else {
                    usage.settle(signed.clone());
                }
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
        let lock = self.path.with_extension("lock");
        if !lock.exists() {
            // Whoever is first makes it; nobody replaces it under another's lock.
            write_private_new(&lock, b"")?;
        }
        let lock = std::fs::File::open(lock).map_err(ClientError::file("locking usage"))?;
        lock.lock().map_err(ClientError::file("locking usage"))?;
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

/// No counter of a request is near the end of its type; where one is all the same, the most is allowed that can be said.
fn add(sum: &Counters, more: &Counters) -> Counters {
    sum.plus(more).unwrap_or_else(|| sum.greatest(more))
}

const FOLDER: &str = "usage";
const DAMAGED: ClientError = ClientError::SecretFile("what is remembered of usage does not parse");
const USAGE_BYTES_MAX: u64 = 64 << 10;

#[cfg(test)]
mod tests;
