//! Sealed corpora: opened for one owner and collection, record by record.
//!
//! Layer: flow.
//! Holds: corpus keys, in memory only, for an hour.
//! Never: writes a corpus key anywhere.
//! Invariant: a record opens only under the key that its owner released, at its own number.

use super::{Worker, validate};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prag_client::corpus::{
    CORPUS_EPOCH, MANIFEST_BYTES_MAX, corpus_key, open_manifest, open_record,
};
use prag_protocol::limits::CORPUS_RECORDS_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{OpenCorpus, OpenedCorpus};
use prag_protocol::wire::documents::{PutDocument, SealedLine};
use prag_protocol::{Address, CollectionId};
use prag_trust::key::{Corpus, Key};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// The corpora that are open on this worker.
#[derive(Default)]
pub struct Corpora(HashMap<(CollectionId, CollectionId, Address), Opened>);

#[derive(Clone)]
struct Opened {
    key: Arc<Key<Corpus>>,
    records: u64,
    expires: u64,
}

impl Worker {
    /// Open a sealed corpus for the caller's own bulk requests to this collection.
    ///
    /// # Errors
    /// `ciphertext-invalid` where share or manifest do not verify.
    pub async fn open_corpus(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        open: OpenCorpus,
    ) -> Result<OpenedCorpus, Problem> {
        self.admit_write(caller, id).await?;
        let share = self.open_share(caller, open.corpus, CORPUS_EPOCH, &open.share)?;
        let key = corpus_key(&share, open.corpus);
        let most = MANIFEST_BYTES_MAX * 4 / 3 + 4;
        validate::at_most("manifest", open.manifest.len(), most, "bytes")?;
        let sealed = STANDARD.decode(&open.manifest).map_err(|_| {
            Problem::new(Code::InvalidField, "`manifest` is not base64").field("manifest")
        })?;
        let manifest = open_manifest(sealed, &key, open.corpus)
            .map_err(|error| invalid(&error.to_string()).field("manifest"))?;
        if manifest.owner != caller.address {
            return Err(invalid("the corpus was sealed by another owner").field("manifest"));
        }
        validate::within("records", manifest.records, 0, CORPUS_RECORDS_MAX as u64)?;
        let opened = Opened {
            key: Arc::new(key),
            records: manifest.records,
            expires: self.now() + OPEN_SECONDS,
        };
        let now = self.now();
        let mut corpora = self.0.corpora.lock().unwrap_or_else(PoisonError::into_inner);
        corpora.0.retain(|_, opened| opened.expires > now);
        if corpora.0.len() >= OPEN_MAX {
            return Err(Problem::new(
                Code::Overloaded,
                "too many corpora are open; try again later",
            ));
        }
        corpora.0.insert((id, open.corpus, caller.address.clone()), opened);
        Ok(OpenedCorpus { records: manifest.records })
    }

    /// The document in a sealed line. Blocks.
    pub(super) fn open_line(
        &self,
        id: CollectionId,
        caller: &Address,
        line: &SealedLine,
    ) -> Result<PutDocument, Problem> {
        let now = self.now();
        let opened = {
            let corpora = self.0.corpora.lock().unwrap_or_else(PoisonError::into_inner);
            corpora.0.get(&(id, line.corpus, caller.clone())).cloned()
        };
        let opened = opened.filter(|opened| opened.expires > now).ok_or_else(|| {
            Problem::new(
                Code::CorpusNotOpen,
                "open the corpus on this worker first; its key is kept for an hour",
            )
        })?;
        if line.record >= opened.records {
            return Err(
                Problem::new(Code::InvalidField, "no such record in the corpus").field("record")
            );
        }
        let sealed = STANDARD.decode(&line.sealed).map_err(|_| {
            Problem::new(Code::InvalidField, "`sealed` is not base64").field("sealed")
        })?;
        open_record(sealed, &opened.key, line.corpus, line.record)
            .map_err(|error| invalid(&error.to_string()).field("sealed"))
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::CiphertextInvalid, detail)
}

const OPEN_SECONDS: u64 = 3600;
const OPEN_MAX: usize = 256;
