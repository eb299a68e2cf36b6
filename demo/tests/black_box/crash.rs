//! `kill -9` under load: what was acknowledged is there, whole; nothing half is.

use crate::model::{Dice, Model};
use crate::worker::{User, Worker};
use std::fs;
use std::time::Duration;

/// Rounds unless `PRAG_CRASH_ROUNDS` says otherwise.
const ROUNDS: u32 = 200;

/// A writer, killed at random moments; freezes and merges run meanwhile (64 rows freeze, 3 segments merge).
#[test]
fn acknowledged_writes_survive() {
    let rounds = std::env::var("PRAG_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("PRAG_CRASH_SEED").ok().and_then(|text| text.parse().ok());
    let (rounds, mut dice) = (rounds.unwrap_or(ROUNDS), Dice(seed.unwrap_or(20_261_124)));
    println!("PRAG_CRASH_SEED={}", dice.0);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("settings.toml"), "freeze_rows = 64\nmerge_segments = 3\n").unwrap();
    let (data, log, settings) = (at("data"), at("log"), at("settings.toml"));
    let start = || Worker::start_with(&data, &log, Some(&settings), "warn");

    let mut worker = start();
    let owner = User { home: at("owner"), address: worker.address };
    owner.ok(&["keys", "new"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let client = runtime.block_on(owner.client());
    let mut model = runtime.block_on(Model::create(&client));
    for round in 0..rounds {
        let life = Duration::from_micros(dice.below(120_000));
        let client = runtime.block_on(User { home: at("owner"), address: worker.address }.client());
        runtime.block_on(async {
            tokio::select! {
                () = model.write_for_ever(&client, &mut dice) => {}
                () = tokio::time::sleep(life) => {}
            }
        });
        worker.kill();
        worker = start();
        let client = runtime.block_on(User { home: at("owner"), address: worker.address }.client());
        runtime.block_on(model.check(&client, round));
    }
    let client = runtime.block_on(User { home: at("owner"), address: worker.address }.client());
    let segments = runtime.block_on(model.segments(&client));
    assert!(segments > 0, "freezes ran too");
    assert!(model.acknowledged > u64::from(rounds), "the writer wrote: {}", model.acknowledged);
}
