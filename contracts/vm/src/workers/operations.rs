//! What is measured: messages and questions, each from the same state.
//!
//! Layer: vm, workers.
//! Holds: a state with as many workers as wanted, and one step per operation.
//! Never: an operation that is refused; a state that no history leads to.
//! Invariant: only the number of workers differs between two measurements; all are of one type and one service.

use super::evidence::image;
use super::scene::{SERVICE, at, confirmation, register, tell, url, window};
use super::{Act, Scene, Step};
use crate::{EngineError, Rows};
use prag_contracts_core::Verify;
use prag_contracts_core::workers::{self, Call};
use prag_contracts_permit::testing::account;
use prag_protocol::ledger::workers::{EvidencePart, Parties, WorkersMsg, WorkersQuery};

/// That many workers that stay, the first of them bob, who missed a window, and ann, who answers; cal leaves; dan waits
/// to be confirmed, where the chain cannot verify.
///
/// # Errors
/// [`EngineError`] if the core refuses a message.
pub fn stocked(scene: &Scene, count: u32) -> Result<Rows, EngineError> {
    let mut rows = scene.born()?;
    let approve = WorkersMsg::ApproveMeasurement { measurement: image() };
    run(&mut rows, &tell("", &scene.admin, at(0), approve))?;
    let mut all = vec![scene.bob.clone()];
    if count > 1 {
        all.push(scene.ann.clone());
    }
    for number in 2..count {
        all.push(account(scene.prefix, number).map_err(EngineError::new)?);
    }
    all.push(scene.cal.clone());
    for worker in all {
        run(&mut rows, &register("", scene, &worker, at(1)))?;
        let confirm = confirmation(&rows, &worker, &at(1))?;
        run(&mut rows, &tell("", &scene.judge, at(1), confirm))?;
    }
    run(&mut rows, &register("", scene, &scene.dan, at(1)))?;
    let (ip_address, env) = (url(&scene.cal), at(2));
    run(&mut rows, &tell("", &scene.cal, env, WorkersMsg::RemoveWorker { ip_address }))?;
    let admin = scene.cal.clone();
    run(&mut rows, &tell("", &scene.admin, env, WorkersMsg::SetAdmin { admin }))?;
    Ok(rows)
}

/// One step per operation.
///
/// # Errors
/// [`EngineError`] if the core refuses dan's registration.
pub fn operations(scene: &Scene) -> Result<Vec<Step>, EngineError> {
    let Scene { admin, rewards, treasury, bob, cal, dan, judge, stranger, .. } = scene;
    let env = at(3);
    let (ip_address, worker) = (url(bob), bob.clone());
    let parties =
        Parties { rewards: None, treasury: stranger.clone(), approver: Some(judge.clone()) };
    let mut steps = vec![
        register("register_worker, new", scene, stranger, env),
        register("register_worker, again", scene, bob, env),
    ];
    let told = [
        ("report_liveliness", bob, scene.answer(bob, &env)),
        (
            "report_missed",
            stranger,
            WorkersMsg::ReportMissed { worker: worker.clone(), window: window(&at(2)) },
        ),
        (
            "slash",
            rewards,
            WorkersMsg::Slash { worker, fraction: 1000, reason: "a false root".to_owned() },
        ),
        (
            "set_worker_wallet",
            bob,
            WorkersMsg::SetWorkerWallet {
                ip_address: ip_address.clone(),
                payment_wallet: treasury.clone(),
            },
        ),
        (
            "set_worker_address",
            bob,
            WorkersMsg::SetWorkerAddress {
                new_ip_address: "https://new.example".to_owned(),
                old_ip_address: ip_address.clone(),
            },
        ),
        (
            "set_worker_type",
            bob,
            WorkersMsg::SetWorkerType {
                ip_address: ip_address.clone(),
                worker_type: "large".to_owned(),
            },
        ),
        ("remove_worker", bob, WorkersMsg::RemoveWorker { ip_address }),
        ("withdraw_stake", cal, WorkersMsg::WithdrawStake {}),
        ("approve_worker", judge, scene.confirmation(dan, &at(1))?),
        ("retire_worker", judge, WorkersMsg::RetireWorker { worker: bob.clone() }),
        ("approve_measurement", admin, WorkersMsg::ApproveMeasurement { measurement: [3; 32] }),
        ("retire_measurement", admin, WorkersMsg::RetireMeasurement { measurement: image() }),
        ("set_parties", admin, WorkersMsg::SetParties { parties }),
        ("set_admin", admin, WorkersMsg::SetAdmin { admin: stranger.clone() }),
        ("accept_admin", cal, WorkersMsg::AcceptAdmin {}),
    ];
    steps.extend(told.map(|(name, by, message)| tell(name, by, env, message)));
    steps.extend(questions(scene));
    Ok(steps)
}

fn questions(scene: &Scene) -> impl Iterator<Item = Step> {
    let worker = scene.bob.clone();
    let (signature, subscriber_public_key) = (None, None);
    let (offset, limit) = (0, 100);
    let asked = [
        ("query worker", WorkersQuery::Worker { worker: worker.clone() }),
        (
            "query reporter",
            WorkersQuery::Reporter { worker: worker.clone(), from: 0, until: at(2).time },
        ),
        (
            "query get_liveliness_challenge",
            WorkersQuery::GetLivelinessChallenge { worker: worker.clone() },
        ),
        (
            "query get_next_worker",
            WorkersQuery::GetNextWorker {
                signature: None,
                subscriber_public_key: "collection".to_owned(),
                service: SERVICE.to_owned(),
            },
        ),
        (
            "query get_u_r_ls, up to 100",
            WorkersQuery::GetUrls { signature, subscriber_public_key, model: None, offset, limit },
        ),
        ("query evidence", WorkersQuery::Evidence { worker: worker.clone() }),
        (
            "query evidence_chunk",
            WorkersQuery::EvidenceChunk { worker, part: EvidencePart::Report, chunk: 0 },
        ),
    ];
    // Of the window after that of the registrations: they are live.
    let by = scene.stranger.clone();
    asked.into_iter().map(move |(name, query)| Step {
        name,
        by: by.clone(),
        act: Act::Ask(query),
        env: at(2),
    })
}

fn run(rows: &mut Rows, step: &Step) -> Result<(), EngineError> {
    let Act::Tell { message, funds, verdict, .. } = &step.act else {
        return Ok(());
    };
    let verdict = verdict.map_err(EngineError::new)?;
    let call = Call { sender: &step.by, funds, verdict, verify: &Known };
    let told = workers::execute(rows, &step.env, &call, (**message).clone());
    told.map(|_| ()).map_err(EngineError::new)
}

/// Signatures that have just been made need no check.
struct Known;

impl Verify for Known {
    fn ed25519(&self, _: &[u8], _: &[u8; 64], _: &[u8; 32]) -> bool {
        true
    }
}
