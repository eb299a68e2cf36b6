//! Quotes and collateral, up to the chain's own verifier.

use super::*;
use serde_json::{Value, json};

/// A TD 1.0 body; every register is another.
fn body() -> Vec<u8> {
    let mut body = vec![0xee; 120];
    body.extend((1_u64 << 28).to_le_bytes());
    body.extend([0xe7, 2, 6, 0, 0, 0, 0, 0]);
    // MRTD, MRCONFIGID, MROWNER, MROWNERCONFIG, RTMR0 to 3.
    for register in [1, 6, 7, 8, 2, 3, 4, 5] {
        body.extend([register; 48]);
    }
    body.extend([9; 64]);
    assert_eq!(body.len(), 584);
    body
}

fn header(version: u16) -> Vec<u8> {
    let mut header = version.to_le_bytes().to_vec();
    header.extend([2, 0, 0x81, 0, 0, 0]);
    header.resize(48, 0);
    header
}

fn v4(body: &[u8]) -> Vec<u8> {
    [&header(4), body, b"signatures".as_slice()].concat()
}

fn v5(kind: u16, size: u32, body: &[u8]) -> Vec<u8> {
    let (kind, size) = (kind.to_le_bytes(), size.to_le_bytes());
    [&header(5), kind.as_slice(), &size, body, b"signatures"].concat()
}

