use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use domain::{
    model::ModelErrorKind,
    secret::{Redactor, Secret},
};
use proptest::prelude::*;
use tokio::runtime;

use super::*;
use crate::anthropic::Assembler;

const TURN: &[u8] = include_bytes!("../../../fixtures/turn.sse");
const KOREAN: &[u8] = include_bytes!("../../../fixtures/korean.sse");

const IDLE: Duration = Duration::from_secs(90);
const FIRST_BYTE: Duration = Duration::from_secs(120);

/// One thing a scripted body does.
#[derive(Debug, Clone)]
enum Wire {
    Bytes(Vec<u8>),
    Wait(u64),
    Break,
    Hang,
}

fn chunks(script: Vec<Wire>) -> Chunks {
    let steps = stream::iter(script).filter_map(|step| async {
        match step {
            Wire::Bytes(bytes) => Some(Ok(Bytes::from(bytes))),
            Wire::Wait(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                None
            }
            Wire::Break => Some(Err("reset by peer".into())),
            Wire::Hang => std::future::pending().await,
        }
    });
    steps.boxed()
}

/// What came out of a body: the items (their debug form) and the error at the end.
async fn read(script: Vec<Wire>) -> (Vec<String>, Option<(ModelErrorKind, String)>) {
    read_chunks(chunks(script)).await
}

async fn read_chunks(chunks: Chunks) -> (Vec<String>, Option<(ModelErrorKind, String)>) {
    let redactor = Arc::new(Redactor::new(Secret::new("sk-hush-hush").into_iter().collect()));
    let place = Place { url: "https://api.test".into(), request_id: None, redactor };
    let reply = Reply::new(Assembler::default(), chunks, Instant::now() + FIRST_BYTE, IDLE, place);
    let (mut items, mut error) = (Vec::new(), None);
    let mut stream = reply.into_stream();
    while let Some(item) = stream.next().await {
        match item {
            Ok(item) => items.push(format!("{item:?}")),
            Err(failure) => error = Some((failure.kind, failure.what)),
        }
    }
    (items, error)
}

fn paused() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn failure(script: Vec<Wire>) -> (usize, ModelErrorKind) {
    let (items, error) = paused().block_on(read(script));
    (items.len(), error.unwrap().0)
}

fn half() -> Wire {
    // Ends in the middle of the text of TURN, after the thinking.
    Wire::Bytes(TURN[..TURN.len() * 2 / 3].to_vec())
}

#[test]
fn a_body_that_ends_or_breaks_before_the_answer_is_cut() {
    assert_eq!(failure(vec![half()]), (2, ModelErrorKind::Cut));
    assert_eq!(failure(vec![half(), Wire::Break]), (2, ModelErrorKind::Cut));
    assert_eq!(failure(vec![]), (0, ModelErrorKind::Cut));
}

#[test]
fn a_body_that_says_nothing_for_too_long_is_silent() {
    assert_eq!(failure(vec![Wire::Hang]), (0, ModelErrorKind::Silent));
    assert_eq!(failure(vec![half(), Wire::Hang]), (2, ModelErrorKind::Silent));
    let late = vec![Wire::Wait(121), Wire::Bytes(TURN.to_vec())];
    assert_eq!(failure(late), (0, ModelErrorKind::Silent));
}

#[test]
fn a_slow_first_byte_pings_and_comments_keep_an_answer_alive() {
    let mut script = vec![Wire::Wait(119), Wire::Bytes(b"event: ping\ndata: {}\n\n".to_vec())];
    for _ in 0..2 {
        script.extend([
            Wire::Wait(80),
            Wire::Bytes(b": alive\n\n".to_vec()),
            Wire::Wait(80),
            Wire::Bytes(b":".to_vec()),
        ]);
        script.push(Wire::Bytes(b"\n".to_vec()));
    }
    script.push(Wire::Bytes(TURN.to_vec()));
    let (items, error) = paused().block_on(read(script));
    assert_eq!((items.len(), error), (3, None));
}

/// P32: bytes keep a connection alive, and pings alone, or a byte now and then, no answer.
#[test]
fn an_answer_of_which_nothing_comes_for_ten_minutes_is_silent() {
    let check = |beginning: Vec<Wire>, drip: &[u8], shown: usize| {
        let drips = (0..40).flat_map(|_| [Wire::Wait(30), Wire::Bytes(drip.to_vec())]);
        let runtime = paused();
        let (items, error) = runtime.block_on(async {
            let began = Instant::now();
            let read = read(beginning.into_iter().chain(drips).collect()).await;
            assert_eq!(began.elapsed().as_secs(), 600);
            read
        });
        let (kind, what) = error.unwrap();
        assert_eq!((items.len(), kind), (shown, ModelErrorKind::Silent));
        assert!(what.contains("nothing of the answer came for 10 minutes"), "{what}");
    };
    check(vec![], b"event: ping\ndata: {\"type\": \"ping\"}\n\n", 0);
    check(vec![], b"d", 0);
    let Wire::Bytes(half) = half() else { panic!() };
    let end = half.windows(2).rposition(|pair| pair == b"\n\n").unwrap() + 2;
    check(vec![Wire::Bytes(half[..end].to_vec())], b": alive\n\n", 2);
}

