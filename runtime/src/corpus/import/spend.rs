//! Spend logs of LiteLLM: rows as JSON Lines, as one JSON list (what its API
//! gives), or as CSV (what a database gives). Which it is shows at the first
//! character.

use std::fmt;
use std::io::{self, BufRead, Read};

use ctr_compiler::corpus::{Outcome, Paid, Request, SessionShape, Usage};
use ctr_compiler::plan::Interface;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Out, session_key, time};
use crate::corpus::{LONGEST, Piece, each_line};
use crate::protocol::features::{Features, UserText};

/// Kinds of calls that are requests, and what the client spoke.
const CALLS: &[(&str, &str)] = &[
    ("", "chat-completions"),
    ("completion", "chat-completions"),
    ("acompletion", "chat-completions"),
    ("responses", "responses"),
    ("aresponses", "responses"),
    ("anthropic_messages", "messages"),
    ("aanthropic_messages", "messages"),
];

/// Reads a file.
pub(super) fn file(name: &str, reader: &mut dyn BufRead, out: &mut Out<'_>) -> io::Result<()> {
    match first_character(reader)? {
        None => Ok(()),
        Some(b'[') => list(name, reader, out),
        Some(b'{') => lines(name, reader, out),
        Some(_) => table(name, reader, out),
    }
}

/// The first that is no blank; blanks are passed over.
fn first_character(reader: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let chunk = reader.fill_buf()?;
        let Some(first) = chunk.first().copied() else {
            return Ok(None);
        };
        if !first.is_ascii_whitespace() {
            return Ok(Some(first));
        }
        reader.consume(1);
    }
}

fn lines(name: &str, reader: &mut dyn BufRead, out: &mut Out<'_>) -> io::Result<()> {
    let (mut number, mut written) = (0, Ok(()));
    each_line(reader, |piece| {
        number += 1;
        let line = match piece {
            Piece::Line(line) if line.iter().all(u8::is_ascii_whitespace) => return,
            Piece::Line(line) => serde_json::from_slice::<Map<String, Value>>(line).ok(),
            Piece::TooLong => None,
        };
        if written.is_ok() {
            written = taken(name, number, line.as_ref(), out);
        }
    })?;
    written
}

fn list(name: &str, reader: &mut dyn BufRead, out: &mut Out<'_>) -> io::Result<()> {
    let mut rows = Rows {
        name,
        out,
        number: 0,
        written: Ok(()),
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader.take(u64::MAX));
    let read = deserializer.deserialize_seq(&mut rows);
    let (number, written) = (
        rows.number + 1,
        std::mem::replace(&mut rows.written, Ok(())),
    );
    written?;
    match read {
        Err(error) if error.is_io() => Err(error.into()),
        Err(_) => {
            out.imported.read += 1;
            out.imported
                .is_bad(name, number, "is where the list breaks off");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Takes the rows of a list one by one.
struct Rows<'r, 'o> {
    name: &'r str,
    out: &'r mut Out<'o>,
    number: u64,
    written: io::Result<()>,
}

impl<'de> Visitor<'de> for &mut Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<Value>()? {
            self.number += 1;
            if self.written.is_ok() {
                self.written = taken(self.name, self.number, row.as_object(), self.out);
            }
        }
        Ok(())
    }
}

fn table(name: &str, reader: &mut dyn BufRead, out: &mut Out<'_>) -> io::Result<()> {
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let heads = match table.byte_headers() {
        Ok(heads) => heads.clone(),
        Err(error) => return broken(name, 1, error, out),
    };
    let mut record = csv::ByteRecord::new();
    let mut number = 1;
    loop {
        number += 1;
        match table.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) if record.as_slice().len() > LONGEST => taken(name, number, None, out)?,
            Ok(true) => {
                let cells = heads.iter().zip(&record);
                let cells = cells
                    .filter(|(_, cell)| !cell.is_empty())
                    .map(|(head, cell)| {
                        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                        (text(head), Value::String(text(cell)))
                    });
                let row: Map<String, Value> = cells.collect();
                taken(name, number, Some(&row), out)?;
            }
            Err(error) => return broken(name, number, error, out),
        }
    }
}

