//! From a document as it was sent to the record and the texts to embed.
//!
//! Layer: flow; joins the chunker and the tokenizer, which do not know each other.
//! Holds: chunk sizes in the model's own tokens, with a bound on bytes too.
//! Never: embeds.
//! Invariant: no text to embed is longer than the model takes; spans are exact in the original.

use super::{problems, validate};
use crate::collection::record::{Chunk, Document};
use prag_chunk::{Piece, TokenCount};
use prag_embedder::{Embedder, Role};
use prag_protocol::limits::{CHUNK_BYTES_MAX, HEADING_PATH_BYTES_MAX};
use prag_protocol::metadata::{Metadata, Value};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_trust::entropy::{Entropy, random};

/// A document on its way into a shard.
pub(super) struct Prepared {
    pub(super) document: Document,
    /// One per chunk; empty where vectors came with the document.
    pub(super) texts: Vec<String>,
    /// Row-major, where vectors came with the document.
    pub(super) vectors: Vec<f32>,
    pub(super) tokens: u64,
}

/// Counts with the model's own tokenizer.
struct Counter<'a>(&'a dyn Embedder);

impl TokenCount for Counter<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count(text)
    }
}

/// Cut a document with the model's tokenizer.
pub(super) fn by_model(
    put: PutDocument,
    embedder: &dyn Embedder,
    chunk_tokens: usize,
    entropy: &mut dyn Entropy,
) -> Result<Prepared, Problem> {
    if put.chunks.is_some() {
        let detail = "this collection embeds by itself; leave `chunks` out, or create one with supplied vectors";
        return Err(Problem::new(Code::InvalidField, detail).field("chunks"));
    }
    let format = match put.format {
        Format::Markdown => prag_chunk::Format::Markdown,
        Format::Html => prag_chunk::Format::Html,
        Format::Text => prag_chunk::Format::Text,
        Format::Jsonl => prag_chunk::Format::Jsonl,
    };
    let most = chunk_tokens.min(embedder.budget(Role::Passage));
    let params = prag_chunk::Params { max_bytes: CHUNK_BYTES_MAX, ..prag_chunk::Params::new(most) };
    let counter = Counter(embedder);
    let mut pieces =
        prag_chunk::chunk(format, &put.content, &counter, &params).map_err(problems::chunk)?;
    // What the model has no token for (zero-width characters, say) cannot be embedded: one such text
    // would fail the call that embeds all lines of a bulk request.
    pieces.retain(|piece| piece.tokens > 0);
    if pieces.is_empty() {
        return Err(Problem::new(Code::EmptyText, "`content` holds no text").field("content"));
    }
    let mut chunks = Vec::with_capacity(pieces.len());
    let mut texts = Vec::with_capacity(pieces.len());
    let mut tokens = 0;
    for piece in pieces {
        texts.push(piece.embedded_text());
        tokens += piece.tokens as u64;
        chunks.push(chunk_of(piece, &put.content, entropy)?);
    }
    Ok(Prepared { document: record(put, chunks), texts, vectors: Vec::new(), tokens })
}

/// Take the owner's own chunks and vectors.
pub(super) fn supplied(
    mut put: PutDocument,
    dimension: usize,
    entropy: &mut dyn Entropy,
) -> Result<Prepared, Problem> {
    let Some(supplied) = put.chunks.take().filter(|chunks| !chunks.is_empty()) else {
        let detail = "this collection takes supplied vectors: send at least one entry in `chunks`";
        return Err(Problem::new(Code::InvalidField, detail).field("chunks"));
    };
    let mut chunks = Vec::with_capacity(supplied.len());
    let mut vectors = Vec::with_capacity(supplied.len() * dimension);
    for (index, chunk) in supplied.iter().enumerate() {
        let SuppliedChunk { start, end, vector } = chunk;
        let text = put.content.get(*start as usize..*end as usize);
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            let detail = "a chunk must span visible text of `content`, on character boundaries";
            return Err(Problem::new(Code::InvalidField, detail).field(format!("chunks[{index}]")));
        };
        validate::at_most(&format!("chunks[{index}]"), text.len(), CHUNK_BYTES_MAX, "bytes")?;
        vectors.extend(validate::vector(&format!("chunks[{index}].vector"), vector, dimension)?);
        chunks.push(Chunk {
            start: *start,
            end: *end,
            text: None,
            heading_path: Vec::new(),
            tokens: 0,
            salt: salt(entropy)?,
        });
    }
    let mut document = record(put, chunks);
    document.digest = with_vectors(&document.digest, &supplied);
    Ok(Prepared { document, texts: Vec::new(), vectors, tokens: 0 })
}

