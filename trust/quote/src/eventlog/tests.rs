#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// As dstack counts its own events.
const RUNTIME: u32 = 0x0800_0001;

fn log() -> Value {
    json!([
        { "imr": 0, "event_type": 4, "digest": "11".repeat(48), "event": "", "event_payload": "" },
        { "imr": 3, "event_type": RUNTIME, "digest": "", "event": "system-preparing", "event_payload": "" },
        { "imr": 3, "event_type": RUNTIME, "event": "compose-hash", "event_payload": "ab".repeat(32) },
        { "imr": 2, "event_type": 6, "digest": "22".repeat(48), "event": "", "event_payload": "" },
        { "imr": 3, "event_type": RUNTIME, "digest": READY, "event": "system-ready", "event_payload": "" },
    ])
}

fn read(log: &Value) -> Result<EventLog, QuoteError> {
    EventLog::parse(log.to_string().as_bytes())
}

fn bytes(text: &str) -> [u8; 48] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// The registers are those that another program (Python's hashlib) gives for this log.
#[test]
fn replay_matches_known_answer() {
    let log = read(&log()).unwrap();
    let registers = log.replay();
    assert_eq!(registers, [bytes(RTMR0), [0; 48], bytes(RTMR2), bytes(RTMR3)]);
    for (index, register) in registers.iter().enumerate() {
        log.matches(register, index).unwrap();
        let mut other = *register;
        other[47] ^= 1;
        assert_eq!(log.matches(&other, index), Err(QuoteError::EventLog(REGISTERS[index])));
    }
    let beyond = log.matches(&[0; 48], 4);
    assert_eq!(beyond, Err(QuoteError::EventLog("a register above 3")));
}

/// A payload is given only for a log that its register bears out.
#[test]
fn payload_needs_the_register() {
    let log = read(&log()).unwrap();
    let measured = log.measured(&bytes(RTMR3)).unwrap();
    assert_eq!(measured.payload("compose-hash").unwrap(), [0xab; 32]);
    assert!(measured.payload("system-ready").unwrap().is_empty());
    let none = measured.payload("app-id");
    assert_eq!(none, Err(QuoteError::EventLog("an event of that name")));
    assert!(matches!(log.measured(&[0; 48]), Err(QuoteError::EventLog("RTMR3"))));
}

/// An event left out, added, moved or changed gives another register.
#[test]
fn any_edit_shows() {
    let edits: [fn(&mut Vec<Value>); 6] = [
        |log| drop(log.remove(2)),
        |log| log.push(log[2].clone()),
        |log| log.swap(1, 2),
        |log| log[2]["event_payload"] = "ac".repeat(32).into(),
        |log| log[2]["event"] = "compose-hasp".into(),
        |log| log[2]["event_type"] = (RUNTIME + 1).into(),
    ];
    for edit in edits {
        let mut events = log().as_array().unwrap().clone();
        edit(&mut events);
        let log = read(&events.into()).unwrap();
        assert!(matches!(log.measured(&bytes(RTMR3)), Err(QuoteError::EventLog("RTMR3"))));
    }
}

/// A second event of the same name, which any container may add, makes the name unreadable.
#[test]
fn doubled_names_are_refused() {
    let mut events = log().as_array().unwrap().clone();
    events.push(json!({
        "imr": 3, "event_type": RUNTIME, "event": "compose-hash", "event_payload": "00",
    }));
    let log = read(&events.into()).unwrap();
    let rtmr3 = log.replay()[3];
    let twice = log.measured(&rtmr3).unwrap().payload("compose-hash");
    assert_eq!(twice, Err(QuoteError::EventLog("a single event of that name")));
}

/// The firmware's registers say nothing about the application, whatever they call their events.
#[test]
fn names_count_in_register_3_only() {
    let log = json!([{
        "imr": 2, "event_type": RUNTIME, "digest": "22".repeat(48), "event": "compose-hash",
        "event_payload": "ab",
    }]);
    let log = read(&log).unwrap();
    assert!(log.measured(&[0; 48]).unwrap().payload("compose-hash").is_err());
}

