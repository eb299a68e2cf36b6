#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use prag_trust::entropy::EntropyError;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};

/// Names from a counter.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0 = self.0.checked_add(1).ok_or(EntropyError)?;
        out.fill(self.0);
        Ok(())
    }
}

/// A kernel of plain files: makes them with their folder, answers a write, and removes them again.
struct Fake {
    root: PathBuf,
    provider: &'static [u8],
    /// The report is this and `inblob`.
    prefix: Vec<u8>,
    auxblob: Option<Vec<u8>>,
    /// Other writes beside ours, in each question in its turn.
    intruders: RefCell<Vec<u64>>,
    /// Takes the bytes and does nothing, as configfs may.
    deaf: bool,
    made: Cell<u64>,
}

impl Fake {
    fn new(provider: &'static [u8]) -> Self {
        static TREES: AtomicU32 = AtomicU32::new(0);
        let tree = TREES.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("prag-tsm-{}-{tree}", std::process::id()));
        fs::create_dir_all(root.join("report")).unwrap();
        Self {
            root,
            provider,
            prefix: b"report ".to_vec(),
            auxblob: None,
            intruders: RefCell::default(),
            deaf: false,
            made: Cell::new(0),
        }
    }

    fn ask(&self) -> Result<Report, PlatformError> {
        let found = report(self, &self.root, &INBLOB, &mut Counter(0));
        assert_eq!(fs::read_dir(self.root.join("report")).unwrap().count(), 0, "a folder stays");
        found
    }
}

impl Files for Fake {
    fn create(&self, folder: &Path) -> io::Result<()> {
        Kernel.create(folder)?;
        self.made.set(self.made.get() + 1);
        fs::write(folder.join("generation"), b"0\n")?;
        fs::write(folder.join("provider"), self.provider)?;
        fs::write(folder.join("inblob"), b"")?;
        fs::write(folder.join("outblob"), b"")
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        Kernel.write(file, bytes)?;
        if self.deaf {
            return Ok(());
        }
        let folder = file.parent().unwrap();
        let others = self.intruders.borrow_mut().pop().unwrap_or_default();
        fs::write(folder.join("generation"), format!("{}\n", 1 + others))?;
        fs::write(folder.join("outblob"), [&self.prefix[..], &fs::read(file)?].concat())?;
        self.auxblob.as_ref().map_or(Ok(()), |aux| fs::write(folder.join("auxblob"), aux))
    }

