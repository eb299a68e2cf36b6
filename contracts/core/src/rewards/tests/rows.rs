//! The frozen raw rows, and that none of them makes another one dearer.

use super::*;

/// Other chains prove membership under these keys.
#[test]
fn golden_keys() {
    let mut world = World::new();
    let ann = book("ann");
    world.ok("payer", 100_000, RewardsMsg::Fund {});
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.ok("eve", DEPOSIT, demand("ann", Tree::Usage, 2));
    world.ok("eve", DEPOSIT, demand("ann", Tree::Royalty, 1));
    world.ok("ann", 0, reveal(&ann, Tree::Usage, 2));
    world.ok("ann", 0, reveal(&ann, Tree::Royalty, 1));
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.ok("owner2", 0, claim_royalty("ann", &ann, 1));
    world.ok("eve", 0, settle(0, "ann", &ann, 0));
    let row = |parts: &[&[u8]]| parts.concat();
    let number = |n: u64| n.to_be_bytes();
    let expected = [
        row(&[b"\x04c"]),
        row(&[b"\x04d", &number(0), &[1], &number(2), b"secret1ann"]),
        row(&[b"\x04d", &number(0), &[2], &number(1), b"secret1ann"]),
        row(&[b"\x04e", &number(0)]),
        row(&[b"\x04p"]),
        row(&[b"\x04r", &number(0), b"secret1ann"]),
        row(&[b"\x04s", &[1; 16], &[7; 32], b"secret1ann"]),
        row(&[b"\x04y", &number(0), &number(1), b"secret1ann"]),
    ];
    let keys: Vec<_> = world.map.rows.keys().cloned().collect();
    assert_eq!(keys, expected);
}

/// The bytes of records: format, then postcard; amounts are decimal text, roots are hex.
#[test]
fn golden_values() {
    let mut world = World::new();
    world.ok("payer", 100_000, RewardsMsg::Fund {});
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &book("ann")));
    let report = book("ann").report();
    let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (root, royalty_root) = (hex(report.root), hex(report.royalty_root));
    let value = |key: &[u8]| world.map.rows[key].clone();
    let row = [&b"\x04r"[..], &[0; 8], b"secret1ann"].concat();
    let expected = [
        &b"\x01\x40"[..],
        root.as_bytes(),
        &[3, 30, 100, 5, 50, 20],
        b"\x40",
        royalty_root.as_bytes(),
        b"\x02\x03635\x03\x041000\0\0\0\0",
    ];
    assert_eq!(value(&row), expected.concat());
    let expected = b"\x01\x06101000\x010\x010\x041000\x010\x06100000\x010\x010";
    assert_eq!(value(b"\x04p"), expected);
    let rates = b"\x0fsecret1treasury\xf4\x03\xd0\x0f\xe8\x07\x0a\x02\x01";
    let config = [&rates[..], b"\x041000\x0210\xa0\x1f\xa0\x8d\x06\x1e\x1e\x32"].concat();
    let expected = [b"\x01", &config[..], b"\x06100000\x01\x03635\x03100\x013\0"].concat();
    assert_eq!(value(&[&b"\x04e"[..], &[0; 8]].concat()), expected);
    let session = keys::settled(id(1), &[7; 32], &account("ann"));
    let mut map = Map::default();
    session.save(&mut map, &used([1, 2, 3, 4, 300])).unwrap();
    assert_eq!(map.rows.into_values().next().unwrap(), [1, 1, 2, 3, 4, 0xac, 0x02]);
}

/// The roots that reports commit to, so that server, watchers and contract make the same trees for ever.
#[test]
fn golden_roots() {
    let report = book("ann").report();
    let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(report.root), GOLDEN_ROOTS[0]);
    assert_eq!(hex(report.royalty_root), GOLDEN_ROOTS[1]);
}

/// Computed from the documented layouts by an independent program.
const GOLDEN_ROOTS: [&str; 2] = [
    "e8f85d6a9f7d2d918a1f7cd5678de54889a3389350e6e8157b1f471f79f6f709",
    "d4b871663ded9e048abd6118f3f29fe8f0b5f1d38ff825911ada6dc2881a1aee",
];

