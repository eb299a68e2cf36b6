//! One node's RPC.
//!
//! Layer: `cosmos`, above `json`.
//! Holds: one call at a time over HTTP, bounded in time and length before anything is parsed.
//! Never: redirects; retries (`nodes` has other nodes); belief.
//! Invariant: nothing that a node sends takes more memory than its call's bound.

use crate::CosmosError;
use crate::error::LOG_BYTES_MAX;
use crate::json::{AbciQuery, AbciResponse, Envelope};
use rustls::crypto::ring;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its place in the settings.
    pub(crate) number: usize,
    url: String,
    http: reqwest::Client,
}

impl Node {
    /// Nothing is said yet.
    pub(crate) fn open(number: usize, url: &str) -> Result<Self, CosmosError> {
        // Another part of the process may have installed one: then that one is used.
        let _ = ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT);
        if url.starts_with("http://") {
            // No TLS is spoken, so the system's certificates need not be there.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let host = url.split_once("://").map_or("", |(_, authority)| authority);
        if ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local)) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| CosmosError::Setting("nodes"))?;
        Ok(Self { number, url: url.to_owned(), http })
    }

    /// Calls `method`; the answer is at most `bytes_max` bytes of JSON.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: Value,
        bytes_max: usize,
    ) -> Result<T, CosmosError> {
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
        let sent = self.http.post(&self.url).json(&ask).send().await;
        let mut response = sent.map_err(|_| self.fails("does not answer"))?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|_| self.fails("breaks off"))? {
            if part.len() > bytes_max.saturating_sub(body.len()) {
                return Err(self.fails("answers at too great a length"));
            }
            body.extend_from_slice(&part);
        }
        let envelope: Envelope<T> =
            serde_json::from_slice(&body).map_err(|_| self.fails("answers no such thing"))?;
        match envelope {
            Envelope { error: Some(failure), .. } => {
                let data = failure.data.as_str().unwrap_or_default();
                let log = cut(&format!("{}: {data}", failure.message));
                Err(CosmosError::Code { node: self.number, code: failure.code, log })
            }
            Envelope { result: Some(result), .. } => Ok(result),
            Envelope { .. } => Err(self.fails("answers nothing")),
        }
    }

    /// Asks the application at `path`; at the newest height where none is given. An error of its own is a
    /// [`CosmosError::Code`].
    pub(crate) async fn ask(
        &self,
        path: &str,
        data: &[u8],
        height: Option<u64>,
        prove: bool,
    ) -> Result<AbciResponse, CosmosError> {
        let height = height.unwrap_or(0).to_string();
        let parameters =
            json!({"path": path, "data": hex::encode(data), "height": height, "prove": prove});
        let answer: AbciQuery = self.call("abci_query", parameters, ANSWER_BYTES_MAX).await?;
        let response = answer.response;
        if response.code == 0 {
            return Ok(response);
        }
        let (node, code) = (self.number, i64::from(response.code));
        Err(CosmosError::Code { node, code, log: cut(&response.log) })
    }

    /// An error of this node.
    pub(crate) fn fails(&self, reason: &'static str) -> CosmosError {
        CosmosError::Node { node: self.number, reason }
    }
}

/// The beginning of a text.
pub(crate) fn cut(text: &str) -> String {
    let mut end = text.len().min(LOG_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Longest answer of the application: a row with its proof, a simulation with its events.
pub(crate) const ANSWER_BYTES_MAX: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
