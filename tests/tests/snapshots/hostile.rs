//! The host owns the target: it changes, cuts, swaps, removes, adds and puts back what lies there.

use crate::stage::{Stage, follow, restore, take, try_take};
use prag_client::home::Home;
use prag_client::remembered::Remembered;
use prag_client::snapshots::folder_of;
use prag_client::snapshots::offline::{Inspection, inspect};
use prag_protocol::problem::Code;
use prag_protocol::snapshot::SNAPSHOTS_MAX;
use prag_protocol::wire::collections::VaultKind;
use prag_protocol::wire::snapshots::AtTarget;
use prag_tests::copy_folder;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const LOCAL: [VaultKind; 2] = [VaultKind::Local, VaultKind::Owner];

fn folder(stage: &Stage) -> PathBuf {
    stage.target.join(hex::encode(folder_of(stage.id)))
}

/// Files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    files
}

fn looked_at(stage: &Stage) -> Inspection {
    let remembered = Remembered::new(&Home::at(&stage.first.scratch().join("homes/owner")));
    inspect(&stage.target, stage.id, &remembered, None, &|_| ()).unwrap()
}

fn faults(found: &Inspection) -> Vec<String> {
    found.snapshots.iter().flat_map(|one| &one.faults).map(ToString::to_string).collect()
}

/// What a host does to a snapshot's files; each has a name by which it is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    Swap,
    Cut,
    Grow,
    Flip,
    Remove,
    Link,
    Huge,
    CutIndex,
    FlipIndex,
    ForgeIndex,
}

impl Deed {
    pub(crate) const ALL: [Self; 10] = [
        Self::Swap,
        Self::Cut,
        Self::Grow,
        Self::Flip,
        Self::Remove,
        Self::Link,
        Self::Huge,
        Self::CutIndex,
        Self::FlipIndex,
        Self::ForgeIndex,
    ];

    fn done(self, folder: &Path) {
        let objects = files(&folder.join("objects"));
        let index = files(&folder.join("snapshots")).pop().unwrap();
        let object = &objects[0];
        let flipped = |path: &Path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        };
        match self {
            Self::Swap => {
                let (a, b) = (fs::read(object).unwrap(), fs::read(&objects[1]).unwrap());
                fs::write(object, b).unwrap();
                fs::write(&objects[1], a).unwrap();
            }
            Self::Cut => cut(object),
            Self::Grow => {
                let bytes = [fs::read(object).unwrap(), vec![0]].concat();
                fs::write(object, bytes).unwrap();
            }
            Self::Flip => fs::write(object, flipped(object)).unwrap(),
            Self::Remove => fs::remove_file(object).unwrap(),
            Self::Link => {
                let aside = folder.join("aside");
                fs::rename(object, &aside).unwrap();
                std::os::unix::fs::symlink(&aside, object).unwrap();
            }
            Self::Huge => File::create(object).unwrap().set_len(1 << 40).unwrap(),
            Self::CutIndex => cut(&index),
            Self::FlipIndex => fs::write(&index, flipped(&index)).unwrap(),
            Self::ForgeIndex => {
                // Under a name that fits its bytes: the hash holds, the seal does not.
                let bytes = flipped(&index);
                let name = blake3_hex(&bytes);
                fs::remove_file(&index).unwrap();
                fs::write(index.with_file_name(name), bytes).unwrap();
            }
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Swap => &["bytes, and must have", "bytes are not those that its name says"],
            Self::Cut | Self::Grow | Self::Huge => &["bytes, and must have"],
            Self::Flip => &["bytes are not those that its name says"],
            Self::Remove => &["is missing"],
            Self::Link => &["is no file"],
            Self::CutIndex | Self::FlipIndex => &["bytes are not those that its name says"],
            Self::ForgeIndex => &["does not open under the keys", "does not fit"],
        }
    }
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
}

fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Whatever the host does to a piece or an index, verification and restoration refuse by name, and so does an owner
/// without keys who looks at the folder; the collection serves on, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_refused_by_name() {
    refused_by_name(&Stage::start(&LOCAL).await, Deed::ALL).await;
}

pub(crate) async fn refused_by_name(stage: &Stage, deeds: impl IntoIterator<Item = Deed>) {
    let owner = stage.owner().await;
    let made = take(&owner, stage.id).await;
    let found = looked_at(stage);
    assert_eq!((found.snapshots.len(), faults(&found)), (1, vec![]));
    assert_eq!(found.snapshots[0].made.as_ref().unwrap().id, made.id);
    let (answers, shards) = (stage.answers(&owner).await, stage.shards());
    let sound = stage.first.scratch().join("sound");
    copy_folder(&folder(stage), &sound);
    for deed in deeds {
        fs::remove_dir_all(folder(stage)).unwrap();
        copy_folder(&sound, &folder(stage));
        deed.done(&folder(stage));

        let wanted = |text: &str| deed.names().iter().any(|name| text.contains(name));
        let named = match deed {
            Deed::ForgeIndex => {
                files(&folder(stage).join("snapshots"))[0].file_name().unwrap().to_owned()
            }
            _ => made.id.clone().into(),
        };
        let named = named.into_string().unwrap();
        let operation = owner.verify_snapshot(stage.id, None, Some(named.clone())).await.unwrap();
        let refused = follow(&owner, operation).await.unwrap_err();
        assert!(wanted(&refused.to_string()), "{deed:?}: {refused}");
        let refused = restore(&owner, stage.id, |one| {
            (one.replace, one.snapshot) = (true, Some(named));
        });
        let refused = refused.await.unwrap_err();
        assert!(wanted(&refused.to_string()), "{deed:?}: {refused}");
        let seen = looked_at(stage);
        match deed {
            Deed::ForgeIndex => {
                assert_eq!((seen.missing.len(), seen.snapshots[0].made.is_none()), (1, true));
            }
            _ => assert!(
                !faults(&seen).is_empty() && faults(&seen).iter().all(|one| wanted(one)),
                "{deed:?}"
            ),
        }
        assert_eq!(stage.answers(&owner).await, answers, "{deed:?}");
        assert_eq!(stage.shards(), shards, "{deed:?}: nothing is left of the try");
    }
    fs::remove_dir_all(folder(stage)).unwrap();
    copy_folder(&sound, &folder(stage));
    restore(&owner, stage.id, |one| one.replace = true).await.unwrap();
    assert_eq!(stage.answers(&owner).await, answers);
}

