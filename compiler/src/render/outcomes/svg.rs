//! An evaluation as a plot: quality against cost, with the plans, the plans at other
//! thresholds, single models, what mixing those by lot gives, and the oracle.

use std::fmt::Write;

use super::tables::{dollars, headline, percent};
use crate::outcomes::{Figure, Point, Summary};
use crate::render::drawing::{AGAINST, COLOURS, escaped, text};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 70.0;
/// Lines across, and between them.
const STEPS: u32 = 5;

const PLANS: [&str; 2] = [COLOURS[0], AGAINST];
const MODEL: &str = "#333333";
const ORACLE: &str = COLOURS[2];
const RANDOM: &str = "#999999";

/// The plot as a document; one that says so where no cost is known.
pub fn svg(summary: &Summary, names: &[&str]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    );
    let title = escaped(&headline(summary, names));
    let _ = writeln!(out, "<title>{title}</title>");
    let _ = writeln!(
        out,
        r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##
    );
    text(&mut out, LEFT, 24.0, "start", &title);
    let marks = marks(summary, names);
    match Scale::of(&marks, summary) {
        Some(scale) => draw(&mut out, summary, &marks, &scale),
        None => text(
            &mut out,
            LEFT,
            TOP,
            "start",
            "no cost is known, so there is nothing to draw",
        ),
    }
    out.push_str("</svg>\n");
    out
}

/// Something with a name.
struct Mark {
    name: String,
    at: Point,
    colour: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plan,
    Anchor,
    /// Stands close to its plan, so its name stands on the other side.
    Random,
}

fn marks(summary: &Summary, names: &[&str]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut mark = |name: &str, figure: &Figure, colour, kind| {
        let cost = figure.cost_per_1000;
        let known = cost.filter(|_| figure.costed == figure.prompts);
        marks.extend(known.map(|cost| Mark {
            name: name.to_owned(),
            at: Point {
                cost,
                quality: figure.quality,
            },
            colour,
            kind,
        }));
    };
    for model in &summary.models {
        mark(&model.model, &model.figure, MODEL, Kind::Anchor);
    }
    mark("oracle", &summary.oracle, ORACLE, Kind::Anchor);
    for ((plan, name), colour) in summary.plans.iter().zip(names).zip(PLANS) {
        mark("random mixture", &plan.random, RANDOM, Kind::Random);
        mark(name, &plan.figure, colour, Kind::Plan);
    }
    marks
}

/// From cost and quality to places.
struct Scale {
    cost: f64,
    quality: (f64, f64),
}

impl Scale {
    fn of(marks: &[Mark], summary: &Summary) -> Option<Self> {
        let plans = summary.plans.iter();
        let swept = plans.flat_map(|plan| plan.thresholds.iter().map(|(_, point)| *point));
        let points = || marks.iter().map(|mark| mark.at).chain(swept.clone());
        let cost = points().map(|point| point.cost).fold(0.0, f64::max);
        let all = points().map(|point| point.quality);
        let (least, most) = all.fold((1.0_f64, 0.0_f64), |(least, most), quality| {
            (least.min(quality), most.max(quality))
        });
        (cost > 0.0).then(|| Self {
            cost: cost * 1.1,
            quality: (
                (least * 20.0 - 0.5).floor().max(0.0) / 20.0,
                (most * 20.0 + 0.5).ceil().min(20.0) / 20.0,
            ),
        })
    }

    fn x(&self, cost: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * cost / self.cost
    }

    fn y(&self, quality: f64) -> f64 {
        let (least, most) = self.quality;
        let part = (quality - least) / (most - least).max(f64::EPSILON);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part
    }
}

fn draw(out: &mut String, summary: &Summary, marks: &[Mark], scale: &Scale) {
    axes(out, scale);
    let flat = summary.hull.last().map(|last| Point {
        cost: scale.cost,
        ..*last
    });
    let hull: Vec<Point> = summary.hull.iter().copied().chain(flat).collect();
    line(out, scale, &hull, MODEL, r#" stroke-dasharray="6 4""#);
    for (plan, colour) in summary.plans.iter().zip(PLANS) {
        let swept: Vec<Point> = plan.thresholds.iter().map(|(_, point)| *point).collect();
        line(out, scale, &swept, colour, r#" opacity="0.5""#);
    }
    for mark in marks {
        let (x, y) = (scale.x(mark.at.cost), scale.y(mark.at.quality));
        let size = match mark.kind {
            Kind::Plan => 7.0,
            Kind::Anchor | Kind::Random => 5.0,
        };
        let _ = writeln!(
            out,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{size}" fill="{}"/>"#,
            mark.colour
        );
        let is_right = x > WIDTH - 220.0 || (mark.kind == Kind::Random && x > LEFT + 120.0);
        let (anchor, beside) = match is_right {
            true => ("end", -10.0),
            false => ("start", 10.0),
        };
        let above = if mark.kind == Kind::Random {
            14.0
        } else {
            -6.0
        };
        text(out, x + beside, y + above, anchor, &escaped(&mark.name));
    }
    let below = HEIGHT - 12.0;
    let key = "dashed: single models mixed by lot (hull); pale: the plan at other values of longContextThreshold";
    text(out, LEFT, below, "start", key);
}

fn axes(out: &mut String, scale: &Scale) {
    let (least, most) = scale.quality;
    for step in 0..=STEPS {
        let part = f64::from(step) / f64::from(STEPS);
        let quality = least + (most - least) * part;
        let y = scale.y(quality);
        rule(out, [LEFT, y, WIDTH - RIGHT, y]);
        text(out, LEFT - 8.0, y + 4.0, "end", &percent(quality));
    }
    let step = even(scale.cost / f64::from(STEPS));
    for cost in (0..).map(|nth| f64::from(nth) * step) {
        if cost > scale.cost {
            break;
        }
        let x = scale.x(cost);
        rule(out, [x, TOP, x, HEIGHT - BOTTOM]);
        let below = HEIGHT - BOTTOM + 16.0;
        text(out, x, below, "middle", &dollars(cost));
    }
    let below = HEIGHT - BOTTOM + 34.0;
    text(out, WIDTH - RIGHT, below, "end", "USD per 1,000 prompts");
    text(out, LEFT - 8.0, TOP - 12.0, "end", "quality");
}

/// The next of 1, 2, 5 and 10 of its size.
fn even(step: f64) -> f64 {
    let size = 10_f64.powf(step.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|part| part * size);
    let found = steps.into_iter().find(|even| *even >= step);
    found.unwrap_or(10.0 * size)
}

fn rule(out: &mut String, [x1, y1, x2, y2]: [f64; 4]) {
    let _ = writeln!(
        out,
        r##"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="#dddddd"/>"##
    );
}

fn line(out: &mut String, scale: &Scale, points: &[Point], colour: &str, style: &str) {
    if points.len() < 2 {
        return;
    }
    let places = points.iter().map(|point| {
        let (x, y) = (scale.x(point.cost), scale.y(point.quality));
        format!("{x:.1},{y:.1}")
    });
    let places: Vec<String> = places.collect();
    let _ = writeln!(
        out,
        r#"<polyline points="{}" fill="none" stroke="{colour}"{style}/>"#,
        places.join(" ")
    );
}
