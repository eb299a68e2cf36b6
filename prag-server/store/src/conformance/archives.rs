//! What every target for snapshots does.
//!
//! Layer: `prag-store`, for tests only.
//! Holds: one run over the calls of [`Archive`].
//! Never: what lies there and is no object: each target's own to test.
//! Invariant: see the parent module.

use crate::archive::{Archive, ArchiveError, Kind, ObjectName};

/// Run it on a target without objects in the folder `[1; 16]`. An object is written once; again it is there; under its
/// name another length is refused, and the first one stays; lists are in order, and kinds lie apart.
///
/// # Panics
/// Where that does not hold.
pub fn archive(archive: &dyn Archive) {
    let name = |hash: u8| ObjectName { folder: FOLDER, kind: Kind::Object, hash: [hash; 32] };
    assert_eq!(archive.list(FOLDER, Kind::Object, 9).unwrap(), []);
    assert_eq!(archive.get(name(1), 3), Err(ArchiveError::Missing(name(1))));
    assert_eq!(archive.put_new(name(1), b"abc"), Ok(true));
    assert_eq!(archive.put_new(name(1), b"abc"), Ok(false));
    let other = ArchiveError::Length { name: name(1), found: 3, wanted: 4 };
    assert_eq!(archive.put_new(name(1), b"abcd"), Err(other.clone()));
    assert_eq!(archive.get(name(1), 4), Err(other));
    assert_eq!(archive.get(name(1), 3).unwrap(), b"abc");
    assert_eq!(archive.put_new(name(0), b"z"), Ok(true));
    let listed = archive.list(FOLDER, Kind::Object, 9).unwrap();
    let listed: Vec<_> = listed.iter().map(|one| (one.hash[0], one.bytes)).collect();
    assert_eq!(listed, [(0, 1), (1, 3)]);
    assert_eq!(archive.list(FOLDER, Kind::Object, 1), Err(ArchiveError::TooMany(1)));
    assert_eq!(archive.list(FOLDER, Kind::Index, 1).unwrap(), [], "kinds lie apart");
    let index = ObjectName { kind: Kind::Index, ..name(1) };
    assert_eq!(archive.put_new(index, b"i"), Ok(true));
    for gone in [name(1), index] {
        archive.delete(gone).unwrap();
        archive.delete(gone).unwrap();
    }
    assert_eq!(archive.get(name(1), 3), Err(ArchiveError::Missing(name(1))));
    assert_eq!(archive.list(FOLDER, Kind::Index, 1).unwrap(), []);
}

const FOLDER: [u8; 16] = [1; 16];
