#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const NONCE: [u8; 32] = [0xab; 32];

fn helper(command: &[&str]) -> Helper {
    Helper { command: command.iter().map(|&part| part.to_owned()).collect(), timeout: TIMEOUT }
}

fn shell(script: &str) -> Result<Report, PlatformError> {
    helper(&["sh", "-c", script]).report(&NONCE)
}

fn failed(program: &str, why: &'static str) -> PlatformError {
    PlatformError::Helper(program.into(), why)
}

#[test]
fn the_nonce_goes_in_and_the_answer_comes_out() {
    let hex = "ab".repeat(32);
    let script = r#"printf '{"report":"AAEC","chain":"%s","more":1}' "$PRAG_GPU_NONCE $1""#;
    let report = helper(&["sh", "-c", script, "sh", "--nonce={nonce}"]).report(&NONCE).unwrap();
    assert_eq!(report, Report { report: vec![0, 1, 2], chain: format!("{hex} --nonce={hex}") });
}

/// What the worker was started with stays with the worker.
#[test]
fn the_environment_is_the_helpers_own() {
    assert!(std::env::vars_os().count() > 2, "nothing to leave out");
    let script =
        r#"printf '{"report":"AAEC","chain":"%s"}' "$(env | cut -d= -f1 | sort | tr '\n' ' ')""#;
    let names = shell(script).unwrap().chain;
    // The last three are the shell's.
    let known = ["PATH", "LD_LIBRARY_PATH", "PRAG_GPU_NONCE", "PWD", "SHLVL", "_"];
    for name in names.split_whitespace() {
        assert!(known.contains(&name), "{name}");
    }
    assert!(names.contains("PRAG_GPU_NONCE"));
}

#[test]
fn malformed_answers_are_refused() {
    let malformed = PlatformError::Malformed("the GPU helper's answer");
    for answer in [
        "",
        "{}",
        r#"{"report":"AAEC"}"#,
        r#"{"report":"AAEC","chain":""}"#,
        r#"{"report":"","chain":"x"}"#,
        r#"{"report":"%%%","chain":"x"}"#,
        r#"{"report":"AAEC","chain":"x"} x"#,
        r#"{"report":"AAEC","chain":1}"#,
    ] {
        let found = helper(&["printf", "%s", answer]).report(&NONCE);
        assert_eq!(found, Err(malformed.clone()), "{answer}");
    }
    let none = PlatformError::Malformed("the GPU helper's command");
    assert_eq!(helper(&[]).report(&NONCE), Err(none));
}

#[test]
fn answers_are_bounded() {
    let max = ANSWER_BYTES_MAX;
    let endless = helper(&["cat", "/dev/zero"]).report(&NONCE);
    assert_eq!(endless, Err(PlatformError::Size { what: "the GPU helper's answer", max }));
    let head = r#"{"report":"AAEC","chain":"x"}"#;
    let padded = |spaces: usize| shell(&format!("printf '%s%{spaces}s' '{head}' ''"));
    assert!(padded(max - head.len()).is_ok());
    let size = PlatformError::Size { what: "the GPU helper's answer", max };
    assert_eq!(padded(max - head.len() + 1), Err(size));
}

#[test]
fn errors_of_the_helper_are_told_apart() {
    let missing = helper(&["/nonexistent/helper"]).report(&NONCE);
    assert_eq!(missing, Err(failed("/nonexistent/helper", "does not start")));
    let error = shell(r#"printf '{"report":"AAEC","chain":"x"}'; exit 3"#);
    assert_eq!(error, Err(failed("sh", "ended with an error")));
}

/// A helper that says nothing, and one that says all and does not end; both are killed.
#[test]
fn the_time_limit_holds() {
    let limited = |command: &[&str]| {
        let helper = Helper { timeout: Duration::from_millis(200), ..helper(command) };
        let start = Instant::now();
        let found = helper.report(&NONCE);
        assert!(start.elapsed() < TIMEOUT);
        found.unwrap_err()
    };
    let silent = limited(&["tail", "-f", "/dev/null"]);
    assert_eq!(silent, failed("tail", "did not answer within its time"));
    let script = r#"printf '{"report":"AAEC","chain":"x"}'; exec tail -f /dev/null >&2"#;
    assert_eq!(limited(&["sh", "-c", script]), failed("sh", "did not end within its time"));
    // What the helper has started keeps its output open; we do not wait for that.
    let held = limited(&["sh", "-c", "sleep 1 & echo x"]);
    assert_eq!(held, failed("sh", "did not answer within its time"));
}
