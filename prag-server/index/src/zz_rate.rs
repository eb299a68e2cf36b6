#![allow(clippy::unwrap_used, missing_docs)]
use crate::{*, fixture::*};
use std::time::Instant;
use roaring::RoaringBitmap;
#[test]
fn rate() {
    let n = 30_000; let d = 384;
    let mut dice = Dice(1);
    let texts = clustered(&mut dice, n, d, 300);
    let rows = rows(&texts);
    let t = Instant::now();
    let segment = Segment::build(&rows, &BuildParams{threads:2, ..BuildParams::default()}).unwrap().segment;
    println!("build {:?}", t.elapsed());
    let t = Instant::now();
    let parts = segment.to_parts().unwrap();
    println!("to_parts {:?} {:?}", t.elapsed(), parts.iter().map(|p| p.1.len()).collect::<Vec<_>>());
    let t = Instant::now();
    Segment::from_parts(&parts).unwrap();
    println!("from_parts {:?}", t.elapsed());
    let all: RoaringBitmap = (0..n as u32).collect();
    let queries: Vec<Vec<f32>> = (0..300).map(|_| { let c = segment.vector(dice.below(n as u64) as u32).unwrap(); dice.near(c, 0.8) }).collect();
    let t = Instant::now();
    let exact: Vec<Vec<Hit>> = queries.iter().map(|q| segment.dense_exact(q, &all, 10).unwrap()).collect();
    println!("scan {:?}", t.elapsed() / 300);
    let mut tail = Tail::new(d);
    for r in rows { tail.push(r).unwrap(); }
    let t = Instant::now();
    for q in &queries { tail.dense(q, &all, 10, 1).unwrap(); }
    println!("f32 scan {:?}", t.elapsed() / 300);
    for one_in in [1u64, 2, 10] {
        let some: RoaringBitmap = (0..n as u32).filter(|_| dice.below(one_in) == 0).collect();
        let exact: Vec<Vec<Hit>> = if one_in == 1 { exact.clone() } else { queries.iter().map(|q| segment.dense_exact(q, &some, 10).unwrap()).collect() };
        for ef in [16, 32, 64, 128] {
            let t = Instant::now();
            let mut none = 0; let mut hit = 0;
            for (q, e) in queries.iter().zip(&exact) {
                match segment.walk_for_rate(q, &some, 10, ef) { None => none += 1, Some(h) => hit += h.iter().filter(|h| e.iter().any(|e| e.ordinal == h.ordinal)).count() }
            }
            println!("1/{one_in} ef {ef}: {:?} none {none} recall {:.4}", t.elapsed() / 300, hit as f32 / (10.0 * (300 - none).max(1) as f32));
        }
    }
    let t = Instant::now();
    for i in 0..300 { let q = Analyzed::new(&Dice(i).sentence(4)); let s = segment.stats(&q, Some(&all)).unwrap(); segment.sparse(&q, &s, &all, 10).unwrap(); }
    println!("sparse {:?}", t.elapsed() / 300);
}
impl segment::Segment { pub(crate) fn walk_for_rate(&self, q: &[f32], a: &RoaringBitmap, k: usize, ef: usize) -> Option<Vec<Hit>> {
    self.walk(&vectors::Query::new(q, self.dimension()).unwrap(), &top::Mask::new(a, self.len()), k, ef) } }
