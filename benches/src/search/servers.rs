//! Server against server, end to end.
//!
//! Layer: benches, search.
//! Holds: our worker with authorisation and the sealed channel on, Chroma's server, Postgres with pgvector; the same
//!   vectors, at the least breadth with which each reaches the recall.
//! Never: less of ours than an owner's client would do: it signs, seals, opens and verifies within its own time.
//! Invariant: clients run on the machine of the servers, so each side pays for its own clients. Postgres is asked twice: by
//! a client as ours is, vector in and passages out, and by `pgbench`, whose vectors lie in the database, for ids alone.

use super::Part;
use super::engine::{Block, Load, Loaded};
use super::fleet::Contender;
use super::load::{Asker, ask_chroma, ask_ours, ask_postgres, load};
use super::sweep::{K, RECALLS, block};
use crate::data::{CHUNKS_PER_DOCUMENT, DataSet, Document};
use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen, Side, interleave_within};
use crate::report::{Aim, Row, Sheet, Unit};
use crate::tax::lab::Stage;
use crate::vectors::Matrix;
use crate::vectors::set::Set;
use crate::vectors::texmex::read_fvecs;
use crate::vectors::truth::recall;
use prag_client::Client;
use prag_protocol::metadata::Metadata;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Adds the rows.
pub(super) fn run(part: Part<'_>, set: &Set, sheet: &mut Sheet) -> Result<(), BenchError> {
    let Part { yard, budget, screen } = part;
    screen.now("filling our worker");
    let stage = Stage::new(&documents(set)?)?;
    let clients = stage.readers(MOST_CLIENTS).into_iter().map(Arc::new).collect();
    let mut field = Field {
        queries: Arc::new(set.queries.clone()),
        plain: reqwest::Client::builder().no_proxy().build().step("an HTTP client")?,
        stage,
        clients,
        ef: K,
        rivals: Vec::new(),
    };
    let mut names = vec![field.choose_ours(set)?];
    for name in if yard.has_rivals() { &SERVERS[..] } else { &[] } {
        screen.now(&format!("filling {name}"));
        let rival = yard.server(name, set).and_then(|rival| Ok((choose(&rival, set)?, rival)));
        match rival.and_then(|(label, rival)| field.sides(label, rival)) {
            Ok(sides) => {
                names.extend(sides.iter().map(|side| side.label.clone()));
                field.rivals.extend(sides);
            }
            Err(error) => sheet.skip(&format!("servers/{name}"), &error.to_string()),
        }
    }
    for clients in CLIENTS {
        field.rows(clients, &names, budget / 3, (set, screen), sheet)?;
    }
    let Field { stage, clients, rivals, .. } = field;
    drop((clients, rivals));
    stage.end();
    Ok(())
}

/// Every server, filled.
struct Field {
    stage: Stage,
    clients: Vec<Arc<Client>>,
    ef: usize,
    rivals: Vec<Rival>,
    plain: reqwest::Client,
    queries: Arc<Matrix>,
}

/// A server, and by whom it is asked.
struct Rival {
    name: String,
    label: String,
    server: Rc<Contender>,
    by: By,
}

enum By {
    Http(Arc<str>),
    Postgres(Vec<Arc<Asker>>),
    ItsOwn,
}

impl Field {
    /// The ways in which a server is asked.
    fn sides(&self, label: String, server: Contender) -> Result<Vec<Rival>, BenchError> {
        let (name, place) = (server.name.clone(), server.opened.url.clone());
        let (server, place) = (Rc::new(server), place.step("where a server is asked")?);
        let side = |name: &str, label: String, by| {
            let (name, server) = (name.to_owned(), Rc::clone(&server));
            Rival { name, label, server, by }
        };
        if place.starts_with("http") {
            return Ok(vec![side(&name, label, By::Http(place.into()))]);
        }
        let connect = |_| self.stage.runtime.block_on(Asker::new(&place)).map(Arc::new);
        let askers = (0..MOST_CLIENTS).map(connect).collect::<Result<_, _>>()?;
        let pgbench = format!("{label}, ids alone, by pgbench");
        Ok(vec![side(&name, label, By::Postgres(askers)), side("pgbench", pgbench, By::ItsOwn)])
    }

    /// Our least breadth that reaches the recall.
    fn choose_ours(&mut self, set: &Set) -> Result<String, BenchError> {
        let client = self.clients.first().step("a client")?.clone();
        let count = set.queries.len().min(QUERIES);
        let mut reached = 0.0;
        for ef in BREADTHS {
            let mut found = Vec::new();
            for query in 0..count {
                let (client, queries) = (client.clone(), self.queries.clone());
                let asked = ask_ours(client, self.stage.collection, queries, ef, query);
                found.push(self.stage.runtime.block_on(asked)?);
            }
            (self.ef, reached) = (ef, recall(&set.truth, &found, K));
            if reached >= RECALLS[0] {
                break;
            }
        }
        Ok(format!("ours (authorised, sealed), recall {reached:.3}"))
    }