/// An older index put under a newer one's name is damaged; the newer one removed, the older one is refused as older.
/// What is no part of a snapshot changes nothing, and another collection's snapshot does not open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_index_does_not_pass_for_the_newest() {
    let stage = Stage::start(&LOCAL).await;
    let owner = stage.owner().await;
    let older = take(&owner, stage.id).await;
    stage.put(&owner, 200).await;
    owner.check_history(stage.id).await.unwrap();
    let newer = take(&owner, stage.id).await;
    let indexes = folder(&stage).join("snapshots");
    let (of_older, of_newer) = (indexes.join(&older.id), indexes.join(&newer.id));
    let kept = fs::read(&of_newer).unwrap();
    fs::write(&of_newer, fs::read(&of_older).unwrap()).unwrap();
    let listed = owner.snapshots(stage.id, &AtTarget::default()).await.unwrap();
    assert_eq!((listed.data.len(), listed.closed[0].id.clone()), (1, newer.id.clone()));
    let refused = restore(&owner, stage.id, |one| one.replace = true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::SnapshotOlder), "{refused}");
    fs::remove_file(&of_newer).unwrap();
    assert_eq!(looked_at(&stage).missing[0].id, newer.id);
    let refused = restore(&owner, stage.id, |one| one.replace = true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::SnapshotOlder), "{refused}");
    fs::write(&of_newer, kept).unwrap();

    fs::write(indexes.join("..%2f..%2fetc"), b"x").unwrap();
    fs::write(folder(&stage).join("objects").join("0".repeat(64)), b"stray").unwrap();
    let foreign = owner
        .create_collection("other", prag_protocol::wire::collections::VectorSource::Supplied(2));
    let foreign = foreign.await.unwrap().id;
    owner.put_document(foreign, &prag_tests::document(1)).await.unwrap();
    let theirs = take(&owner, foreign).await;
    let at = stage.target.join(hex::encode(folder_of(foreign))).join("snapshots").join(&theirs.id);
    fs::copy(at, indexes.join(&theirs.id)).unwrap();
    let listed = owner.snapshots(stage.id, &AtTarget::default()).await.unwrap();
    assert_eq!((listed.data.len(), listed.closed.len()), (2, 1));
    assert!(listed.closed[0].reason.contains("does not open"), "{listed:?}");
    let checked = restore(&owner, stage.id, |one| one.replace = true).await.unwrap();
    assert_eq!(checked.snapshot.id, newer.id);
    assert_eq!(looked_at(&stage).strays, 1);
    let pruned = owner.prune_snapshots(stage.id, None, 5).await.unwrap();
    assert_eq!(pruned.objects, 1, "the stray object went");
}

/// Nothing that anybody wrote is found in a target: not a text, not a name, not an id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_learns_nothing() {
    let stage = Stage::start(&LOCAL).await;
    let owner = stage.owner().await;
    take(&owner, stage.id).await;
    let secrets = ["content", "notes", &stage.id.to_string()].map(|text| text.as_bytes().to_vec());
    let raw = stage.id.0.to_vec();
    for path in files(&folder(&stage).join("objects"))
        .into_iter()
        .chain(files(&folder(&stage).join("snapshots")))
    {
        let bytes = fs::read(&path).unwrap();
        for secret in secrets.iter().chain([&raw]) {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{} holds {}", path.display(), String::from_utf8_lossy(secret));
        }
        assert!(!path.to_string_lossy().contains(&stage.id.to_string()));
    }
}

/// What a later build wrote may name any object, so nothing is pruned beside it. A target that holds as many indexes as
/// can be listed takes no more: one more could never be listed, nor pruned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_is_never_stuck() {
    let stage = Stage::start(&LOCAL).await;
    let owner = stage.owner().await;
    let made = take(&owner, stage.id).await;
    let indexes = folder(&stage).join("snapshots");
    let later = [&b"PRAGSNAP"[..], &2_u32.to_be_bytes()].concat();
    let foreign = indexes.join(blake3_hex(&later));
    fs::write(&foreign, later).unwrap();
    let stray = folder(&stage).join("objects").join("0".repeat(64));
    fs::write(&stray, b"stray").unwrap();
    let refused = owner.prune_snapshots(stage.id, None, 1).await.unwrap_err();
    assert!(refused.to_string().contains("has format 2"), "{refused}");
    assert!(stray.exists());
    fs::remove_file(foreign).unwrap();

    for number in 1..SNAPSHOTS_MAX {
        fs::write(indexes.join(format!("{number:064x}")), b"no index").unwrap();
    }
    let refused = try_take(&owner, stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::TooLarge), "{refused}");
    let listed = owner.snapshots(stage.id, &AtTarget::default()).await.unwrap();
    assert_eq!((listed.data.len(), listed.closed.len()), (1, SNAPSHOTS_MAX - 1));
    assert_eq!(listed.data[0].id, made.id);
    assert_eq!(owner.prune_snapshots(stage.id, None, 1).await.unwrap().objects, 1);
}
