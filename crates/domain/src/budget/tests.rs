use std::sync::Arc;

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::*;
use crate::{
    agent::AgentName,
    message::{Message, SealedMessage},
    model::ModelRequest,
    properties,
};

const PRICE: Price = Price::new(4_000, 20_000, 200, 5_000);

fn budget(tokens: Option<u64>, usd: Option<f64>) -> Budget {
    let cost = usd.map(|usd| Cost::from_usd(usd).unwrap());
    Budget::new(&Limits { max_tokens: tokens, max_cost_usd: cost, ..Limits::default() })
}

fn need(input: u64, output: u64) -> Need {
    Need { input, output: Some(output), price: Some(PRICE) }
}

fn usage(input: u64, output: u64) -> Usage {
    Usage { input_tokens: input, output_tokens: output, ..Usage::default() }
}

/// The longest answer that a budget grants, or the limit that it trips over; `others` where it is to be waited for.
#[track_caller]
fn check(budget: &mut Budget, need: Need, expected: Result<Option<u64>, &str>) {
    let granted = budget.reserve(need);
    let why = |no_room: &NoRoom| match no_room {
        NoRoom::Reached(trip) => trip.limit(),
        NoRoom::Others => "others",
    };
    assert_eq!(granted.as_ref().map(Reservation::max_tokens).map_err(why), expected);
}

#[test]
fn an_answer_is_lowered_to_what_is_left_and_not_below_1024() {
    check(&mut budget(None, None), need(1_000_000, 32_000), Ok(None));
    check(&mut budget(Some(42_000), None), need(10_000, 32_000), Ok(None));
    check(&mut budget(Some(41_999), None), need(10_000, 32_000), Ok(Some(31_999)));
    check(&mut budget(Some(11_024), None), need(10_000, 32_000), Ok(Some(1_024)));
    check(&mut budget(Some(11_023), None), need(10_000, 32_000), Err("max_tokens"));
    check(&mut budget(Some(9_999), None), need(10_000, 32_000), Err("max_tokens"));
    // A model that gives less anyway is asked for that.
    check(&mut budget(Some(10_500), None), need(10_000, 500), Ok(None));
    check(&mut budget(Some(10_499), None), need(10_000, 500), Err("max_tokens"));
}

#[test]
fn money_is_kept_like_tokens_and_the_tighter_of_both_decides() {
    // 10,000 tokens of input at the dearest kind (5,000 billionths) are 0.05 dollars; the answer costs 0.02 a thousand.
    check(&mut budget(None, Some(0.05 + 0.64)), need(10_000, 32_000), Ok(None));
    check(&mut budget(None, Some(0.05 + 0.1)), need(10_000, 32_000), Ok(Some(5_000)));
    check(&mut budget(None, Some(0.05 + 0.02)), need(10_000, 32_000), Err("max_cost_usd"));
    check(&mut budget(None, Some(0.049)), need(10_000, 32_000), Err("max_cost_usd"));
    check(&mut budget(Some(13_000), Some(0.15)), need(10_000, 32_000), Ok(Some(3_000)));
    check(&mut budget(Some(20_000), Some(0.15)), need(10_000, 32_000), Ok(Some(5_000)));
}

#[test]
fn what_nobody_can_price_nobody_can_afford() {
    let unpriced = Need { price: None, ..need(1, 2_000) };
    check(&mut budget(None, Some(1_000_000.0)), unpriced, Err("max_cost_usd"));
    check(&mut budget(Some(100_000), None), unpriced, Ok(None));
}

#[test]
fn settling_gives_back_what_was_not_taken() {
    let mut budget = budget(Some(50_000), None);
    let first = budget.reserve(need(10_000, 32_000)).unwrap();
    check(&mut budget, need(10_000, 32_000), Err("others"));
    budget.settle(first, usage(9_000, 500));
    assert_eq!(budget.spent().usage(), usage(9_000, 500));
    check(&mut budget, need(9_500, 32_000), Ok(Some(31_000)));
}

#[test]
fn what_nobody_knows_the_count_of_stays_taken() {
    let mut budget = budget(Some(50_000), None);
    let first = budget.reserve(need(10_000, 32_000)).unwrap();
    check(&mut budget, need(1_000, 32_000), Err("others"));
    budget.settle_unknown(first);
    check(&mut budget, need(1_000, 32_000), Ok(Some(7_000)));
    assert_eq!(budget.spent().usage(), Usage::default());
}