/// A call's input is not shown, and is content all the same.
#[test]
fn an_answer_whose_call_grows_is_not_silent() {
    let event = |kind: &str, data: &str| Wire::Bytes(format!("event: {kind}\ndata: {data}\n\n").into());
    let start = r#"{"index":0,"content_block":{"type":"tool_use","id":"t","name":"write","input":{}}}"#;
    let mut script =
        vec![event("message_start", r#"{"message":{"model":"m"}}"#), event("content_block_start", start)];
    for piece in ["{", "\\\"a\\\"", ":", "1", "}"] {
        let delta =
            format!(r#"{{"index":0,"delta":{{"type":"input_json_delta","partial_json":"{piece}"}}}}"#);
        script.extend((0..9).flat_map(|_| [Wire::Wait(60), Wire::Bytes(b":\n".to_vec())]));
        script.push(event("content_block_delta", &delta));
    }
    script.push(event("message_delta", r#"{"delta":{"stop_reason":"tool_use"}}"#));
    script.push(event("message_stop", "{}"));
    let (items, error) = paused().block_on(read(script));
    assert_eq!((items.len(), error), (1, None));
}

/// P39: what a failed answer took is told as far as it is known.
#[test]
fn a_failed_answer_says_what_it_took() {
    let redactor = Arc::new(Redactor::new(Vec::new()));
    for end in [
        Wire::Break,
        Wire::Bytes(b"event: error\ndata: {\"error\":{\"type\":\"overloaded_error\"}}\n\n".to_vec()),
    ] {
        let head = b"event: message_start\ndata: {\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n";
        let chunks = chunks(vec![Wire::Bytes(head.to_vec()), end]);
        let place = Place { url: String::new(), request_id: None, redactor: Arc::clone(&redactor) };
        let error = paused().block_on(async {
            let reply = Reply::new(Assembler::default(), chunks, Instant::now() + FIRST_BYTE, IDLE, place);
            reply.into_stream().next().await.unwrap().unwrap_err()
        });
        assert_eq!((error.usage.input_tokens, error.usage.output_tokens), (7, 1));
    }
}

#[test]
fn what_came_whole_before_an_error_is_given_and_nothing_of_it_runs() {
    let error = b"event: error\ndata: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    let (items, ended) =
        paused().block_on(read(vec![half(), Wire::Bytes([b"\n\n".as_slice(), error].concat())]));
    let expected = "https://api.test: the stream is not as the protocol says";
    assert_eq!((items.len(), ended), (2, Some((ModelErrorKind::Malformed, expected.into()))));

    let head = &TURN[..TURN.windows(2).position(|pair| pair == b"\n\n").unwrap() + 2];
    let (items, ended) = paused().block_on(read(vec![Wire::Bytes([head, error].concat()), Wire::Hang]));
    let expected = "https://api.test: the server gave up in the stream, overloaded_error: busy";
    assert_eq!(
        (items.len(), ended),
        (0, Some((ModelErrorKind::Unavailable { retry_after: None }, expected.into())))
    );
}

#[test]
fn a_body_is_read_to_its_end_so_that_its_connection_is_used_again() {
    let ended = Arc::new(AtomicBool::new(false));
    let end = {
        let ended = Arc::clone(&ended);
        stream::poll_fn(move |_| {
            ended.store(true, Ordering::SeqCst);
            Poll::Ready(None)
        })
    };
    let (items, error) =
        paused().block_on(read_chunks(chunks(vec![Wire::Bytes(TURN.to_vec())]).chain(end).boxed()));
    assert_eq!((items.len(), error, ended.load(Ordering::SeqCst)), (3, None, true));
}

#[test]
fn an_answer_is_not_held_up_by_a_body_that_never_ends() {
    let (items, error) = paused().block_on(read(vec![Wire::Bytes(TURN.to_vec()), Wire::Hang]));
    assert_eq!((items.len(), error), (3, None));
    let (items, error) = paused().block_on(read(vec![Wire::Bytes([TURN, b"data: junk\n\n"].concat())]));
    assert_eq!((items.len(), error), (3, None));
}

#[test]
fn a_body_past_its_bounds_is_malformed() {
    let line = vec![b'x'; 1 << 20];
    let endless = (0..9).map(|_| Wire::Bytes(line.clone())).collect();
    assert_eq!(failure(endless), (0, ModelErrorKind::Malformed));
}

proptest! {
    // More where `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(10_000)))]

    #[test]
    fn any_split_of_an_answers_bytes_gives_the_same_items(
        korean in any::<bool>(),
        end in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let whole = if korean { KOREAN } else { TURN };
        // Half of the cases end early, so that the errors are compared as well.
        let end = whole.len().min(end.index(whole.len() * 2));
        let bytes = &whole[..end];
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(end + 1)).collect();
        cuts.extend([0, end]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| Wire::Bytes(bytes[pair[0]..pair[1]].to_vec())).collect();
        let runtime = paused();
        let in_pieces = runtime.block_on(read(pieces));
        prop_assert_eq!(in_pieces, runtime.block_on(read(vec![Wire::Bytes(bytes.to_vec())])));
    }
}
