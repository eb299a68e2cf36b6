//! What a delegate gave is admitted within what the delegate has, scope included; and who is a delegate.

use super::*;
use crate::admission::{admit_give, admit_write};
use prag_protocol::filter::Condition;

/// "agent" may give grants, and gave the one of "reader".
fn through() -> GrantRecord {
    GrantRecord { grantee: address("agent"), delegate: 2, given: 1, ..grant() }
}

fn given() -> AccessView {
    let source = Source::Delegate { by: address("agent"), term: 0 };
    let grant = GrantRecord { source, used: 1, ..grant() };
    AccessView { through: Some(Box::new(through())), ..view(Some(grant)) }
}

/// A delegate's grant carries, and whatever it loses the one that it gave loses too.
#[test]
fn no_further_than_the_delegate() {
    let admitted = read("reader", &given()).unwrap();
    assert_eq!((admitted.max_k(), admitted.expires()), (7, NOW + 100));
    let with = |edit: fn(&mut GrantRecord)| {
        let mut view = given();
        edit(view.through.as_mut().unwrap());
        let both = caller("reader", Permissions::QueryAndIngest);
        let read = admit_read(&both, None, HERE, &view, &gate(NOW));
        let write = admit_write(&both, HERE, &view, &gate(NOW)).map(drop);
        (read.map(|granted| (granted.max_k(), granted.expires())), write)
    };
    let (same, no) = ((7, NOW + 100), Err(Denied::Forbidden));
    assert_eq!(with(|_| ()), (Ok(same), Ok(())));
    assert_eq!(with(|through| through.max_k = 3), (Ok((3, NOW + 100)), Ok(())));
    assert_eq!(with(|through| through.expires = NOW + 5), (Ok((7, NOW + 5)), Ok(())));
    assert_eq!(with(|through| through.expires = NOW), (Err(Denied::Forbidden), no));
    assert_eq!(with(|through| through.can_write = false), (Ok(same), no));
    assert_eq!(with(|through| through.can_read = false), (Err(Denied::Forbidden), Ok(())));
    assert_eq!(with(|through| through.used = 10), (Err(Denied::Quota), Ok(())));
    let ends: [fn(&mut GrantRecord); 4] = [
        |through| through.revoked = true,
        |through| through.delegate = 0,
        |through| through.term = 1,
        |through| through.grantee = address("another"),
    ];
    for end in ends {
        assert_eq!(with(end), (Err(Denied::Forbidden), no));
    }
    let alone = AccessView { through: None, ..given() };
    assert_eq!(read("reader", &alone).map(drop), Err(Denied::Forbidden));
}

/// A scope of either narrows, both narrow together, and one that nobody has opened opens nothing.
#[test]
fn both_scopes_narrow() {
    let scope = |field: &str| Some(format!(r#"{{"must":[{{"exists":{{"key":"{field}"}}}}]}}"#));
    let with = |own: Option<String>, of_delegate: Option<String>| {
        let mut view = given();
        view.grant.as_mut().unwrap().scope = own;
        view.through.as_mut().unwrap().scope = of_delegate;
        read("reader", &view).map(|granted| granted.scope().cloned())
    };
    assert_eq!(with(None, None), Ok(None));
    for (own, of_delegate) in [(scope("a"), None), (None, scope("a"))] {
        let one = with(own, of_delegate).unwrap().unwrap();
        assert_eq!(one.must, [Condition::Exists { field: "a".to_owned() }]);
    }
    let both = with(scope("a"), scope("b")).unwrap().unwrap();
    assert_eq!(both.must.len(), 2);
    for bad in ["{}", "nonsense"] {
        assert_eq!(with(scope("a"), Some(bad.to_owned())), Err(Denied::Forbidden));
    }

    let key = Key::<Scope>::random(&mut Zeros).unwrap();
    let seal = |name: &str, json: &str| {
        let terms = ScopeTerms { collection: HERE, grantee: &address(name), salt: &[1; 32], json };
        terms.seal(&key, LINEAGE, 1).unwrap()
    };
    let open = |text: &str, name: &str| {
        SealedScope::parse(text).unwrap().open(&key, LINEAGE, HERE, &address(name)).unwrap()
    };
    let (own, above) = (seal("reader", &scope("a").unwrap()), seal("agent", &scope("b").unwrap()));
    let mut view = given();
    view.grant.as_mut().unwrap().scope = Some(own.clone());
    view.through.as_mut().unwrap().scope = Some(above.clone());
    let opened = [open(&own, "reader"), open(&above, "agent")];
    let admit = |scopes: &[OpenedScope]| {
        let gate = Gate { scopes, ..gate(NOW) };
        let admitted = admit_read(&caller("reader", Permissions::Query), None, HERE, &view, &gate);
        admitted.map(|granted| granted.scope().unwrap().must.len())
    };
    assert_eq!(admit(&opened), Ok(2));
    for missing in [&opened[..0], &opened[..1], &opened[1..]] {
        assert_eq!(admit(missing), Err(Denied::Sealed));
    }
}

/// The owner gives grants, and a delegate, under a permit for administration; no other grantee, and not whom a delegate
/// granted.
#[test]
fn who_gives() {
    let give = |name: &str, permissions, view: &AccessView| {
        admit_give(&caller(name, permissions), HERE, view, &gate(NOW)).map(|it| it.is_owner())
    };
    let agent = view(Some(through()));
    assert_eq!(give("owner", Permissions::Admin, &agent), Ok(true));
    assert_eq!(give("agent", Permissions::Admin, &agent), Ok(false));
    let lacks = Err(Denied::Permission(Permission::Admin));
    assert_eq!(give("agent", Permissions::QueryAndIngest, &agent), lacks);
    assert_eq!(verdicts("agent", Permissions::Admin, &agent)[2], Err(Denied::Forbidden));
    let mut forged = given();
    forged.grant.as_mut().unwrap().delegate = 5;
    let late = view(Some(GrantRecord { expires: NOW, ..through() }));
    for (name, view) in [("reader", view(Some(grant()))), ("reader", forged), ("agent", late)] {
        assert_eq!(give(name, Permissions::Admin, &view), Err(Denied::Forbidden), "{name}");
    }
}
