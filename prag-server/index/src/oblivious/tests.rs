#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::analyze::Analyzer;
use crate::fixture::{Dice, clustered};
use crate::{BuildParams, Precision, Row, Segment, Tail};
use prag_protocol::filter::Filter;
use prag_protocol::metadata::{Metadata, Value};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Keeps everything.
#[derive(Default)]
struct Recorder(Vec<Event>);

impl Trace for Recorder {
    fn note(&mut self, event: Event) {
        self.0.push(event);
    }
}

/// A segment and a tail of seeded rows, some of them dead, with what a scan needs of them.
struct World {
    segment: Segment,
    tail: Tail,
    tables: [Table; 2],
    alive: [Alive; 2],
    live: [RoaringBitmap; 2],
    rows: [Vec<(String, Arc<Metadata>)>; 2],
}

const DIMENSION: usize = 20;
const SEGMENT: usize = 150;
const TAIL: usize = 77;

fn metadata(dice: &mut Dice) -> Metadata {
    let mut metadata = Metadata::new();
    let values = |dice: &mut Dice| match dice.below(7) {
        0 => Value::Keyword(format!("k{}", dice.below(4))),
        1 => Value::Integer(dice.below(9) as i64 - 4),
        2 => Value::Float(dice.below(9) as f64 / 2.0 - 2.0),
        3 => Value::Integer(i64::MAX - dice.below(3) as i64),
        4 => Value::Float([9.3e18, -9.3e18, 9_223_372_036_854_775_807.0][dice.below(3) as usize]),
        5 => Value::Bool(dice.below(2) == 0),
        _ => Value::Datetime(dice.below(5) as i64),
    };
    for field in ["a", "b", "c", "d"] {
        let value = match dice.below(4) {
            0 => continue,
            1 => Value::Many((0..dice.below(4)).map(|_| values(dice)).collect()),
            2 if dice.below(5) == 0 => Value::Null,
            _ => values(dice),
        };
        metadata.insert(field.to_owned(), value).unwrap();
    }
    metadata
}

fn world(seed: u64) -> World {
    let mut dice = Dice(seed);
    let mut part = |count: usize| {
        let texts = clustered(&mut dice, count, DIMENSION, 5);
        let mut table = Table::new();
        let mut rows = Vec::new();
        let mut index_rows = Vec::new();
        for (number, (text, vector)) in texts.into_iter().enumerate() {
            let (doc, metadata) = (format!("doc-{}", number / 2), Arc::new(metadata(&mut dice)));
            let record = format!("{count}/{number}");
            table.push(&doc, &metadata, record.as_bytes()).unwrap();
            let row = Row { doc: doc.clone(), text, vector, metadata: Arc::clone(&metadata) };
            index_rows.push(row);
            rows.push((doc, metadata));
        }
        // Equal vectors are told apart by their rows.
        index_rows[count - 1].vector = index_rows[3].vector.clone();
        let live: RoaringBitmap = (0..count as u32).filter(|_| dice.below(5) > 0).collect();
        let alive = Alive::of(&live, count as u32);
        (index_rows, rows, table, live, alive)
    };
    let (rows, first, first_table, first_live, first_alive) = part(SEGMENT);
    let params = BuildParams { precision: Precision::F32, ..BuildParams::default() };
    let segment = Segment::build(&rows, &params).unwrap().segment;
    let (rows, second, second_table, second_live, second_alive) = part(TAIL);
    let mut tail = Tail::with_precision(DIMENSION, Analyzer::default(), Precision::F32);
    for row in rows {
        tail.push(row).unwrap();
    }
    World {
        segment,
        tail,
        tables: [first_table, second_table],
        alive: [first_alive, second_alive],
        live: [first_live, second_live],
        rows: [first, second],
    }
}

impl World {
    fn scan<T: Trace>(&self, question: &Question<'_>, trace: &mut T) -> Vec<(u32, String)> {
        let sources = [
            Source::segment(&self.segment, &self.tables[0], &self.alive[0]),
            Source::tail(&self.tail, &self.tables[1], &self.alive[1]),
        ];
        let answers = scan(&sources, question, trace).unwrap();
        let text = |record| String::from_utf8(record).unwrap();
        answers.into_iter().map(|answer| (answer.score.to_bits(), text(answer.record))).collect()
    }

