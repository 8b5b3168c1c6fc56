//! Answers of `assist` in the protocol's words.

use std::collections::HashMap;

use ctr_compiler::assist::{self, Completion, Offer};
use ctr_compiler::compile_within;
use ctr_compiler::diagnostic::Fix;
use ctr_compiler::source::{SourceId, Span};
use tower_lsp_server::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CompletionItem, CompletionItemKind,
    CompletionItemTag, CompletionList, CompletionTextEdit, Documentation, Hover, HoverContents,
    InsertTextFormat, InsertTextMode, Location, MarkupContent, MarkupKind, Position,
    PrepareRenameResponse, Range, TextEdit, WorkspaceEdit,
};

use crate::command::as_of_today;

use super::diagnose::diagnostic;
use super::documents::Scene;
use super::position::Encoding;

/// Completions in one answer.
const OFFERED: usize = 500;

/// A question about a place in a document set.
pub(super) struct Asked {
    pub(super) scene: Scene,
    pub(super) id: SourceId,
    pub(super) encoding: Encoding,
    /// What the editor can do with an answer.
    pub(super) client: ClientSkills,
}

/// What an editor says that it can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientSkills {
    pub(super) snippets: bool,
    pub(super) adjusts_indentation: bool,
}

impl Asked {
    fn offset(&self, position: Position) -> usize {
        self.encoding
            .offset(self.scene.sources.get(self.id), position)
    }

    fn range(&self, span: Span) -> Range {
        self.encoding
            .range(self.scene.sources.get(span.source), span)
    }

    fn locations(&self, spans: Vec<Span>) -> Vec<Location> {
        let location = |span: Span| {
            let uri = self.scene.uri(span.source)?;
            Some(Location::new(uri.clone(), self.range(span)))
        };
        spans.into_iter().filter_map(location).collect()
    }

    fn edit(&self, fixes: &[Fix]) -> WorkspaceEdit {
        let mut changes: HashMap<_, Vec<TextEdit>> = HashMap::new();
        for fix in fixes {
            if let Some(uri) = self.scene.uri(fix.span.source) {
                let edit = TextEdit::new(self.range(fix.span), fix.replacement.clone());
                changes.entry(uri.clone()).or_default().push(edit);
            }
        }
        WorkspaceEdit::new(changes)
    }

    /// What fits, and whether there is more than an editor should be given: it
    /// asks again when more is typed.
    pub(super) fn completion(&self, at: Position) -> CompletionList {
        // Names of variables help; their values are nobody's business.
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let names: Vec<String> = names.collect();
        let offset = self.offset(at);
        let mut found = assist::complete(&self.scene.sources, self.id, offset, &names);
        let is_incomplete = found.len() > OFFERED;
        if is_incomplete {
            found.retain(|found| self.is_begun(found, offset));
            found.truncate(OFFERED);
        }
        let items = found.into_iter().enumerate();
        CompletionList {
            is_incomplete,
            items: items.map(|(rank, found)| self.item(rank, found)).collect(),
        }
    }

    /// Whether what is typed so far is part of its label.
    fn is_begun(&self, found: &Completion, offset: usize) -> bool {
        let start = found.span.range().start;
        let text = self.scene.sources.get(self.id).text();
        let typed = text.get(start..offset.max(start)).unwrap_or_default();
        found.label.to_lowercase().contains(&typed.to_lowercase())
    }

    fn item(&self, rank: usize, found: Completion) -> CompletionItem {
        let snippet = found.snippet.filter(|_| self.client.snippets);
        let format = match snippet {
            Some(_) => InsertTextFormat::SNIPPET,
            None => InsertTextFormat::PLAIN_TEXT,
        };
        let text = snippet.unwrap_or(found.text);
        let has_lines = text.contains('\n');
        CompletionItem {
            label: found.label,
            kind: Some(match found.offer {
                Offer::Key => CompletionItemKind::PROPERTY,
                Offer::Word => CompletionItemKind::ENUM_MEMBER,
                Offer::Name => CompletionItemKind::REFERENCE,
                Offer::Variable => CompletionItemKind::VARIABLE,
                Offer::Default => CompletionItemKind::VALUE,
            }),
            detail: Some(found.detail).filter(|text| !text.is_empty()),
            documentation: Some(found.about)
                .filter(|text| !text.is_empty())
                .map(markdown)
                .map(Documentation::MarkupContent),
            tags: found.is_old.then(|| vec![CompletionItemTag::DEPRECATED]),
            sort_text: Some(format!("{rank:04}")),
            insert_text_format: Some(format),
            insert_text_mode: (has_lines && self.client.adjusts_indentation)
                .then_some(InsertTextMode::ADJUST_INDENTATION),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(
                self.range(found.span),
                text,
            ))),
            ..CompletionItem::default()
        }
    }

    pub(super) fn hover(&self, at: Position) -> Option<Hover> {
        let hover = assist::hover(&self.scene.sources, self.id, self.offset(at))?;
        Some(Hover {
            contents: HoverContents::Markup(markdown(hover.text)),
            range: Some(self.range(hover.span)),
        })
    }

    pub(super) fn definition(&self, at: Position) -> Vec<Location> {
        self.locations(assist::definitions(
            &self.scene.sources,
            self.id,
            self.offset(at),
        ))
    }

    pub(super) fn references(&self, at: Position, given: bool) -> Vec<Location> {
        let offset = self.offset(at);
        self.locations(assist::references(
            &self.scene.sources,
            self.id,
            offset,
            given,
        ))
    }

    pub(super) fn renamable(&self, at: Position) -> Option<PrepareRenameResponse> {
        let found = assist::renamable(&self.scene.sources, self.id, self.offset(at))?;
        Some(PrepareRenameResponse::RangeWithPlaceholder {
            range: self.range(found.span),
            placeholder: found.name,
        })
    }

    pub(super) fn rename(&self, at: Position, new: &str) -> Result<WorkspaceEdit, String> {
        let fixes = assist::rename(&self.scene.sources, self.id, self.offset(at), new)?;
        Ok(self.edit(&fixes))
    }

    /// A repair for each mistake in a range that has one.
    pub(super) fn actions(&self, range: Range) -> Vec<CodeActionOrCommand> {
        let (from, to) = (self.offset(range.start), self.offset(range.end));
        let touches = |span: Span| {
            let range = span.range();
            span.source == self.id && range.start <= to && from <= range.end
        };
        let problems = compile_within(&self.scene.sources, &as_of_today()).problems;
        let here = problems
            .iter()
            .filter(|found| found.span().is_some_and(touches));
        here.filter_map(|found| {
            let fix = found.fix.as_ref()?;
            Some(CodeActionOrCommand::CodeAction(CodeAction {
                title: self.title(fix),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![diagnostic(found, &self.scene, self.encoding)]),
                edit: Some(self.edit(std::slice::from_ref(fix))),
                is_preferred: Some(true),
                ..CodeAction::default()
            }))
        })
        .collect()
    }

    fn title(&self, fix: &Fix) -> String {
        let source = self.scene.sources.get(fix.span.source);
        let old = source.masked().get(fix.span.range()).unwrap_or_default();
        let new = &fix.replacement;
        match (old.is_empty(), new.trim().is_empty()) {
            (false, true) => format!("remove `{old}`"),
            (true, true) => "insert a space".to_owned(),
            (true, false) => format!("insert `{new}`"),
            (false, false) => format!("replace `{old}` by `{new}`"),
        }
    }
}

fn markdown(value: String) -> MarkupContent {
    MarkupContent {
        kind: MarkupKind::Markdown,
        value,
    }
}
