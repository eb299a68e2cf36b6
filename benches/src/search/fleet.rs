//! The engines that take part, each in its process, each with its index of one data set.
//!
//! Layer: benches, search.
//! Holds: which rivals there are, how they are started, and where their built indexes are kept.
//! Never: an index of ours from another run: it is built anew, for the code may have changed.
//! Invariant: ours comes first; a rival that cannot take part is named with its reason.

use super::engine::{Answers, Block, Engine, Load, Loaded, Open, Opened};
use crate::error::{BenchError, Step};
use crate::measure::Screen;
use crate::options::Options;
use crate::report::Sheet;
use crate::vectors::set::{Set, cache};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the engines come from.
pub(super) struct Yard {
    program: PathBuf,
    rivals: PathBuf,
    scripts: PathBuf,
    kept: Option<PathBuf>,
    pub(super) scratch: tempfile::TempDir,
    pub(super) threads: usize,
}

/// An engine with its index.
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) opened: Opened,
    engine: RefCell<Engine>,
}

/// Ours.
pub(super) const OURS: &str = "ours";
/// Ours where an owner chose 8 bits a component.
pub(super) const OURS_I8: &str = "ours-i8";
/// Every rival, as `rivals/engines.py` calls it.
pub(super) const RIVALS: [&str; 8] = [
    "hnswlib",
    "faiss",
    "faiss-flat",
    "usearch-f32",
    "usearch-f16",
    "usearch-i8",
    "qdrant",
    "qdrant-int8",
];

impl Yard {
    pub(super) fn new(options: &Options) -> Result<Self, BenchError> {
        let program = options.program.clone().map_or_else(std::env::current_exe, Ok);
        let rivals = options.rivals.clone().map_or_else(|| Ok(cache()?.join("rivals")), Ok)?;
        let kept = if options.quick { None } else { Some(data(options)?.join("index")) };
        Ok(Self {
            program: program.step("this program")?,
            rivals,
            scripts: Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals"),
            kept,
            scratch: tempfile::tempdir_in(options.disk()).step("a folder for indexes")?,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        })
    }

    /// Whether the rivals are installed.
    pub(super) fn has_rivals(&self) -> bool {
        self.python().exists()
    }

    fn python(&self) -> PathBuf {
        self.rivals.join("bin/python")
    }

    /// A script of the rivals'.
    pub(super) fn script(&self, name: &str, argument: &str) -> Command {
        let mut command = Command::new(self.python());
        command.arg(self.scripts.join(name)).arg(argument);
        command
    }

    fn start(&self, name: &str) -> Result<Engine, BenchError> {
        if is_ours(name) {
            return Engine::start(name, Command::new(&self.program).arg("--engine"));
        }
        Engine::start(name, &mut self.script("serve.py", name))
    }

    /// Starts those `names` that can, ours first, each with its index of `set`. `keep`: take built indexes of rivals
    /// from the cache, and put them there.
    pub(super) fn fleet(
        &self,
        names: &[&str],
        set: &Set,
        keep: bool,
        screen: &Screen,
        sheet: &mut Sheet,
    ) -> Result<Vec<Contender>, BenchError> {
        let mut fleet = Vec::new();
        for name in [OURS].iter().chain(names) {
            screen.now(&format!("{}: building or loading {name}", set.name));
            match self.contender(name, set, keep) {
                Ok(contender) => fleet.push(contender),
                Err(error) if is_ours(name) => return Err(error),
                Err(error) => {
                    sheet.skip(&format!("search/{}/{name}", set.name), &error.to_string())
                }
            }
        }
        Ok(fleet)
    }

    /// A rival's server, filled with `set`.
    pub(super) fn server(&self, name: &str, set: &Set) -> Result<Contender, BenchError> {
        let open = Open {
            base: set.base.clone(),
            query: set.query.clone(),
            rows: set.rows,
            threads: self.threads,
            cache: None,
            codes_alone: false,
        };
        let mut engine = Engine::start(name, &mut self.script("servers.py", name))?;
        let opened = engine.open(&open)?;
        Ok(Contender { name: name.to_owned(), opened, engine: RefCell::new(engine) })
    }

    fn contender(&self, name: &str, set: &Set, keep: bool) -> Result<Contender, BenchError> {
        let place = format!("{}-{}-{name}", set.name, set.rows);
        let ours = keep.then(|| self.scratch.path().join(&place));
        let kept = self.kept.as_ref().filter(|_| keep).map(|kept| kept.join(&place));
        let open = Open {
            base: set.base.clone(),
            query: set.query.clone(),
            rows: set.rows,
            threads: self.threads,
            cache: if is_ours(name) { ours } else { kept },
            codes_alone: name == OURS_I8,
        };
        let mut engine = self.start(name)?;
        let mut opened = engine.open(&open)?;
        if open.cache.is_some() && (opened.fresh || is_ours(name)) {
            // Memory is that of a process that opens the index, not of the one that built it.
            engine = self.start(name)?;
            opened = Opened { fresh: true, ..engine.open(&open)? };
        }
        Ok(Contender { name: name.to_owned(), opened, engine: RefCell::new(engine) })
    }
}

impl Contender {
    pub(super) fn search(&self, block: Block) -> Result<Option<Answers>, BenchError> {
        self.engine.borrow_mut().search(block)
    }

    pub(super) fn load(&self, load: Load) -> Result<Loaded, BenchError> {
        self.engine.borrow_mut().load(load)
    }

    /// Name and version.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.name, self.opened.version)
    }
}

fn is_ours(name: &str) -> bool {
    [OURS, OURS_I8].contains(&name)
}

/// The folder of data sets.
pub(super) fn data(options: &Options) -> Result<PathBuf, BenchError> {
    options.data.clone().map_or_else(|| Ok(cache()?.join("data")), Ok)
}
