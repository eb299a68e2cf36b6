//! Files and folders as documents.
//!
//! Layer: client.
//! Holds: which files are documents, their ids (paths relative to the folder given) and titles.
//! Never: follows a symbolic link, reads a hidden file, or changes a byte of what it reads.
//! Invariant: the same folder gives the same ids in the same order.

use crate::error::ClientError;
use prag_protocol::DocumentId;
use prag_protocol::limits::{DOCUMENT_BYTES_MAX, TITLE_BYTES_MAX};
use prag_protocol::wire::documents::{Format, PutDocument};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file that is a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path relative to the folder that was given; parts joined by `/`.
    pub id: String,
    /// How it is read.
    pub format: Format,
    /// Its size, bytes.
    pub bytes: u64,
}

/// What a search for documents found.
#[derive(Debug, Default)]
pub struct Found {
    /// The documents, by id within each path given.
    pub sources: Vec<Source>,
    /// Files of other kinds, left out.
    pub ignored: u64,
}

/// Every document under `paths`, which are folders or files.
///
/// # Errors
/// [`ClientError::Usage`] if a path is absent, if a file given by itself is of no known kind, or if
/// two files would have one id; [`ClientError::File`] if a folder cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Found, ClientError> {
    let mut found = Found::default();
    for path in paths {
        let kind = fs::metadata(path)
            .map_err(|_| ClientError::Usage(format!("cannot read {}", path.display())))?;
        if kind.is_dir() {
            find_in(path, &mut found)?;
        } else {
            let format = format_of(path).ok_or_else(|| {
                ClientError::Usage(format!("{} is of no known kind", path.display()))
            })?;
            let id = file_name(path);
            let (path, bytes) = (path.clone(), kind.len());
            found.sources.push(Source { path, id, format, bytes });
        }
    }
    let mut ids = BTreeSet::new();
    match found.sources.iter().find(|source| !ids.insert(&source.id)) {
        Some(twice) => Err(ClientError::Usage(format!(
            "two files would have the id {}: add their folders one at a time or give their parent",
            twice.id
        ))),
        None => Ok(found),
    }
}

fn find_in(folder: &Path, found: &mut Found) -> Result<(), ClientError> {
    let shown = |entry: &walkdir::DirEntry| entry.depth() == 0 || !hidden(entry);
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(shown);
    for entry in walk {
        let entry = entry.map_err(|error| ClientError::file("reading a folder")(error.into()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let Some(format) = format_of(entry.path()) else {
            found.ignored += 1;
            continue;
        };
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        found.sources.push(Source {
            path: entry.path().to_owned(),
            id: parts.join("/"),
            format,
            bytes: entry.metadata().map_or(0, |data| data.len()),
        });
    }
    Ok(())
}

/// Why a file did not become a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read,
    /// Over 2 MiB.
    #[error("it is over the limit of {DOCUMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// Nothing visible in it.
    #[error("it is empty")]
    Empty,
    /// Its path is no document id.
    #[error("its path is over 256 bytes or holds control characters")]
    Id,
    /// Its sealed form would not fit into one request.
    #[error("it is too large to be sealed")]
    Sealed,
}

/// Reads a file as a document.
///
/// # Errors
/// [`Unusable`] says why it cannot be one.
pub fn load(source: &Source) -> Result<PutDocument, Unusable> {
    let id = DocumentId::try_from(source.id.clone()).map_err(|_| Unusable::Id)?;
    let file = fs::File::open(&source.path).map_err(|_| Unusable::Read)?;
    let mut bytes = Vec::new();
    file.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|_| Unusable::Read)?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Unusable::TooLarge);
    }
    let content = String::from_utf8(bytes).map_err(|_| Unusable::Encoding)?;
    if content.trim().is_empty() {
        return Err(Unusable::Empty);
    }
    let stated = match source.format {
        Format::Html => html_title(&content),
        Format::Markdown => markdown_title(&content),
        Format::Text | Format::Jsonl => None,
    };
    let title = stated.unwrap_or_else(|| file_name(&source.path));
    Ok(PutDocument {
        id,
        title: clip(&title, TITLE_BYTES_MAX).to_owned(),
        format: source.format,
        content,
        metadata: Default::default(),
        chunks: None,
    })
}

