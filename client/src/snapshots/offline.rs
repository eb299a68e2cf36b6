//! A folder of snapshots, checked without any key and without a worker.
//!
//! Layer: client, `snapshots`.
//! Holds: the check of names, lengths and hashes, and the comparison with what this machine remembers.
//! Never: follows a link that lies under a hash, opens what is no plain file, reads more than an index allows.
//! Invariant: a snapshot that is remembered here and has no fault is byte for byte the one that was made: its id is
//! the hash of its index, and that lists the hash of every object. Of one that is not remembered, only its own word
//! is checked.

use super::folder_of;
use crate::error::ClientError;
use crate::remembered::{MadeSnapshot, Remembered};
use prag_protocol::snapshot::{
    FOLDER_OBJECTS_MAX, Header, HeaderError, INDEX_BYTES_MAX, Listed, SNAPSHOTS_MAX,
};
use prag_protocol::{CollectionId, Epoch};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// What a folder holds of one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// In the order of their ids.
    pub snapshots: Vec<Inspected>,
    /// Snapshots that this machine remembers for this collection, and the folder does not have.
    pub missing: Vec<MadeSnapshot>,
    /// Objects that no index names: of a snapshot that was cut short, or of one that was removed.
    pub strays: u64,
}

/// A snapshot in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// BLAKE3 of its index, hex: its file's name.
    pub id: String,
    /// Key epoch; 0 where the index does not parse.
    pub epoch: Epoch,
    /// Objects that it lists.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What this machine remembers of it.
    pub made: Option<MadeSnapshot>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// What is wrong with a file, by its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing lies there.
    #[error("{0} is missing")]
    Missing(String),
    /// A link, a folder, a pipe.
    #[error("{0} is no file")]
    NoFile(String),
    /// Cut or grown.
    #[error("{name} has {found} bytes, and must have {wanted}")]
    Length {
        /// Which.
        name: String,
        /// What lies there.
        found: u64,
        /// What must lie there.
        wanted: u64,
    },
    /// Other bytes than its name says.
    #[error("{0} is damaged: its bytes are not those that its name says")]
    Damaged(String),
    /// The index.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Inspect `folder`, which is a target's, for the snapshots of `collection`; `only` one of them. `told` hears bytes
/// read.
///
/// # Errors
/// [`ClientError::File`] where the folder cannot be read.
pub fn inspect(
    folder: &Path,
    collection: CollectionId,
    remembered: &Remembered,
    only: Option<&str>,
    told: &dyn Fn(u64),
) -> Result<Inspection, ClientError> {
    let root = folder.join(hex::encode(folder_of(collection)));
    let mut made: BTreeMap<String, MadeSnapshot> = BTreeMap::new();
    for one in remembered.made_snapshots(collection)? {
        made.insert(one.id.clone(), one);
    }
    let objects = names(&root.join("objects"), FOLDER_OBJECTS_MAX)?;
    let (mut snapshots, mut strays) = (Vec::new(), HashSet::<String>::from_iter(objects));
    let mut sound: BTreeMap<[u8; 32], Option<Fault>> = BTreeMap::new();
    for id in names(&root.join("snapshots"), SNAPSHOTS_MAX)? {
        let asked = only.is_none_or(|only| only == id);
        let mut found = Inspected {
            id: id.clone(),
            epoch: 0,
            objects: 0,
            bytes: 0,
            made: made.remove(&id),
            faults: Vec::new(),
        };
        match index(&root.join("snapshots").join(&id), &id)? {
            Ok(header) => {
                for object in &header.objects {
                    strays.remove(&hex::encode(object.name));
                }
                (found.epoch, found.bytes) = (header.epoch, header.bytes());
                found.objects = header.objects.len() as u64;
                for object in header.objects.iter().filter(|_| asked) {
                    let fault = match sound.get(&object.name) {
                        Some(known) => known.clone(),
                        None => {
                            let fault = object_fault(&root.join("objects"), *object)?;
                            told(u64::from(object.bytes));
                            sound.insert(object.name, fault.clone());
                            fault
                        }
                    };
                    found.faults.extend(fault);
                }
            }
            Err(fault) => found.faults.push(fault),
        }
        if asked {
            snapshots.push(found);
        }
    }
    let missing = made.into_values().filter(|one| only.is_none_or(|only| only == one.id)).collect();
    Ok(Inspection { snapshots, missing, strays: strays.len() as u64 })
}

/// The public part of an index whose name is the hash of its bytes.
fn index(path: &Path, id: &str) -> Result<Result<Header, Fault>, ClientError> {
    let name = format!("snapshot {id}");
    let bytes = match read(path, &name, None, INDEX_BYTES_MAX as u64)? {
        Ok(bytes) => bytes,
        Err(fault) => return Ok(Err(fault)),
    };
    if blake3::hash(&bytes).to_hex().as_str() != id {
        return Ok(Err(Fault::Damaged(name)));
    }
    Ok(Header::parse(&bytes).map(|(header, _)| header).map_err(Fault::from))
}

fn object_fault(folder: &Path, object: Listed) -> Result<Option<Fault>, ClientError> {
    let hash = hex::encode(object.name);
    let (path, name) = (folder.join(&hash), format!("object {hash}"));
    let wanted = u64::from(object.bytes);
    let bytes = match read(&path, &name, Some(wanted), wanted)? {
        Ok(bytes) => bytes,
        Err(fault) => return Ok(Some(fault)),
    };
    let same = *blake3::hash(&bytes).as_bytes() == object.name;
    Ok((!same).then_some(Fault::Damaged(name)))
}

/// A plain file's bytes: of exactly the length that is wanted, or of at most `most`.
fn read(
    path: &Path,
    name: &str,
    wanted: Option<u64>,
    most: u64,
) -> Result<Result<Vec<u8>, Fault>, ClientError> {
    let failed = || ClientError::file("reading a snapshot");
    let found = match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return Ok(Err(Fault::NoFile(name.to_owned()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Err(Fault::Missing(name.to_owned())));
        }
        Err(error) => return Err(failed()(error)),
    };
    let fits = |found: u64| wanted.map_or(found <= most, |wanted| found == wanted);
    let length =
        |found| Err(Fault::Length { name: name.to_owned(), found, wanted: wanted.unwrap_or(most) });
    if !fits(found) {
        return Ok(length(found));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed())?;
    // It may grow meanwhile: one byte more than fits is enough to see that.
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed())?;
    let found = bytes.len() as u64;
    Ok(if fits(found) { Ok(bytes) } else { length(found) })
}

/// Files whose names are hashes, sorted, of `most` at most; none where there is no folder.
fn names(folder: &Path, most: usize) -> Result<Vec<String>, ClientError> {
    let failed = || ClientError::file("listing snapshots");
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed()(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed())?.file_name();
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let hash = name.to_str().filter(|name| name.len() == 64 && name.bytes().all(digit));
        names.extend(hash.map(str::to_owned));
        if names.len() > most {
            return Err(failed()(Error::other("more files than snapshots have")));
        }
    }
    names.sort_unstable();
    Ok(names)
}
