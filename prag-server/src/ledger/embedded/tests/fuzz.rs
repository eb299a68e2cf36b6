//! Hostile transitions, as they would be if their seals were broken.

use super::*;
use prag_fuzz::fuzz;

/// A log is replayed whole, or refused at the height whose record fails.
#[test]
fn transitions() {
    let (rows, _) = golden();
    let mut opened: Vec<Vec<u8>> = rows
        .iter()
        .zip(0..)
        .map(|((_, row), height)| {
            let sealed = Sealed::<LedgerState>::from_bytes(row.clone());
            sealed.open(&key(), place(height)).unwrap().expose().to_vec()
        })
        .collect();
    opened.extend(market::plains());
    fuzz(2, &opened, |bytes| {
        let sealed = Plain::<LedgerState>::new(bytes.to_vec()).seal(&key(), place(0), [9; 12]);
        let Ok(sealed) = sealed else { return };
        let shard = shard();
        let mut write = Batch::new();
        write.put(rows[0].0.clone(), sealed.into_bytes()).unwrap();
        shard.commit(write).unwrap();
        match reopen(&shard, None) {
            Ok(ledger) => assert_eq!(head(&ledger).height, 1),
            Err(error) => assert_eq!(error, LedgerError::Tampered(0)),
        }
    });
}
