//! What clients send, as whole HTTP requests.

/// A request as a coding agent sends it: mostly instructions and code as text,
/// a fifth of it schemas of tools.
pub(crate) fn request(model: &str, size: usize, stream: bool) -> Vec<u8> {
    let prose = concat!(
        "You are a coding agent. Read a file before you edit it, and run the tests after that.\\n",
        r#"- Search with `rg`, never with \"grep -r\"; keep answers short, and say what you did and why.\n"#,
    );
    let tool = r#"{"name":"Read","description":"Reads a file from the local filesystem, whole or in part.","input_schema":{"type":"object","properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":0}},"required":["path"]}}"#;
    let text = prose.repeat(size * 4 / 5 / prose.len());
    let tools = vec![tool; (size / 5 / tool.len()).max(1)].join(",");
    post(&format!(
        r#"{{"model":"{model}","stream":{stream},"max_tokens":1024,"messages":[{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}],"tools":[{tools}]}}"#
    ))
}

/// A request with next to nothing in it.
pub(crate) fn small(model: &str, stream: bool) -> Vec<u8> {
    post(&format!(
        r#"{{"model":"{model}","stream":{stream},"max_tokens":64,"messages":[{{"role":"user","content":"hello"}}]}}"#
    ))
}

fn post(body: &str) -> Vec<u8> {
    format!(
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nanthropic-version: 2023-06-01\r\nx-api-key: caller\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
