//! One run of a program that was configured: asked, waited for, and killed if it does not end.
//!
//! Layer: client, a leaf; the worker asks its GPU through it too.
//! Holds: the time limit and the bound on the answer.
//! Never: a shell, this process's environment, a judgement of the answer.
//! Invariant: within the time limit there is an answer of bounded size, or the program was killed.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Longest run.
    pub time: Duration,
    /// What it may print, bytes.
    pub bytes: usize,
}

/// Why a program gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.why())]
pub enum ProgramError {
    /// No such program, or not for this user.
    Start,
    /// The time went by before its output ended.
    Silent,
    /// Its output failed.
    Read,
    /// Above [`Bounds::bytes`].
    Size,
    /// It exited with another status than 0.
    Failed,
    /// It answered and ran on.
    Endless,
}

impl ProgramError {
    /// Reads on after the program's name.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Start => "does not start",
            Self::Silent => "did not answer within its time",
            Self::Read => "cannot be read",
            Self::Size => "printed too much",
            Self::Failed => "ended with an error",
            Self::Endless => "did not end within its time",
        }
    }
}

/// What `command` prints. Blocks, `bounds.time` at most.
///
/// Of this process's environment it gets `PATH` and `LD_LIBRARY_PATH`; the caller may have added its own. What it writes
/// to the standard error goes to this process's. At the time limit it is killed, though not what it has started itself.
///
/// # Errors
/// [`ProgramError`].
pub fn answer(mut command: Command, bounds: Bounds) -> Result<Vec<u8>, ProgramError> {
    let own: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command.env_clear().envs(own);
    for name in ["PATH", "LD_LIBRARY_PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let deadline = Instant::now() + bounds.time;
    let mut child = Running(command.spawn().map_err(|_| ProgramError::Start)?);
    let output = child.0.stdout.take().ok_or(ProgramError::Read)?;
    let (send, receive) = mpsc::channel();
    // Not joined: what the program has started may hold its output open after its end. Nobody waits for the answer any
    // more after the time limit.
    thread::spawn(move || send.send(read(output, bounds.bytes)));
    let answer = receive.recv_timeout(bounds.time).map_err(|_| ProgramError::Silent)?;
    let answer = answer.map_err(|_| ProgramError::Read)?;
    if answer.len() > bounds.bytes {
        return Err(ProgramError::Size);
    }
    match child.wait(deadline) {
        Some(status) if status.success() => Ok(answer),
        Some(_) => Err(ProgramError::Failed),
        None => Err(ProgramError::Endless),
    }
}

/// At most one byte more than `max`.
fn read(output: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    output.take(limit).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Killed when it goes, and always waited for.
struct Running(Child);

impl Running {
    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both do nothing if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const POLL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), bytes: 100 };

    fn shell(script: &str, bounds: Bounds) -> Result<Vec<u8>, ProgramError> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("OURS", "1");
        answer(command, bounds)
    }

    /// What this process was started with stays here; what the caller set goes along.
    #[test]
    fn the_environment_is_the_programs_own() {
        assert!(std::env::vars_os().count() > 2, "nothing to leave out");
        let bounds = Bounds { bytes: 1000, ..BOUNDS };
        let names = shell("env | cut -d= -f1", bounds).unwrap();
        let names = String::from_utf8(names).unwrap();
        // The last three are the shell's.
        let known = ["PATH", "LD_LIBRARY_PATH", "OURS", "PWD", "SHLVL", "_"];
        assert!(names.lines().all(|name| known.contains(&name)), "{names}");
        assert!(names.lines().any(|name| name == "OURS"));
    }

    /// The bound holds to the byte.
    #[test]
    fn answers_are_bounded() {
        assert_eq!(shell("printf %100s", BOUNDS).unwrap(), [b' '; 100]);
        assert_eq!(shell("printf %101s", BOUNDS), Err(ProgramError::Size));
        assert_eq!(shell("cat /dev/zero", BOUNDS), Err(ProgramError::Size));
    }

    /// A program that is not there, one that fails, one that says nothing, and one that says all and does not end.
    #[test]
    fn errors_are_told_apart() {
        let missing = Command::new("/nonexistent/program");
        assert_eq!(answer(missing, BOUNDS), Err(ProgramError::Start));
        assert_eq!(shell("echo x; exit 3", BOUNDS), Err(ProgramError::Failed));
        let short = Bounds { time: Duration::from_millis(200), ..BOUNDS };
        assert_eq!(shell("exec tail -f /dev/null", short), Err(ProgramError::Silent));
        let script = "echo x; exec tail -f /dev/null >&2";
        assert_eq!(shell(script, short), Err(ProgramError::Endless));
        // What it has started keeps its output open; nobody waits for that.
        assert_eq!(shell("sleep 1 & echo x", short), Err(ProgramError::Silent));
    }
}
