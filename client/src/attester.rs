//! Where a reader's evidence comes from.
//!
//! Layer: client; leaf.
//! Holds: the seam for LLM workers, and a program that asks the machine in their stead.
//! Never: a judgement of the evidence: the worker judges.
//! Invariant: a program is told what to bind, and nothing else.

use crate::error::ClientError;
use crate::program::{self, Bounds};
use prag_trust::evidence::{Evidence, ReaderBinding};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Gives evidence of the TEE that this process runs in.
pub trait Attester: Send + Sync {
    /// Evidence over `binding`: its `report_data()`, or with a GPU beside it its `report_data_with_gpu()`. Blocks.
    ///
    /// The signature for a GPU may be left at zeros: the client signs with its session key.
    ///
    /// # Errors
    /// [`ClientError::Attester`].
    fn evidence(&self, binding: &ReaderBinding) -> Result<Evidence, ClientError>;
}

/// A program that prints evidence as JSON: `{"kind": "tdx", "quote": …, "collateral": …}` or `{"kind": "snp",
/// "report": …, "vcek": …}`, values in base64; with a GPU also `"gpu": {"report": …, "chain": …}`.
///
/// It runs without arguments, and with `PATH`, `LD_LIBRARY_PATH` and these as its whole environment:
/// `PRAG_REPORT_DATA`, for a machine with a GPU `PRAG_REPORT_DATA_GPU` in its place and `PRAG_GPU_NONCE` for the GPU;
/// all in hex.
pub struct EvidenceCommand {
    /// The program.
    pub program: PathBuf,
    /// Longest run; usually [`TIMEOUT`].
    pub timeout: Duration,
}

impl Attester for EvidenceCommand {
    fn evidence(&self, binding: &ReaderBinding) -> Result<Evidence, ClientError> {
        let mut command = Command::new(&self.program);
        command
            .env("PRAG_REPORT_DATA", hex::encode(binding.report_data()))
            .env("PRAG_REPORT_DATA_GPU", hex::encode(binding.report_data_with_gpu()))
            .env("PRAG_GPU_NONCE", hex::encode(binding.gpu_nonce()));
        let bounds = Bounds { time: self.timeout, bytes: ANSWER_BYTES_MAX };
        let answer = program::answer(command, bounds);
        parse(&answer.map_err(|error| ClientError::Attester(error.why()))?)
    }
}

fn parse(answer: &[u8]) -> Result<Evidence, ClientError> {
    let malformed = ClientError::Attester("did not print evidence");
    let Ok(mut value) = serde_json::from_slice::<Value>(answer) else {
        return Err(malformed);
    };
    if let Some(gpu) = value.get_mut("gpu").and_then(Value::as_object_mut) {
        gpu.entry("signature").or_insert_with(|| Value::from("0".repeat(128)));
    }
    serde_json::from_value(value).map_err(|_| malformed)
}

/// How long a program may take: a GPU's report takes seconds.
pub const TIMEOUT: Duration = Duration::from_secs(60);
/// What a program may print: quote, collateral, GPU report and chain in base64, and JSON around them.
const ANSWER_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const BINDING: ReaderBinding = ReaderBinding {
        session_key: [1; 32],
        sealing_key: [2; 32],
        nonce: [3; 32],
        worker: [4; 32],
    };

    /// The answer of a shell script. Another process writes it: a child of ours could still hold it open for writing when
    /// it is to run.
    fn answer(script: &str, timeout: Duration) -> Result<Evidence, ClientError> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("evidence");
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 700 "$1""#;
        let written =
            Command::new("sh").args(["-c", write, "sh"]).arg(&program).arg(script).status();
        assert!(written.unwrap().success());
        EvidenceCommand { program, timeout }.evidence(&BINDING)
    }

    fn refused(script: &str) -> &'static str {
        match answer(script, Duration::from_secs(20)) {
            Err(ClientError::Attester(why)) => why,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("evidence"),
        }
    }

    /// The program is told what to bind and nothing else, and its JSON becomes evidence.
    #[test]
    fn programs_give_evidence() {
        let script = r#"test -z "$HOME" || exit 1
            test ${#PRAG_REPORT_DATA} = 128 && test ${#PRAG_GPU_NONCE} = 64 || exit 1
            test "$PRAG_REPORT_DATA_GPU" = "$(echo $PRAG_REPORT_DATA | cut -c1-64)$PRAG_GPU_NONCE" || exit 1
            echo '{"kind":"snp","report":"AA==","vcek":"AQ==","gpu":{"report":"Ag==","chain":"Aw=="}}'"#;
        let evidence = answer(script, Duration::from_secs(20)).unwrap();
        let gpu = evidence.gpu().unwrap();
        assert_eq!((evidence.kind(), &gpu.chain[..], gpu.signature), ("snp", &[3][..], [0; 64]));
    }

    /// What hangs, fails, floods or prints something else gives no evidence, each by its name.
    #[test]
    fn bad_programs_are_named() {
        assert_eq!(refused("exit 3"), "ended with an error");
        assert_eq!(refused("echo '{}'"), "did not print evidence");
        assert_eq!(refused("head -c 1200000 /dev/zero"), "printed too much");
        let hangs = answer("exec sleep 60", Duration::from_millis(200));
        assert!(matches!(hangs, Err(ClientError::Attester("did not answer within its time"))));
        let program = PathBuf::from("/nonexistent/evidence");
        let absent = EvidenceCommand { program, timeout: TIMEOUT }.evidence(&BINDING);
        assert!(matches!(absent, Err(ClientError::Attester("does not start"))));
    }
}