/// O-24: what other requests have reserved is waited for where little or nothing is left beside it, and no longer than
/// it helps.
#[test]
fn a_limit_that_only_open_requests_reach_is_waited_for() {
    let open = |limit| {
        let mut budget = budget(Some(limit), None);
        drop(budget.reserve(need(10_000, 32_000)).unwrap());
        budget
    };
    check(&mut open(60_000), need(10_000, 32_000), Ok(Some(8_000)));
    check(&mut open(59_999), need(10_000, 32_000), Err("others"));
    check(&mut open(42_000), need(10_000, 32_000), Err("others"));
    check(&mut open(55_000), need(10_000, 3_000), Ok(None));
    check(&mut open(54_999), need(10_000, 3_000), Err("others"));
    check(&mut open(42_000), need(42_000, 32_000), Err("max_tokens"));
}

#[test]
fn an_answer_that_its_provider_did_not_count_counts_as_estimated() {
    let mut budget = budget(Some(50_000), None);
    let first = budget.reserve(need(10_000, 32_000)).unwrap();
    budget.settle_uncounted(first, 700);
    assert_eq!(budget.spent().usage(), Usage::default());
    check(&mut budget, need(10_000, 32_000), Ok(Some(29_300)));
}

#[test]
fn failed_attempts_count_and_may_leave_no_room_for_the_next() {
    let mut budget = budget(Some(50_000), None);
    let request = budget.reserve(need(10_000, 32_000)).unwrap();
    assert_eq!(budget.attempt_failed(&request, usage(8_000, 0)), Ok(()));
    assert_eq!(budget.attempt_failed(&request, usage(10_000, 0)), Err(Trip::Tokens(50_000)));
    assert_eq!(budget.spent().usage(), usage(18_000, 0));

    let mut budget = super::tests::budget(None, Some(0.3));
    let request = budget.reserve(need(10_000, 10_000)).unwrap();
    assert_eq!(budget.attempt_failed(&request, usage(10_000, 500)), Ok(()));
    let trip = budget.attempt_failed(&request, usage(1, 0));
    assert_eq!(trip, Err(Trip::Cost(Cost::from_usd(0.3).unwrap())));
}

/// O-8: who answers instead may be dearer.
#[test]
fn a_model_that_answers_instead_is_counted_by_its_own_price() {
    let mut budget = budget(None, Some(1.0));
    let mut room = budget.reserve(need(1_000, 2_000)).unwrap();
    let dear = Price::new(10_000, 100_000, 0, 0);
    assert_eq!(budget.reprice(&mut room, Some(dear)), Ok(()));
    assert_eq!((room.price(), budget.open.tokens), (Some(&dear), 3_000));
    assert_eq!(budget.open.cost, dear.at_most(1_000, 2_000));
    let limit = Trip::Cost(Cost::from_usd(1.0).unwrap());
    assert_eq!(budget.reprice(&mut room, Some(Price::new(0, 1_000_000, 0, 0))), Err(limit));
    assert_eq!(budget.reprice(&mut room, None), Err(limit));
    assert_eq!(budget.reprice(&mut room, Some(dear)), Ok(()));
    budget.settle(room, usage(10, 20));
    assert_eq!((budget.open, budget.spent().cost()), (Amount::default(), Some(dear.of(usage(10, 20)))));
}

#[test]
fn an_input_is_estimated_by_what_was_counted_and_what_joined_since() {
    let said = |texts: &[&str]| ModelRequest {
        agent: AgentName::manager(),
        model: None,
        system: "가나다".into(),
        tools: Arc::default(),
        messages: texts.iter().map(|text| SealedMessage::new(Message::user(*text))).collect(),
        thinking: None,
        effort: None,
        max_tokens: None,
    };
    let first = bytes_of(&said(&["라마"]));
    assert_eq!(first, 15);
    let mut gauge = InputGauge::default();
    assert_eq!(gauge.estimate(first), 5);
    gauge.counted(first, Usage { cache_read_tokens: 7, ..usage(100, 50) });
    let second = bytes_of(&said(&["라마", "👩‍👩‍👧"]));
    assert_eq!(second - first, 18);
    assert_eq!(gauge.estimate(second), 107 + 6);
    // Cut: what was counted is not there any more.
    assert_eq!(gauge.estimate(first - 3), 4);
    // A provider that counts nothing says nothing.
    gauge.counted(second, Usage::default());
    assert_eq!(gauge.estimate(second), 107 + 6);
}

#[test]
fn the_length_of_json_is_about_that_of_its_text() {
    let value = json!({"type": "object", "properties": {"경로": {"type": "string"}, "n": {"minimum": 1}}, "required": ["경로"]});
    let message = Message {
        role: crate::message::Role::Assistant,
        parts: vec![crate::message::Part::ToolUse {
            id: crate::id::CallId::new("a"),
            name: String::new(),
            input: value.clone(),
        }],
    };
    let (text, estimated) = (value.to_string().len() as u64, tokens_of(&message) * 3);
    assert!(estimated >= text && estimated < text + text / 4, "{estimated} for {text}");
}