/// Digest over everything that the owner sent: equal means unchanged.
pub(super) fn digest(put: &PutDocument) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 document digest v1");
    field(&mut hasher, put.id.as_str().as_bytes());
    field(&mut hasher, put.title.as_bytes());
    field(&mut hasher, &[put.format as u8]);
    field(&mut hasher, put.content.as_bytes());
    metadata_into(&mut hasher, &put.metadata);
    let digest = *hasher.finalize().as_bytes();
    match &put.chunks {
        Some(chunks) => with_vectors(&digest, chunks),
        None => digest,
    }
}

fn with_vectors(digest: &[u8; 32], chunks: &[SuppliedChunk]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 supplied chunks digest v1");
    hasher.update(digest);
    for chunk in chunks {
        field(&mut hasher, &chunk.start.to_be_bytes());
        field(&mut hasher, &chunk.end.to_be_bytes());
        let bytes: Vec<u8> = chunk.vector.iter().flat_map(|x| x.to_bits().to_be_bytes()).collect();
        field(&mut hasher, &bytes);
    }
    *hasher.finalize().as_bytes()
}

fn record(put: PutDocument, chunks: Vec<Chunk>) -> Document {
    let digest = digest(&put);
    let PutDocument { id, title, format, content, metadata, .. } = put;
    Document::new(id, title, format, content, &metadata, chunks, digest)
}

fn chunk_of(piece: Piece, content: &str, entropy: &mut dyn Entropy) -> Result<Chunk, Problem> {
    let span = piece.span;
    let bound = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    let exact = content.get(span.clone()) == Some(piece.text.as_str());
    let mut heading_path = piece.heading_path;
    while heading_path.iter().map(String::len).sum::<usize>() > HEADING_PATH_BYTES_MAX {
        heading_path.remove(0);
    }
    Ok(Chunk {
        start: bound(span.start),
        end: bound(span.end),
        text: (!exact).then_some(piece.text.into()),
        heading_path,
        tokens: u32::try_from(piece.tokens).unwrap_or(u32::MAX),
        salt: salt(entropy)?,
    })
}

fn salt(entropy: &mut dyn Entropy) -> Result<[u8; 16], Problem> {
    random(entropy).map_err(|_| Problem::new(Code::Internal, "no randomness"))
}

fn metadata_into(hasher: &mut blake3::Hasher, metadata: &Metadata) {
    for (key, value) in metadata.iter() {
        field(hasher, key.as_bytes());
        value_into(hasher, value);
    }
}

fn value_into(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Null => field(hasher, b"n"),
        Value::Keyword(text) => field(hasher, &[b"k", text.as_bytes()].concat()),
        Value::Integer(number) => field(hasher, &[&b"i"[..], &number.to_be_bytes()].concat()),
        Value::Float(number) => {
            field(hasher, &[&b"f"[..], &number.to_bits().to_be_bytes()].concat())
        }
        Value::Bool(flag) => field(hasher, &[b'b', u8::from(*flag)]),
        Value::Datetime(micros) => field(hasher, &[&b"d"[..], &micros.to_be_bytes()].concat()),
        Value::Many(values) => {
            field(hasher, &[&b"m"[..], &(values.len() as u64).to_be_bytes()].concat());
            values.iter().for_each(|value| value_into(hasher, value));
        }
    }
}

fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}
