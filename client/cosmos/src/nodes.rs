//! Several nodes: whoever answers first with something that can be used, and k of n that show one header.
//!
//! Layer: `cosmos`, above `node`, `light` and `proof`.
//! Holds: what is fetched from nodes, each thing with the check that lets it be taken from anybody.
//! Never: a majority in place of a proof; proofs decide what is true, agreement only adds that nobody was led astray.
//! Invariant: a node that lies or is silent costs time, and nothing else while enough others answer.

use crate::json::{BlockResults, Broadcast, Commit, Included, Status, Validators};
use crate::light::VALIDATORS_MAX;
use crate::node::Node;
use crate::{CosmosError, LightBlock, Network, RowProof, VerifiedHeader};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tendermint::Hash;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::Info;
use tokio::task::JoinSet;

/// What one node's application said.
pub(crate) type Answer = Result<Vec<u8>, CosmosError>;

/// All nodes of one chain.
#[derive(Debug)]
pub(crate) struct Nodes {
    list: Vec<Node>,
    agree: usize,
    /// Who answered last: asked first.
    good: AtomicUsize,
}

impl Nodes {
    pub(crate) fn open(network: &Network) -> Result<Self, CosmosError> {
        let list = network.nodes.iter().enumerate();
        let list = list.map(|(number, url)| Node::open(number, url)).collect::<Result<_, _>>()?;
        Ok(Self { list, agree: network.agree, good: AtomicUsize::new(0) })
    }