/// What one of the racing workers does next.
#[derive(Debug, Clone, Copy)]
struct Move {
    worker: usize,
    input: u64,
    output: u64,
    /// What the provider counts, in percent of what was reserved.
    share: u64,
    fails_first: bool,
}

fn moves(most_share: u64) -> impl Strategy<Value = Vec<Move>> {
    let a_move = (0..4_usize, 1..20_000_u64, 1..40_000_u64, 0..=most_share, any::<bool>());
    let a_move = a_move.prop_map(|(worker, input, output, share, fails_first)| Move {
        worker,
        input,
        output,
        share,
        fails_first,
    });
    vec(a_move, 1..60)
}

/// Four workers reserve and settle in the order given. Returns what they took, the largest reservation, and by how
/// much providers counted more than was reserved.
fn race(budget: &mut Budget, moves: &[Move]) -> (u64, u64, u64) {
    let mut open: [Option<(Reservation, Move)>; 4] = [const { None }; 4];
    let (mut largest, mut excess) = (0, 0);
    for next in moves {
        if let Some((reservation, given)) = open[next.worker].take() {
            let input = given.input * given.share / 100;
            let output = reservation.output * given.share / 100;
            excess += (input + output).saturating_sub(reservation.amount.tokens);
            budget.settle(reservation, usage(input, output));
            continue;
        }
        let reserved = budget.reserve(need(next.input, next.output));
        let is_any_open = open.iter().any(Option::is_some);
        assert!(is_any_open || reserved != Err(NoRoom::Others), "nobody would wake whoever waits");
        if let Ok(reservation) = reserved {
            largest = largest.max(reservation.amount.tokens);
            if next.fails_first && budget.attempt_failed(&reservation, usage(next.input, 0)).is_err() {
                // Its next attempt does not go out, so nothing more is counted.
                excess += next.input;
                budget.settle(reservation, Usage::default());
            } else {
                open[next.worker] = Some((reservation, *next));
            }
        }
    }
    for (reservation, given) in open.into_iter().flatten() {
        let (input, output) = (given.input * given.share / 100, reservation.output * given.share / 100);
        excess += (input + output).saturating_sub(reservation.amount.tokens);
        budget.settle(reservation, usage(input, output));
    }
    (budget.spent().usage().total(), largest, excess)
}

proptest! {
    #![proptest_config(properties::cases())]

    /// O-14: four racing workers stay within both limits as long as no provider counts more than was reserved.
    #[test]
    fn racing_workers_never_pass_a_limit_that_was_reserved_within(
        moves in moves(100),
        tokens in 1..200_000_u64,
        usd in 0.01..2.0_f64,
    ) {
        let moves: Vec<_> = moves.into_iter().map(|next| Move { fails_first: false, ..next }).collect();
        let mut budget = budget(Some(tokens), Some(usd));
        let (spent, _, _) = race(&mut budget, &moves);
        prop_assert!(spent <= tokens, "{spent} of {tokens}");
        let cost = budget.spent().cost().unwrap_or_default();
        prop_assert!(cost <= Cost::from_usd(usd).unwrap(), "{cost:?} of {usd}");
    }

    /// O-14: where estimates are too low or attempts fail, a round passes its limit by what was counted too much.
    #[test]
    fn a_limit_is_passed_only_by_what_was_counted_beyond_the_reservations(
        moves in moves(200),
        tokens in 1..200_000_u64,
    ) {
        let mut budget = budget(Some(tokens), None);
        let (spent, _, excess) = race(&mut budget, &moves);
        prop_assert!(spent <= tokens + excess, "{spent} of {tokens}, {excess} too much");
    }

    /// O-14: where one request turns out twice as long as reserved, four racing workers overshoot by at most that one.
    #[test]
    fn racing_workers_overshoot_by_at_most_one_reservation(
        moves in moves(100),
        wrong in any::<prop::sample::Index>(),
        tokens in 1..200_000_u64,
    ) {
        let mut moves: Vec<_> = moves.into_iter().map(|next| Move { fails_first: false, ..next }).collect();
        let wrong = wrong.index(moves.len());
        moves[wrong].share = 200;
        let mut budget = budget(Some(tokens), None);
        let (spent, largest, _) = race(&mut budget, &moves);
        prop_assert!(spent <= tokens + largest, "{spent} of {tokens}, at most {largest} at once");
    }
}
