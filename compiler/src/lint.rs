//! What a document says about findings: how grave each kind of them is, and
//! which ones are waived at one place until a day.
//!
//! This comes after everything was found, and changes no plan. A finding lies
//! where its primary label is: other labels show what it has to do with, and
//! may stand anywhere. What is always an error stays one.

mod place;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::VariableUse;
use crate::diagnostic::{Code, Diagnostic, Problems, Severity};
use crate::registration::{Level, LintSection, WaiverEntry};
use crate::source::{Sources, Span, Spanned, masked};
use crate::tree::Root;
use place::{Asked, Found, Lost, first_name};

/// A finding that is accepted, and what the document says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waived {
    /// The finding.
    pub diagnostic: Diagnostic,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Date,
    /// Where the waiver stands.
    pub span: Span,
}

/// Levels and waivers as they count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lint {
    levels: BTreeMap<Code, Level>,
    waivers: Vec<Waiver>,
    /// The waiver of a finding, by its code and place.
    places: BTreeMap<(Code, Span), usize>,
}

#[derive(Clone, Debug)]
struct Waiver {
    code: Spanned<Code>,
    at: Spanned<String>,
    reason: String,
    until: Spanned<Date>,
    span: Span,
}

/// What becomes of a finding.
enum Verdict {
    Told,
    Silent,
    /// By the waiver of this number.
    Waived(usize),
}

/// What is known when findings are judged.
pub(crate) struct Given<'g> {
    /// The document as it was written; absent where there are no waivers.
    pub(crate) root: Option<&'g Root<'g>>,
    pub(crate) sources: &'g Sources,
    /// Variables the plan needs; that one is not set is found later.
    pub(crate) variables: &'g [VariableUse],
    /// Whether everything could be read.
    pub(crate) complete: bool,
    /// The day for which waivers are looked at; without one none expires.
    pub(crate) today: Option<Date>,
}

/// Judges everything that was found, and says what is wrong with the section.
pub(crate) fn judge(
    section: &LintSection,
    given: &Given<'_>,
    problems: &mut Problems,
) -> (Lint, Vec<Waived>) {
    // Errors keep proofs from being tried, so a waiver may seem to hide nothing.
    let certain = given.complete && !problems.has_errors();
    let mut own = Vec::new();
    let mut lint = Lint {
        levels: levels(section, &mut own),
        waivers: in_force(section, given.today, &mut own),
        places: BTreeMap::new(),
    };
    let found = lint.find(given, problems);
    lint.places = found.covered;
    let waived = lint.apply(problems);
    let used: BTreeSet<Span> = waived.iter().map(|waived| waived.span).collect();
    for (waiver, lost) in lint.waivers.iter().zip(&found.lost) {
        match lost {
            Some(lost) if given.complete => own.push(nowhere(waiver, lost, given.sources)),
            None if certain && !used.contains(&waiver.span) && waiver.is_of_text() => {
                own.push(unused(waiver));
            }
            _ => {}
        }
    }
    for mut diagnostic in own {
        if !matches!(lint.verdict(&mut diagnostic), Verdict::Silent) {
            problems.push(diagnostic);
        }
    }
    (lint, waived)
}

impl Lint {
    fn find(&self, given: &Given<'_>, problems: &Problems) -> Found {
        let asked: Vec<Asked<'_>> = self
            .waivers
            .iter()
            .map(|waiver| Asked {
                at: &waiver.at.value,
                code: waiver.code.value,
            })
            .collect();
        let codes: BTreeSet<Code> = asked.iter().map(|asked| asked.code).collect();
        let found = problems.iter().map(|found| (found.code, found.span()));
        let unset = given.variables.iter();
        let unset = unset.map(|used| (Code::EnvUnset, Some(used.span)));
        let findings = found
            .chain(unset)
            .filter_map(|(code, span)| Some((code, span?)));
        let findings = findings.filter(|(code, _)| codes.contains(code)).collect();
        match given.root {
            Some(root) => place::find(&root.node, &asked, findings),
            None => Found::default(),
        }
    }

    /// Takes out what is waived or allowed, and gives the rest its level.
    pub(crate) fn apply(&self, problems: &mut Problems) -> Vec<Waived> {
        let mut waived = Vec::new();
        problems.retain(|diagnostic| match self.verdict(diagnostic) {
            Verdict::Told => true,
            Verdict::Silent => false,
            Verdict::Waived(number) => {
                let waiver = &self.waivers[number];
                waived.push(Waived {
                    diagnostic: diagnostic.clone(),
                    reason: masked(&waiver.reason),
                    until: waiver.until.value,
                    span: waiver.span,
                });
                false
            }
        });
        waived
    }