    /// In configfs, a folder's own files do not keep it from being removed.
    fn remove(&self, folder: &Path) -> io::Result<()> {
        for file in fs::read_dir(folder)? {
            fs::remove_file(file?.path())?;
        }
        Kernel.remove(folder)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

const INBLOB: [u8; 64] = [7; 64];

#[test]
fn a_tdx_guest_gives_its_quote() {
    let fake = Fake::new(b"tdx_guest\n");
    let report = fake.ask().unwrap();
    assert_eq!(report.provider, Provider::Tdx);
    assert_eq!(report.outblob, [&b"report "[..], &INBLOB].concat());
    assert_eq!(report.auxblob, None);
}

#[test]
fn an_snp_guest_gives_its_report_and_certificates() {
    let mut fake = Fake::new(b"sev_guest\n");
    fake.auxblob = Some(vec![1; BLOB_BYTES_MAX]);
    let report = fake.ask().unwrap();
    assert_eq!(report.provider, Provider::Snp);
    assert_eq!(report.auxblob, fake.auxblob);
    fake.auxblob = Some(Vec::new());
    assert_eq!(fake.ask().unwrap().auxblob, None);
}

#[test]
fn other_providers_are_refused() {
    for (provider, shown) in [
        (&b"arm_cca_guest\n"[..], "arm_cca_guest"),
        (b"", ""),
        (b"tdx_guest\nsev_guest\n", "tdx_guest\\nsev_guest"),
    ] {
        let refused = Fake::new(provider).ask().unwrap_err();
        assert_eq!(refused, PlatformError::Provider(shown.into()));
    }
    let refused = Fake::new(b"\xff").ask().unwrap_err();
    assert_eq!(refused, PlatformError::Malformed("provider"));
    let refused = Fake::new(&[b'x'; 65]).ask().unwrap_err();
    assert_eq!(refused, PlatformError::Size { what: "provider", max: 64 });
}

#[test]
fn a_race_is_run_again_and_not_for_ever() {
    let fake = Fake::new(b"tdx_guest\n");
    fake.intruders.replace(vec![0, 3, 1]);
    assert!(fake.ask().is_ok());
    assert_eq!(fake.made.get(), 3);

    fake.intruders.replace(vec![0, 1, 1, 1]);
    assert_eq!(fake.ask().unwrap_err(), PlatformError::Race(fake.root.join("report")));
    assert_eq!(fake.made.get(), 6);
}

/// A write that the kernel dropped gives no evidence, whatever lies in `outblob`.
#[test]
fn a_write_that_was_not_taken_gives_nothing() {
    let mut fake = Fake::new(b"tdx_guest\n");
    fake.deaf = true;
    assert_eq!(fake.ask().unwrap_err(), PlatformError::Race(fake.root.join("report")));
}

#[test]
fn what_comes_back_is_bounded() {
    let mut fake = Fake::new(b"sev_guest\n");
    fake.prefix = vec![1; BLOB_BYTES_MAX - 64];
    assert_eq!(fake.ask().unwrap().outblob.len(), BLOB_BYTES_MAX);
    fake.prefix.push(1);
    let max = BLOB_BYTES_MAX;
    assert_eq!(fake.ask().unwrap_err(), PlatformError::Size { what: "outblob", max });
    fake.prefix.clear();
    fake.auxblob = Some(vec![1; max + 1]);
    assert_eq!(fake.ask().unwrap_err(), PlatformError::Size { what: "auxblob", max });
}

/// On a machine without a TEE the message says what to do; with the real files, too.
#[test]
fn without_configfs_the_error_says_what_to_do() {
    let fake = Fake::new(b"tdx_guest\n");
    let nowhere = fake.root.join("nowhere");
    let refused = report(&Kernel, &nowhere, &INBLOB, &mut Counter(0)).unwrap_err();
    assert_eq!(refused, PlatformError::Absent(nowhere.join("report")));
    for part in ["6.7", "modprobe tdx_guest", "modprobe sev-guest", "mount -t configfs"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    // A plain folder is not configfs: no file comes with it, and ours goes again.
    let refused = report(&Kernel, &fake.root, &INBLOB, &mut Counter(0)).unwrap_err();
    assert_eq!(refused, PlatformError::Io("generation", ErrorKind::NotFound));
    assert_eq!(fs::read_dir(fake.root.join("report")).unwrap().count(), 0);
}

/// What `mkdir` says is told apart: no driver, no access, anything else.
#[test]
fn refusals_of_the_kernel_are_told_apart() {
    struct Refusing(i32);
    impl Files for Refusing {
        fn create(&self, _: &Path) -> io::Result<()> {
            Err(io::Error::from_raw_os_error(self.0))
        }
        fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
            panic!("nothing to write to")
        }
        fn remove(&self, _: &Path) -> io::Result<()> {
            panic!("nothing to remove")
        }
    }
    let root = Path::new("/root");
    let refused = |code| report(&Refusing(code), root, &INBLOB, &mut Counter(0));
    let parent = root.join("report");
    assert_eq!(refused(6), Err(PlatformError::NoDriver(parent.clone())));
    assert_eq!(refused(13), Err(PlatformError::Denied(parent)));
    let full = PlatformError::Io("a folder for the report", ErrorKind::StorageFull);
    assert_eq!(refused(28), Err(full));
}

#[test]
fn without_entropy_there_is_no_folder() {
    let fake = Fake::new(b"tdx_guest\n");
    let found = report(&fake, &fake.root, &INBLOB, &mut Counter(u8::MAX));
    assert_eq!(found, Err(PlatformError::Entropy));
    assert_eq!(fake.made.get(), 0);
}