    /// So many clients for a while.
    fn load(&self, side: usize, clients: usize, time: Duration) -> Result<Loaded, BenchError> {
        let runtime = &self.stage.runtime;
        let Some(rival) = side.checked_sub(1).map(|rival| &self.rivals[rival]) else {
            let (collection, ef) = (self.stage.collection, self.ef);
            let asking = self.clients.iter().take(clients).map(|client| {
                let (client, queries) = (client.clone(), self.queries.clone());
                move |query| ask_ours(client.clone(), collection, queries.clone(), ef, query)
            });
            return load(runtime, asking.collect(), time);
        };
        match &rival.by {
            By::ItsOwn => rival.server.load(Load { clients, seconds: time.as_secs_f64() }),
            By::Http(url) => {
                let asking = (0..clients).map(|_| {
                    let (plain, queries) = (self.plain.clone(), self.queries.clone());
                    let url = Arc::clone(url);
                    move |query| ask_chroma(plain.clone(), url.clone(), queries.clone(), query)
                });
                load(runtime, asking.collect(), time)
            }
            By::Postgres(askers) => {
                let asking = askers.iter().take(clients).map(|asker| {
                    let (asker, queries) = (Arc::clone(asker), self.queries.clone());
                    move |query| ask_postgres(asker.clone(), queries.clone(), query)
                });
                load(runtime, asking.collect(), time)
            }
        }
    }

    fn rows(
        &self,
        clients: usize,
        names: &[String],
        budget: Duration,
        (set, screen): (&Set, &Screen),
        sheet: &mut Sheet,
    ) -> Result<(), BenchError> {
        let latencies: Vec<RefCell<Vec<f64>>> = names.iter().map(|_| RefCell::default()).collect();
        let time = (budget / 12).clamp(SHORTEST, LONGEST);
        let sides = names.iter().enumerate().map(|(side, name)| {
            let latencies = &latencies;
            Side::new(name, move |_| {
                let loaded = self.load(side, clients, time)?;
                let answers = loaded.latencies.len().max(1);
                latencies[side].borrow_mut().extend(loaded.latencies);
                Ok(Duration::from_secs_f64(loaded.seconds / answers as f64))
            })
        });
        let bar = screen.now(&format!("servers, {clients} clients"));
        let measured = interleave_within(sides.collect(), 1, (3, 20), budget, bar)?;
        let rate = |side: &Measured| Measured {
            name: side.name.clone(),
            samples: side.samples.iter().map(|seconds| 1.0 / seconds).collect(),
        };
        let ours = rate(measured.first().step("ours")?);
        let figure = format!("queries a second, end to end, {clients} client(s)");
        let row = |who: &str| {
            let id = format!("servers/{who}/{clients}");
            Row::single(&id, &figure, &set.about, Unit::PerSecond, &ours)
        };
        for (rival, side) in self.rivals.iter().zip(&measured[1..]) {
            let row = row(&rival.name)?.against(&ours, &rate(side))?;
            let bar = clients == MOST_CLIENTS && !matches!(rival.by, By::ItsOwn);
            sheet.add(if bar { row.aim(Aim::RatioAtLeast, RATE) } else { row });
        }
        if self.rivals.is_empty() {
            sheet.add(row("ours")?);
        }
        let who = self.rivals.iter().map(|rival| rival.name.as_str());
        for ((who, name), latencies) in ["ours"].into_iter().chain(who).zip(names).zip(latencies) {
            let one = Measured { name: name.clone(), samples: latencies.into_inner() };
            let figure = format!("an answer, end to end, {clients} client(s): {name}");
            let id = format!("load/{who}/{clients}");
            sheet.add(Row::single(&id, &figure, &set.about, Unit::Seconds, &one)?);
        }
        Ok(())
    }
}

/// The least breadth with which a rival's server reaches the recall; its name with what it reached.
fn choose(rival: &Contender, set: &Set) -> Result<String, BenchError> {
    let count = set.queries.len().min(QUERIES);
    let mut reached = 0.0;
    for ef in BREADTHS {
        let asked = Block { count, ..block(ef, 1) };
        let answers = rival.search(asked)?.step("an answer")?;
        reached = recall(&set.truth, &answers.ids, K);
        if reached >= RECALLS[0] {
            break;
        }
    }
    Ok(format!("{}, recall {reached:.3}", rival.label()))
}

/// The set's rows as documents: what a row is found by is its document and chunk.
fn documents(set: &Set) -> Result<DataSet, BenchError> {
    let rows = read_fvecs(&set.base, Some(set.rows))?;
    let texts = std::fs::read_to_string(set.base.with_extension("txt")).unwrap_or_default();
    let mut texts = texts.lines().chain(std::iter::repeat("a passage that was made up"));
    let vectors: Vec<Vec<f32>> = rows.rows().map(<[f32]>::to_vec).collect();
    let mut documents = Vec::new();
    for (number, vectors) in vectors.chunks(CHUNKS_PER_DOCUMENT).enumerate() {
        let texts: Vec<&str> = texts.by_ref().take(vectors.len()).collect();
        documents.push(Document::new(number, &texts, vectors.to_vec(), Metadata::new())?);
    }
    Ok(DataSet { name: set.about.clone(), documents, queries: Vec::new() })
}

const SERVERS: [&str; 2] = ["chroma", "pgvector"];
const MOST_CLIENTS: usize = 16;
const CLIENTS: [usize; 3] = [1, 4, MOST_CLIENTS];
const RATE: f64 = 3.0;
const QUERIES: usize = 300;
const BREADTHS: [usize; 9] = [10, 16, 24, 32, 48, 64, 96, 128, 256];
const SHORTEST: Duration = Duration::from_millis(100);
/// Short, so that there are rounds enough to tell sides apart.
const LONGEST: Duration = Duration::from_secs(1);
