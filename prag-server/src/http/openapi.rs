//! The OpenAPI document: every inner route, with its bodies.
//!
//! Layer: `http`.
//! Holds: the list of documented handlers.
//! Never: routes that do not exist: a test compares it with the router's table.
//! Invariant: the document is the same for every worker.

use super::problem::ProblemBody;
use super::{
    collections, documents, grants, market, peer, policy, prices, readers, sealed, search,
    snapshots, system, vouchers,
};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "PRAG",
        description = "Private retrieval for confidential AI. Every route but the attestation and the models \
            travels inside the encrypted channel: a binary HTTP message (RFC 9292), encapsulated (RFC 9458) to \
            the key that the worker attests, sent to POST /gateway. Requests are signed (RFC 9421) with the \
            session key that a SNIP-24 permit delegates to. Failures are problem documents (RFC 9457)."
    ),
    paths(
        system::attestation,
        sealed::put_root,
        search::models,
        search::embeddings,
        collections::create,
        collections::list,
        collections::show,
        collections::delete,
        collections::release,
        collections::place,
        collections::rotate,
        collections::reencrypt,
        collections::open_corpus,
        collections::compact,
        collections::operation,
        snapshots::create,
        snapshots::list,
        snapshots::verify,
        snapshots::restore,
        snapshots::prune,
        documents::put,
        documents::list,
        documents::delete_many,
        documents::bulk,
        documents::lookup,
        documents::show,
        documents::delete_one,
        search::query,
        search::queries,
        search::context,
        vouchers::hand_in,
        grants::put,
        grants::list,
        grants::revoke,
        policy::set,
        policy::show,
        prices::set,
        prices::show,
        readers::challenge,
        readers::open,
        grants::head,
        grants::revoke_permit,
        grants::confirm,
        market::execute,
        market::query,
        market::royalty,
        market::attend,
        peer::challenge,
        peer::release
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "collections", description = "Create, describe, release and rotate keys, compact, destroy"),
        (name = "snapshots", description = "Sealed copies in the worker's targets, and the way back"),
        (name = "documents", description = "Put, list, look up, delete"),
        (name = "search", description = "Query, and context for a prompt"),
        (name = "grants", description = "Who may read or write, and which images may serve and read"),
        (name = "readers", description = "Sessions of attested readers: LLM workers that prove what they are"),
        (name = "ledger", description = "Heads that a client remembers; workers, subscriptions, rewards and money"),
        (name = "peer", description = "Keys between attested workers"),
        (name = "models", description = "Embeddings in the OpenAI shape"),
        (name = "system", description = "Attestation, and the root of a sealed worker")
    )
)]
struct Document;

/// The OpenAPI document of the inner routes.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
