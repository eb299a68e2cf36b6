//! What the kernel keeps and says of a running worker.

use crate::canary::{MARKERS, leaked};
use crate::worker::{User, Worker};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

/// Aborted, the worker leaves no core, whatever whoever started it allows: its limit is zero for good.
#[test]
fn no_core_is_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let worker = Worker::start(&data, &log);
    let limits = |pid: u32| {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        core.split_whitespace().skip(4).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limits(worker.pid()), ["0", "0"]);
    assert_ne!(limits(std::process::id())[1], "0", "the limit is not one that was inherited");
    assert!(!worker.abort().core_dumped());
    // A program that does not care leaves one, where the machine writes any.
    let script = "ulimit -c unlimited; exec sleep 60";
    let mut careless = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let comm = format!("/proc/{}/comm", careless.id());
    while fs::read_to_string(&comm).unwrap().trim() != "sleep" {
        std::thread::yield_now();
    }
    abort(careless.id());
    if !careless.wait().unwrap().core_dumped() {
        eprintln!("this machine dumps no cores at all");
    }
}

/// Command line, environment, maps, names of open files: no marker of what it was asked.
#[test]
fn proc_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let worker = Worker::start(&at("data"), &at("log"));
    let owner = User { home: at("owner"), address: worker.address };
    let corpus = at("corpus");
    fs::create_dir(&corpus).unwrap();
    fs::write(
        corpus.join(format!("{}.md", MARKERS[1])),
        format!("# {}\n\n{}\n", MARKERS[2], MARKERS[0]),
    )
    .unwrap();
    owner.ok(&["keys", "new"]);
    owner.ok(&["collection", "create", MARKERS[4]]);
    owner.ok(&["add", MARKERS[4], corpus.to_str().unwrap()]);
    assert!(owner.ok(&["query", MARKERS[4], MARKERS[3]]).contains(MARKERS[0]));
    let proc = format!("/proc/{}", worker.pid());
    let mut names: Vec<u8> = Vec::new();
    for open in fs::read_dir(format!("{proc}/fd")).unwrap().map(Result::unwrap) {
        let target = fs::read_link(open.path()).unwrap();
        names.extend([target.as_os_str().as_encoded_bytes(), b"\n"].concat());
    }
    assert!(names.len() > 100, "it has files open");
    assert_eq!(leaked(&names), None, "in the names of open files");
    for file in ["cmdline", "environ", "maps", "comm", "status", "stat", "io", "wchan"] {
        let bytes = fs::read(format!("{proc}/{file}")).unwrap();
        assert_eq!(leaked(&bytes), None, "in {file}");
    }
}

/// SIGABRT to a process that the test started.
pub(crate) fn abort(pid: u32) {
    let sent = Command::new("kill").args(["-ABRT", &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}
