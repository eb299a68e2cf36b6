//! The files in which vectors are passed around: fvecs, bvecs, ivecs.
//!
//! Layer: benches.
//! Holds: readers and writers. A row is its length as a little-endian i32, then f32, u8 or i32.
//! Never: a row longer than [`COMPONENTS_MAX`], or a file of more than [`FILE_BYTES_MAX`]: both are looked at first.
//! Invariant: a file that was read has rows of one length and no bytes left over.
//!
//! Source: corpus-texmex.irisa.fr. The HDF5 files of ann-benchmarks are turned into fvecs by `rivals/data.py hdf5`.

use super::Matrix;
use crate::error::{BenchError, Step};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Most components of a row.
pub const COMPONENTS_MAX: usize = 8192;
/// Largest file.
pub const FILE_BYTES_MAX: u64 = 64 << 30;

/// The first `rows` of a file of f32, or all.
///
/// # Errors
/// [`BenchError`] names the file and what is wrong with it.
pub fn read_fvecs(path: &Path, rows: Option<usize>) -> Result<Matrix, BenchError> {
    let (dimension, values) = read(path, rows, f32::from_le_bytes)?;
    Ok(Matrix::new(dimension, values))
}

/// The first `rows` of a file of bytes, or all, as f32 from 0 to 255.
///
/// # Errors
/// [`BenchError`] names the file and what is wrong with it.
pub fn read_bvecs(path: &Path, rows: Option<usize>) -> Result<Matrix, BenchError> {
    let (dimension, values) = read(path, rows, |[byte]: [u8; 1]| f32::from(byte))?;
    Ok(Matrix::new(dimension, values))
}

/// Every row of a file of numbers.
///
/// # Errors
/// [`BenchError`] names the file and what is wrong with it.
pub fn read_ivecs(path: &Path) -> Result<Vec<Vec<u32>>, BenchError> {
    let (dimension, values) = read(path, None, u32::from_le_bytes)?;
    Ok(values.chunks_exact(dimension).map(<[u32]>::to_vec).collect())
}

/// Writes rows of f32.
///
/// # Errors
/// [`BenchError`] where the file cannot be written.
pub fn write_fvecs<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = &'a [f32]>,
) -> Result<(), BenchError> {
    let rows = rows.into_iter().map(|row| row.iter().map(|value| value.to_le_bytes()));
    write(path, rows)
}

/// Writes rows of numbers.
///
/// # Errors
/// [`BenchError`] where the file cannot be written.
pub fn write_ivecs(path: &Path, rows: &[Vec<u32>]) -> Result<(), BenchError> {
    let rows = rows.iter().map(|row| row.iter().map(|value| value.to_le_bytes()));
    write(path, rows)
}

/// Dimension and values, row after row; `WIDTH` bytes make one.
fn read<const WIDTH: usize, T>(
    path: &Path,
    rows: Option<usize>,
    value: impl Fn([u8; WIDTH]) -> T,
) -> Result<(usize, Vec<T>), BenchError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = File::open(path).step(&name)?;
    let bytes = file.metadata().step(&name)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(BenchError::new(&name, format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut length = [0; 4];
    reader.read_exact(&mut length).step(&name)?;
    let dimension = u32::from_le_bytes(length) as usize;
    if dimension == 0 || dimension > COMPONENTS_MAX {
        return Err(BenchError::new(&name, format!("rows of {dimension} components")));
    }
    let row_bytes = dimension * WIDTH;
    let whole = usize::try_from(bytes).step(&name)?;
    if !whole.is_multiple_of(4 + row_bytes) {
        return Err(BenchError::new(&name, "its last row is cut off"));
    }
    let count = rows.unwrap_or(usize::MAX).min(whole / (4 + row_bytes));
    let mut values = Vec::with_capacity(count * dimension);
    let mut row = vec![0; row_bytes];
    for index in 0..count {
        if index > 0 {
            reader.read_exact(&mut length).step(&name)?;
        }
        if u32::from_le_bytes(length) as usize != dimension {
            return Err(BenchError::new(&name, format!("row {index} has another length")));
        }
        reader.read_exact(&mut row).step(&name)?;
        values.extend(row.as_chunks().0.iter().map(|bytes| value(*bytes)));
    }
    Ok((dimension, values))
}

/// Whoever finds the file finds all of it.
fn write<R: ExactSizeIterator<Item = [u8; 4]>>(
    path: &Path,
    rows: impl Iterator<Item = R>,
) -> Result<(), BenchError> {
    let partial = path.with_extension("part");
    let mut out = BufWriter::new(File::create(&partial).step("writing vectors")?);
    for row in rows {
        let length = u32::try_from(row.len()).step("writing vectors")?;
        out.write_all(&length.to_le_bytes()).step("writing vectors")?;
        for value in row {
            out.write_all(&value).step("writing vectors")?;
        }
    }
    out.flush().step("writing vectors")?;
    std::fs::rename(&partial, path).step("writing vectors")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// What was written is read, whole or its beginning; bytes are those that others write.
    #[test]
    fn rows_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fvecs");
        let rows = Matrix::new(2, vec![1.0, -2.5, 3.0, 0.0]);
        write_fvecs(&path, rows.rows()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[..8], [2, 0, 0, 0, 0, 0, 0x80, 0x3f]);
        assert_eq!(read_fvecs(&path, None).unwrap(), rows);
        assert_eq!(read_fvecs(&path, Some(1)).unwrap(), rows.first(1));
        let path = folder.path().join("a.ivecs");
        let ids = vec![vec![7, 8, 9], vec![1, 2, 3]];
        write_ivecs(&path, &ids).unwrap();
        assert_eq!(read_ivecs(&path).unwrap(), ids);
        let path = folder.path().join("a.bvecs");
        std::fs::write(&path, [2, 0, 0, 0, 0, 255, 2, 0, 0, 0, 7, 8]).unwrap();
        let bytes = Matrix::new(2, vec![0.0, 255.0, 7.0, 8.0]);
        assert_eq!(read_bvecs(&path, None).unwrap(), bytes);
    }

    /// Rows of unlike or absurd length, and files that end too early, are refused before anything is made of them.
    #[test]
    fn bad_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad");
        let huge = u32::try_from(COMPONENTS_MAX + 1).unwrap().to_le_bytes().to_vec();
        let unlike = [vec![2, 0, 0, 0, 1, 1], vec![1, 0, 0, 0, 1, 1]].concat();
        for bytes in [vec![], vec![0; 4], vec![255; 4], huge, vec![2, 0, 0, 0, 1], unlike] {
            std::fs::write(&path, &bytes).unwrap();
            assert!(read_bvecs(&path, None).is_err(), "{bytes:?}");
        }
        assert!(read_fvecs(&folder.path().join("absent"), None).is_err());
    }
}
