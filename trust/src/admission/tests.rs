#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    AccessView, Denied, Gate, Granted, Read, admit_admin, admit_read, admit_see, admit_write,
};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::Reader;
use crate::key::{Key, Scope};
use crate::permit::{Permission, Permissions};
use crate::request::Caller;
use crate::scope::{OpenedScope, ScopeTerms, SealedScope};
use crate::verified::Verified;
use prag_protocol::ledger::{CollectionRecord, GrantRecord, PolicyRecord, Source};
use prag_protocol::limits::K_MAX;
use prag_protocol::{Address, CollectionId, Lineage};

mod delegates;

const NOW: u64 = 1_700_000_000;
const MAX: u64 = 60;
const HERE: CollectionId = CollectionId([3; 16]);
const IMAGE: [u8; 32] = [8; 32];
const LINEAGE: Lineage = Lineage([6; 16]);

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill(0);
        Ok(())
    }
}

fn address(name: &str) -> Address {
    Address::try_from(format!("secret1{name}")).unwrap()
}

fn caller(name: &str, permissions: Permissions) -> Verified<Caller> {
    Verified::new(Caller {
        request: [0; 32],
        authorization: Vec::new(),
        address: address(name),
        session_key: [1; 32],
        permissions,
        permit_name: "prag/1".to_owned(),
        expires: NOW + 1000,
    })
}

fn grant() -> GrantRecord {
    GrantRecord {
        grantee: address("reader"),
        can_write: true,
        can_read: true,
        max_k: 7,
        quota: Some(10),
        used: 9,
        expires: NOW + 100,
        scope: None,
        revoked: false,
        source: Source::Owner,
        delegate: 0,
        given: 0,
        term: 0,
    }
}

fn view(grant: Option<GrantRecord>) -> AccessView {
    AccessView {
        height: 5,
        time: NOW,
        collection: Some(CollectionRecord {
            owner: address("owner"),
            epoch: 2,
            commitment: [4; 32],
            destroyed: false,
        }),
        grant,
        through: None,
        permit_revoked: false,
        policy: None,
    }
}

fn gate(now: u64) -> Gate<'static> {
    Gate { image: IMAGE, now, staleness_s: MAX, scopes: &[] }
}

fn policy(measurements: &[[u8; 32]], readers: &[[u8; 32]]) -> Option<PolicyRecord> {
    let (measurements, readers) = (measurements.to_vec(), readers.to_vec());
    Some(PolicyRecord { epoch: 1, measurements, readers })
}

fn session(session_key: u8, measurement: u8, expires: u64) -> Verified<Reader> {
    Verified::new(Reader {
        session_key: [session_key; 32],
        sealing_key: [2; 32],
        measurement: [measurement; 32],
        kind: "tdx",
        expires,
    })
}

fn read(name: &str, view: &AccessView) -> Result<Granted<Read>, Denied> {
    admit_read(&caller(name, Permissions::Query), None, HERE, view, &gate(NOW))
}

/// What each of the three admissions says, as (read, write, admin).
fn verdicts(name: &str, permissions: Permissions, view: &AccessView) -> [Result<(), Denied>; 3] {
    let caller = caller(name, permissions);
    [
        admit_read(&caller, None, HERE, view, &gate(NOW)).map(drop),
        admit_write(&caller, HERE, view, &gate(NOW)).map(drop),
        admit_admin(&caller, HERE, view, &gate(NOW)).map(drop),
    ]
}

/// The owner may do what the permit says, and nothing that it does not say.
#[test]
fn owner_is_bound_by_the_permit() {
    let lacks = |permission| Err(Denied::Permission(permission));
    let (query, ingest, admin) = (Permission::Query, Permission::Ingest, Permission::Admin);
    let of = |permissions| verdicts("owner", permissions, &view(None));
    assert_eq!(of(Permissions::Query), [Ok(()), lacks(ingest), lacks(admin)]);
    assert_eq!(of(Permissions::Ingest), [lacks(query), Ok(()), lacks(admin)]);
    assert_eq!(of(Permissions::QueryAndIngest), [Ok(()), Ok(()), lacks(admin)]);
    assert_eq!(of(Permissions::Admin), [lacks(query), lacks(ingest), Ok(())]);
    let granted = read("owner", &view(None)).unwrap();
    assert!(granted.is_owner());
    assert_eq!((granted.collection(), granted.caller()), (HERE, &address("owner")));
    assert_eq!((granted.max_k(), granted.epoch(), granted.height()), (K_MAX, 2, 5));
    assert_eq!(granted.expires(), NOW + 1000);
    assert!(granted.scope().is_none());
    assert!(!format!("{granted:?}").contains("owner"), "no caller in a log");
}