/// Each malformed part has its error; digests that lie are refused.
#[test]
fn malformed_events_are_refused() {
    let with = |at: usize, field: &str, value: Value| {
        let mut log = log();
        log[at][field] = value;
        read(&log).unwrap_err()
    };
    let lie = QuoteError::EventLog("the stated digest of an event");
    assert_eq!(with(4, "digest", "00".repeat(48).into()), lie);
    assert_eq!(with(4, "event_payload", "00".into()), lie);
    assert_eq!(with(0, "digest", "".into()), QuoteError::Format("event digest"));
    assert_eq!(with(0, "digest", "11".repeat(47).into()), QuoteError::Format("event digest"));
    assert_eq!(with(4, "digest", "xy".repeat(48).into()), QuoteError::Format("event digest"));
    assert_eq!(with(2, "event_payload", "a".into()), QuoteError::Format("event payload"));
    assert_eq!(with(0, "imr", 4.into()), QuoteError::Format("event register"));
    assert_eq!(with(0, "imr", 256.into()), QuoteError::Format("event log"));
    assert_eq!(with(0, "imr", (-1).into()), QuoteError::Format("event log"));
    // "a" with payload "b:c" and "a:b" with "c" have one digest: the second cannot be written.
    assert_eq!(with(2, "event", "a:b".into()), QuoteError::Format("event name"));
    assert_eq!(read(&json!({})).unwrap_err(), QuoteError::Format("event log"));
}

/// Bounds come first: bytes, then events.
#[test]
fn bounds_hold() {
    let padded = |n: usize| {
        let text = log().to_string();
        EventLog::parse(format!("{text}{}", " ".repeat(n - text.len())).as_bytes())
    };
    assert!(padded(LOG_BYTES_MAX).is_ok());
    let (field, max) = ("event log", LOG_BYTES_MAX);
    let size = QuoteError::Size { field, bytes: max + 1, max };
    assert_eq!(padded(max + 1).unwrap_err(), size);

    let many = |n| {
        let event = json!({ "imr": 3, "event_type": 1, "event": "e", "event_payload": "" });
        read(&vec![event; n].into())
    };
    assert_eq!(many(EVENTS_MAX).unwrap().events().len(), EVENTS_MAX);
    let refused = QuoteError::Forbidden("event log of more than 4096 events");
    assert_eq!(many(EVENTS_MAX + 1).unwrap_err(), refused);
}

proptest! {
    /// A changed log is refused, or gives another register, or says the same.
    #[test]
    fn mutations_never_change_a_payload(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut text = log().to_string().into_bytes();
        for (at, mask) in flips {
            let at = at.index(text.len());
            text[at] ^= mask;
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len()));
        }
        if let Ok(log) = EventLog::parse(&text)
            && let Ok(measured) = log.measured(&bytes(RTMR3))
        {
            prop_assert_eq!(measured.payload("compose-hash").unwrap(), [0xab; 32]);
        }
    }
}

const READY: &str = "1a76b2a80a0be71eae59f80945d876351a7a3fb8e9fd1ff1cede5734aa84ea11fd72b4edfbb6f04e5a85edd114c751bd";
const RTMR0: &str = "c7304e0aec48bbbc703c099b425485b7a60e19b6a83630b0fb558ce2f02ec41e4cdf205335b4b613b3537ad83eb62262";
const RTMR2: &str = "1e22f51c704895e9cb551bb1961bac0e4cff3c0545b30525327f44c53117261c97b3a2bd3fa43c8afaaacd1311781dd5";
const RTMR3: &str = "821d9fe78318ce90f86c2fc9cb27183b76789a817dee23f059ab78301b3132be74874fa0616a713452be597f25b6c802";
