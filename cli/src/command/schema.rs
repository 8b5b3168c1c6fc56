//! `ctr schema`: what an editor without `ctr lsp` can know of a registration.

use ctr_compiler::schema;

use crate::args::Schema;
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, file, json};

pub(super) fn run(asked: &Schema, terminal: &Terminal) -> Result<Exit, Stopped> {
    let text = json::text(&schema::json());
    match asked.output.as_deref() {
        Some(path) if path.as_os_str() != "-" => file::replace(path, &text).map_err(|error| {
            Stopped::could_not(format!("cannot write `{}`: {error}", path.display()))
        })?,
        _ => terminal.product(&text)?,
    }
    Ok(Exit::Fine)
}
