//! The story: approve, register, confirm, answer, miss, slash, change hands, leave, withdraw, refuse, ask.
//!
//! Layer: vm, workers.
//! Holds: the steps in their order.
//! Never: two steps that only succeed.
//! Invariant: a chain that verifies quotes has the same story as one that does not, and more refusals.

use super::evidence::image;
use super::scene::{SERVICE, at, register, tell, url, window};
use super::{Act, Scene, Step};
use crate::EngineError;
use prag_contracts_core::workers::Verdict;
use prag_protocol::Address;
use prag_protocol::ledger::workers::{EvidencePart, Parties, WorkersMsg, WorkersQuery};

/// Every step.
///
/// # Errors
/// [`EngineError`] if the core refuses what it is told before the story begins.
pub fn story(scene: &Scene) -> Result<Vec<Step>, EngineError> {
    let mut steps = Vec::new();
    measurements(&mut steps, scene);
    registrations(&mut steps, scene);
    confirmations(&mut steps, scene)?;
    questions(&mut steps, scene, 1);
    liveness(&mut steps, scene);
    administration(&mut steps, scene);
    leaving(&mut steps, scene);
    questions(&mut steps, scene, 8);
    Ok(steps)
}

fn measurements(steps: &mut Vec<Step>, scene: &Scene) {
    let approve = WorkersMsg::ApproveMeasurement { measurement: image() };
    steps.push(tell("approved by a stranger", &scene.stranger, at(0), approve.clone()));
    steps.push(tell("approve", &scene.admin, at(0), approve.clone()));
    steps.push(tell("approve again", &scene.admin, at(0), approve));
    if scene.verifies {
        steps.push(register("before the timelock", scene, &scene.ann, at(0)));
    }
}

fn registrations(steps: &mut Vec<Step>, scene: &Scene) {
    let Scene { ann, bob, .. } = scene;
    let env = at(1);
    let poor = scene.registration(ann, &env, |registration| registration.capacity = 3);
    steps.push(Step { name: "too little stake", by: ann.clone(), act: poor, env });
    let late = scene.registration(ann, &at(0), |_| {});
    steps.push(Step { name: "of the last window", by: ann.clone(), act: late, env });
    if scene.verifies {
        let mut forged = scene.registration(ann, &env, |_| {});
        if let Act::Tell { verdict, quote, message, .. } = &mut forged {
            (*verdict, *quote) = (Err("the chain refuses the quote"), None);
            if let WorkersMsg::RegisterWorker(registration) = &mut **message {
                registration.attestation_report.replace_range(9990.., "0000000000");
            }
        }
        steps.push(Step { name: "a forged quote", by: ann.clone(), act: forged, env });
        let mut other = scene.registration(ann, &env, |registration| {
            registration.attestation_report = "c25w".to_owned();
        });
        if let Act::Tell { verdict, .. } = &mut other {
            *verdict = Ok(Verdict::Stored);
        }
        steps.push(Step { name: "another kind of report", by: ann.clone(), act: other, env });
        let unbound = scene.registration(ann, &env, |registration| {
            registration.binding.config_digest = [9; 32];
        });
        steps.push(Step { name: "other claims", by: ann.clone(), act: unbound, env });
    }
    steps.push(register("register", scene, ann, env));
    steps.push(register("register another", scene, bob, env));
    steps.push(register("register anew", scene, ann, env));
    let mut odd = register("stake in other coins", scene, bob, env);
    if let Act::Tell { funds, .. } = &mut odd.act {
        funds.iter_mut().for_each(|coin| coin.denom = "uatom".to_owned());
    }
    steps.push(odd);
}

/// Where the chain has verified the evidence, a confirmation changes nothing.
fn confirmations(steps: &mut Vec<Step>, scene: &Scene) -> Result<(), EngineError> {
    let (Scene { ann, bob, judge, stranger, .. }, env) = (scene, at(1));
    let confirm = scene.confirmation(ann, &env)?;
    let other = WorkersMsg::ApproveWorker {
        worker: ann.clone(),
        evidence_hash: [0; 32],
        measurement: image(),
    };
    let mut unlisted = confirm.clone();
    if let WorkersMsg::ApproveWorker { measurement, .. } = &mut unlisted {
        *measurement = [9; 32];
    }
    let retire = WorkersMsg::RetireWorker { worker: ann.clone() };
    steps.push(tell("confirmed by a stranger", stranger, env, confirm.clone()));
    steps.push(tell("confirmed by itself", ann, env, confirm.clone()));
    steps.push(tell("confirm other evidence", judge, env, other));
    steps.push(tell("confirm as another image", judge, env, unlisted));
    steps.push(tell("confirm", judge, env, confirm.clone()));
    steps.push(tell("confirm again", judge, env, confirm.clone()));
    steps.push(tell("retired by a stranger", stranger, env, retire.clone()));
    steps.push(tell("retire a worker", judge, env, retire.clone()));
    steps.push(tell("retire it again", judge, env, retire));
    steps.push(tell("confirm anew", judge, env, confirm));
    steps.push(tell("confirm another", judge, env, scene.confirmation(bob, &env)?));
    Ok(())
}