    /// By the index's own exact scans and the filter's specification.
    fn twin(&self, question: &Question<'_>) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for (part, count) in [SEGMENT, TAIL].into_iter().enumerate() {
            let allowed: RoaringBitmap = self.live[part]
                .iter()
                .filter(|row| {
                    let (doc, metadata) = &self.rows[part][*row as usize];
                    question.filters.iter().all(|filter| filter.matches(doc, metadata))
                })
                .collect();
            let hits = if part == 0 {
                self.segment.dense_exact(question.vector, &allowed, question.k)
            } else {
                self.tail.dense_exact(question.vector, &allowed, question.k)
            };
            for hit in hits.unwrap() {
                found.push((hit.score, (part, hit.ordinal), format!("{count}/{}", hit.ordinal)));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(question.k);
        found.into_iter().map(|(score, _, record)| (score.to_bits(), record)).collect()
    }
}

fn filter(text: &str) -> Filter {
    let filter: Filter = serde_json::from_str(text).unwrap();
    filter.check().unwrap();
    filter
}

/// Each pair has one shape.
fn filters() -> Vec<[Filter; 2]> {
    [
        [r#"{}"#, r#"{}"#],
        [
            r#"{"must":[{"key":"a","match":{"value":"k1"}}]}"#,
            r#"{"must":[{"key":"z","match":{"value":3}}]}"#,
        ],
        [
            r#"{"must":[{"key":"b","match":{"any":["k0","k2"]}}],"must_not":[{"key":"c","range":{"gt":1}}]}"#,
            r#"{"must":[{"key":"c","match":{"any":[1,2.5]}}],"must_not":[{"key":"a","range":{"lte":-3.5}}]}"#,
        ],
        [
            r#"{"should":[{"exists":{"key":"a"}},{"has_id":["doc-3","doc-9"]},{"key":"d","match":{"except":["k1"]}}]}"#,
            r#"{"should":[{"exists":{"key":"q"}},{"has_id":["doc-1","nobody"]},{"key":"b","match":{"except":[true]}}]}"#,
        ],
        [
            r#"{"must":[{"is_null":{"key":"a"}},{"should":[{"key":"b","range":{"gte":-2,"lt":9223372036854775806}},{"key":"c","match":{"value":true}}]}]}"#,
            r#"{"must":[{"is_null":{"key":"b"}},{"should":[{"key":"d","range":{"gt":9223372036854775805,"lte":9.3e18}},{"key":"a","match":{"value":"k3"}}]}]}"#,
        ],
        [
            r#"{"must":[{"key":"a","range":{"gte":{"datetime":"1970-01-01T00:00:00.000002Z"}}}]}"#,
            r#"{"must":[{"key":"b","range":{"lt":{"datetime":"1970-01-01T00:00:00.000003Z"}}}]}"#,
        ],
        [
            r#"{"must":[{"key":"d","range":{"gte":9223372036854775807}}]}"#,
            r#"{"must":[{"key":"a","range":{"lt":-9.2e18}}]}"#,
        ],
    ]
    .map(|pair| pair.map(filter))
    .to_vec()
}

/// What is found, and its scores to the last bit, are those of the exact scan under the specification of filters.
#[test]
fn finds_what_the_exact_scan_finds() {
    let mut dice = Dice(21);
    let mut found = 0;
    for seed in 1..4 {
        let world = world(seed);
        for pair in filters() {
            for filter in pair {
                for k in [1, 3, 8, 10, 64, 300] {
                    let near = world.segment.vector(dice.below(150) as u32).unwrap();
                    let vector = dice.near(&near, 0.4);
                    let filters = [filter.clone()];
                    let question = Question { vector: &vector, filters: &filters, k };
                    let answers = world.scan(&question, &mut Silent);
                    assert_eq!(answers, world.twin(&question), "{seed} {k}");
                    found += answers.len();
                }
            }
        }
        let exact = world.segment.vector(3).unwrap();
        let question = Question { vector: &exact, filters: &[], k: 300 };
        assert_eq!(world.scan(&question, &mut Silent), world.twin(&question));
    }
    assert!(found > 2000, "{found}");
}

/// An observer sees the same of two scans of one shape: other vectors, other fields and values in the filters, other
/// rows, other deletions, nothing found or everything.
#[test]
fn two_scans_of_one_shape_leave_one_trace() {
    let mut dice = Dice(22);
    for pair in filters() {
        for k in [1, 10, 17] {
            let traces = [(1, 0), (1, 1), (2, 0), (3, 1)].map(|(seed, which)| {
                let (world, vector) = (world(seed), dice.unit(DIMENSION));
                let filters = [pair[which].clone()];
                let mut recorder = Recorder::default();
                world.scan(&Question { vector: &vector, filters: &filters, k }, &mut recorder);
                recorder.0
            });
            assert!(traces.iter().all(|trace| *trace == traces[0]));
            assert!(traces[0].len() > (SEGMENT + TAIL) * 4);
        }
    }
    let mut world = world(1);
    let question = Question { vector: &dice.unit(DIMENSION), filters: &[], k: 5 };
    let mut before = Recorder::default();
    assert_eq!(world.scan(&question, &mut before).len(), 5);
    world.alive = [Alive::of(&RoaringBitmap::new(), 150), Alive::of(&RoaringBitmap::new(), 77)];
    let mut after = Recorder::default();
    assert!(world.scan(&question, &mut after).is_empty());
    assert!(before.0 == after.0);
}

/// The trace tells shapes apart, so its being equal says something: another k, another row, one condition more.
#[test]
fn other_shapes_leave_other_traces() {
    let world = world(1);
    let vector = Dice(5).unit(DIMENSION);
    let trace = |filters: &[Filter], k| {
        let mut recorder = Recorder::default();
        world.scan(&Question { vector: &vector, filters, k }, &mut recorder);
        recorder.0
    };
    let plain = trace(&[], 8);
    assert!(plain != trace(&[], 9));
    let one = filter(r#"{"must":[{"exists":{"key":"a"}}]}"#);
    let two = filter(r#"{"must":[{"exists":{"key":"a"}},{"exists":{"key":"a"}}]}"#);
    assert!(plain != trace(std::slice::from_ref(&one), 8));
    assert!(trace(&[one], 8) != trace(&[two], 8));
}

/// A row that does not fit its room is refused by the limit, and leaves no trace; what just fits comes back whole.
#[test]
fn rows_fit_or_are_refused() {
    let mut table = Table::new();
    let mut metadata = Metadata::new();
    let list = |count: usize| Value::Many((0..count as i64).map(Value::Integer).collect());
    metadata.insert("n".to_owned(), list(SCALARS_MAX + 1)).unwrap();
    assert_eq!(table.push("d", &metadata, b""), Err(Unfit::Scalars(SCALARS_MAX + 1)));
    metadata.insert("n".to_owned(), list(SCALARS_MAX)).unwrap();
    let long = vec![7; RECORD_BYTES_MAX + 1];
    assert_eq!(table.push("d", &metadata, &long), Err(Unfit::Record(RECORD_BYTES_MAX + 1)));
    assert!(table.is_empty());
    table.push("d", &metadata, &long[1..]).unwrap();
    let mut tail = Tail::with_precision(2, Analyzer::default(), Precision::F32);
    let (text, vector) = (String::new(), vec![0.6, 0.8]);
    tail.push(Row { doc: "d".to_owned(), text, vector, metadata: Arc::new(metadata) }).unwrap();
    let mut alive = Alive::default();
    let last = filter(r#"{"must":[{"key":"n","match":{"value":15}}]}"#);
    let question = Question { vector: &[1.0, 0.0], filters: &[last], k: 2 };
    let ask = |alive: &Alive| {
        scan(&[Source::tail(&tail, &table, alive)], &question, &mut Silent)
            .map(|answers| answers.into_iter().map(|answer| answer.record).collect::<Vec<_>>())
    };
    assert!(ask(&alive).is_err(), "nobody said whether the row lives");
    alive.push(0);
    assert!(ask(&alive).unwrap() == [&long[1..]]);
    alive.kill(0);
    assert!(ask(&alive).unwrap().is_empty());
}

/// Values that are subnormal, or would give subnormal products, count as zero on both sides.
#[test]
fn tiny_components_are_zero() {
    for tiny in [f32::MIN_POSITIVE / 4.0, 1e-38, -8e-16] {
        assert_eq!(choice::flushed(tiny).to_bits() & 0x7fff_ffff, 0);
    }
    for kept in [1.0, -0.25, 1e-15, 0.0] {
        assert_eq!(choice::flushed(kept).to_bits(), f32::to_bits(kept));
    }
    for pair in [-3.5f32, -1.0, -0.0, 0.0, 1e-9, 0.5, 1.0].windows(2) {
        let [low, high] = [pair[0], pair[1]].map(choice::ordered);
        assert!(low < high && choice::score(low).to_bits() == pair[0].to_bits());
    }
}
