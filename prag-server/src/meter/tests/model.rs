//! Random histories with deaths, against a naive twin: what each side may believe always holds.

use super::*;

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A consumer that retries lost requests by their ids, and what it knows.
#[derive(Default)]
struct Twin {
    /// Counted for sure: the reply came, or a later voucher showed it.
    queries: u64,
    /// A request whose reply was lost: its mark, and what it costs.
    lost: Option<(Mark, u64)>,
    voucher: Option<SignedVoucher>,
    next: u64,
}

/// However requests, lost replies, lost vouchers and deaths at any durable step follow each other: no request is counted
/// twice, none that was answered is lost, and nothing falls below what was countersigned.
#[test]
fn histories_bill_once() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut scene = Scene::new(4);
        let mut twin = Twin::default();
        for step in 0..60 {
            play(&mut chance, &mut scene, &mut twin, &format!("seed {seed}, step {step}"));
        }
        scene.reboot();
        // In the end everything that was answered is billed, once, and can be reported.
        let Standing { offered, .. } =
            scene.meter.hand_in(&who(1), None).unwrap().unwrap_or_default();
        if let Some(offer) = offered {
            scene.meter.hand_in(&who(1), Some(sign(offer, 1))).unwrap();
            let [entry] = scene.meter.entries().try_into().unwrap();
            let most = twin.queries + twin.lost.map_or(0, |lost| lost.1);
            let billed = entry.signed.voucher.used.queries;
            assert!((twin.queries..=most).contains(&billed), "seed {seed}: {billed}");
        }
    }
}

fn play(chance: &mut Chance, scene: &mut Scene, twin: &mut Twin, at: &str) {
    let reader = who(1);
    if chance.below(4) == 0 {
        scene.engine.die_after(chance.below(3));
    }
    let (mark, queries) = twin.lost.unwrap_or_else(|| {
        twin.next += 1;
        (u128::from(twin.next).to_be_bytes(), 1 + chance.below(2))
    });
    // It may have forgotten to send what it countersigned.
    let voucher = twin.voucher.clone().filter(|_| chance.below(3) > 0);
    let answered = scene.ask(&reader, voucher, Some(mark), cost(queries));
    let arrives = chance.below(4) > 0;
    match answered {
        Ok(offer) if arrives => {
            twin.queries += queries;
            twin.lost = None;
            assert_eq!(offer.voucher.used.queries, twin.queries, "{at}");
            assert_eq!(offer.voucher.used.input % 100, 0, "{at}");
            let newer =
                twin.voucher.as_ref().is_none_or(|kept| offer.voucher.supersedes(&kept.voucher));
            assert!(newer, "{at}: never below what is countersigned");
            if chance.below(3) > 0 {
                twin.voucher = Some(sign(offer, 1));
            }
        }
        // Lost on the way, or its worker died over it: counted once or not at all.
        Ok(_) | Err(MeterError::Storage) => twin.lost = Some((mark, queries)),
        Err(MeterError::Due { .. }) => {
            let standing = scene.meter.hand_in(&reader, twin.voucher.clone());
            if let Ok(Some(Standing { offered: Some(offer), .. })) = standing {
                let most = twin.queries + twin.lost.map_or(0, |lost| lost.1);
                let claimed = offer.voucher.used.queries;
                assert!((twin.queries..=most).contains(&claimed), "{at}: claims {claimed}");
                twin.voucher = Some(sign(offer, 1));
            }
        }
        // A retry may be repeated so often; then its consumer asks anew and owes at most what it knows of.
        Err(MeterError::Repeats) => {
            twin.queries += twin.lost.take().map_or(0, |lost| lost.1);
        }
        Err(other) => panic!("{at}: {other}"),
    }
    if scene.engine.is_dead() || chance.below(10) == 0 {
        scene.reboot();
    }
}
