//! The protocol's requests, one method each.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ctr_runtime::reload::Input;
use tokio::sync::Notify;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability,
    CodeActionResponse, CompletionOptions, CompletionParams, CompletionResponse,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWatchedFilesRegistrationOptions, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DidSaveTextDocumentParams, FileSystemWatcher, GlobPattern,
    GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams, HoverProviderCapability,
    InitializeParams, InitializeResult, InitializedParams, InsertTextMode, Location, OneOf,
    Position, PrepareRenameResponse, ReferenceParams, Registration, RenameOptions, RenameParams,
    SaveOptions, ServerCapabilities, ServerInfo, TextDocumentPositionParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, Uri, WorkDoneProgressOptions, WorkspaceEdit,
};
use tower_lsp_server::{Client, LanguageServer};

use super::answer::{Asked, ClientSkills};
use super::diagnose;
use super::documents::{Documents, Scene};
use super::position::Encoding;

/// What after which an editor asks for completion by itself.
const TRIGGERS: [&str; 6] = [" ", ":", "{", "\"", "=", "-"];

/// What is known of texts and of the editor.
pub(super) struct State {
    documents: Mutex<Documents>,
    /// Counts changes, so that an answer can be known to be too late.
    changes: AtomicU64,
    pub(super) changed: Notify,
    editor: OnceLock<Editor>,
}

/// What the editor said of itself.
#[derive(Clone, Copy, Default)]
struct Editor {
    encoding: Encoding,
    skills: ClientSkills,
    registers_watchers: bool,
}

impl State {
    /// A panic elsewhere leaves texts that are still texts.
    fn documents(&self) -> MutexGuard<'_, Documents> {
        self.documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Documents)) {
        change(&mut self.documents());
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// All there is to look at, and the count of changes it comes after.
    pub(super) fn scenes(&self) -> (Vec<Scene>, u64) {
        let documents = self.documents();
        (documents.scenes(), self.changes.load(Ordering::Relaxed))
    }

    pub(super) fn is_stale(&self, seen: u64) -> bool {
        self.changes.load(Ordering::Relaxed) != seen
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.editor().encoding
    }

    fn editor(&self) -> Editor {
        self.editor.get().copied().unwrap_or_default()
    }
}

/// The server.
pub(super) struct Backend {
    client: Client,
    state: Arc<State>,
    said_goodbye: Arc<AtomicBool>,
    has_set: bool,
}

impl Backend {
    pub(super) fn new(client: Client, set: Vec<Input>, said_goodbye: Arc<AtomicBool>) -> Self {
        Self {
            client,
            said_goodbye,
            has_set: !set.is_empty(),
            state: Arc::new(State {
                documents: Mutex::new(Documents::new(set)),
                changes: AtomicU64::new(0),
                changed: Notify::new(),
                editor: OnceLock::new(),
            }),
        }
    }

    /// Answers beside other requests; nothing where the text is not open.
    async fn ask<T: Send + 'static>(
        &self,
        uri: &Uri,
        answer: impl FnOnce(Asked) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let editor = self.state.editor();
        let Some((scene, id)) = self.state.documents().scene(uri) else {
            return Ok(None);
        };
        let asked = Asked {
            scene,
            id,
            encoding: editor.encoding,
            client: editor.skills,
        };
        let answered = tokio::task::spawn_blocking(move || answer(asked)).await;
        answered.map(Some).map_err(|_| Error::internal_error())
    }
}

/// The text and the place that a request is about.
fn place(at: TextDocumentPositionParams) -> (Uri, Position) {
    (at.text_document.uri, at.position)
}

