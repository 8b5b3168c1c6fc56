//! What is wrong, told whenever the texts have changed and never twice for the
//! same: while a text is looked at, further changes wait and are looked at
//! together, and an answer that came too late is not given.

use std::collections::BTreeMap;
use std::sync::Arc;

use ctr_compiler::diagnostic::{Code, Diagnostic as Found, Label, Severity};
use ctr_compiler::{assist, compile_within};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    NumberOrString, Range, Uri,
};

use crate::command::as_of_today;

use super::documents::{Place, Scene};
use super::position::Encoding;
use super::server::State;

/// Tells what is wrong until nobody listens.
pub(super) async fn run(state: Arc<State>, client: Client) {
    let mut told: BTreeMap<String, Uri> = BTreeMap::new();
    loop {
        state.changed.notified().await;
        let (scenes, seen) = state.scenes();
        let encoding = state.encoding();
        let looked = tokio::task::spawn_blocking(move || {
            scenes
                .iter()
                .flat_map(|scene| told_of(scene, encoding))
                .collect::<Vec<_>>()
        });
        let Ok(found) = looked.await else { continue };
        if state.is_stale(seen) {
            continue;
        }
        // What was told of texts that are gone is taken back.
        let mut gone = std::mem::take(&mut told);
        for (place, diagnostics) in found {
            gone.remove(place.uri.as_str());
            told.insert(place.uri.to_string(), place.uri.clone());
            client
                .publish_diagnostics(place.uri, diagnostics, place.version)
                .await;
        }
        for uri in gone.into_values() {
            client.publish_diagnostics(uri, Vec::new(), None).await;
        }
    }
}

/// What is wrong with each source of a document set.
fn told_of(scene: &Scene, encoding: Encoding) -> Vec<(Place, Vec<Diagnostic>)> {
    let places = scene.places();
    let mut told: Vec<(Place, Vec<Diagnostic>)> = places
        .iter()
        .map(|place| (place.clone(), Vec::new()))
        .collect();
    let is_one = |place: &Place| assist::is_registration(&scene.sources, place.id);
    if !places.iter().any(is_one) {
        return told;
    }
    for found in compile_within(&scene.sources, &as_of_today())
        .problems
        .iter()
    {
        let id = found.span().map(|span| span.source);
        let at = id.and_then(|id| told.iter().position(|(place, _)| place.id == id));
        if let Some((_, list)) = told.get_mut(at.unwrap_or(0)) {
            list.push(diagnostic(found, scene, encoding));
        }
    }
    told
}

/// One diagnostic in the protocol's words.
pub(super) fn diagnostic(found: &Found, scene: &Scene, encoding: Encoding) -> Diagnostic {
    let mut message = found.headline.clone();
    let labels = found.labels.split_first();
    for line in labels
        .map(|(first, _)| first.text.as_str())
        .into_iter()
        .filter(|line| !line.is_empty())
    {
        message.push_str(&format!("\n{line}"));
    }
    if let Some(help) = &found.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let related: Vec<_> = labels
        .map_or(&[] as &[Label], |(_, rest)| rest)
        .iter()
        .filter_map(|label| related(label, scene, encoding))
        .collect();
    Diagnostic {
        range: found.span().map_or(Range::default(), |span| {
            encoding.range(scene.sources.get(span.source), span)
        }),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(found.code.to_string())),
        source: Some("ctr".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: tag(found.code).map(|tag| vec![tag]),
        ..Diagnostic::default()
    }
}

fn related(
    label: &Label,
    scene: &Scene,
    encoding: Encoding,
) -> Option<DiagnosticRelatedInformation> {
    let id = label.span.source;
    let range = encoding.range(scene.sources.get(id), label.span);
    Some(DiagnosticRelatedInformation {
        location: Location::new(scene.uri(id)?.clone(), range),
        message: label.text.clone(),
    })
}

/// How an editor draws the place, beside its severity.
fn tag(code: Code) -> Option<DiagnosticTag> {
    match code {
        Code::DocumentUnknownKey => Some(DiagnosticTag::UNNECESSARY),
        Code::DocumentOldSpelling | Code::DocumentBothSpellings => Some(DiagnosticTag::DEPRECATED),
        _ => None,
    }
}
