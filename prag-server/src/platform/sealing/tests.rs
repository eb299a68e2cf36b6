#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use prag_trust::quote::snp::REPORT_BYTES;

/// A report of version 2 of a guest with `svn`, on firmware that is committed to `tcb`.
fn report(svn: u32, tcb: u64) -> Vec<u8> {
    let mut report = vec![0; REPORT_BYTES];
    report[0] = 2;
    report[0x004..0x008].copy_from_slice(&svn.to_le_bytes());
    report[0x1e0..0x1e8].copy_from_slice(&tcb.to_le_bytes());
    report
}

/// A processor whose firmware is committed to `tcb`: its keys are a function of what is asked, and it has none of newer
/// firmware.
fn processor(tcb: u64) -> impl FnMut(DerivedKey) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
    move |request| {
        if request.tcb_version > tcb {
            return Err(PlatformError::Sealing("newer"));
        }
        let text = format!("{request:?}");
        Ok(Zeroizing::new(*blake3::hash(text.as_bytes()).as_bytes()))
    }
}

/// All that must be mixed in is asked for, under the chip's own key.
#[test]
fn image_policy_svn_and_firmware_are_mixed_in() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut asked = Vec::new();
    let mut record = |request: DerivedKey| {
        asked.push(request);
        Ok(Zeroizing::new([1; 32]))
    };
    derived(data, &report(7, 9), &mut record).unwrap();
    let [request] = asked[..] else { panic!("one question") };
    let fields = request.guest_field_select;
    assert!(fields.get_measurement() && fields.get_guest_policy());
    assert!(fields.get_svn() && fields.get_tcb_version());
    assert_eq!((request.get_root_key_select(), request.vmpl), (0, 0));
    assert_eq!((request.guest_svn, request.tcb_version), (7, 9));
}

/// The key of a data directory outlives an update of the firmware, and not a step back.
#[test]
fn updates_keep_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let first = derived(data, &report(7, 9), &mut processor(9)).unwrap();
    let again = derived(data, &report(7, 9), &mut processor(9)).unwrap();
    let updated = derived(data, &report(7, 12), &mut processor(12)).unwrap();
    assert!(*first == *again && *first == *updated);
    let back = derived(data, &report(7, 8), &mut processor(8));
    assert_eq!(back.unwrap_err(), PlatformError::Sealing("newer"));
    let other = tempfile::tempdir().unwrap();
    let fresh = derived(other.path(), &report(7, 12), &mut processor(12)).unwrap();
    assert!(*first != *fresh);
}

/// The host may edit the file of versions: another key, or a refusal. A key that was refused leaves no file behind.
#[test]
fn an_edited_file_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    assert!(derived(data, &report(7, 9), &mut processor(8)).is_err());
    assert!(!data.join(FILE).exists());
    let first = derived(data, &report(7, 9), &mut processor(9)).unwrap();
    std::fs::write(data.join(FILE), r#"{"version":1,"tcb":3,"svn":7}"#).unwrap();
    assert!(*derived(data, &report(7, 9), &mut processor(9)).unwrap() != *first);
    for text in ["", "{", r#"{"version":2,"tcb":9,"svn":7}"#, r#"{"version":1,"tcb":9}"#] {
        std::fs::write(data.join(FILE), text).unwrap();
        let found = derived(data, &report(7, 9), &mut processor(9));
        assert!(matches!(found, Err(PlatformError::Malformed(_))), "{text}");
    }
    std::fs::write(data.join(FILE), vec![b' '; FILE_BYTES_MAX + 1]).unwrap();
    let found = derived(data, &report(7, 9), &mut processor(9));
    assert!(matches!(found, Err(PlatformError::Size { .. })));
}

/// Here is no such processor: the message says what to do.
#[test]
fn without_the_device_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    if !Path::new("/dev/sev-guest").exists() {
        let error = sealing_root(data, &report(7, 9)).unwrap_err();
        assert!(error.to_string().contains("modprobe sev-guest"), "{error}");
    }
}
