//! What evaluations came to over time: lines of text with small plots in them, and
//! plots for eyes.

use std::fmt::Write;

use super::chart::{Line, lines};
use super::html::{head, page, row};
use super::{milliseconds, percent, signed};
use crate::evaluate::{Entry, History, ModelEntry};
use crate::render::table::align;

/// Entries that a terminal tells one by one, the newest.
const SHOWN: usize = 10;

/// Eighths of a line's height.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A share of an entry, where it has one.
type Share = fn(&Entry) -> Option<f64>;

/// What is drawn over time.
const SERIES: [(&str, Share); 4] = [
    ("passed", |it| Some(it.pass_rate)),
    ("quality", |it| Some(it.average_quality_score)),
    ("speed", |it| Some(it.average_speed_score)),
    ("calibration", |it| {
        (it.calibrated_runs > 0).then_some(it.average_calibration_score)
    }),
];

/// Trends, the latest entries and the best models.
pub fn text(history: &History) -> String {
    let summary = history.summary();
    let Some(latest) = summary.latest else {
        return "no evaluation was saved yet; `--save-history` saves one\n".to_owned();
    };
    let mut out = match summary.total_entries {
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    };
    let _ = writeln!(out, ", the latest of {}\n", latest.created_at);
    let trends = summary.trends;
    let deltas = [
        trends.pass_rate_delta,
        trends.quality_delta,
        trends.speed_delta,
        trends.calibration_delta,
    ];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for ((name, of), delta) in SERIES.into_iter().zip(deltas) {
        let shares: Vec<Option<f64>> = summary.entries.iter().map(of).collect();
        let Some(now) = of(latest) else {
            continue;
        };
        rows.push(vec![
            name.to_owned(),
            format!("{now:.3}"),
            signed(delta, 3),
            sparkline(&shares),
        ]);
    }
    let slowest = summary.entries.iter().map(|it| it.average_latency_ms);
    let slowest = slowest.fold(1.0, f64::max);
    let latencies = summary
        .entries
        .iter()
        .map(|it| Some(it.average_latency_ms / slowest));
    rows.push(vec![
        "latency".to_owned(),
        milliseconds(latest.average_latency_ms),
        format!("{} ms", signed(trends.latency_delta_ms, 0)),
        sparkline(&latencies.collect::<Vec<_>>()),
    ]);
    told(&mut out, &rows);
    out.push_str("\nbest models of the latest\n");
    let rows: Vec<Vec<String>> = summary
        .top_models
        .iter()
        .map(|it| model(it).into())
        .collect();
    told(&mut out, &rows);
    let skipped = summary.entries.len().saturating_sub(SHOWN);
    out.push_str("\nentries\n");
    let rows: Vec<Vec<String>> = summary.entries.iter().skip(skipped).map(entry).collect();
    told(&mut out, &rows);
    if skipped > 0 {
        let _ = writeln!(out, "  and {skipped} older ones");
    }
    out
}

fn told(out: &mut String, rows: &[Vec<String>]) {
    for line in align(rows) {
        let _ = writeln!(out, "  {line}");
    }
}

fn model(model: &ModelEntry) -> [String; 4] {
    [
        model.model.clone(),
        format!("{:.3}", model.average_quality_score),
        percent(model.pass_rate),
        milliseconds(model.average_latency_ms),
    ]
}

fn entry(entry: &Entry) -> Vec<String> {
    vec![
        entry.created_at.clone(),
        entry.source.word().to_owned(),
        format!("{:.3}", entry.average_quality_score),
        percent(entry.pass_rate),
        milliseconds(entry.average_latency_ms),
        entry.label.clone().unwrap_or_default(),
    ]
}

/// Shares from 0 to 1 as one sign each; a dot where there is none.
fn sparkline(shares: &[Option<f64>]) -> String {
    let sign = |share: &Option<f64>| match share {
        None => '·',
        Some(share) => {
            let level = (share.clamp(0.0, 1.0) * LEVELS.len() as f64) as usize;
            LEVELS[level.min(LEVELS.len() - 1)]
        }
    };
    shares.iter().map(sign).collect()
}

/// The trends as a plot.
pub fn svg(history: &History) -> String {
    let entries = history.entries();
    let names: Vec<String> = entries.iter().map(day).collect();
    let mut drawn: Vec<Line<'_>> = SERIES
        .iter()
        .map(|(name, of)| Line {
            name,
            shares: entries.iter().map(of).collect(),
        })
        .collect();
    drawn.retain(|line| line.shares.iter().any(Option::is_some));
    lines("Evaluations over time", &names, &drawn)
}

fn day(entry: &Entry) -> String {
    entry.created_at.chars().take(10).collect()
}

/// The trends and the entries as one page that needs nothing else.
pub fn html(history: &History) -> String {
    let summary = history.summary();
    let mut out = page("Evaluations over time");
    let _ = writeln!(out, "<h1>Evaluations over time</h1>");
    out.push_str(&svg(history));
    for name in summary.top_models.iter().map(|it| it.model.as_str()) {
        let of = |entry: &Entry| {
            let found = entry.models.iter().find(|it| it.model == name);
            found.map(|it| it.average_quality_score)
        };
        let line = Line {
            name: "quality",
            shares: history.entries().iter().map(of).collect(),
        };
        let names: Vec<String> = history.entries().iter().map(day).collect();
        out.push_str(&lines(name, &names, &[line]));
    }
    head(
        &mut out,
        "Best models",
        ["Model", "Quality", "Passed", "Latency"],
    );
    for entry in &summary.top_models {
        row(&mut out, "td", &model(entry));
    }
    out.push_str("</table>\n");
    let titles = ["When", "Source", "Quality", "Passed", "Latency", "Label"];
    head(&mut out, "Entries", titles);
    for told in history.entries().iter().rev().map(entry) {
        row(&mut out, "td", &told);
    }
    out.push_str("</table>\n</body>\n</html>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_sign() {
        let shares = [Some(0.0), Some(0.5), None, Some(1.0), Some(7.0)];
        assert_eq!(sparkline(&shares), "▁▅·██");
    }
}
