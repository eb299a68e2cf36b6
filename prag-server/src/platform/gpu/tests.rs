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

/// What became of the run is told, with the helper's name.
#[test]
fn errors_of_the_helper_are_told_apart() {
    let missing = helper(&["/nonexistent/helper"]).report(&NONCE);
    assert_eq!(missing, Err(failed("/nonexistent/helper", "does not start")));
    let error = shell(r#"printf '{"report":"AAEC","chain":"x"}'; exit 3"#);
    assert_eq!(error, Err(failed("sh", "ended with an error")));
    let endless = helper(&["cat", "/dev/zero"]).report(&NONCE);
    assert_eq!(endless, Err(failed("cat", "printed too much")));
    let silent = helper(&["tail", "-f", "/dev/null"]);
    let silent = Helper { timeout: Duration::from_millis(200), ..silent }.report(&NONCE);
    assert_eq!(silent, Err(failed("tail", "did not answer within its time")));
}
