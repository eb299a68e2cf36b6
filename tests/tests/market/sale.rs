//! A grant is sold, on whichever ledger: the owner says a price, somebody pays it, and reads.

use prag_client::Client;
use prag_client::error::ClientError;
use prag_protocol::CollectionId;
use prag_protocol::ledger::{GRANT_SECONDS_MAX, Offer};
use prag_protocol::problem::Code;
use prag_protocol::wire::search::QueryRequest;

/// `buyer` has some thousand of `denom`, and no grant; `reader` has one of the owner's.
pub(crate) async fn tell(
    (owner, reader, buyer): (&Client, &Client, &Client),
    id: CollectionId,
    denom: &str,
) {
    let offer = Offer {
        amount: 700.try_into().unwrap(),
        denom: denom.parse().unwrap(),
        seconds: 3_600,
        max_k: 2,
        quota: Some(2),
    };
    let denom = &offer.denom;
    assert_eq!(buyer.price(id).await.unwrap(), None);
    refused(buyer.buy(id, offer.clone()).await, "no grant of this collection is for sale");
    let strange = buyer.set_price(id, Some(offer.clone())).await.unwrap_err();
    assert_eq!(strange.code(), Some(Code::Forbidden), "{strange}");
    let long = Offer { seconds: GRANT_SECONDS_MAX + 1, ..offer.clone() };
    let long = owner.set_price(id, Some(long)).await.unwrap_err();
    let ClientError::Problem(problem) = &long else { panic!("{long}") };
    assert_eq!(problem.field.as_deref(), Some("offer.seconds"));

    owner.set_price(id, Some(offer.clone())).await.unwrap();
    assert_eq!(buyer.price(id).await.unwrap().as_ref(), Some(&offer), "anybody may know");
    let (had, earned) = (has(buyer, denom).await, has(owner, denom).await);
    let cheap = Offer { amount: 1.try_into().unwrap(), ..offer.clone() };
    refused(buyer.buy(id, cheap).await, "ask for the price again");
    refused(reader.buy(id, offer.clone()).await, "which has to end first");
    refused(owner.buy(id, offer.clone()).await, "the owner cannot be granted");
    assert_eq!(asks(buyer, id).await.unwrap_err().code(), Some(Code::Forbidden));
    assert_eq!(has(buyer, denom).await, had, "what is refused costs nothing");

    buyer.buy(id, offer.clone()).await.unwrap();
    assert!(has(buyer, denom).await <= had - 700);
    assert!(asks(buyer, id).await.unwrap() > 0);
    buyer.buy(id, offer.clone()).await.unwrap();
    for _ in 0..3 {
        asks(buyer, id).await.unwrap();
    }
    assert_eq!(asks(buyer, id).await.unwrap_err().code(), Some(Code::QuotaExhausted));
    let grants = owner.grants(id).await.unwrap();
    let sold: Vec<_> = grants.iter().filter(|one| one.bought).collect();
    assert_eq!((sold.len(), sold[0].used, sold[0].grant.quota), (1, 4, Some(4)));
    // On a chain the owner has paid for the purchase of its own that was refused after it was sent, if any.
    assert!(has(owner, denom).await <= earned + 1_400);

    owner.revoke_grant(id, sold[0].grant.grantee.clone()).await.unwrap();
    assert_eq!(asks(buyer, id).await.unwrap_err().code(), Some(Code::Forbidden));
    refused(buyer.buy(id, offer).await, "the owner has revoked");
    owner.set_price(id, None).await.unwrap();
    assert_eq!(reader.price(id).await.unwrap(), None);
}

fn refused<T>(done: Result<T, ClientError>, why: &str) {
    let Err(error) = done else { panic!("{why}") };
    assert_eq!(error.code(), Some(Code::LedgerRefused), "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

async fn asks(by: &Client, id: CollectionId) -> Result<usize, ClientError> {
    let query =
        QueryRequest { vector: Some(vec![1.0, 0.0]), k: Some(2), ..QueryRequest::default() };
    Ok(by.query(id, &query).await?.hits.len())
}

async fn has(who: &Client, denom: &prag_protocol::ledger::coin::Denom) -> u128 {
    who.balance(denom.clone()).await.unwrap()
}
