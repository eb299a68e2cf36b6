#![allow(clippy::unwrap_used, clippy::panic)]

mod made;
mod real;
mod refused;

use super::*;
use prag_pki::snp::Authority;
use prag_pki::snp::Product as Made;
use std::sync::LazyLock;

/// Within the dates of all that the test PKI makes.
const NOW: u64 = 1_800_000_000;
const OLDEST: Tcb = Tcb { fmc: 0, bootloader: 0, tee: 0, snp: 0, microcode: 0 };
const ANY: Minimum = Minimum { milan: Some(OLDEST), genoa: Some(OLDEST), turin: Some(OLDEST) };
const AMD: Rules<'_> = Rules { root: Root::Amd, minimum: ANY, vmpl: 0, asvk: None };

/// ARK and ASK of the test PKI, made once: signing with RSA-4096 is slow.
struct Keys {
    authority: Authority,
    ark: Vec<u8>,
    ask: Vec<u8>,
}

impl Keys {
    fn new(authority: Authority) -> Self {
        Self { authority, ark: authority.ark(), ask: authority.ask() }
    }

    fn rules(&self) -> Rules<'_> {
        Rules { root: Root::Other { ark: &self.ark, ask: &self.ask }, ..AMD }
    }
}

static MILAN: LazyLock<Keys> = LazyLock::new(|| Keys::new(Authority::new(Made::Milan)));
static GENOA: LazyLock<Keys> = LazyLock::new(|| Keys::new(Authority::new(Made::Genoa)));
static TURIN: LazyLock<Keys> = LazyLock::new(|| Keys::new(Authority::new(Made::Turin)));

fn keys(product: Made) -> &'static Keys {
    match product {
        Made::Milan => &MILAN,
        Made::Genoa => &GENOA,
        Made::Turin => &TURIN,
    }
}

const PRODUCTS: [Made; 3] = [Made::Milan, Made::Genoa, Made::Turin];
