//! The content of one message: a text, or parts of several kinds.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What the content of a message is made of.
#[derive(Default)]
pub(super) struct Parts {
    /// Its texts, joined by line breaks.
    pub(super) text: String,
    /// How many of its parts are images, those in results of tools among them.
    pub(super) images: usize,
    /// How many of its parts are results of tools.
    results: usize,
    count: usize,
}

impl Parts {
    /// Whether more than half of the parts are results of tools.
    pub(super) fn is_mostly_results(&self) -> bool {
        self.results * 2 > self.count
    }
}

#[derive(Deserialize)]
struct Part<'b> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'b, str>>,
    #[serde(borrow, default)]
    text: Option<&'b RawValue>,
    #[serde(borrow, default)]
    content: Option<&'b RawValue>,
}

/// Reads the content of a message. What is neither a text nor a list has no parts.
pub(super) fn parts(content: &RawValue) -> Parts {
    let mut parts = Parts::default();
    if let Ok(text) = serde_json::from_str::<String>(content.get()) {
        parts.text = text;
        parts.count = 1;
        return parts;
    }
    let list: Vec<&RawValue> = serde_json::from_str(content.get()).unwrap_or_default();
    for part in list {
        let Ok(part) = serde_json::from_str::<Part<'_>>(part.get()) else {
            continue;
        };
        parts.count += 1;
        match part.kind.as_deref() {
            Some("text" | "input_text") => {
                let text = part.text.map(RawValue::get);
                let text = text.and_then(|text| serde_json::from_str::<Cow<'_, str>>(text).ok());
                if let Some(text) = text {
                    if !parts.text.is_empty() {
                        parts.text.push('\n');
                    }
                    parts.text.push_str(&text);
                }
            }
            Some("image" | "image_url" | "input_image") => parts.images += 1,
            Some("tool_result") => {
                parts.results += 1;
                parts.images += part.content.map_or(0, images);
            }
            _ => {}
        }
    }
    parts
}

/// How many images a list of parts has.
pub(super) fn images(list: &RawValue) -> usize {
    #[derive(Deserialize)]
    struct Kind<'b> {
        #[serde(rename = "type", borrow, default)]
        kind: Option<Cow<'b, str>>,
    }
    let list: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
    let is_image = |part: &&&RawValue| {
        let kind = serde_json::from_str::<Kind<'_>>(part.get());
        let kind = kind.ok().and_then(|part| part.kind);
        matches!(kind.as_deref(), Some("image" | "image_url" | "input_image"))
    };
    list.iter().filter(is_image).count()
}