/// A grantee may do what grant and permit both say, never administer.
#[test]
fn grantee_is_bound_by_the_grant() {
    let both = Permissions::QueryAndIngest;
    let no = Err(Denied::Forbidden);
    let lacks = Err(Denied::Permission(Permission::Admin));
    let of = |can_read, can_write| {
        verdicts("reader", both, &view(Some(GrantRecord { can_read, can_write, ..grant() })))
    };
    assert_eq!(of(true, true), [Ok(()), Ok(()), lacks]);
    assert_eq!(of(true, false), [Ok(()), no, lacks]);
    assert_eq!(of(false, true), [no, Ok(()), lacks]);
    assert_eq!(of(false, false), [no, no, lacks]);
    assert_eq!(verdicts("reader", Permissions::Admin, &view(Some(grant())))[2], no);
    let granted = read("reader", &view(Some(grant()))).unwrap();
    assert!(!granted.is_owner());
    assert_eq!((granted.max_k(), granted.expires()), (7, NOW + 100));
}

/// Absent, destroyed, foreign, revoked, expired: the very same answer, for each admission.
#[test]
fn refusals_look_alike() {
    let change = |edit: fn(&mut GrantRecord)| {
        let mut changed = grant();
        edit(&mut changed);
        view(Some(changed))
    };
    let mut views = vec![
        view(None),
        AccessView { collection: None, ..view(Some(grant())) },
        AccessView { permit_revoked: true, ..view(Some(grant())) },
        change(|grant| grant.revoked = true),
        change(|grant| grant.expires = NOW),
        change(|grant| grant.grantee = address("somebody")),
        change(|grant| grant.max_k = 0),
        change(|grant| grant.scope = Some("{".to_owned())),
        change(|grant| grant.scope = Some(" ".repeat(5000))),
        change(|grant| grant.scope = Some(String::new())),
        change(|grant| grant.scope = Some("{}".to_owned())),
        change(|grant| grant.scope = Some(r#"{"must":[{"must":[]}]}"#.to_owned())),
        change(|grant| grant.scope = Some("prag-scope-2.AAAA".to_owned())),
    ];
    let mut destroyed = view(Some(grant()));
    destroyed.collection.as_mut().unwrap().destroyed = true;
    views.push(destroyed);
    for (row, view) in views.iter().enumerate() {
        let both = verdicts("reader", Permissions::QueryAndIngest, view);
        assert_eq!(both[..2], [Err(Denied::Forbidden), Err(Denied::Forbidden)], "row {row}");
        let admin = verdicts("reader", Permissions::Admin, view);
        assert_eq!(admin[2], Err(Denied::Forbidden), "row {row}");
        // What an owner allows shows to those alone who have a grant.
        let closed = AccessView { policy: policy(&[], &[[9; 32]]), ..view.clone() };
        assert_eq!(verdicts("reader", Permissions::QueryAndIngest, &closed), both, "row {row}");
    }
    let last_second = change(|grant| grant.expires = NOW + 1);
    assert!(read("reader", &last_second).is_ok());
}

/// Even the owner is out with a revoked or expired permit, or once the collection is destroyed.
#[test]
fn owner_is_not_above_the_ledger() {
    let revoked = AccessView { permit_revoked: true, ..view(None) };
    assert_eq!(read("owner", &revoked).map(drop), Err(Denied::Forbidden));
    let mut destroyed = view(None);
    destroyed.collection.as_mut().unwrap().destroyed = true;
    assert_eq!(read("owner", &destroyed).map(drop), Err(Denied::Forbidden));
    let late = AccessView { time: NOW + 1000, ..view(None) };
    let owner = caller("owner", Permissions::Query);
    let verdict = admit_read(&owner, None, HERE, &late, &gate(NOW + 1000));
    assert_eq!(verdict.map(drop), Err(Denied::Forbidden));
    let early = AccessView { time: NOW + 999, ..view(None) };
    assert!(admit_read(&owner, None, HERE, &early, &gate(NOW + 999)).is_ok());
}

/// A view as old as the bound is used, one second more is not; nor is one from the future.
#[test]
fn views_are_fresh() {
    let at = |time| read("owner", &AccessView { time, ..view(None) }).map(drop);
    assert_eq!(at(NOW - 60), Ok(()));
    assert_eq!(at(NOW - 61), Err(Denied::StaleView { age: 61, max: 60 }));
    assert_eq!(at(NOW + 60), Ok(()));
    assert_eq!(at(NOW + 61), Err(Denied::FutureView { ahead: 61 }));
    let absent = AccessView { collection: None, time: NOW - 61, ..view(None) };
    assert_eq!(read("owner", &absent).map(drop), at(NOW - 61), "staleness tells nothing");
}

/// The last unit is served; after it reading stops and writing goes on.
#[test]
fn quota_counts_reads() {
    let with = |quota, used| view(Some(GrantRecord { quota, used, ..grant() }));
    assert!(read("reader", &with(Some(10), 9)).is_ok());
    assert_eq!(read("reader", &with(Some(10), 10)).map(drop), Err(Denied::Quota));
    assert_eq!(read("reader", &with(Some(0), 0)).map(drop), Err(Denied::Quota));
    assert!(read("reader", &with(None, u64::MAX)).is_ok());
    let spent = with(Some(10), 10);
    assert_eq!(verdicts("reader", Permissions::Ingest, &spent)[1], Ok(()));
}

/// A scope comes along as a filter, and a grant never lifts the protocol's k.
#[test]
fn scope_and_k_come_along() {
    let scope = r#"{"must":[{"key":"lang","match":{"value":"en"}}]}"#.to_owned();
    let wide = GrantRecord { max_k: K_MAX + 1, scope: Some(scope), ..grant() };
    let granted = read("reader", &view(Some(wide))).unwrap();
    assert_eq!(granted.max_k(), K_MAX);
    assert_eq!(granted.scope().unwrap().must.len(), 1);
}

/// A sealed scope is asked for last, when all else holds; what is opened of another text, grantee or collection is not
/// taken for it; and whoever only sees is told that there is one.
#[test]
fn a_sealed_scope_is_opened_last() {
    let key = Key::<Scope>::random(&mut Zeros).unwrap();
    let json = r#"{"must":[{"key":"lang","match":{"value":"en"}}]}"#;
    let seal = |collection, name: &str, salt: u8| {
        let terms = ScopeTerms { collection, grantee: &address(name), salt: &[salt; 32], json };
        terms.seal(&key, LINEAGE, 1).unwrap()
    };
    let open = |text: &str, collection, name: &str| {
        SealedScope::parse(text).unwrap().open(&key, LINEAGE, collection, &address(name)).unwrap()
    };
    let text = seal(HERE, "reader", 1);
    let scoped = view(Some(GrantRecord { scope: Some(text.clone()), ..grant() }));
    let both = caller("reader", Permissions::QueryAndIngest);
    let admit = |view: &AccessView, scope: Option<&OpenedScope>| {
        let gate = Gate { scopes: scope.map_or(&[], std::slice::from_ref), ..gate(NOW) };
        let read = admit_read(&both, None, HERE, view, &gate);
        let write = admit_write(&both, HERE, view, &gate);
        [read.map(|it| it.scope().cloned()), write.map(|it| it.scope().cloned())]
    };
    assert_eq!(admit(&scoped, None), [Err(Denied::Sealed), Err(Denied::Sealed)]);
    let own = open(&text, HERE, "reader");
    for one in admit(&scoped, Some(&own)) {
        assert_eq!(one.unwrap().unwrap().must.len(), 1);
    }
    let again = seal(HERE, "reader", 2);
    let there = CollectionId([4; 16]);
    for other in [
        open(&again, HERE, "reader"),
        open(&seal(HERE, "other", 1), HERE, "other"),
        open(&seal(there, "reader", 1), there, "reader"),
    ] {
        assert_eq!(admit(&scoped, Some(&other)), [Err(Denied::Sealed), Err(Denied::Sealed)]);
    }
    let see = admit_see(&both, HERE, &scoped, &gate(NOW)).unwrap();
    assert!(see.is_scoped());
    assert!(!admit_see(&both, HERE, &view(Some(grant())), &gate(NOW)).unwrap().is_scoped());

    let of = |edit: fn(&mut AccessView)| {
        let mut changed = scoped.clone();
        edit(&mut changed);
        admit(&changed, None)[0].clone()
    };
    assert_eq!(of(|view| view.grant.as_mut().unwrap().used = 10), Err(Denied::Quota));
    assert_eq!(of(|view| view.grant.as_mut().unwrap().revoked = true), Err(Denied::Forbidden));
    assert_eq!(of(|view| view.policy = policy(&[], &[])), Err(Denied::WorkerImage));
    assert_eq!(of(|view| view.policy = policy(&[IMAGE], &[[9; 32]])), Err(Denied::ReaderMissing));
}

/// Where the policy lists readers, a grantee reads with a live session of its own key and of a listed image; writing
/// and seeing need none, and the owner needs none for anything.
#[test]
fn listed_readers_alone_read() {
    let mut closed = view(Some(GrantRecord { used: 0, ..grant() }));
    closed.policy = policy(&[IMAGE], &[[5; 32], [6; 32]]);
    let reader = caller("reader", Permissions::QueryAndIngest);
    let read = |session: Option<&Verified<Reader>>, view: &AccessView| {
        admit_read(&reader, session, HERE, view, &gate(NOW)).map(drop)
    };
    let live = |image| session(1, image, NOW + 1);
    assert_eq!(read(Some(&live(5)), &closed), Ok(()));
    assert_eq!(read(Some(&live(6)), &closed), Ok(()));
    assert_eq!(read(Some(&live(7)), &closed), Err(Denied::ReaderImage));
    assert_eq!(read(None, &closed), Err(Denied::ReaderMissing));
    assert_eq!(read(Some(&session(1, 5, NOW)), &closed), Err(Denied::ReaderMissing), "expired");
    assert_eq!(read(Some(&session(3, 5, NOW + 1)), &closed), Err(Denied::ReaderMissing), "foreign");
    assert_eq!(admit_write(&reader, HERE, &closed, &gate(NOW)).map(drop), Ok(()));
    assert_eq!(admit_see(&reader, HERE, &closed, &gate(NOW)).map(drop), Ok(()));
    let owner = caller("owner", Permissions::Query);
    assert_eq!(admit_read(&owner, None, HERE, &closed, &gate(NOW)).map(drop), Ok(()));

    let open = AccessView { policy: policy(&[IMAGE], &[]), ..closed.clone() };
    assert_eq!(read(None, &open), Ok(()), "no reader is listed, so none is asked for");
    assert_eq!(read(Some(&live(7)), &open), Ok(()));
    assert_eq!(read(None, &AccessView { policy: None, ..closed }), Ok(()));
}

/// The session that admitted comes along, for replies to be sealed to; one that is not the caller's does not.
#[test]
fn the_session_comes_along() {
    let view = view(Some(grant()));
    for name in ["reader", "owner"] {
        let caller = caller(name, Permissions::Query);
        let granted = |session: &Verified<Reader>| {
            let granted = admit_read(&caller, Some(session), HERE, &view, &gate(NOW)).unwrap();
            granted.reader().map(|reader| reader.measurement)
        };
        assert_eq!(granted(&session(1, 5, NOW + 1)), Some([5; 32]));
        assert_eq!(granted(&session(3, 5, NOW + 1)), None);
        assert_eq!(granted(&session(1, 5, NOW)), None);
    }
}

/// A worker whose image the policy does not list reads and writes for nobody; its owner may still see and administer.
#[test]
fn listed_workers_alone_serve() {
    let retired = AccessView { policy: policy(&[[9; 32]], &[]), ..view(Some(grant())) };
    let empty = AccessView { policy: policy(&[], &[]), ..view(Some(grant())) };
    for view in [retired, empty] {
        for name in ["owner", "reader"] {
            let [read, write, _] = verdicts(name, Permissions::QueryAndIngest, &view);
            assert_eq!([read, write], [Err(Denied::WorkerImage); 2]);
            let see = admit_see(&caller(name, Permissions::Query), HERE, &view, &gate(NOW));
            assert_eq!(see.map(drop), Ok(()));
        }
        assert_eq!(verdicts("owner", Permissions::Admin, &view)[2], Ok(()));
    }
}

/// Whoever may read may see, with a quota that is used up too; nobody else.
#[test]
fn seeing_needs_a_grant() {
    let see = |name: &str, view: &AccessView| {
        admit_see(&caller(name, Permissions::Query), HERE, view, &gate(NOW)).map(drop)
    };
    assert_eq!(see("reader", &view(Some(GrantRecord { used: 10, ..grant() }))), Ok(()));
    assert_eq!(see("owner", &view(None)), Ok(()));
    let writer = GrantRecord { can_read: false, ..grant() };
    for none in [view(None), view(Some(writer)), AccessView { collection: None, ..view(None) }] {
        assert_eq!(see("reader", &none), Err(Denied::Forbidden));
    }
    let ingest = admit_see(&caller("owner", Permissions::Ingest), HERE, &view(None), &gate(NOW));
    assert_eq!(ingest.map(drop), Err(Denied::Permission(Permission::Query)));
}
