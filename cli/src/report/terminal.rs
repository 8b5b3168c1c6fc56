//! For people: diagnostics drawn at their place, messages, painted products.

use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use ctr_compiler::diagnostic::{Diagnostic, Problems, Shown};
use ctr_compiler::source::Sources;
use miette::{GraphicalReportHandler, GraphicalTheme};
use owo_colors::{OwoColorize, Style};

use super::{Summary, printable};
use crate::args::Color;
use crate::exit::Stopped;

/// Diagnostics drawn in one run. Drawing costs more than linear time, and
/// nobody reads on.
const DRAWN: usize = 50;
/// Columns where nothing tells.
const WIDTH: usize = 100;

/// Both output streams, and what is known of who reads them.
pub(crate) struct Terminal {
    colour_out: bool,
    colour_err: bool,
    width: usize,
}

impl Terminal {
    /// Decides on colour for each stream: what was asked for, else
    /// `NO_COLOR`, `CLICOLOR_FORCE` and whether it is a terminal.
    pub(crate) fn new(color: Color) -> Self {
        let asked = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        asked.write_global();
        let width =
            terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
        Self {
            colour_out: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            colour_err: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
            width: width.unwrap_or(WIDTH).max(40),
        }
    }

    /// Whether stderr shows colour.
    pub(crate) fn colour_err(&self) -> bool {
        self.colour_err
    }

    /// A product, byte for byte, to stdout. A reader that has seen enough
    /// (`ctr … | head`) is no failure.
    pub(crate) fn product(&self, text: &str) -> Result<(), Stopped> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Stopped::could_not(
                format!("cannot write to stdout: {error}"),
            )),
            _ => Ok(()),
        }
    }

    /// A product that quotes a document, for people.
    pub(crate) fn text(&self, text: &str) -> Result<(), Stopped> {
        self.product(&printable(text, false))
    }

    /// As [`Self::text`], with lines that begin with `+`, `-` or `~` in the
    /// colours people know from diffs.
    pub(crate) fn diff(&self, text: &str) -> Result<(), Stopped> {
        let text = printable(text, false);
        if !self.colour_out {
            return self.product(&text);
        }
        self.product(&text.split_inclusive('\n').map(painted).collect::<String>())
    }

    /// As [`Self::text`], for a diff of lines: their first character says what they are.
    pub(crate) fn patch(&self, text: &str) -> Result<(), Stopped> {
        let text = printable(text, false);
        if !self.colour_out {
            return self.product(&text);
        }
        let lines = text
            .split_inclusive('\n')
            .map(|line| match line.starts_with(' ') {
                true => line.to_owned(),
                false => painted(line),
            });
        self.product(&lines.collect::<String>())
    }

    /// A line to stderr. Nothing can be done where it cannot be written.
    pub(crate) fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Why a command stopped, to stderr.
    pub(crate) fn stopped(&self, stopped: &Stopped) {
        let head = self.paint("error:", Style::new().red().bold());
        self.say(&format!("{head} {}", printable(&stopped.message, false)));
        if let Some(help) = &stopped.help {
            let head = self.paint("help:", Style::new().cyan());
            self.say(&format!("  {head} {}", printable(help, false)));
        }
    }

    /// As [`Self::problems_and_waived`], where nothing is waived or it is of
    /// no interest.
    pub(crate) fn problems(&self, problems: &Problems, sources: &Sources) {
        self.problems_and_waived(problems, 0, sources);
    }

    /// Draws diagnostics in their order, and one line that counts them, to
    /// stderr. When there are more than anybody reads, errors come first. What
    /// is waived is only counted.
    pub(crate) fn problems_and_waived(
        &self,
        problems: &Problems,
        waived: usize,
        sources: &Sources,
    ) {
        if problems.is_empty() && waived == 0 {
            return;
        }
        let theme = if self.colour_err {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(self.width)
            .with_links(false);
        for diagnostic in most_severe(problems) {
            let mut drawn = String::new();
            if handler
                .render_report(&mut drawn, &Shown::new(diagnostic, sources))
                .is_err()
            {
                drawn = format!("{}: {}\n", diagnostic.code, diagnostic.headline);
            }
            self.say(&printable(&drawn, self.colour_err));
        }
        let left = problems.len().saturating_sub(DRAWN);
        if left > 0 {
            self.say(&format!("… and {left} more; `--format json` lists all"));
        }
        let summary = Summary::new(problems.iter().map(|found| found.severity));
        self.say(&summary.and_waived(waived).text());
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.colour_err {
            text.style(style).to_string()
        } else {
            text.to_owned()
        }
    }
}

/// At most [`DRAWN`], the worst, in the order they were given.
fn most_severe(problems: &Problems) -> Vec<&Diagnostic> {
    let mut ranked: Vec<(usize, &Diagnostic)> = problems.iter().enumerate().collect();
    ranked.sort_by_key(|(at, found)| (found.severity, *at));
    ranked.truncate(DRAWN);
    ranked.sort_by_key(|(at, _)| *at);
    ranked.into_iter().map(|(_, found)| found).collect()
}

fn painted(line: &str) -> String {
    let (text, end) = line
        .strip_suffix('\n')
        .map_or((line, ""), |text| (text, "\n"));
    let style = match text.trim_start().chars().next() {
        Some('+') => Style::new().green(),
        Some('-') => Style::new().red(),
        Some('~') => Style::new().yellow(),
        _ => return line.to_owned(),
    };
    format!("{}{end}", text.style(style))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctr_compiler::diagnostic::Code;

    #[test]
    fn errors_are_drawn_before_warnings_and_stay_in_order() {
        let mut problems = Problems::default();
        for at in 0..60 {
            let code = if at % 6 == 0 {
                Code::ModelNone
            } else {
                Code::RouterNoDefault
            };
            problems.push(Diagnostic::new(code, at.to_string()));
        }
        let drawn = most_severe(&problems);
        assert_eq!(drawn.len(), DRAWN);
        assert_eq!(
            drawn
                .iter()
                .filter(|found| found.code == Code::ModelNone)
                .count(),
            10
        );
        let order: Vec<usize> = drawn
            .iter()
            .filter_map(|found| found.headline.parse().ok())
            .collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn changed_lines_are_painted() {
        assert_eq!(painted("+ a\n"), "\u{1b}[32m+ a\u{1b}[0m\n");
        assert_eq!(painted("  ~ a"), "\u{1b}[33m  ~ a\u{1b}[0m");
        assert_eq!(painted("pool\n"), "pool\n");
    }
}
