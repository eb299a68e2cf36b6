//! A few files from a server that nobody trusts.
//!
//! Layer: server, `platform`.
//! Holds: GET requests, each with a bound on its answer, all of them within one time limit.
//! Never: a redirect, a cookie, a retry; a decision about what came back.
//! Invariant: within [`TIMEOUT`] there are all answers, or an error.

use super::PlatformError;
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// What came back.
pub(super) struct Reply {
    headers: reqwest::header::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// A header whose text is percent-encoded, as Intel's servers send certificates.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.to_str().ok()?;
        percent_decode_str(value).decode_utf8().ok().map(String::from)
    }
}

/// Fetch `urls` one after the other. `what`: whose server it is, for errors.
///
/// Blocks; call it off the async runtime.
pub(super) fn get<const N: usize>(
    what: &'static str,
    urls: &[String; N],
) -> Result<[Reply; N], PlatformError> {
    let failed = |why| PlatformError::Fetch(what, why);
    // A thread of its own: whoever calls may be inside a runtime, which would not have another one beside it.
    let fetched = std::thread::scope(|scope| scope.spawn(|| all(urls)).join());
    fetched.unwrap_or(Err("its thread ended")).map_err(failed)
}

fn all<const N: usize>(urls: &[String; N]) -> Result<[Reply; N], &'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|_| "no thread for it")?.block_on(async {
        let all = async {
            let encrypted = urls.iter().any(|url| url.starts_with("https://"));
            let client = client(encrypted).ok_or("the system has no certificates")?;
            let mut replies = Vec::with_capacity(N);
            for url in urls {
                replies.push(one(&client, url).await?);
            }
            replies.try_into().map_err(|_| "an answer is missing")
        };
        tokio::time::timeout(TIMEOUT, all).await.map_err(|_| "no answer in time")?
    })
}

fn client(encrypted: bool) -> Option<reqwest::Client> {
    // Another part of the process may have installed a provider: any will do, what comes back is signed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    if !encrypted {
        // No TLS is spoken, so the system's certificates need not be there.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    builder.build().ok()
}

async fn one(client: &reqwest::Client, url: &str) -> Result<Reply, &'static str> {
    let response = client.get(url).send().await;
    let mut response = response.map_err(|_| "no connection")?;
    if response.status().as_u16() != 200 {
        return Err("it does not have what was asked for");
    }
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| "the connection broke")? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err("an answer is over its limit");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { headers, body })
}

/// For all files together.
const TIMEOUT: Duration = Duration::from_secs(20);
/// One file; Intel's TCB info has some 20 KiB.
const BODY_BYTES_MAX: usize = 128 << 10;