/// A message or query, the rows that it touches, and the bytes that it writes, among `others` workers, vouchers and settled sessions.
fn cost(others: u32) -> Vec<(String, u32, usize)> {
    let mut world = World::new();
    world.ok("payer", 1_000_000, RewardsMsg::Fund {});
    let mut entries = vec![entry("ann", 1, 200, [0; 5], [1, 1, 0, 0, 0])];
    let session = |n: u32| {
        let mut session = [0; 32];
        session[..4].copy_from_slice(&n.to_be_bytes());
        session
    };
    for n in 0..others {
        let mut voucher = voucher("ann", 2, 0, [1, 1, 1, 1, 1]);
        voucher.session = session(n);
        entries.push(Entry { signed: signed(voucher), start: Counters::default() });
    }
    let mut leaves = Book::new(entries).unwrap();
    world.at(REPORTS);
    for n in 0..others {
        let who = format!("w{n}");
        world.around.answers.insert(account(&who), 1);
        world.ok(&who, BOND, presence(&who, 0));
        let row = keys::settled(id(9), &session(n), &account("ann"));
        row.save(&mut world.map, &used([1; 5])).unwrap();
    }
    let mut costs = Vec::new();
    let mut run = |world: &mut World, who: &str, amount: u128, message: RewardsMsg| {
        let shown = format!("{message:?}").split(' ').next().unwrap().to_owned();
        let mut map = std::mem::take(&mut world.map);
        map.touched.set(0);
        map.written = 0;
        let host = Host { verify: &Toy, peers: &world.around };
        let (sender, funds) = (account(who), coins(amount));
        let verdict = rewards::execute(&mut map, &world.env, &sender, &funds, host, message);
        assert!(verdict.is_ok(), "{shown}: {verdict:?}");
        costs.push((shown, map.touched.get(), map.written));
        world.map = map;
    };
    let last = u64::from(others);
    run(&mut world, "payer", 5, RewardsMsg::Fund {});
    run(&mut world, "ann", BOND, report("ann", 0, &leaves));
    run(&mut world, "eve", DEPOSIT, demand("ann", Tree::Usage, last));
    run(&mut world, "ann", 0, reveal(&leaves, Tree::Usage, last));
    run(&mut world, "admin", 0, RewardsMsg::SetConfig { config: config() });
    run(&mut world, "admin", 0, RewardsMsg::SetAdmin { admin: account("heir") });
    run(&mut world, "heir", 0, RewardsMsg::AcceptAdmin {});
    let mut bad = leaves.usage_leaves().to_vec();
    bad[0].signed.worker_signature[0] ^= 1;
    let bad = Book::of(bad, leaves.royalty_leaves().to_vec(), leaves.report().totals);
    run(&mut world, "bob", BOND, report("bob", 0, &bad));
    let evidence = Evidence::Leaf(Shown::Usage(usage(&bad, 0)));
    run(&mut world, "eve", 0, challenge("bob", evidence));
    world.at(CHALLENGES_END);
    run(&mut world, "anybody", 0, close(0));
    run(&mut world, "ann", 0, claim(0));
    run(&mut world, "owner1", 0, claim_royalty("ann", &leaves, 0));
    run(&mut world, "eve", 0, settle(0, "ann", &leaves, last));
    world.at(CLAIMS_END);
    run(&mut world, "anybody", 0, sweep(0));
    leaves = Book::new(Vec::new()).unwrap();
    world.at(200);
    run(&mut world, "ann", BOND, report("ann", 1, &leaves));

    let (worker, tree) = (account("ann"), Tree::Usage);
    for query in [
        RewardsQuery::Config {},
        RewardsQuery::Pool {},
        RewardsQuery::Epoch { epoch: 0 },
        RewardsQuery::Report { epoch: 0, worker: worker.clone() },
        RewardsQuery::Demand { epoch: 0, worker: worker.clone(), tree, index: last },
        RewardsQuery::Claimable { epoch: 0, account: worker.clone() },
        RewardsQuery::Settled { worker, collection: id(9), session: session(0) },
    ] {
        let shown = format!("{query:?}").split(' ').next().unwrap().to_owned();
        world.map.touched.set(0);
        world.ask(query);
        costs.push((shown, world.map.touched.get(), 0));
    }
    costs
}

/// No message and no query costs more rows among ten thousand than it does among few.
#[test]
fn cost_does_not_grow() {
    let (few, many) = (cost(1), cost(10_000));
    for ((shown, touched, written), (other, among_many, more)) in few.into_iter().zip(many) {
        println!("{shown}: {touched} rows, {written} to {more} bytes written");
        assert_eq!((&shown, touched), (&other, among_many));
        assert!(touched <= 12, "{shown} touches {touched} rows");
        // Only numbers grow, by their digits.
        assert!(more <= written + 40, "{shown}");
    }
}