/// How a file of this name is read; `None` for a kind that is not a document.
#[must_use]
pub fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "md" | "markdown" => Some(Format::Markdown),
        "html" | "htm" => Some(Format::Html),
        "txt" | "text" | "rst" => Some(Format::Text),
        "jsonl" => Some(Format::Jsonl),
        _ => None,
    }
}

fn html_title(content: &str) -> Option<String> {
    let lower = content.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let mut text = content[start..end].to_owned();
    for (entity, plain) in ENTITIES {
        text = text.replace(entity, plain);
    }
    visible(&text)
}

fn markdown_title(content: &str) -> Option<String> {
    let mut fenced = false;
    for line in content.lines() {
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
        }
        let marks = line.bytes().take_while(|byte| *byte == b'#').count();
        let rest = &line[marks..];
        if !fenced && (1..=6).contains(&marks) && rest.starts_with([' ', '\t']) {
            let text = rest.trim().trim_end_matches('#');
            if let Some(title) = visible(text) {
                return Some(title);
            }
        }
    }
    None
}

fn visible(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    (!text.is_empty()).then_some(text)
}

fn clip(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn hidden(entry: &walkdir::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

const ENTITIES: [(&str, &str); 6] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&nbsp;", " "),
    ("&amp;", "&"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn write(folder: &Path, name: &str, content: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Ids are relative paths in a fixed order; hidden files, links and other kinds stay out.
    #[test]
    fn finds_documents_by_kind() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "b.md", b"# B");
        write(root, "a/deep/x.HTML", b"<title>X</title>");
        write(root, "a/y.txt", b"y");
        write(root, ".git/z.md", b"no");
        write(root, "image.png", b"no");
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("b.md"), root.join("link.md")).unwrap();
        let found = find(&[root.to_owned()]).unwrap();
        let ids: Vec<_> = found.sources.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["a/deep/x.HTML", "a/y.txt", "b.md"]);
        assert_eq!(found.ignored, 1);

        let twice = find(&[root.to_owned(), root.join("b.md")]);
        assert!(matches!(twice, Err(ClientError::Usage(_))));
        assert!(find(&[root.join("image.png")]).is_err());
        assert!(find(&[root.join("absent.md")]).is_err());
    }

    /// Titles come from the document where it states one, else from the file's name.
    #[test]
    fn titles() {
        assert_eq!(
            markdown_title("```\n# no\n```\n#no\n## The  dose ##\n").as_deref(),
            Some("The dose")
        );
        assert_eq!(markdown_title("plain"), None);
        assert_eq!(
            html_title("<HTML><Title lang=en>A &amp;\n B</TITLE>").as_deref(),
            Some("A & B")
        );
        assert_eq!(html_title("<title>"), None);
        assert_eq!(clip("aé", 2), "a");
    }

    /// What cannot be a document says why.
    #[test]
    fn unusable_files_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "bad.txt", &[0xff, 0xfe]);
        write(root, "empty.txt", b" \n");
        write(root, "large.txt", &vec![b'a'; DOCUMENT_BYTES_MAX + 1]);
        write(root, "ok.txt", b"fine");
        let found = find(&[root.to_owned()]).unwrap();
        let loaded: Vec<_> = found.sources.iter().map(load).collect();
        assert_eq!(loaded[0].as_ref().unwrap_err(), &Unusable::Encoding);
        assert_eq!(loaded[1].as_ref().unwrap_err(), &Unusable::Empty);
        assert_eq!(loaded[2].as_ref().unwrap_err(), &Unusable::TooLarge);
        assert_eq!(loaded[3].as_ref().unwrap().title, "ok.txt");
    }
}
