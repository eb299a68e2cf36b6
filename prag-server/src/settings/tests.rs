#![allow(clippy::unwrap_used)]

use super::*;
use prag_trust::quote::tdx::TcbStatus;

/// `[tls]` has three modes, each with its own keys and no others.
#[test]
fn tls_modes_are_closed() {
    let tls = |text: &str| Settings::parse(&format!("[tls]\n{text}")).map(|it| it.tls);
    assert_eq!(tls("mode = 'born'"), Ok(Some(Tls::Born {})));
    let folder = PathBuf::from("/mnt/secure/cert");
    assert_eq!(tls("mode = 'secretvm'"), Ok(Some(Tls::Secretvm { folder })));
    assert!(tls("mode = 'files'\ncertificate = 'a'\nkey = 'b'").is_ok());
    for bad in [
        "",
        "mode = 'none'",
        "mode = 'born'\nkey = 'b'",
        "mode = 'files'\ncertificate = 'a'",
        "mode = 'secretvm'\ncertificate = 'a'",
    ] {
        assert!(tls(bad).is_err(), "{bad}");
    }
}

/// With TLS the worker listens anywhere; plain requests stay on loopback even then.
#[test]
fn tls_opens_other_addresses() {
    let listen = "0.0.0.0:7878".parse().unwrap();
    let open = Settings { listen, tls: Some(Tls::Born {}), ..Settings::default() };
    assert_eq!(open.check(), Ok(()));
    let plain = Settings { plain: true, dev: true, ..open };
    assert!(matches!(plain.check(), Err(SettingsError::Bounds("plain", _))));
    let local = Settings { listen: Settings::default().listen, ..plain };
    assert_eq!(local.check(), Ok(()));
}

/// Only loopback is served without TLS, and an unknown key is refused by name.
#[test]
fn refuses_exposure_and_unknown_keys() {
    assert_eq!(Settings::default().check(), Ok(()));
    let open = Settings { listen: "0.0.0.0:7878".parse().unwrap(), ..Settings::default() };
    assert!(matches!(open.check(), Err(SettingsError::Exposed(_))));
    let plain = Settings { plain: true, ..Settings::default() };
    assert_eq!(plain.check(), Err(SettingsError::Plain));
    let error = Settings::parse("lisen = '127.0.0.1:1'").unwrap_err().to_string();
    assert!(error.contains("lisen"), "{error}");
}

/// What readers must be is named rule by rule; what is left out stays strict, and a session ends within the hour.
#[test]
fn readers_are_named() {
    let text = "[readers]\ntdx_tcb = ['sw_hardening_needed']\nsession_s = 600\n\
        snp_minimum.genoa = { fmc = 0, bootloader = 10, tee = 0, snp = 23, microcode = 84 }";
    let readers = Settings::parse(text).unwrap().readers;
    assert_eq!((readers.tdx_tcb.len(), readers.session_s), (1, 600));
    assert!(readers.snp_minimum.genoa.is_some() && readers.snp_minimum.milan.is_none());
    for wrong in ["[readers]\nmeasurements = []", "[readers]\ntdx_tcb = ['sim']"] {
        assert!(Settings::parse(wrong).is_err(), "{wrong}");
    }
    for session_s in [0, READER_SECONDS_MAX + 1] {
        let readers = ReaderPolicy { session_s, ..ReaderPolicy::default() };
        assert!(Settings { readers, ..Settings::default() }.check().is_err());
    }
}

/// Kinds come in any order, once; `owner` ends the list, and peers are named only where they are asked.
#[test]
fn vaults_are_listed_once_and_end_with_the_owner() {
    let checked = |text: &str| Settings::parse(text).unwrap().check();
    for good in [
        "vault = ['local']",
        "vault = ['peer', 'owner']\n[[peer]]\nurl = 'https://10.0.0.2:7878'",
        "vault = ['chain', 'peer', 'local', 'owner']",
        "vault = ['peer']\n[peer_platform]\ntdx_tcb = ['sw_hardening_needed']",
    ] {
        assert_eq!(checked(good), Ok(()), "{good}");
    }
    for bad in [
        "vault = []",
        "vault = ['owner', 'local']",
        "vault = ['local', 'local']",
        "vault = ['local']\n[[peer]]\nurl = 'https://10.0.0.2:7878'",
        "vault = ['peer']\n[[peer]]\nurl = 'https://10.0.0.2:7878/path'",
    ] {
        assert!(matches!(checked(bad), Err(SettingsError::Bounds(..))), "{bad}");
    }
    assert!(Settings::parse("vault = ['cloud']").is_err());
}

