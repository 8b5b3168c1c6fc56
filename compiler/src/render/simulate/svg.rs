//! A simulation as a plot: who answered, as stacked bars, and below them how each
//! endpoint stood. Plain SVG with no script and no font of its own.

use std::fmt::Write;

use super::{title, turns};
use crate::render::drawing::{AGAINST, COLOURS, escaped, rect, text};
use crate::simulate::{EventKind, Timeline};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 150.0;
const TOP: f64 = 60.0;
const PLOT: f64 = 240.0;
const BAND: f64 = 18.0;
const GAP: f64 = 8.0;

const FAILED: &str = AGAINST;
const REFUSED: &str = "#999999";

/// Colours of standings.
const STANDINGS: [(&str, &str); 4] = [
    ("healthy", "#c7e9c0"),
    ("half-open", "#9ecae1"),
    ("cooldown", "#fdd0a2"),
    ("open", "#fb6a4a"),
];

/// The plot as a document.
pub fn svg(timeline: &Timeline) -> String {
    let count = timeline.endpoints.len() as f64;
    let legend = TOP + PLOT + 40.0 + count * (BAND + GAP);
    let height = legend + 40.0;
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    );
    let title = escaped(&title(timeline));
    let _ = writeln!(out, "<title>{title}</title>");
    let _ = writeln!(
        out,
        r##"<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>"##
    );
    text(&mut out, LEFT, 24.0, "start", &title);
    bars(&mut out, timeline);
    axis(&mut out, timeline);
    for at in 0..timeline.endpoints.len() {
        band(&mut out, timeline, at);
    }
    moments(&mut out, timeline);
    keys(&mut out, timeline, legend + 10.0);
    out.push_str("</svg>\n");
    out
}

fn x(timeline: &Timeline, ms: u64) -> f64 {
    let all = timeline.scenario.duration_ms.max(1);
    LEFT + (WIDTH - LEFT - 20.0) * ms.min(all) as f64 / all as f64
}

fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}

fn bars(out: &mut String, timeline: &Timeline) {
    let total = |bucket: &crate::simulate::Bucket| {
        bucket.answers.iter().sum::<u64>() + bucket.failed + bucket.refused
    };
    let most = timeline.buckets.iter().map(total).max().unwrap_or(0).max(1);
    for (at, bucket) in timeline.buckets.iter().enumerate() {
        let next = timeline.buckets.get(at + 1).map(|next| next.from_ms);
        let end = next.unwrap_or(timeline.scenario.duration_ms);
        let (left, right) = (x(timeline, bucket.from_ms), x(timeline, end));
        let mut top = TOP + PLOT;
        let answers = bucket.answers.iter().enumerate();
        let answers = answers.map(|(at, count)| (colour(at), *count));
        let others = [(FAILED, bucket.failed), (REFUSED, bucket.refused)];
        for (fill, count) in answers.chain(others).filter(|(_, count)| *count > 0) {
            let height = PLOT * count as f64 / most as f64;
            top -= height;
            rect(out, left, top, (right - left - 1.0).max(0.5), height, fill);
        }
    }
    text(
        out,
        LEFT - 8.0,
        TOP + 10.0,
        "end",
        &format!("{most} requests"),
    );
    text(out, LEFT - 8.0, TOP + PLOT, "end", "0");
}

fn axis(out: &mut String, timeline: &Timeline) {
    let y = TOP + PLOT + 16.0;
    let step = timeline.buckets.len().div_ceil(12).max(1);
    for bucket in timeline.buckets.iter().step_by(step) {
        let seconds = format!("{} s", bucket.from_ms as f64 / 1000.0);
        text(out, x(timeline, bucket.from_ms), y, "middle", &seconds);
    }
}

/// How one endpoint stood.
fn band(out: &mut String, timeline: &Timeline, endpoint: usize) {
    let y = TOP + PLOT + 32.0 + endpoint as f64 * (BAND + GAP);
    let name = escaped(&timeline.endpoints[endpoint]);
    text(out, LEFT - 8.0, y + 13.0, "end", &name);
    rect(out, LEFT - 6.0, y, 4.0, BAND, colour(endpoint));
    let (mut from, mut standing) = (0, "healthy");
    let mut draw = |from: u64, to: u64, standing: &str| {
        let (left, right) = (x(timeline, from), x(timeline, to));
        let known = STANDINGS.iter().find(|(word, _)| *word == standing);
        let fill = known.map_or("#ffffff", |(_, fill)| *fill);
        rect(out, left, y, right - left, BAND, fill);
    };
    for event in timeline
        .events
        .iter()
        .filter(|event| event.endpoint == endpoint)
    {
        if let EventKind::Stands { to, .. } = event.kind {
            draw(from, event.at_ms, standing);
            (from, standing) = (event.at_ms, to);
        }
    }
    draw(from, timeline.scenario.duration_ms, standing);
}

/// What was done to endpoints, as lines across.
fn moments(out: &mut String, timeline: &Timeline) {
    let bottom = TOP + PLOT + 32.0 + timeline.endpoints.len() as f64 * (BAND + GAP);
    for (at, (ms, what)) in turns(timeline).enumerate() {
        let x = x(timeline, ms);
        let y = TOP - 4.0 - 12.0 * (at % 2) as f64;
        let _ = writeln!(
            out,
            r##"<line x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom:.1}" stroke="#333333" stroke-dasharray="4 3"/>"##
        );
        let anchor = if x < WIDTH / 2.0 { "start" } else { "end" };
        text(out, x, y, anchor, &escaped(&what));
    }
}

fn keys(out: &mut String, timeline: &Timeline, y: f64) {
    let mut left = LEFT;
    let mut key = |fill: &str, word: &str| {
        rect(out, left, y - 10.0, 12.0, 12.0, fill);
        text(out, left + 16.0, y, "start", word);
        left += 32.0 + 6.5 * word.len() as f64;
    };
    let totals = &timeline.totals;
    if totals.failed > 0 {
        key(FAILED, "no answer");
    }
    if totals.refused > 0 {
        key(REFUSED, "refused");
    }
    for (word, fill) in STANDINGS {
        key(fill, word);
    }
}
