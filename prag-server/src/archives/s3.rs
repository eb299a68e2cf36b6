//! A bucket as a target for snapshots: `<prefix>/<collection>/{objects,snapshots}/<hash>`.
//!
//! Layer: server, `archives`; feature `s3`.
//! Holds: an object store behind the trait [`Archive`], and how a bucket of the settings is reached.
//! Never: credentials from anywhere but the file of the settings or this process's environment; an instance's metadata
//! server is not asked.
//! Invariant: objects are put with `If-None-Match: *`, and what comes back is bounded by what was asked for.

use crate::settings::Bucket;
use futures_util::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use prag_store::BlobName;
use prag_store::archive::{Archive, ArchiveError, Kind, ObjectInfo, ObjectName};
use std::collections::HashMap;
use std::future::Future;
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::runtime::Handle;

/// An object store under a prefix.
pub(super) struct BucketArchive {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    runtime: Handle,
}

impl BucketArchive {
    /// The bucket of the settings; nothing is sent yet.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(super) fn open(bucket: &Bucket) -> Result<Self, String> {
        let secrets = secrets(bucket)?;
        let secret = |name: &str| secrets.get(name).cloned().filter(|value| !value.is_empty());
        let needed = |name: &str| {
            secret(name).ok_or_else(|| format!("the bucket {} needs {name}", bucket.name))
        };
        // Another part of the process may have installed a provider: what comes back is checked by its hash.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(bucket.region.as_deref().unwrap_or("us-east-1"))
            .with_access_key_id(needed("AWS_ACCESS_KEY_ID")?)
            .with_secret_access_key(needed("AWS_SECRET_ACCESS_KEY")?);
        if let Some(token) = secret("AWS_SESSION_TOKEN") {
            builder = builder.with_token(token);
        }
        if let Some(endpoint) = &bucket.endpoint {
            builder =
                builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store =
            builder.build().map_err(|_| format!("the bucket {} is not usable", bucket.name))?;
        let runtime =
            Handle::try_current().map_err(|_| "no runtime to reach buckets".to_owned())?;
        Ok(Self::over(Arc::new(store), &bucket.prefix, runtime))
    }

    fn over(store: Arc<dyn ObjectStore>, prefix: &str, runtime: Handle) -> Self {
        Self { store, prefix: prefix.trim_matches('/').to_owned(), runtime }
    }

    fn path(&self, rest: &str) -> Path {
        Path::from(format!("{}/{rest}", self.prefix))
    }

    /// Callers are on threads that may block.
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn length(&self, name: ObjectName) -> Result<u64, ArchiveError> {
        let head = self.wait(self.store.head(&self.path(&name.path())));
        head.map(|meta| meta.size).map_err(|error| failed(name, &error))
    }
}

impl Archive for BucketArchive {
    fn put_new(&self, name: ObjectName, bytes: &[u8]) -> Result<bool, ArchiveError> {
        let path = self.path(&name.path());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from(bytes.to_vec());
        match self.wait(self.store.put_opts(&path, payload, options)) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                let (found, wanted) = (self.length(name)?, bytes.len() as u64);
                let same = found == wanted;
                if same { Ok(false) } else { Err(ArchiveError::Length { name, found, wanted }) }
            }
            Err(error) => Err(failed(name, &error)),
        }
    }

    fn get(&self, name: ObjectName, length: u64) -> Result<Vec<u8>, ArchiveError> {
        let path = self.path(&name.path());
        let wrong = |found| ArchiveError::Length { name, found, wanted: length };
        self.wait(async {
            let found = self.store.get(&path).await.map_err(|error| failed(name, &error))?;
            if found.meta.size != length {
                return Err(wrong(found.meta.size));
            }
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
            let mut stream = found.into_stream();
            while let Some(chunk) = stream.next().await {
                bytes.extend_from_slice(&chunk.map_err(|error| failed(name, &error))?);
                if bytes.len() as u64 > length {
                    return Err(wrong(bytes.len() as u64));
                }
            }
            if bytes.len() as u64 == length { Ok(bytes) } else { Err(wrong(bytes.len() as u64)) }
        })
    }

    fn list(
        &self,
        folder: [u8; 16],
        kind: Kind,
        most: usize,
    ) -> Result<Vec<ObjectInfo>, ArchiveError> {
        let any = ObjectName { folder, kind, hash: [0; 32] }.path();
        let prefix = self.path(any.rsplit_once('/').map_or("", |(prefix, _)| prefix));
        self.wait(async {
            let (mut infos, mut stream) = (Vec::new(), self.store.list(Some(&prefix)));
            while let Some(meta) = stream.next().await {
                let meta = meta.map_err(|_| ArchiveError::Io(ErrorKind::Other))?;
                let name = meta.location.filename().and_then(BlobName::from_hex);
                let direct =
                    meta.location.prefix_match(&prefix).is_some_and(|rest| rest.count() == 1);
                let Some(name) = name.filter(|_| direct) else { continue };
                if infos.len() == most {
                    return Err(ArchiveError::TooMany(most));
                }
                infos.push(ObjectInfo { hash: name.0, bytes: meta.size });
            }
            infos.sort_unstable_by_key(|info| info.hash);
            Ok(infos)
        })
    }

    fn delete(&self, name: ObjectName) -> Result<(), ArchiveError> {
        match self.wait(self.store.delete(&self.path(&name.path()))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(name, &error)),
        }
    }
}

/// What the store said, without its words: those may hold addresses and headers.
fn failed(name: ObjectName, error: &Error) -> ArchiveError {
    match error {
        Error::NotFound { .. } => ArchiveError::Missing(name),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            ArchiveError::Io(ErrorKind::PermissionDenied)
        }
        _ => ArchiveError::Io(ErrorKind::Other),
    }
}

/// Lines `NAME=value` of the file, or this process's environment.
fn secrets(bucket: &Bucket) -> Result<HashMap<String, String>, String> {
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let Some(path) = &bucket.credentials else {
        let found =
            names.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        return Ok(found.collect());
    };
    let text = std::fs::read_to_string(path);
    let text =
        text.map_err(|error| format!("the credentials of bucket {}: {error}", bucket.name))?;
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    Ok(pairs.filter(|(name, _)| names.contains(&name.as_str())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use object_store::memory::InMemory;

    /// A bucket is a target as a folder is, and leaves alone what is no object.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn conforms() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let archive = BucketArchive::over(Arc::clone(&store), "/deep/prefix/", Handle::current());
        let stranger = Path::from("deep/prefix").join("01".repeat(16)).join("objects").join("x");
        store.put(&stranger, PutPayload::from(vec![1])).await.unwrap();
        let work = move || prag_store::conformance::archive(&archive);
        tokio::task::spawn_blocking(work).await.unwrap();
    }

    /// Without credentials a bucket is refused by what it lacks; a file has lines of names and values.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn credentials_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets");
        let bucket = Bucket {
            name: "b".to_owned(),
            prefix: String::new(),
            region: None,
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            credentials: Some(file.clone()),
        };
        assert!(
            BucketArchive::open(&bucket).err().unwrap().contains("the credentials of bucket b")
        );
        std::fs::write(&file, "AWS_ACCESS_KEY_ID = a\nOTHER=x\n").unwrap();
        assert!(BucketArchive::open(&bucket).err().unwrap().contains("AWS_SECRET_ACCESS_KEY"));
        std::fs::write(&file, "AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n").unwrap();
        assert!(BucketArchive::open(&bucket).is_ok());
    }
}