    /// The first answer that `ask` can use, from one node after another; the next is asked beside one that hangs.
    ///
    /// A refusal of the application ([`CosmosError::Code`]) is passed on where all nodes refuse.
    pub(crate) async fn first<T, F: Future<Output = Result<T, CosmosError>> + Send>(
        &self,
        ask: impl Fn(Node) -> F,
    ) -> Result<T, CosmosError> {
        let good = self.good.load(Ordering::Relaxed);
        let mut places = (0..self.list.len()).map(|place| (good + place) % self.list.len());
        let start = |at: usize| {
            let answer = ask(self.list[at].clone());
            async move { (at, answer.await) }
        };
        let (mut running, mut last) = (FuturesUnordered::new(), CosmosError::Silent);
        loop {
            if running.is_empty() {
                match places.next() {
                    Some(at) => running.push(start(at)),
                    None => return Err(last),
                }
            }
            tokio::select! {
                Some((at, answer)) = running.next() => match answer {
                    Ok(answer) => {
                        self.good.store(at, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(error) => {
                        last = error;
                        running.extend(places.next().map(start));
                    }
                },
                () = tokio::time::sleep(PATIENCE), if places.len() > 0 => {
                    running.extend(places.next().map(start));
                }
            }
        }
    }

    /// How many nodes have to agree.
    pub(crate) fn needed(&self) -> usize {
        self.agree
    }

    /// How many nodes there are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// What nodes answer, in no particular order. Once as many as must agree have answered, the others have a moment
    /// left: one that hangs makes nobody wait.
    pub(crate) async fn all<T, F>(&self, ask: impl Fn(Node) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, CosmosError>> + Send + 'static,
    {
        let mut asked = JoinSet::new();
        for node in &self.list {
            asked.spawn(ask(node.clone()));
        }
        let mut answers = Vec::with_capacity(self.list.len());
        while answers.len() < self.agree {
            match asked.join_next().await {
                Some(answer) => answers.extend(answer.ok().and_then(Result::ok)),
                None => return answers,
            }
        }
        let end = tokio::time::Instant::now() + PATIENCE;
        while let Ok(Some(answer)) = tokio::time::timeout_at(end, asked.join_next()).await {
            answers.extend(answer.ok().and_then(Result::ok));
        }
        answers
    }

    /// Heights that as many nodes have as must agree: the newest first.
    pub(crate) async fn heights(&self) -> Result<Vec<u64>, CosmosError> {
        let status = |node: Node| async move {
            let status: Status = node.call("status", json!({}), STATUS_BYTES_MAX).await?;
            Ok(status.sync_info.latest_block_height)
        };
        let mut heights = self.all(status).await;
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let (agreeing, needed) = (heights.len(), self.agree);
        let mut enough = heights.split_off(heights.len().min(needed.saturating_sub(1)));
        enough.dedup();
        if enough.is_empty() { Err(CosmosError::Disagree { agreeing, needed }) } else { Ok(enough) }
    }

    /// As many nodes as must agree show `header` at its height.
    pub(crate) async fn agree(&self, header: &VerifiedHeader) -> Result<(), CosmosError> {
        let height = header.height();
        if self.agree == 1 {
            return Ok(());
        }
        let seen = self.all(move |node| async move { signed(&node, height).await }).await;
        let same = |seen: &&SignedHeader| seen.header.hash() == Hash::Sha256(header.hash());
        let (agreeing, needed) = (seen.iter().filter(same).count(), self.agree);
        if agreeing >= needed { Ok(()) } else { Err(CosmosError::Disagree { agreeing, needed }) }
    }

    /// The block at `height`, of the first node whose block passes `check`.
    pub(crate) async fn block<T>(
        &self,
        height: u64,
        check: impl Fn(LightBlock) -> Result<T, CosmosError> + Sync,
    ) -> Result<T, CosmosError> {
        let check = &check;
        self.first(|node| async move {
            let signed = signed(&node, height).await?;
            let (now, next) =
                (validators(&node, height).await?, validators(&node, height + 1).await?);
            check(LightBlock::new(signed, &now, &next)?)
        })
        .await
    }

    /// The header that comes before `after`.
    pub(crate) async fn before(
        &self,
        after: &VerifiedHeader,
    ) -> Result<VerifiedHeader, CosmosError> {
        let height = after.height().saturating_sub(1);
        self.first(|node| async move { after.preceded_by(&signed(&node, height).await?) }).await
    }

    /// The row at `key` of `store` in the state that `header` commits to; the first whose proof holds.
    pub(crate) async fn row(
        &self,
        header: &VerifiedHeader,
        store: &str,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, CosmosError> {
        let path = &format!("/store/{store}/key");
        let height = Some(header.height().saturating_sub(1));
        self.first(|node| async move {
            RowProof::of(node.ask(path, key, height, true).await?).verify(header, store, key)
        })
        .await
    }

    /// What the application of every node answers at `path`; nothing proves it.
    pub(crate) async fn ask(&self, path: &'static str, data: &[u8]) -> Vec<Answer> {
        let data: Arc<[u8]> = data.into();
        let ask = |node: Node| {
            let data = Arc::clone(&data);
            async move { Ok(node.ask(path, &data, None, false).await.map(|answer| answer.value)) }
        };
        self.all(ask).await
    }

    /// Hands the very same bytes to every node: one of them may drop it.
    pub(crate) async fn broadcast(&self, transaction: &[u8]) -> Vec<Broadcast> {
        let parameters = json!({"tx": STANDARD.encode(transaction)});
        let ask = |node: Node| {
            let parameters = parameters.clone();
            async move { node.call("broadcast_tx_sync", parameters, STATUS_BYTES_MAX).await }
        };
        self.all(ask).await
    }

    /// Where nodes say that the transaction of this hash is.
    pub(crate) async fn included(&self, hash: &[u8; 32]) -> Vec<Included> {
        let parameters = json!({"hash": STANDARD.encode(hash), "prove": true});
        let ask = |node: Node| {
            let parameters = parameters.clone();
            async move { node.call("tx", parameters, BLOCK_BYTES_MAX).await }
        };
        self.all(ask).await
    }

    /// The results of the block at `height`, of the first node whose answer passes `check`.
    pub(crate) async fn results<T>(
        &self,
        height: u64,
        check: impl Fn(BlockResults) -> Result<T, CosmosError> + Sync,
    ) -> Result<T, CosmosError> {
        let parameters = json!({"height": height.to_string()});
        let (parameters, check) = (&parameters, &check);
        self.first(|node| async move {
            check(node.call("block_results", parameters.clone(), BLOCK_BYTES_MAX).await?)
        })
        .await
    }
}

async fn signed(node: &Node, height: u64) -> Result<SignedHeader, CosmosError> {
    let parameters = json!({"height": height.to_string()});
    let commit: Commit = node.call("commit", parameters, HEADER_BYTES_MAX).await?;
    let signed = commit.signed_header;
    if signed.header.height.value() == height && signed.commit.signatures.len() <= VALIDATORS_MAX {
        Ok(signed)
    } else {
        Err(node.fails("answers with another header"))
    }
}

async fn validators(node: &Node, height: u64) -> Result<Vec<Info>, CosmosError> {
    let mut all: Vec<Info> = Vec::new();
    for page in 1..=VALIDATORS_MAX.div_ceil(PAGE_ROWS) {
        let parameters = json!({
            "height": height.to_string(), "page": page.to_string(), "per_page": PAGE_ROWS.to_string(),
        });
        let answer: Validators = node.call("validators", parameters, HEADER_BYTES_MAX).await?;
        let got = answer.validators.len();
        all.extend(answer.validators);
        if got == 0 || all.len() > VALIDATORS_MAX {
            break;
        }
        if u64::try_from(all.len()).is_ok_and(|have| have >= answer.total) {
            return Ok(all);
        }
    }
    Err(node.fails("answers with too few validators"))
}

/// How long others wait for a node that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest short answer.
const STATUS_BYTES_MAX: usize = 64 << 10;
/// Longest header with its commit, or page of validators: about 300 bytes a vote.
const HEADER_BYTES_MAX: usize = 512 << 10;
/// Longest answer about a block's transactions.
const BLOCK_BYTES_MAX: usize = 8 << 20;
/// Validators of one page, the most that nodes give.
const PAGE_ROWS: usize = 100;

#[cfg(test)]
mod tests;
