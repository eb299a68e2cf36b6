//! The servers of the vendors, on loopback: a PCCS and AMD's key server, honest or not.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prag_pki::tdx::Tdx;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What is answered, by path and query; anything else is not found.
#[derive(Clone, Default)]
pub(crate) struct Vendor(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    files: HashMap<String, (HeaderMap, Bytes)>,
    asked: Vec<String>,
    down: bool,
}

impl Vendor {
    /// Serves; its address.
    pub(crate) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    /// As Intel's and AMD's documents have it: certificates percent-encoded in a header.
    pub(crate) fn put(&self, path: &str, header: Option<(&'static str, &str)>, body: Vec<u8>) {
        let mut headers = HeaderMap::new();
        if let Some((name, chain)) = header {
            let value = utf8_percent_encode(chain, NON_ALPHANUMERIC).to_string();
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        self.0.lock().unwrap().files.insert(path.to_owned(), (headers, body.into()));
    }

    /// All that a PCCS has for `host`.
    pub(crate) fn put_collateral(&self, host: &Tdx) {
        let collateral: Value = serde_json::from_slice(&host.build().collateral).unwrap();
        let text = |key: &str| collateral[key].as_str().unwrap();
        // Spaces and an order of its own: what was signed must go through byte by byte.
        let signed = |name: &str, body: &str, signature: &str| {
            let (body, signature) = (text(body), text(signature));
            format!("{{ \"signature\" : \"{signature}\",\n \"{name}\" : {body} }}").into_bytes()
        };
        let tcb = signed("tcbInfo", "tcb_info", "tcb_info_signature");
        let chain = text("tcb_info_issuer_chain");
        let fmspc = hex::encode_upper(host.platform.fmspc);
        self.put(
            &format!("/tdx/certification/v4/tcb?fmspc={fmspc}"),
            Some(("TCB-Info-Issuer-Chain", chain)),
            tcb,
        );
        let identity = signed("enclaveIdentity", "qe_identity", "qe_identity_signature");
        let chain = text("qe_identity_issuer_chain");
        let header = Some(("SGX-Enclave-Identity-Issuer-Chain", chain));
        self.put("/tdx/certification/v4/qe/identity", header, identity);
        let header = Some(("SGX-PCK-CRL-Issuer-Chain", text("pck_crl_issuer_chain")));
        let list = hex::decode(text("pck_crl")).unwrap();
        self.put("/sgx/certification/v4/pckcrl?ca=platform&encoding=der", header, list);
        self.put("/sgx/certification/v4/rootcacrl", None, text("root_ca_crl").into());
    }

    /// Answers 404 to everything, or no longer.
    pub(crate) fn set_down(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }

    /// What was asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

async fn answer(State(vendor): State<Vendor>, request: Request) -> Response {
    let path = request.uri().path_and_query().unwrap().as_str().to_owned();
    let mut shelf = vendor.0.lock().unwrap();
    shelf.asked.push(path.clone());
    let found = shelf.files.get(&path).filter(|_| !shelf.down).cloned();
    found.map_or(StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}
