use proptest::prelude::*;

use super::*;

const SMALL: SseLimits = SseLimits { event: 64, message: 160 };

type Owned = (String, Vec<u8>);

/// The events of a stream that comes in these pieces, and how it ended.
fn parse<'a>(
    limits: SseLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Owned>, Result<(), SseError>) {
    let mut parser = SseParser::new(limits);
    let mut events = Vec::new();
    for piece in pieces {
        let fed = parser.feed::<SseError>(piece, |event| {
            events.push((String::from_utf8_lossy(event.name).into_owned(), event.data.to_vec()));
            Ok(())
        });
        if fed.is_err() {
            return (events, fed);
        }
    }
    (events, Ok(()))
}

fn check(bytes: &[u8], expected: &[(&str, &str)]) {
    let expected: Vec<Owned> =
        expected.iter().map(|(name, data)| ((*name).to_owned(), data.as_bytes().to_vec())).collect();
    assert_eq!(parse(SMALL, [bytes]), (expected.clone(), Ok(())), "in one piece");
    assert_eq!(parse(SMALL, bytes.chunks(1)), (expected, Ok(())), "byte by byte");
}

#[test]
fn an_event_is_its_name_and_its_data_lines_joined() {
    check(b"event: ping\ndata: {}\n\n", &[("ping", "{}")]);
    check(b"data: one\ndata: two\n\n", &[("", "one\ntwo")]);
    check(b"data:no space\n\ndata:  two spaces\n\n", &[("", "no space"), ("", " two spaces")]);
    check(b"data\n\n", &[("", "")]);
    check(b"data: a\ndata\n\n", &[("", "a\n")]);
}

#[test]
fn every_kind_of_line_end_ends_a_line() {
    check(b"event: a\r\ndata: 1\r\n\r\n", &[("a", "1")]);
    check(b"event: a\rdata: 1\r\r", &[("a", "1")]);
    check(b"data: 1\r\n\rdata: 2\n\r\n", &[("", "1"), ("", "2")]);
}

#[test]
fn comments_ids_unknown_fields_and_a_byte_order_mark_say_nothing() {
    check(b"\xEF\xBB\xBFdata: 1\n\n", &[("", "1")]);
    check(b": keep-alive\n\nid: 7\nretry: 5\nfoo: bar\ndata: 1\n: in between\n\n", &[("", "1")]);
    check(b"event: nothing\n\ndata: 1\n\n", &[("", "1")]);
    check(b"\n\n\n", &[]);
}

#[test]
fn an_event_without_its_blank_line_has_not_come() {
    check(b"data: whole\n\ndata: half\n", &[("", "whole")]);
}

#[test]
fn text_of_every_script_comes_through_byte_by_byte() {
    let text = "data: 안녕 👩‍👩‍👧 مرحبا\n\n";
    check(text.as_bytes(), &[("", "안녕 👩‍👩‍👧 مرحبا")]);
}

#[test]
fn a_stream_past_a_bound_is_an_error() {
    let too_large = Err(SseError::EventTooLarge { limit: 64 });
    let line = [b"data: ".as_slice(), &[b'x'; 65], b"\n\n"].concat();
    assert_eq!(parse(SMALL, [line.as_slice()]), (vec![], too_large));
    let without_end = [b'x'; 65];
    assert_eq!(parse(SMALL, without_end.chunks(1)), (vec![], too_large));
    let many_lines = b"data: 0123456789\n".repeat(7);
    assert_eq!(parse(SMALL, [many_lines.as_slice()]), (vec![], too_large));

    let event = [b"data: ".as_slice(), &[b'y'; 50], b"\n\n"].concat();
    let (events, ended) = parse(SMALL, [event.repeat(4).as_slice()]);
    assert_eq!((events.len(), ended), (3, Err(SseError::MessageTooLarge { limit: 160 })));
}

/// Streams that look enough like real ones to reach every state of the parser.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    let content = prop::sample::select(vec![
        "event: ping",
        "event:content_block_delta",
        "data: {\"type\":\"ping\"}",
        "data: 한글 그리고 👩‍👩‍👧",
        "data:",
        "data",
        ": comment",
        "id: 1",
        "",
        "",
        "",
        "\u{FEFF}data: marked",
        "data: a line of sixty-two bytes, so that two of them are too many",
        "data: one line that is by itself longer than the bound, with its field name",
    ]);
    prop::collection::vec((content, line_end), 0..24).prop_map(|lines| {
        lines.into_iter().flat_map(|(content, end)| [content, end]).collect::<String>().into_bytes()
    })
}

proptest! {
    // More where `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(10_000)))]

    #[test]
    fn any_split_of_the_bytes_gives_the_same_events(
        bytes in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(parse(SMALL, pieces), parse(SMALL, [bytes.as_slice()]));
    }
}
