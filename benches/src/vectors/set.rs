//! Data sets by name.
//!
//! Layer: benches.
//! Holds: the files of `make bench-data`, whole or their beginning; made-up vectors for smoke runs; synthetic rows
//!   beyond the real ones, which say so in the set's name.
//! Never: a made-up vector under a real set's name.
//! Invariant: engines read the very file that the set names: none gets other rows.

use super::Matrix;
use super::texmex::{read_bvecs, read_fvecs, read_ivecs, write_fvecs, write_ivecs};
use super::truth::Exact;
use crate::data::{Dice, unit};
use crate::error::{BenchError, Step};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Rows, queries, and the exact answers.
pub struct Set {
    /// Short, for rows' names: `glove-100d`.
    pub name: String,
    /// What it is, for the table.
    pub about: String,
    /// Where engines read the rows: the first [`Set::rows`] of them.
    pub base: PathBuf,
    /// Where engines read the queries.
    pub query: PathBuf,
    /// How many rows.
    pub rows: usize,
    /// Components of a vector.
    pub dimension: usize,
    /// The queries.
    pub queries: Matrix,
    /// The [`TRUTH`] nearest of each query, best first.
    pub truth: Vec<Vec<u32>>,
    /// The same among rows that a filter lets through; by permille.
    pub filtered: Vec<(u32, Vec<Vec<u32>>)>,
}

impl Set {
    /// The first `rows` of the set called `name` in `folder`, or nothing where its files are not there.
    ///
    /// # Errors
    /// [`BenchError`] where a file is there but not sound.
    pub fn open(
        folder: &Path,
        name: &str,
        rows: usize,
        permilles: &[u32],
    ) -> Result<Option<Self>, BenchError> {
        convert(folder, name)?;
        let file = |part: &str| folder.join(format!("{name}.{part}"));
        let (base, query) = (file("base.fvecs"), file("query.fvecs"));
        let made = modified(&base).max(modified(&query));
        if !base.exists() || !query.exists() {
            return Ok(None);
        }
        let matrix = read_fvecs(&base, Some(rows))?;
        let known = file("truth.ivecs");
        let whole = matrix.len() < rows;
        let set = Self::of(name, name, (base, query), &matrix, permilles, |exact, queries| {
            if whole && modified(&known) > made {
                return read_ivecs(&known);
            }
            let truth = exact.nearest(queries, TRUTH, None)?;
            if whole {
                write_ivecs(&known, &truth)?;
            }
            Ok(truth)
        })?;
        let about = match name {
            "glove-100d" => "words of GloVe",
            "wordnet-384d" => "definitions of WordNet, all-MiniLM-L6-v2",
            _ => "from files",
        };
        let about = format!("{} {about}, {} components", set.rows, set.dimension);
        Ok(Some(Self { about, ..set }))
    }

    /// Made-up vectors, for a smoke run: `rows` and `queries` in files of `folder`.
    ///
    /// # Errors
    /// [`BenchError`] where the files cannot be written.
    pub fn made_up(
        folder: &Path,
        dimension: usize,
        (rows, queries): (usize, usize),
        permilles: &[u32],
    ) -> Result<Self, BenchError> {
        let name = format!("made-up-{dimension}d");
        let (rows, queries) = made_up(dimension, rows, queries);
        let file = |part: &str| folder.join(format!("{name}.{part}.fvecs"));
        write_fvecs(&file("base"), rows.rows())?;
        write_fvecs(&file("query"), queries.rows())?;
        let about = format!("{} made-up vectors of {dimension} components", rows.len());
        let files = (file("base"), file("query"));
        Self::of(&name, &about, files, &rows, permilles, |exact, queries| {
            exact.nearest(queries, TRUTH, None)
        })
    }

