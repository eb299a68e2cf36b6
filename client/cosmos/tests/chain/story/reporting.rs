//! Usage is reported from countersigned vouchers, doubted, challenged; the pool is split, claimed and swept.
//!
//! Layer: tests, story.
//! Holds: two books, a true one and one with a forged signature, and the life of an epoch.
//! Never: a report whose sums were made by hand: `rewards::book` makes them.
//! Invariant: amounts are those of the terms, to the unit; `money` adds them up.

use super::joining::{ANN, MAL, boot_key};
use super::serving::{COLLECTIONS, session};
use super::stage::{BOND, DEPOSIT, STAKE, Story};
use ed25519_dalek::{Signer, SigningKey};
use prag_client::ledger::Ledger;
use prag_contracts_core::rewards::book::{Book, Entry};
use prag_cosmos::Chain;
use prag_protocol::CollectionId;
use prag_protocol::ledger::rewards::{
    EpochView, Evidence, RewardsMsg, RewardsQuery, RewardsReply, RoyaltyClaim, Shown, Split, Tree,
};
use prag_protocol::ledger::voucher::{Counters, SignedVoucher, Voucher};
use prag_trust::address::SessionKey;
use prag_trust::voucher::{countersign, offer, verify_offer, verify_signed};

/// What the two workers say that they did.
pub(super) struct Books {
    pub(super) true_one: Book,
    pub(super) false_one: Book,
}

impl Story {
    pub(super) async fn the_pool_is_funded(&self) {
        let (by, to) = (&self.owner, &self.rewards);
        self.refused("must be sent along", by, to, &RewardsMsg::Fund {}, 0).await;
        self.tell("rewards: fund", by, to, &RewardsMsg::Fund {}, FUNDED).await;
        assert_eq!(self.epoch().await.record.funded, FUNDED);
        let nothing = self.report(&self.ann, &boot_key(ANN), &Book::new(Vec::new()).unwrap());
        self.refused("too early", &self.ann, &self.rewards, &nothing, BOND).await;
    }

    pub(super) async fn usage_is_reported(&self) -> Books {
        let [first, second] = COLLECTIONS;
        let counted =
            |queries, chunks, embedded| Counters { queries, chunks, embedded, input: 0, output: 0 };
        let entry = |signed| Entry { signed, start: Counters::default() };
        let true_one = vec![
            entry(self.voucher(&self.ann, ANN, first, counted(5, 50, 100))),
            entry(self.voucher(&self.ann, ANN, second, counted(3, 33, 60))),
        ];
        let mut forged = self.voucher(&self.mal, MAL, first, counted(9, 90, 180));
        assert!(verify_signed(forged.clone()).is_ok());
        forged.voucher.used.chunks = 9000;
        assert!(verify_signed(forged.clone()).is_err(), "the consumer signed less");
        let (true_one, false_one) =
            (Book::new(true_one).unwrap(), Book::new(vec![entry(forged)]).unwrap());

        self.until(self.epoch().await.schedule.end).await;
        let another = self.report(&self.ann, &boot_key(MAL), &true_one);
        self.refused("not signed with", &self.ann, &self.rewards, &another, BOND).await;
        let truth = self.report(&self.ann, &boot_key(ANN), &true_one);
        self.refused("must be sent along", &self.ann, &self.rewards, &truth, BOND - 1).await;
        let lie = self.report(&self.mal, &boot_key(MAL), &false_one);
        let name = "rewards: report_usage";
        tokio::join!(
            self.tell(name, &self.ann, &self.rewards, &truth, BOND),
            self.tell(name, &self.mal, &self.rewards, &lie, BOND)
        );
        let standing = self.epoch().await.record.standing;
        assert_eq!(
            (standing.reports, standing.answers),
            (2, 1),
            "a window of the epoch was answered"
        );
        self.bill.say("the epoch is over: one worker reports what it did, the other more");
        Books { true_one, false_one }
    }

    /// Whoever doubts a report asks to see a leaf; the worker shows it, and is paid for that.
    pub(super) async fn a_doubt_is_answered(&self, book: &Book) {
        let (worker, to) = (self.ann.account().on_chain().clone(), &self.rewards);
        let demand =
            RewardsMsg::Demand { epoch: 0, worker: worker.clone(), tree: Tree::Usage, index: 1 };
        self.tell("rewards: demand", &self.watcher, to, &demand, DEPOSIT).await;
        assert_eq!(self.epoch().await.record.standing.reports, 1, "until it is answered");
        let shown = Shown::Usage(Box::new(book.usage(1).unwrap()));
        let reveal = RewardsMsg::Reveal { epoch: 0, shown: shown.clone() };
        self.tell("rewards: reveal", &self.ann, to, &reveal, 0).await;
        assert_eq!(self.epoch().await.record.standing.reports, 2);
        let challenge = RewardsMsg::Challenge { epoch: 0, worker, evidence: Evidence::Leaf(shown) };
        self.refused("nothing false", &self.watcher, to, &challenge, 0).await;
        self.bill.say("a leaf is demanded and shown, and nothing in it is false");
    }

