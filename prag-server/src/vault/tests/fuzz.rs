//! Hostile rows of the worker's own shard, as they would be if their seals were broken.

use super::*;
use prag_fuzz::fuzz;
use prag_store::Batch;

/// Each table gives what was kept, or says that its row is tampered with or missing.
#[test]
fn rows() {
    let json = |text: &str| text.as_bytes().to_vec();
    let (id, hash) = ("07".repeat(16), "0a".repeat(32));
    let entry = format!(
        r#"{{"id":"{id}","name":"n","owner":"secret1o","lineage":"{id}","epoch":2,"vectors":{{"supplied":3}},"created":3,"ready":true}}"#
    );
    let blind = serde_json::to_string(&[6; 32]).unwrap();
    let anchored = format!(
        r#"{{"blind":{blind},"heads":[{{"lineage":"{id}","writer_epoch":1,"size":2,"root":"{hash}"}}]}}"#
    );
    let shares = [&[0, 0, 0, 1][..], &[3; 32], &[4; 32]].concat();
    let good = [json(&entry), json(&anchored), shares.clone(), shares[..36].to_vec(), vec![5; 64]];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    fuzz(2, &good, |bytes| {
        for table in [0x11, 0x12, 0x13, 0x14, 0x15] {
            let collection = CollectionId(if table == 0x14 { [0; 16] } else { ID.0 });
            let mut place_id = [0; 16];
            place_id[0] = table;
            let lineage = Lineage([0; 16]);
            let place = Place {
                collection,
                lineage,
                kind: Kind::VaultEntry,
                id: place_id,
                seq: 0,
                epoch: 1,
            };
            let sealed = Plain::<VaultEntry>::new(bytes.to_vec()).seal(&key(), place, NONCE);
            let Ok(sealed) = sealed else { return };
            let shard = shard();
            let mut write = Batch::new();
            write.put([&[table][..], &collection.0].concat(), sealed.into_bytes()).unwrap();
            shard.commit(write).unwrap();
            let read = match table {
                0x11 => Catalog::new(key(), shard, chance()).all().map(drop),
                0x12 => {
                    let vault = LocalVault::new(key(), shard, chance());
                    let wanted = Wanted { collection: ID, epoch: 1, images: None };
                    runtime.block_on(vault.fetch(&wanted)).map(drop)
                }
                0x13 => ChainShares::new(key(), shard, chance()).fetch(ID, 1).map(drop),
                0x14 => Genesis::load_or_make(key(), shard, chance()).map(drop),
                _ => Anchors::new(key(), shard, chance()).fetch(&[7; 32]).map(drop),
            };
            assert!(matches!(read, Ok(()) | Err(VaultError::Tampered | VaultError::Missing)));
        }
    });
}
