//! Tables of figures. A ratio is the median of the ratios of pairs, which ran in the same moment; the two values
//! behind it are their quartiles and say how far to trust it.

use crate::{
    cases::{Case, Kind, requests_of},
    figures::{Figures, Pair, median, quantile},
};

/// A case and what was measured of it.
pub(crate) type Measured = (Case, Vec<Pair>);

/// Says how busy the machine is, and begins the table of cases.
pub(crate) fn head(runs: usize) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    println!("{runs} pairs a case; load at the beginning: {load}\n");
    println!(
        "| case | CPU ms | limit | ratio (quartiles) | wall ms | limit | ratio (quartiles) | RSS MiB | limit |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
}

/// One case's line; what was not measured stays empty.
pub(crate) fn row(case: &Case, pairs: &[Pair]) {
    let shown = |value: f64, places: usize| match value.is_nan() {
        true => String::new(),
        false => format!("{value:.places$}"),
    };
    let both = |read: fn(&Figures) -> f64, places: usize| {
        let product = median(pairs, |pair| read(&pair.product));
        let limit = median(pairs, |pair| read(&pair.limit));
        format!("{} | {}", shown(product, places), shown(limit, places))
    };
    let ratio = |read: fn(&Figures) -> f64| {
        let of_pair = |pair: &Pair| read(&pair.product) / read(&pair.limit);
        match median(pairs, of_pair) {
            unknown if unknown.is_nan() => String::new(),
            middle => format!(
                "{middle:.1} ({:.1}, {:.1})",
                quantile(pairs, of_pair, 1, 4),
                quantile(pairs, of_pair, 3, 4)
            ),
        }
    };
    println!(
        "| {} | {} | {} | {} | {} | {} |",
        case.name,
        both(|figures| figures.cpu_ms, 2),
        ratio(|figures| figures.cpu_ms),
        both(|figures| figures.wall_ms, 1),
        ratio(|figures| figures.wall_ms),
        both(|figures| figures.rss_mib, 1),
    );
}

/// What a turn costs: a case less the answer at once, by its turns.
pub(crate) fn per_turn(measured: &[Measured]) {
    let find = |name: &str| measured.iter().find(|(case, _)| case.name == name);
    let Some((_, once)) = find("one-shot") else { return };
    let turn = |pairs: &[Pair], turns: u32, read: fn(&Pair) -> f64| {
        (median(pairs, read) - median(once, read)) / f64::from(turns)
    };
    let (product, limit) = (|pair: &Pair| pair.product.cpu_ms, |pair: &Pair| pair.limit.cpu_ms);
    println!("\n| per turn | CPU ms | limit | ratio |\n|---|---|---|---|");
    for (case, pairs) in measured.iter().filter(|(case, _)| case.turns > 0) {
        let (own, other) = (turn(pairs, case.turns, product), turn(pairs, case.turns, limit));
        println!("| {} | {own:.3} | {other:.3} | {:.1} |", case.name, own / other);
    }
    if let (Some((few, at_few)), Some((many, at_many))) = (find("50-tool-turns"), find("200-tool-turns")) {
        let growth = turn(at_many, many.turns, product) / turn(at_few, few.turns, product);
        println!("\nCPU per tool turn at {} turns over that at {}: {growth:.2}", many.turns, few.turns);
    }
}

/// What a request and a session cost where many run at the same time in one process: what many took more than one.
pub(crate) fn per_session(measured: &[Measured]) {
    let sessions = |case: &Case| match case.kind {
        Kind::Sessions { count, .. } => Some(count),
        _ => None,
    };
    let mut cases = measured.iter().filter_map(|(case, pairs)| Some((sessions(case)?, pairs)));
    let (Some((few, at_few)), Some((many, at_many))) = (cases.next(), cases.next()) else { return };
    let more = |read: fn(&Pair) -> f64, of: f64| (median(at_many, read) - median(at_few, read)) / of;
    let requests = requests_of(many) - requests_of(few);
    let others = f64::from(many - few);
    println!("\n| {many} sessions in one process | better-llm | limit | ratio |\n|---|---|---|---|");
    let line = |name: &str, own: f64, other: f64, places: usize| {
        println!("| {name} | {own:.places$} | {other:.places$} | {:.1} |", own / other);
    };
    let cpu = [|pair: &Pair| pair.product.cpu_ms, |pair: &Pair| pair.limit.cpu_ms];
    let rss = [|pair: &Pair| pair.product.rss_mib, |pair: &Pair| pair.limit.rss_mib];
    line("CPU per request, ms", more(cpu[0], requests), more(cpu[1], requests), 3);
    line("RSS per session, KiB", more(rss[0], others) * 1024.0, more(rss[1], others) * 1024.0, 0);
}