fn broken(name: &str, number: u64, error: csv::Error, out: &mut Out<'_>) -> io::Result<()> {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Err(error),
        _ => {
            out.imported.read += 1;
            out.imported.is_bad(name, number, "is no row of a table");
            Ok(())
        }
    }
}

/// Takes a row; none is one that could not be read.
fn taken(
    name: &str,
    number: u64,
    row: Option<&Map<String, Value>>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    out.imported.read += 1;
    let Some(row) = row else {
        out.imported
            .is_bad(name, number, "is no row of a spend log");
        return Ok(());
    };
    let call = text(row, "call_type").unwrap_or_default();
    let Some((_, protocol)) = CALLS.iter().find(|(known, _)| *known == call) else {
        let call: String = call.chars().take(40).collect();
        out.imported.passes_over(&format!("call `{call}`"));
        return Ok(());
    };
    match request(row, protocol, out) {
        Some(request) => out.request(&request),
        None => {
            let what = "has no model or no time it began";
            out.imported.is_bad(name, number, what);
            Ok(())
        }
    }
}

fn request(row: &Map<String, Value>, protocol: &str, out: &Out<'_>) -> Option<Request> {
    let at_ms = time(&text(row, "startTime")?)?;
    let asked = text(row, "model_group").or_else(|| text(row, "model"))?;
    let ended = text(row, "endTime").and_then(|text| time(&text));
    let metadata = object(row.get("metadata"));
    let extra = metadata.get("additional_usage_values");
    let extra = object(extra);
    let cache_read = number(&extra, "cache_read_input_tokens").unwrap_or(0);
    let cache_write = number(&extra, "cache_creation_input_tokens").unwrap_or(0);
    let usage = number(row, "prompt_tokens").map(|prompt| Usage {
        input: prompt.saturating_sub(cache_read.saturating_add(cache_write)),
        output: number(row, "completion_tokens").unwrap_or(0),
        cache_read,
        cache_write,
    });
    let failed = [text(row, "status"), text(&metadata, "status")];
    let failed = failed.iter().flatten().any(|status| status == "failure");
    let interface = match protocol {
        "messages" => Interface::Anthropic,
        _ => Interface::Openai,
    };
    let features = body(row)
        .map(|body| Features::read(&body.to_string().into(), interface, out.scope()))
        .unwrap_or_default();
    let session = text(row, "session_id").map(|name| SessionShape {
        key: session_key(&name),
        ..SessionShape::default()
    });
    Some(Request {
        at_ms,
        protocol: Some(protocol.to_owned()),
        asked: Some(asked),
        web_search: features.web_search,
        tool_result: features.is_tool_result,
        thinking: features.thinking,
        thinking_budget: features.thinking_budget,
        image_in_last: features.image_in_last,
        image_anywhere: features.image_anywhere,
        max_tokens: features.max_tokens,
        subagent: features.subagent.clone(),
        text: out.text(features.text.as_ref().map(UserText::plain)),
        session,
        outcome: Some(Outcome {
            status: if failed { 500 } else { 200 },
            latency_ms: ended.map(|ended| ended.saturating_sub(at_ms)),
            ..Outcome::default()
        }),
        usage,
        cost: amount(row, "spend").map(|amount| Paid {
            amount,
            currency: "USD".to_owned(),
        }),
        ..Request::default()
    })
}

/// The body of the request, where the log kept it.
fn body(row: &Map<String, Value>) -> Option<Value> {
    let asked = object(row.get("proxy_server_request"));
    let whole = asked.get("body").unwrap_or(&Value::Null);
    let inner = object(Some(whole));
    let whole = if inner.is_empty() { asked } else { inner };
    if whole.contains_key("messages") || whole.contains_key("input") {
        return Some(Value::Object(whole));
    }
    let messages = match row.get("messages")? {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    let is_list = messages.as_array().is_some_and(|list| !list.is_empty());
    is_list.then(|| serde_json::json!({ "messages": messages }))
}

/// An object, or a text that holds one.
fn object(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    }
}

fn text(row: &Map<String, Value>, name: &str) -> Option<String> {
    let text = row.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number, or a text that holds one.
fn amount(row: &Map<String, Value>, name: &str) -> Option<f64> {
    let number = match row.get(name)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn number(row: &Map<String, Value>, name: &str) -> Option<u64> {
    amount(row, name).map(|number| number as u64)
}
