#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// Part format 1 is frozen: header, dimension, then the rows' f32, all little-endian; codes are not stored.
#[test]
fn golden_bytes() {
    let vectors = Vectors::new(2, vec![1.0, 0.0, 0.6, -0.8]).unwrap();
    let bytes = vectors.to_bytes(2);
    let expected: [&[u8]; 5] = [
        &[0x01, 0x00, 0x58, 0x50, 2, 0, 0, 0],
        &[2, 0, 0, 0],
        &[0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0x00],
        &[0x9a, 0x99, 0x19, 0x3f],
        &[0xcd, 0xcc, 0x4c, 0xbf],
    ];
    assert_eq!(bytes, expected.concat());

    let (read, rows) = Vectors::from_bytes(&bytes).unwrap();
    assert_eq!((rows, read.dimension()), (2, 2));
    assert_eq!((read.floats, read.codes), (vectors.floats, vectors.codes));
    assert!(Vectors::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Vectors::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}