    fn verdict(&self, diagnostic: &mut Diagnostic) -> Verdict {
        let code = diagnostic.code;
        let severity = match self.levels.get(&code) {
            None => diagnostic.severity,
            Some(Level::Deny) => Severity::Error,
            Some(Level::Warn) => Severity::Warning,
            Some(Level::Note | Level::Allow) => Severity::Note,
        };
        diagnostic.severity = severity;
        let place = diagnostic.span().map(|span| (code, span));
        match place.and_then(|place| self.places.get(&place)) {
            Some(number) => Verdict::Waived(*number),
            None if self.levels.get(&code) == Some(&Level::Allow) => Verdict::Silent,
            None => Verdict::Told,
        }
    }
}

impl Waiver {
    /// Whether what it is for is found in the text alone.
    fn is_of_text(&self) -> bool {
        self.code.value != Code::EnvUnset
    }
}

fn levels(section: &LintSection, own: &mut Vec<Diagnostic>) -> BTreeMap<Code, Level> {
    let mut levels = BTreeMap::new();
    for (code, level) in &section.levels {
        if code.value.severity() == Severity::Error {
            if level.value != Level::Deny {
                own.push(not_adjustable(code, level.span, "it cannot be made less"));
            }
            continue;
        }
        levels.insert(code.value, level.value);
    }
    levels
}

/// Waivers that are whole, may be and have not expired.
fn in_force(section: &LintSection, today: Option<Date>, own: &mut Vec<Diagnostic>) -> Vec<Waiver> {
    let mut waivers = Vec::new();
    for entry in &section.waivers {
        let Some(waiver) = whole(entry) else { continue };
        let code = waiver.code.value;
        let is_own = code.as_str().starts_with("lint/");
        if code.severity() == Severity::Error || is_own {
            let label = match is_own {
                true => "what is wrong with `Lint` cannot be waived in it",
                false => "it cannot be waived",
            };
            own.push(not_adjustable(&waiver.code, waiver.code.span, label));
        } else if today.is_some_and(|today| today > waiver.until.value) {
            own.push(expired(&waiver));
        } else {
            waivers.push(waiver);
        }
    }
    waivers
}

fn whole(entry: &WaiverEntry) -> Option<Waiver> {
    Some(Waiver {
        code: entry.code.clone()?,
        at: entry.at.clone()?,
        reason: entry.reason.as_ref()?.value.clone(),
        until: entry.until.clone()?,
        span: entry.head,
    })
}

fn not_adjustable(code: &Spanned<Code>, place: Span, label: &str) -> Diagnostic {
    let headline = match code.value.severity() {
        Severity::Error => format!("`{}` is always an error", code.value),
        _ => format!("`{}` cannot be waived", code.value),
    };
    Diagnostic::new(Code::LintNotAdjustable, headline)
        .at(place, label)
        .help("remove this, and mend what it was to hide")
}

fn expired(waiver: &Waiver) -> Diagnostic {
    Diagnostic::new(
        Code::LintExpiredWaiver,
        format!("the waiver of `{}` has expired", waiver.code.value),
    )
    .at(waiver.until.span, "this day has passed")
    .help("mend what it hides and remove it, or agree on another day")
}

fn nowhere(waiver: &Waiver, lost: &Lost, sources: &Sources) -> Diagnostic {
    let at = &waiver.at;
    let name = first_name(at.value.get(lost.known..).unwrap_or(""));
    let place = sources.within(at, lost.known..lost.known + name.len());
    let diagnostic = Diagnostic::new(
        Code::LintUnknownPlace,
        format!("`{}` leads nowhere", at.value),
    )
    .at(place, "nothing has this name there");
    match &lost.near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(
            "write keys as the document has them, and entries by id or position, as in `Models[0]`",
        ),
    }
}

fn unused(waiver: &Waiver) -> Diagnostic {
    Diagnostic::new(
        Code::LintUnusedWaiver,
        format!("nothing of `{}` is found there any more", waiver.code.value),
    )
    .at(waiver.code.span, "this waiver hides nothing")
    .help("remove it")
}