/// A security-relevant edit changes the digest; a path does not.
#[test]
fn digest_covers_what_matters() {
    let files = [String::new(), String::new(), String::new()];
    let base = Settings::default();
    let digest = base.digest(&files);
    assert_eq!(Settings { data: "elsewhere".into(), ..base.clone() }.digest(&files), digest);
    assert_ne!(Settings { staleness_s: 61, ..base.clone() }.digest(&files), digest);
    assert_ne!(Settings { lease_check_s: 6, ..base.clone() }.digest(&files), digest);
    assert_ne!(Settings { vault: vec![VaultKind::Owner], ..base.clone() }.digest(&files), digest);
    assert_ne!(Settings { rate_per_s: 51, ..base.clone() }.digest(&files), digest);
    assert_ne!(Settings { rate_burst: 201, ..base.clone() }.digest(&files), digest);
    assert_ne!(Settings { dev: true, ..base.clone() }.digest(&files), digest);
    let oblivious_quantum_ms = 251;
    assert_ne!(Settings { oblivious_quantum_ms, ..base.clone() }.digest(&files), digest);
    assert_eq!(Settings { recall_probe: 0.1, ..base.clone() }.digest(&files), digest);
    let metering = |credit| Settings { metering: Some(Metering { credit }), ..base.clone() };
    assert_ne!(metering(1).digest(&files), digest);
    assert_ne!(metering(1).digest(&files), metering(2).digest(&files));
    let born = Settings { tls: Some(Tls::Born {}), ..base.clone() }.digest(&files);
    let files_of = |name: &str| {
        let tls = Tls::Files { certificate: name.into(), key: name.into() };
        Settings { tls: Some(tls), ..base.clone() }.digest(&files)
    };
    assert_ne!(born, digest);
    assert_ne!(files_of("a"), born);
    assert_eq!(files_of("a"), files_of("b"));
    let readers = ReaderPolicy { session_s: 60, ..ReaderPolicy::default() };
    assert_ne!(Settings { readers, ..base.clone() }.digest(&files), digest);
    let peer = Peer { url: "https://a".to_owned() };
    assert_eq!(Settings { peer: vec![peer], ..base.clone() }.digest(&files), digest);
    let mut softer = base.clone();
    softer.peer_platform.tdx_tcb.push(TcbStatus::OutOfDate);
    assert_ne!(softer.digest(&files), digest);
    let steward = "secret1q0s78ljcpw4kmz9dy3hfddhj3uz7skhpgj0mkh".parse().ok();
    assert!(steward.is_some());
    assert_ne!(Settings { steward, ..base }.digest(&files), digest);
}

/// Shares are from 0 to 1, quanta from a millisecond to a minute.
#[test]
fn probes_and_quanta_have_bounds() {
    for recall_probe in [-0.1, 1.1, f64::NAN] {
        let refused = Settings { recall_probe, ..Settings::default() }.check();
        assert!(matches!(refused, Err(SettingsError::Bounds("recall_probe", _))));
    }
    for oblivious_quantum_ms in [0, 60_001] {
        let refused = Settings { oblivious_quantum_ms, ..Settings::default() }.check();
        assert!(matches!(refused, Err(SettingsError::Bounds("oblivious_quantum_ms", _))));
    }
    let parsed = Settings::parse("recall_probe = 0.001\noblivious_quantum_ms = 40").unwrap();
    assert_eq!(parsed.check(), Ok(()));
}

/// A market's defaults, those of `--dev`, and a file that names little pass; a term that the contracts would refuse is
/// refused here, before a data directory is born, and whether there is a market is measured.
#[test]
fn markets_are_what_contracts_accept() {
    Settings { market: Some(Market::default()), ..Settings::default() }.check().unwrap();
    Settings { market: Some(Market::dev()), ..Settings::default() }.check().unwrap();
    let parsed =
        Settings::parse("[market]\nepoch_s = 864000\n[market.worker]\ncheck_s = 2\n").unwrap();
    parsed.check().unwrap();
    assert_eq!(parsed.market.clone().unwrap().worker.unwrap().check_s, 2);
    for text in [
        "[market]\nepoch_s = 3600",
        "[market]\nfee_bps = 5001",
        "[market]\ndenom = \"x\"",
        "[market]\nbond = 0",
        "[market]\nwindow_s = 59",
        "[market]\noperator = \"secret1nobody\"",
        "[market.worker]\ncheck_s = 0",
        "[market.worker]\nwallet = \"secret1nobody\"",
    ] {
        let refused = Settings::parse(text).unwrap().check();
        assert!(matches!(refused, Err(SettingsError::Market(_))), "{text}: {refused:?}");
    }
    assert!(Settings::parse("[market]\nprice = 1").is_err());
    let files = [String::new(), String::new(), String::new()];
    assert_ne!(parsed.digest(&files), Settings::default().digest(&files));
}