    /// A forged voucher voids its report; the rewards contract has the workers contract cut the stake.
    pub(super) async fn a_lie_is_slashed(&self, book: &Book) {
        let shown = Shown::Usage(Box::new(book.usage(0).unwrap()));
        let challenge = RewardsMsg::Challenge {
            epoch: 0,
            worker: self.mal.account().on_chain().clone(),
            evidence: Evidence::Leaf(shown),
        };
        let (by, before, fees) = (&self.watcher, self.has(&self.watcher).await, self.bill.fees());
        self.tell("rewards: challenge", by, &self.rewards, &challenge, 0).await;
        assert_eq!(self.has(by).await + (self.bill.fees() - fees) - before, BOND * 4 / 10);
        assert_eq!(self.epoch().await.record.standing.reports, 1);
        assert_eq!(self.worker(&self.mal).await.unwrap().stake, STAKE - STAKE / 10);
        self.refused("is void", by, &self.rewards, &challenge, 0).await;
        self.bill.say("the lie is challenged: its bond is lost, and a tenth of its stake");
    }

    pub(super) async fn the_epoch_is_closed(&self) {
        let close = RewardsMsg::CloseEpoch { epoch: 0 };
        self.refused("too early", &self.watcher, &self.rewards, &close, 0).await;
        self.until(self.epoch().await.schedule.challenges_until).await;
        self.tell("rewards: close_epoch", &self.watcher, &self.rewards, &close, 0).await;
        let Split { fee, royalty, uptime, work, .. } = self.epoch().await.record.split.unwrap();
        assert_eq!([fee, royalty, uptime, work], PARTS);
        assert_eq!(PARTS.iter().sum::<u128>(), FUNDED + BOND * 6 / 10);
        self.bill.say("the epoch is closed: what was paid in, and what the liar lost, is split");
    }

    pub(super) async fn everybody_claims(&self, book: &Book) {
        let (worker, to) = (self.ann.account().on_chain().clone(), &self.rewards);
        let [_, _, uptime, work] = PARTS;
        let claim = RewardsMsg::Claim { epoch: 0, royalty: None };
        self.refused("void", &self.mal, to, &claim, 0).await;
        let royalty = |index| {
            let shown = book.royalty(index).unwrap();
            let royalty = Some(RoyaltyClaim { worker: worker.clone(), shown });
            RewardsMsg::Claim { epoch: 0, royalty }
        };
        self.refused("not the sender's", &self.watcher, to, &royalty(0), 0).await;
        let (ann, owner) = (self.has(&self.ann).await, self.has(&self.owner).await);
        let workers = async {
            let done = self.claims("rewards: claim", &self.ann, &claim).await;
            assert_eq!(self.has(&self.ann).await + done - ann, work + uptime + BOND);
        };
        let owners = async {
            let name = "rewards: claim (royalty)";
            let done = [
                self.claims(name, &self.owner, &royalty(0)).await,
                self.claims(name, &self.owner, &royalty(1)).await,
            ];
            assert_eq!(
                self.has(&self.owner).await + done[0] + done[1] - owner,
                ROYALTIES[0] + ROYALTIES[1]
            );
        };
        tokio::join!(workers, owners);
        self.refused("claimed", &self.ann, to, &claim, 0).await;
        self.refused("claimed", &self.owner, to, &royalty(1), 0).await;
        let shown = Box::new(book.usage(0).unwrap());
        let settle = RewardsMsg::Settle { epoch: 0, worker, shown };
        self.tell("rewards: settle", &self.watcher, to, &settle, 0).await;
        self.bill.say("worker and owner have claimed, once each");
    }

    pub(super) async fn dust_is_swept(&self) {
        let until = self.epoch().await.schedule.claims_until.unwrap();
        self.until(until).await;
        self.tell(
            "rewards: sweep",
            &self.watcher,
            &self.rewards,
            &RewardsMsg::Sweep { epoch: 0 },
            0,
        )
        .await;
        self.bill.say("what no share could take is carried");
    }

    /// A claim, and what its sender paid for gas.
    async fn claims(&self, name: &str, by: &Chain, message: &RewardsMsg) -> u128 {
        let done = self.rewards.reached(by).await.execute(message, &[]).await.unwrap();
        self.bill.note(name, &done);
        done.fee
    }

    pub(super) async fn epoch(&self) -> EpochView {
        match self.pool(&RewardsQuery::Epoch { epoch: 0 }).await {
            RewardsReply::Epoch(Some(view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// The worker counts, the reader checks and countersigns, the worker checks that.
    fn voucher(
        &self,
        worker: &Chain,
        key: u8,
        collection: CollectionId,
        used: Counters,
    ) -> SignedVoucher {
        let session: SessionKey = session();
        let voucher = Voucher {
            ledger: self.ledger.id(),
            worker: worker.account().on_chain().clone(),
            worker_key: [0; 32],
            collection,
            consumer: self.reader.account().on_chain().clone(),
            session: session.public_key(),
            sequence: 1,
            used,
        };
        let offered = verify_offer(offer(voucher, &boot_key(key))).unwrap();
        verify_signed(countersign(offered, &session)).unwrap().into_inner()
    }

    fn report(&self, by: &Chain, key: &SigningKey, book: &Book) -> RewardsMsg {
        let report = book.report();
        let bytes = report.signed_bytes(&self.ledger.id(), by.account().on_chain(), 0);
        RewardsMsg::ReportUsage { epoch: 0, report, signature: key.sign(&bytes).to_bytes() }
    }
}

/// No multiple of anything, so that rounding shows.
const FUNDED: u128 = 10_000_019;
/// Fee, royalty, uptime and work of 10,600,019, six tenths of a bond among them: 5, 20 and 10 %, and the rest.
const PARTS: [u128; 4] = [530_000, 2_120_003, 1_060_001, 6_890_015];
/// 50 and 33 of 83 units; one unit of the royalty is nobody's.
const ROYALTIES: [u128; 2] = [1_277_110, 842_892];
/// What is left of it all.
pub(super) const DUST: u128 = 1;
