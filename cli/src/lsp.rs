//! The language server: turns the protocol's words into questions to
//! `ctr_compiler::assist`, and answers back. It decides nothing about documents.
//!
//! Changes are taken in the order they come, before anything waits; questions
//! are answered from the texts as they were when asked, beside each other.

mod answer;
mod diagnose;
mod documents;
mod position;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ctr_runtime::reload::Input;
use tower_lsp_server::{LspService, Server};

use server::Backend;

/// Serves one editor over stdin and stdout. Whether it asked for a shutdown
/// before it left.
pub(crate) async fn serve(set: Vec<Input>) -> bool {
    let said_goodbye = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&said_goodbye);
    let (service, socket) = LspService::new(|client| Backend::new(client, set, told));
    Server::new(tokio::io::stdin(), tokio::io::stdout(), socket)
        .serve(service)
        .await;
    said_goodbye.load(Ordering::Relaxed)
}