fn questions(steps: &mut Vec<Step>, scene: &Scene, windows: u64) {
    let (worker, model) = (scene.ann.clone(), Some("small".to_owned()));
    let (signature, subscriber_public_key) = (None, None);
    let (offset, limit) = (0, 100);
    let asked = [
        WorkersQuery::Config {},
        WorkersQuery::Measurements {},
        WorkersQuery::Count { model: model.clone() },
        WorkersQuery::GetWorkers {
            signature: signature.clone(),
            subscriber_public_key: subscriber_public_key.clone(),
            offset,
            limit,
        },
        WorkersQuery::GetModels {
            signature: signature.clone(),
            subscriber_public_key: subscriber_public_key.clone(),
            offset,
            limit,
        },
        WorkersQuery::GetUrls { signature, subscriber_public_key, model, offset, limit },
        WorkersQuery::GetNextWorker {
            signature: None,
            subscriber_public_key: "collection".to_owned(),
            service: SERVICE.to_owned(),
        },
        WorkersQuery::Worker { worker: worker.clone() },
        WorkersQuery::Reporter { worker: worker.clone(), from: 0, until: at(windows).time },
        WorkersQuery::GetLivelinessChallenge { worker: worker.clone() },
        WorkersQuery::Evidence { worker: worker.clone() },
        WorkersQuery::EvidenceChunk {
            worker: worker.clone(),
            part: EvidencePart::Report,
            chunk: 1,
        },
        WorkersQuery::EvidenceChunk { worker, part: EvidencePart::Collateral, chunk: 0 },
    ];
    let by = &scene.stranger;
    steps.extend(asked.map(|query| Step {
        name: "ask",
        by: by.clone(),
        act: Act::Ask(query),
        env: at(windows),
    }));
}

fn liveness(steps: &mut Vec<Step>, scene: &Scene) {
    let Scene { ann, bob, stranger, rewards, .. } = scene;
    let answer = scene.answer(ann, &at(2));
    steps.push(tell("answer", ann, at(2), answer.clone()));
    steps.push(tell("answer again", ann, at(2), answer.clone()));
    steps.push(tell("an answer of another", bob, at(2), answer));
    steps.push(tell("no worker", stranger, at(2), scene.answer(stranger, &at(2))));
    let missed = |worker: &Address, windows: u64| WorkersMsg::ReportMissed {
        worker: worker.clone(),
        window: window(&at(windows)),
    };
    steps.push(tell("missed, too early", stranger, at(2), missed(bob, 2)));
    steps.push(tell("missed", stranger, at(3), missed(bob, 2)));
    steps.push(tell("missed, again", stranger, at(3), missed(bob, 2)));
    steps.push(tell("missed, but answered", stranger, at(3), missed(ann, 2)));
    let slash = |fraction| WorkersMsg::Slash {
        worker: bob.clone(),
        fraction,
        reason: "root 3 was \"wrong\"".to_owned(),
    };
    steps.push(tell("slashed by a stranger", stranger, at(3), slash(500_000)));
    steps.push(tell("slash", rewards, at(3), slash(500_000)));
    steps.push(tell("slash by more than all", rewards, at(3), slash(1_000_001)));
}

fn administration(steps: &mut Vec<Step>, scene: &Scene) {
    let Scene { ann, admin, stranger, treasury, judge, .. } = scene;
    let (ip_address, payment_wallet) = (url(ann), treasury.clone());
    let wallet = WorkersMsg::SetWorkerWallet { ip_address, payment_wallet };
    steps.push(tell("another's wallet", stranger, at(4), wallet.clone()));
    steps.push(tell("set the wallet", ann, at(4), wallet));
    let (ip_address, worker_type) = (url(ann), "large".to_owned());
    let kind = WorkersMsg::SetWorkerType { ip_address, worker_type };
    steps.push(tell("set the type", ann, at(4), kind));
    let new_ip_address = "https://new.example:8443/v1".to_owned();
    let moved = WorkersMsg::SetWorkerAddress { new_ip_address, old_ip_address: url(ann) };
    steps.push(tell("set the address", ann, at(4), moved.clone()));
    steps.push(tell("from an address that it has not", ann, at(4), moved));
    let parties = Parties { rewards: None, treasury: stranger.clone(), approver: None };
    let alone = WorkersMsg::SetParties { parties: parties.clone() };
    steps.push(tell("set parties, no approver", admin, at(4), alone));
    let parties = Parties { approver: Some(judge.clone()), ..parties };
    steps.push(tell("set parties", admin, at(4), WorkersMsg::SetParties { parties }));
    let proposed = WorkersMsg::SetAdmin { admin: stranger.clone() };
    steps.push(tell("propose an admin", admin, at(4), proposed));
    steps.push(tell("accepted by another", ann, at(4), WorkersMsg::AcceptAdmin {}));
    steps.push(tell("accept", stranger, at(4), WorkersMsg::AcceptAdmin {}));
}

fn leaving(steps: &mut Vec<Step>, scene: &Scene) {
    let Scene { ann, bob, stranger, .. } = scene;
    let withdraw = WorkersMsg::WithdrawStake {};
    steps.push(tell("withdraw before leaving", ann, at(5), withdraw.clone()));
    let ip_address = "https://new.example:8443/v1".to_owned();
    let remove = WorkersMsg::RemoveWorker { ip_address };
    steps.push(tell("remove", ann, at(5), remove.clone()));
    steps.push(tell("remove again", ann, at(5), remove));
    steps.push(tell("withdraw too early", ann, at(5), withdraw.clone()));
    steps.push(tell("withdraw", ann, at(7), withdraw.clone()));
    steps.push(tell("withdraw again", ann, at(7), withdraw));
    let retire = WorkersMsg::RetireMeasurement { measurement: image() };
    steps.push(tell("retire", stranger, at(7), retire));
    steps.push(tell("answer after retirement", bob, at(7), scene.answer(bob, &at(7))));
}
