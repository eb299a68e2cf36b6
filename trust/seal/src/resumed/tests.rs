#![allow(clippy::unwrap_used)]
use super::*;
use std::collections::BTreeSet;

const SECRET: [u8; SECRET_BYTES] = [7; SECRET_BYTES];

/// Both ends understand each other, and the form is what it was.
#[test]
fn a_request_and_its_answer() {
    let (client, worker) = (Resumption::new(&SECRET), Resumption::new(&SECRET));
    let request = client.seal_request(3, b"ask").unwrap();
    assert_eq!(request.len(), 3 + REQUEST_OVERHEAD_BYTES);
    assert_eq!(Label::of(&request), Some(Label { id: worker.id(), number: 3 }));
    let (number, plain) = worker.open_request(&request).unwrap();
    assert_eq!((number, &plain[..]), (3, &b"ask"[..]));
    let answer = worker.seal_answer(number, b"tell").unwrap();
    assert_eq!(answer.len(), 4 + ANSWER_OVERHEAD_BYTES);
    assert_eq!(&client.open_answer(3, &answer).unwrap()[..], b"tell");
    assert_eq!(request, GOLDEN_REQUEST);
    assert_eq!(answer, GOLDEN_ANSWER);
}

/// Another secret, number, direction, byte or length opens nothing.
#[test]
fn nothing_else_opens() {
    let (one, other) = (Resumption::new(&SECRET), Resumption::new(&[8; SECRET_BYTES]));
    let request = one.seal_request(3, b"ask").unwrap();
    let answer = one.seal_answer(3, b"tell").unwrap();
    assert!(other.open_request(&request).is_none() && other.open_answer(3, &answer).is_none());
    assert!(one.open_answer(4, &answer).is_none());
    // What a client sealed is no answer, and an answer no request.
    let (label, body) = request.split_at(LABEL_BYTES);
    let (head, told) = answer.split_at(HEAD_BYTES);
    assert!(one.open_answer(3, &[head, body].concat()).is_none());
    let reflected = [label, told].concat();
    assert!(one.open_request(&reflected).is_none());
    for place in 0..request.len() {
        let mut changed = request.clone();
        changed[place] ^= 1;
        assert!(one.open_request(&changed).is_none(), "byte {place}");
        assert!(one.open_request(&request[..place]).is_none());
    }
    for place in 0..answer.len() {
        let mut changed = answer.clone();
        changed[place] ^= 1;
        assert!(one.open_answer(3, &changed).is_none(), "byte {place}");
        assert!(one.open_answer(3, &answer[..place]).is_none());
    }
}

/// The first numbers, the last ones, and those at the window's edge.
#[test]
fn a_window_has_edges() {
    let mut window = Window::default();
    assert!(window.take(0) && !window.take(0));
    assert!(window.take(WINDOW) && !window.take(0), "left behind");
    assert!(window.take(1) && !window.take(1) && window.take(WINDOW - 1));
    assert!(window.take(u64::MAX - 1) && !window.take(u64::MAX - 1) && !window.take(WINDOW));
    assert!(!window.take(u64::MAX), "nothing could follow it");
}

/// Against a naive twin: what was taken is refused, what is new and not too old is taken.
#[test]
fn each_number_once() {
    let mut state = 1u64;
    let mut chance = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for span in [3, WINDOW / 2, 3 * WINDOW, 40 * WINDOW] {
        let (mut window, mut twin) = (Window::default(), BTreeSet::new());
        for step in 0..4 * WINDOW {
            let number = step * (chance() % 2) + chance() % span;
            let old = twin.last().is_some_and(|highest| highest + 1 > number + WINDOW);
            assert_eq!(window.take(number), !old && twin.insert(number), "{number} of {span}");
        }
    }
}

/// Made by other code: pyca/cryptography and the blake3 package of Python.
const GOLDEN_REQUEST: [u8; 58] = [
    80, 82, 65, 71, 82, 83, 1, 84, 7, 202, 199, 150, 19, 108, 203, 160, 176, 195, 219, 64, 140,
    162, 224, 17, 52, 196, 220, 139, 205, 57, 98, 0, 0, 0, 0, 0, 0, 0, 3, 29, 182, 224, 179, 244,
    50, 238, 86, 42, 143, 137, 206, 77, 209, 62, 181, 163, 125, 60,
];
const GOLDEN_ANSWER: [u8; 36] = [
    80, 82, 65, 71, 82, 83, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 32, 254, 164, 189, 7, 15, 203, 43, 217,
    20, 14, 191, 19, 229, 243, 51, 80, 249, 100, 124,
];
