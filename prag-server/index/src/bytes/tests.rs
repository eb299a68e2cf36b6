#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// A part's form is frozen: a header of format and rows, then numbers, counted arrays, floats, f16, bytes and counted
/// bytes, all little-endian.
#[test]
fn golden_layout() {
    let mut writer = Writer::new(PartName::Words, 3);
    writer.number(0x0102_0304);
    writer.numbers(&[5, 6]);
    writer.floats(&[1.0, -0.5]);
    writer.halves(&[0x3c00]);
    writer.raw(b"c");
    writer.bytes(b"ab");
    let bytes = writer.into_bytes();
    let expected: [&[u8]; 9] = [
        &[0x01, 0x00, 0x58, 0x50],
        &[3, 0, 0, 0],
        &[4, 3, 2, 1],
        &[2, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0],
        &[0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xbf],
        &[0x00, 0x3c],
        b"c",
        &[2, 0, 0, 0],
        b"ab",
    ];
    assert_eq!(bytes, expected.concat());

    let (mut reader, rows) = Reader::new(PartName::Words, &bytes).unwrap();
    assert_eq!((rows, reader.number().unwrap()), (3, 0x0102_0304));
    assert_eq!(reader.numbers().unwrap(), [5, 6]);
    assert_eq!(reader.floats(2).unwrap(), [1.0, -0.5]);
    assert_eq!((reader.halves(1).unwrap(), reader.raw(1).unwrap()), (vec![0x3c00], &b"c"[..]));
    assert_eq!(reader.bytes().unwrap(), b"ab");
    reader.end().unwrap();

    let other = [&[0x02], &bytes[1..]].concat();
    let refused = Reader::new(PartName::Words, &other).err();
    assert_eq!(refused, Some(IndexError::Format(PartName::Words)));
}

/// The numbers that stand for parts in a manifest are frozen.
#[test]
fn golden_part_numbers() {
    let expected =
        [(1, PartName::Vectors), (2, PartName::Graph), (3, PartName::Words), (4, PartName::Fields)];
    for (number, name) in expected {
        assert_eq!(name.as_u8(), number);
        assert_eq!(PartName::from_u8(number), Some(name));
    }
    assert_eq!(PartName::ALL.len(), 4);
    assert_eq!((PartName::from_u8(0), PartName::from_u8(5)), (None, None));
}