fn with(offset: usize, byte: u8) -> Vec<u8> {
    let mut body = body();
    body[offset] = byte;
    v4(&body)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Computed apart from this code; `trust::evidence::Hardware::image` says the same of the same registers.
#[test]
fn the_digest_of_an_image_is_frozen() {
    let td = quote::read(&v4(&body())).unwrap();
    assert_eq!(hex(&td.image), GOLDEN);
    assert_eq!(td.report_data, [9; 64]);
}

/// One guest has one image, whichever version its quote is of.
#[test]
fn every_version_reads_alike() {
    let expected = quote::read(&v4(&body())).unwrap();
    let longer = [body(), vec![0; 64]].concat();
    let longest = [longer.clone(), vec![1; 100]].concat();
    assert_eq!(quote::read(&v5(2, 584, &body())), Ok(expected.clone()));
    assert_eq!(quote::read(&v5(3, 648, &longer)), Ok(expected.clone()));
    assert_eq!(quote::read(&v5(4, 748, &longest)), Ok(expected));
}

/// Every register is part of the digest, and what is no register is not.
#[test]
fn each_register_makes_another_image() {
    let image = |quote: &[u8]| quote::read(quote).unwrap().image;
    let plain = image(&v4(&body()));
    for offset in (128..520).step_by(8) {
        assert_ne!(image(&with(offset, 0xaa)), plain, "{offset}");
    }
    for offset in (0..120).chain(520..584) {
        assert_eq!(image(&with(offset, 0xaa)), plain, "{offset}");
    }
}

#[test]
fn other_bytes_are_no_quote() {
    let short = &v4(&body())[..631];
    let mut sgx = v4(&body());
    sgx[4] = 0;
    let mut old = v4(&body());
    old[0] = 3;
    let cases = [
        (short, "it is too short"),
        (b"", "it is too short"),
        (&sgx, "it is of another kind of TEE"),
        (&old, "its version is unknown"),
        (&v5(1, 584, &body()), "its body is of an unknown kind"),
        (&v5(5, 648, &body()), "its body is of an unknown kind"),
        (&v5(2, 583, &body()), "its body is of another size"),
        (&v5(3, 584, &body()), "its body is of another size"),
        (&v5(4, 647, &body()), "its body is of another size"),
        (&v5(4, u32::MAX, &body()), "it is too short"),
    ];
    for (bytes, why) in cases {
        assert_eq!(quote::read(bytes), Err(ShellError::Quote(why)));
    }
}

/// A guest that its host can look into proves nothing, whoever signed the quote.
#[test]
fn an_open_guest_is_refused() {
    let (low, high) = (120, 123);
    let cases = [
        (low, 0x01, "debug mode"),
        (low, 0x10, "profiling"),
        (low, 0x40, "profiling"),
        (high, 0x00, "SEPT_VE_DISABLE unset"),
        (high, 0x30, "migration"),
        (122, 0x02, "service TDs"),
        (low, 0x02, "reserved attributes"),
        (127, 0x20, "reserved attributes"),
    ];
    for (offset, byte, why) in cases {
        assert_eq!(quote::read(&with(offset, byte)), Err(ShellError::Guest(why)), "{offset}");
    }
    let bound = [body(), vec![0; 63], vec![1]].concat();
    let refused = Err(ShellError::Guest("service TDs"));
    assert_eq!(quote::read(&v5(3, 648, &bound)), refused);
    // Named ones pass: PKS, key locker, performance monitoring.
    quote::read(&with(high, 0xd8)).unwrap();
    quote::read(&with(127, 0xc0)).unwrap();
}

fn json_of(change: impl FnOnce(&mut Value)) -> String {
    let mut value = json!({
        "pck_crl_issuer_chain": "-----BEGIN\nA",
        "root_ca_crl": "3081",
        "pck_crl": "3082",
        "tcb_info_issuer_chain": "B",
        "tcb_info": r#"{"id":"TDX"}"#,
        "tcb_info_signature": "ab".repeat(64),
        "qe_identity_issuer_chain": "C",
        "qe_identity": r#"{"id":"TD_QE"}"#,
        "qe_identity_signature": "cd".repeat(64),
    });
    change(&mut value);
    value.to_string()
}

/// The very bytes that Secret's nodes take apart.
#[test]
fn collateral_is_packed_as_nodes_read_it() {
    let packed = collateral::packed(&json_of(|_| ())).unwrap();
    let tcb_info = format!(r#"{{"tcbInfo":{{"id":"TDX"}},"signature":"{}"}}"#, "ab".repeat(64));
    let identity =
        format!(r#"{{"enclaveIdentity":{{"id":"TD_QE"}},"signature":"{}"}}"#, "cd".repeat(64));
    let parts = ["-----BEGIN\nA", "3081", "3082", "B", &tcb_info, "C", &identity];
    let mut expected = vec![0x81, 0, 0, 0];
    for part in parts {
        expected.extend(u32::try_from(part.len() + 1).unwrap().to_le_bytes());
    }
    for part in parts {
        expected.extend(part.as_bytes());
        expected.push(0);
    }
    assert_eq!(packed, expected);
    let chain = json_of(|value| value["pck_certificate_chain"] = json!("D"));
    assert_eq!(collateral::packed(&chain).unwrap(), expected);
}

#[test]
fn broken_collateral_is_refused() {
    let cases = [
        (json_of(|value| value["more"] = json!(1)), "the JSON"),
        (json_of(|value| value["tcb_info"] = Value::Null), "the JSON"),
        ("{}".to_owned(), "the JSON"),
        (json_of(|value| value["root_ca_crl"] = json!("3")), "root CRL"),
        (json_of(|value| value["pck_crl"] = json!("zz")), "PCK CRL"),
        (json_of(|value| value["tcb_info_signature"] = json!("ab")), "TCB info"),
        (json_of(|value| value["qe_identity_signature"] = json!("zz".repeat(64))), "QE identity"),
        (
            json_of(|value| value["tcb_info_issuer_chain"] = json!("")),
            "a part is empty or holds a NUL",
        ),
        (json_of(|value| value["tcb_info"] = json!("a\0b")), "a part is empty or holds a NUL"),
    ];
    for (json, why) in cases {
        assert_eq!(collateral::packed(&json), Err(ShellError::Collateral(why)), "{json}");
    }
}

fn message(report: &str, collateral: &str) -> WorkersMsg {
    let registration = Room::new().registration("ann", report, collateral);
    WorkersMsg::RegisterWorker(Box::new(registration))
}

/// Where the chain can verify, a quote that does not verify is refused, and never only stored.
#[test]
fn a_refused_quote_is_never_stored() {
    let (good, json) = (v4(&body()), json_of(|_| ()));
    let asked = |quote: &[u8], packed: &[u8]| {
        assert_eq!(quote, good);
        assert_eq!(packed, collateral::packed(&json).unwrap());
        true
    };
    let td = quote::read(&good).unwrap();
    let attested = Ok(Verdict::Attested { measurement: td.image, report_data: td.report_data });
    let upper = format!(" {}\n", hex(&good).to_uppercase());
    for report in [hex(&good), upper] {
        assert_eq!(verified(&message(&report, &json), &asked), attested);
        let no = |_: &[u8], _: &[u8]| false;
        assert_eq!(verified(&message(&report, &json), &no), Err(ShellError::Refused));
    }
    let never = |_: &[u8], _: &[u8]| -> bool { panic!("there is nothing to verify") };
    let half = ShellError::Quote("it is too short");
    assert_eq!(verified(&message("04", &json), &never), Err(half));
    let empty = ShellError::Collateral("the JSON");
    assert_eq!(verified(&message(&hex(&good), "{}"), &never), Err(empty));
    let debug = ShellError::Guest("debug mode");
    assert_eq!(verified(&message(&hex(&with(120, 1)), &json), &never), Err(debug));
    // No hex: of a kind that the chain cannot verify. Its terms refuse that.
    for other in ["c25w", "040", "0x04"] {
        assert_eq!(verified(&message(other, &json), &never), Ok(Verdict::Stored), "{other}");
    }
    assert_eq!(verified(&WorkersMsg::AcceptAdmin {}, &never), Ok(Verdict::Stored));
}

const GOLDEN: &str = "98c3951824cd337a21a255a59b5b10c7aad5886275568775230106cedd3521ee";