fn editor(params: &InitializeParams) -> Editor {
    let text = params.capabilities.text_document.as_ref();
    let item = text
        .and_then(|text| text.completion.as_ref())
        .and_then(|completion| completion.completion_item.as_ref());
    let modes = item.and_then(|item| item.insert_text_mode_support.as_ref());
    let workspace = params.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    let general = params.capabilities.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_deref());
    Editor {
        encoding: Encoding::of(offered),
        skills: ClientSkills {
            snippets: item
                .and_then(|item| item.snippet_support)
                .unwrap_or_default(),
            adjusts_indentation: modes.is_some_and(|modes| {
                modes
                    .value_set
                    .contains(&InsertTextMode::ADJUST_INDENTATION)
            }),
        },
        registers_watchers: watched
            .and_then(|watched| watched.dynamic_registration)
            .unwrap_or_default(),
    }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    let triggers = TRIGGERS.iter().map(|mark| (*mark).to_owned());
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(
                    SaveOptions::default(),
                )),
                ..TextDocumentSyncOptions::default()
            },
        )),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(triggers.collect()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let editor = self.state.editor.get_or_init(|| editor(&params));
        tokio::spawn(diagnose::run(Arc::clone(&self.state), self.client.clone()));
        Ok(InitializeResult {
            capabilities: capabilities(editor.encoding),
            server_info: Some(ServerInfo {
                name: "ctr".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    /// Asks to be told of files of the set that change outside of the editor.
    async fn initialized(&self, _: InitializedParams) {
        if !self.has_set {
            return;
        }
        self.state.change(|_| {});
        if !self.state.editor().registers_watchers {
            return;
        }
        let options = DidChangeWatchedFilesRegistrationOptions {
            watchers: vec![FileSystemWatcher {
                glob_pattern: GlobPattern::String("**/*.{yaml,yml,json,kdl}".to_owned()),
                kind: None,
            }],
        };
        let registration = Registration {
            id: "files-of-the-set".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        if let Err(error) = self.client.register_capability(vec![registration]).await {
            tracing::warn!("the editor does not watch files: {error}");
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.said_goodbye.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        self.state
            .change(|documents| documents.open(params.text_document));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let encoding = self.state.encoding();
        let (text, changes) = (params.text_document, params.content_changes);
        self.state
            .change(|documents| documents.change(&text.uri, text.version, changes, encoding));
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        self.state.change(Documents::read_set);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.state.change(|documents| {
            documents.close(&params.text_document.uri);
            documents.read_set();
        });
    }

    async fn did_change_watched_files(&self, _: DidChangeWatchedFilesParams) {
        self.state.change(Documents::read_set);
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let (uri, at) = place(params.text_document_position);
        let items = self.ask(&uri, move |asked| asked.completion(at)).await?;
        Ok(items.map(CompletionResponse::List))
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let (uri, at) = place(params.text_document_position_params);
        Ok(self
            .ask(&uri, move |asked| asked.hover(at))
            .await?
            .flatten())
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> Result<Option<GotoDefinitionResponse>> {
        let (uri, at) = place(params.text_document_position_params);
        let found = self.ask(&uri, move |asked| asked.definition(at)).await?;
        Ok(found.map(GotoDefinitionResponse::Array))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let (uri, at) = place(params.text_document_position);
        let given = params.context.include_declaration;
        self.ask(&uri, move |asked| asked.references(at, given))
            .await
    }

    async fn prepare_rename(
        &self,
        params: TextDocumentPositionParams,
    ) -> Result<Option<PrepareRenameResponse>> {
        let (uri, at) = place(params);
        Ok(self
            .ask(&uri, move |asked| asked.renamable(at))
            .await?
            .flatten())
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let (uri, at) = place(params.text_document_position);
        let new = params.new_name;
        let edit = self.ask(&uri, move |asked| asked.rename(at, &new)).await?;
        edit.transpose().map_err(refused)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let wanted = params.context.only.is_none_or(|kinds| {
            kinds
                .iter()
                .any(|kind| CodeActionKind::QUICKFIX.as_str().starts_with(kind.as_str()))
        });
        if !wanted {
            return Ok(None);
        }
        let range = params.range;
        self.ask(&params.text_document.uri, move |asked| asked.actions(range))
            .await
    }
}

/// Why a rename cannot be, as editors show it.
fn refused(why: String) -> Error {
    Error {
        code: ErrorCode::InvalidParams,
        message: why.into(),
        data: None,
    }
}