    fn of(
        name: &str,
        about: &str,
        (base, query): (PathBuf, PathBuf),
        rows: &Matrix,
        permilles: &[u32],
        truth: impl FnOnce(&Exact, &Matrix) -> Result<Vec<Vec<u32>>, BenchError>,
    ) -> Result<Self, BenchError> {
        let queries = read_fvecs(&query, None)?;
        if rows.is_empty() || queries.is_empty() || rows.dimension() != queries.dimension() {
            return Err(BenchError::new(name, "rows and queries do not belong together"));
        }
        let exact = Exact::new(rows)?;
        let truth = truth(&exact, &queries)?;
        let among = |permille: &u32| Ok((*permille, exact.nearest(&queries, 10, Some(*permille))?));
        Ok(Self {
            name: name.to_owned(),
            about: about.to_owned(),
            base,
            query,
            rows: rows.len(),
            dimension: rows.dimension(),
            truth,
            filtered: permilles.iter().map(among).collect::<Result<_, BenchError>>()?,
            queries,
        })
    }

    /// The first `rows` of this set; beyond its end, its rows again, moved: synthetic, and named so. Files for those
    /// are written into `folder`.
    ///
    /// # Errors
    /// [`BenchError`] where files cannot be read or written.
    pub fn scaled(&self, folder: &Path, rows: usize) -> Result<Self, BenchError> {
        let base = read_fvecs(&self.base, Some(rows))?;
        let real = base.len();
        let exact = |exact: &Exact, queries: &Matrix| exact.nearest(queries, TRUTH, None);
        if real >= rows {
            let files = (self.base.clone(), self.query.clone());
            let about = format!("{rows} rows of {}", self.name);
            return Self::of(&self.name, &about, files, &base, &[], exact);
        }
        let mut dice = Dice(rows as u64);
        let mut values: Vec<f32> = base.rows().flatten().copied().collect();
        for _ in real..rows {
            let near = dice.below(real);
            values.extend(dice.near(self.dimension, Some(base.row(near)), MOVED));
        }
        let matrix = Matrix::new(self.dimension, values);
        let file = folder.join(format!("{}-{rows}.fvecs", self.name));
        write_fvecs(&file, matrix.rows())?;
        let about = format!("{real} rows of {}, the rest synthetic: rows of it, moved", self.name);
        Self::of(&self.name, &about, (file, self.query.clone()), &matrix, &[], exact)
    }
}

/// When a file was written; nothing, which is before all times, where it is not there.
fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}

/// A file of bytes becomes one of unit vectors, once.
fn convert(folder: &Path, name: &str) -> Result<(), BenchError> {
    for part in ["base", "query"] {
        let (from, to) = (format!("{name}.{part}.bvecs"), format!("{name}.{part}.fvecs"));
        let (from, to) = (folder.join(from), folder.join(to));
        if from.exists() && !to.exists() {
            let rows: Vec<Vec<f32>> =
                read_bvecs(&from, None)?.rows().map(|row| unit(row.to_vec())).collect();
            write_fvecs(&to, rows.iter().map(Vec::as_slice))?;
        }
    }
    Ok(())
}

/// Unit vectors around seeded centres: rows and queries.
#[must_use]
pub fn made_up(dimension: usize, rows: usize, queries: usize) -> (Matrix, Matrix) {
    let mut dice = Dice(7);
    let centres: Vec<Vec<f32>> = (0..32).map(|_| dice.near(dimension, None, 0.0)).collect();
    let mut draw = |count: usize| {
        let mut values = Vec::with_capacity(count * dimension);
        for _ in 0..count {
            let centre = dice.below(centres.len());
            values.extend(dice.near(dimension, Some(&centres[centre]), 0.8));
        }
        Matrix::new(dimension, values)
    };
    (draw(rows), draw(queries))
}

/// Where `make bench-data` puts the sets.
///
/// # Errors
/// [`BenchError`] where neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache() -> Result<PathBuf, BenchError> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    Ok(cache.or_else(home).step("the folder of caches")?.join("prag"))
}

/// How many nearest rows are known of each query.
pub const TRUTH: usize = 100;
/// How far a synthetic row lies from the real one that it was made of, in its lengths.
const MOVED: f32 = 0.5;
