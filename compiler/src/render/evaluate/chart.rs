//! Plots: bars side by side, and lines over time. Plain SVG with no script and no
//! font of its own.

use std::fmt::Write;

use crate::render::drawing::{COLOURS, escaped, rect, text};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 24.0;

/// A line over time: its name, and a share for each moment, where there is one.
pub(super) struct Line<'l> {
    pub(super) name: &'l str,
    pub(super) shares: Vec<Option<f64>>,
}

/// A bar: its name, a share, and what it is to say of it.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) share: f64,
    /// Where the true share lies.
    pub(super) reach: Option<(f64, f64)>,
    pub(super) told: String,
}

/// Shares from 0 to 1 as bars, one below the other.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    const BAND: f64 = 22.0;
    let height = 44.0 + bars.len() as f64 * BAND;
    let span = WIDTH - LEFT - RIGHT - 60.0;
    let x = |share: f64| LEFT + span * share.clamp(0.0, 1.0);
    let mut out = open(title, height);
    for (at, bar) in bars.iter().enumerate() {
        let y = 36.0 + at as f64 * BAND;
        text(
            &mut out,
            LEFT - 8.0,
            y + 12.0,
            "end",
            &escaped(&short(&bar.name)),
        );
        let (width, fill) = (x(bar.share) - LEFT, COLOURS[0]);
        rect(&mut out, LEFT, y, width, 15.0, fill);
        if let Some((low, high)) = bar.reach {
            let (low, high, y) = (x(low), x(high), y + 7.5);
            let _ = writeln!(
                out,
                r##"<line x1="{low:.1}" y1="{y:.1}" x2="{high:.1}" y2="{y:.1}" stroke="#000000" stroke-width="2"/>"##
            );
        }
        let right = bar.reach.map_or(bar.share, |(_, high)| high.max(bar.share));
        text(
            &mut out,
            x(right) + 6.0,
            y + 12.0,
            "start",
            &escaped(&bar.told),
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Shares from 0 to 1 over moments that are told by `names`.
pub(super) fn lines(title: &str, names: &[String], lines: &[Line<'_>]) -> String {
    const TOP: f64 = 40.0;
    const PLOT: f64 = 220.0;
    let legend = TOP + PLOT + 48.0;
    let mut out = open(title, legend + 18.0 * lines.len() as f64);
    let count = names.len();
    let x = |at: usize| 60.0 + (WIDTH - 84.0) * at as f64 / count.saturating_sub(1).max(1) as f64;
    let y = |share: f64| TOP + PLOT * (1.0 - share.clamp(0.0, 1.0));
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (at, right) = (y(share), WIDTH - RIGHT);
        let _ = writeln!(
            out,
            r##"<line x1="60" y1="{at:.1}" x2="{right:.1}" y2="{at:.1}" stroke="#dddddd"/>"##
        );
        text(&mut out, 52.0, at + 4.0, "end", &format!("{share:.2}"));
    }
    let step = count.div_ceil(6).max(1);
    for (at, name) in names.iter().enumerate().step_by(step) {
        let anchor = match at {
            0 => "start",
            at if at + 1 == count => "end",
            _ => "middle",
        };
        text(&mut out, x(at), TOP + PLOT + 18.0, anchor, &escaped(name));
    }
    for (number, line) in lines.iter().enumerate() {
        let fill = COLOURS[number % COLOURS.len()];
        let points = line.shares.iter().enumerate();
        let points: Vec<(f64, f64)> = points
            .filter_map(|(at, share)| Some((x(at), y((*share)?))))
            .collect();
        let path: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let path = path.join(" ");
        let _ = writeln!(
            out,
            r#"<polyline points="{path}" fill="none" stroke="{fill}" stroke-width="2"/>"#
        );
        for (x, y) in points {
            let _ = writeln!(
                out,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{fill}"/>"#
            );
        }
        let y = legend + 18.0 * number as f64;
        let _ = writeln!(
            out,
            r#"<rect x="60" y="{:.1}" width="12" height="12" fill="{fill}"/>"#,
            y - 10.0
        );
        text(&mut out, 78.0, y, "start", &escaped(line.name));
    }
    out.push_str("</svg>\n");
    out
}

/// A name that fits left of its bar: as it is, or its beginning.
fn short(name: &str) -> String {
    const ROOM: usize = 26;
    match name.chars().count() > ROOM {
        true => name.chars().take(ROOM - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

fn open(title: &str, height: f64) -> String {
    let title = escaped(title);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let _ = writeln!(out, r#"<text x="12" y="20" font-size="14">{title}</text>"#);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_left_of_its_bar_and_is_no_markup() {
        let bar = Bar {
            name: format!("<b>{}", "m".repeat(40)),
            share: 7.0,
            reach: Some((-1.0, 2.0)),
            told: "\u{0}'\"".to_owned(),
        };
        let drawn = bars("a & b", &[bar]);
        assert!(
            drawn.contains(&format!("&lt;b&gt;{}…<", "m".repeat(22))),
            "{drawn}"
        );
        assert!(
            drawn.contains("a &amp; b") && drawn.contains("> &#39;&quot;<"),
            "{drawn}"
        );
        assert!(
            drawn.contains("width=\"486.0\"") && drawn.contains("x1=\"190.0\""),
            "{drawn}"
        );
    }
}
