//! A pulse stands in its account's answers, and in nobody else's.

use super::*;
use crate::OwnMsg;
use prag_protocol::ledger::{FreshReply, Pulse, PulseMsg};

impl Room {
    fn pulse(&mut self, who: Who, nonce: u8) -> Result<(), Refusal> {
        let json = serde_json::to_string(&OwnMsg::Pulse(PulseMsg { nonce: [nonce; 32] })).unwrap();
        let message: ExecuteMsg = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
        let sender = Addr::unchecked(self.address(who).as_str());
        let info = MessageInfo { sender, funds: Vec::new() };
        execute(self.deps.as_mut(), env(NOW), info, message).map(|_| ())
    }

    fn fresh(&self, who: Who, shard: Option<u32>) -> Result<FreshReply, Refusal> {
        let expected = Expected { chain_id: "prag-1", contract: CONTRACT };
        let person = self.person(who);
        let permit = person.permit(&expected, &["prag_query"], NOW + 1000).unwrap();
        let query = AccessQuery::Collection { collection: COLLECTION };
        let query = serde_json::to_vec(&query).unwrap();
        let question = signed(person, &expected, permit, shard, NOW + 60, &query);
        reader::fresh(self.deps.as_ref(), &env(NOW), &question)
    }
}

/// The answer is the same, and beside it stands the asker's last pulse.
#[test]
fn answers_show_the_askers_pulse() {
    let mut room = Room::new();
    let query = AccessQuery::Collection { collection: COLLECTION };
    let plain = room.ask(Who::Worker, "prag_query", Some(7), &query).unwrap();
    let seen = room.fresh(Who::Worker, Some(7)).unwrap();
    assert_eq!(seen, FreshReply { reply: Some(plain.clone()), pulse: None });
    room.pulse(Who::Reader, 8).unwrap();
    assert_eq!(room.fresh(Who::Worker, Some(7)).unwrap().pulse, None, "another's");
    room.pulse(Who::Worker, 9).unwrap();
    let seen = room.fresh(Who::Worker, Some(7)).unwrap();
    let height = env(NOW).block.height;
    let pulse = Some(Pulse { nonce: [9; 32], height });
    assert_eq!(seen, FreshReply { reply: Some(plain), pulse });
    room.pulse(Who::Worker, 10).unwrap();
    let last = room.fresh(Who::Worker, Some(7)).unwrap().pulse.unwrap();
    assert_eq!(last.nonce, [10; 32]);
}

/// Whoever may not ask is told nothing but its own pulse; zeros, more fields and coins are refused.
#[test]
fn a_pulse_opens_nothing() {
    let mut room = Room::new();
    room.pulse(Who::Stranger, 9).unwrap();
    let height = env(NOW).block.height;
    let pulse = Some(Pulse { nonce: [9; 32], height });
    assert_eq!(room.fresh(Who::Stranger, Some(7)), Ok(FreshReply { reply: None, pulse }));
    assert_eq!(room.fresh(Who::Worker, None), Ok(FreshReply { reply: None, pulse: None }));
    let refused = room.pulse(Who::Worker, 0).unwrap_err();
    assert_eq!(refused.to_string(), "nonce must not be zeros");
    assert_eq!(room.fresh(Who::Worker, Some(7)).unwrap().pulse, None);
    let more = format!(r#"{{"pulse":{{"nonce":"{}","height":1}}}}"#, "09".repeat(32));
    assert!(serde_json::from_str::<ExecuteMsg>(&more).is_err());
    let sender = Addr::unchecked(room.address(Who::Worker).as_str());
    let info = MessageInfo { sender, funds: coins(1, "uscrt") };
    let message = ExecuteMsg::Own(OwnMsg::Pulse(PulseMsg { nonce: [9; 32] }));
    assert_eq!(execute(room.deps.as_mut(), env(NOW), info, message).unwrap_err(), Refusal::Funds);
}
