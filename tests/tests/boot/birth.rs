//! A machine that dies while its worker is born.

use prag_server::boot::{BootError, Booted, Machine, boot_on};
use prag_server::clock::counter;
use prag_server::settings::{Bytes, Settings};
use prag_store::{FaultyEngine, MemoryEngine};
use prag_tests::{Ground, Lab};
use std::sync::Arc;

async fn boot(settings: &Settings, engine: &FaultyEngine) -> Result<Booted, BootError> {
    let machine = Machine { engine: Arc::new(engine.clone()), ledger: None, counter: counter() };
    boot_on(machine, settings.clone(), (Ground::simulated().platform)(settings)).await
}

/// Whatever durable step of its first boot was the last one, the next boot ends with a worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_birth_that_dies_is_done_again() {
    let lab = Lab::start().await;
    let mut steps = 0;
    loop {
        let memory = MemoryEngine::new();
        let engine = FaultyEngine::new(Arc::new(memory.clone()));
        engine.die_after(steps);
        let born = boot(lab.settings(), &engine).await;
        let died = engine.is_dead();
        assert!(born.is_ok() || died, "after {steps} steps");
        drop(born);
        memory.crash();
        engine.die_after(u64::MAX);
        let again = boot(lab.settings(), &engine).await;
        assert!(matches!(again, Ok(Booted::Open(_))), "after {steps} steps: {:?}", again.err());
        if !died {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 2, "a birth has {steps} steps");
}

/// A limit that is below what the worker needs before it opens a collection ends the boot, by the setting's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_too_small_ends_the_boot() {
    let lab = Lab::start().await;
    let engine = FaultyEngine::new(Arc::new(MemoryEngine::new()));
    let mut settings = lab.settings().clone();
    settings.memory.limit = Some(Bytes(64 << 20));
    let refused = boot(&settings, &engine).await.err().unwrap().to_string();
    assert!(refused.contains("`memory.limit` is 64 MiB"), "{refused}");
    settings.memory.limit = Some(Bytes(1 << 20));
    let refused = boot(&settings, &engine).await.err().unwrap().to_string();
    assert!(refused.contains("memory.limit"), "{refused}");
}
