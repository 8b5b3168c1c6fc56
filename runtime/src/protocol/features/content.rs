//! The content of one message: a text, or parts of several kinds.

use super::super::json::{Json, Text};

/// What the content of a message is made of.
#[derive(Default)]
pub(super) struct Parts<'j> {
    texts: Vec<&'j Text<'j>>,
    /// How many of its parts are images, those in results of tools among them.
    pub(super) images: usize,
    /// How many of its parts are results of tools.
    results: usize,
    count: usize,
}

impl<'j> Parts<'j> {
    /// Reads the content of a message. What is neither a text nor a list has no parts.
    pub(super) fn of(content: &'j Json<'j>) -> Self {
        let mut parts = Self::default();
        if let Some(text) = content.text() {
            parts.texts.push(text);
            parts.count = 1;
        }
        for part in content.items() {
            let Some(kind) = kind(part) else {
                continue;
            };
            parts.count += 1;
            if kind.is("text") || kind.is("input_text") {
                parts.texts.extend(part.get("text").and_then(Json::text));
            } else if is_image(kind) {
                parts.images += 1;
            } else if kind.is("tool_result") {
                parts.results += 1;
                parts.images += part.get("content").map_or(0, images);
            }
        }
        parts
    }

    /// Whether more than half of the parts are results of tools.
    pub(super) fn is_mostly_results(&self) -> bool {
        self.results * 2 > self.count
    }

    /// Its texts, in their order.
    pub(super) fn texts(&self) -> &[&'j Text<'j>] {
        &self.texts
    }

    /// Adds its texts, with line breaks between them.
    pub(super) fn write(&self, out: &mut String) {
        join(self.texts.iter().copied().cloned(), usize::MAX, out);
    }
}

/// Adds texts with line breaks between them, but none before the first that says something,
/// until this many bytes are added.
pub(super) fn join<'t>(texts: impl Iterator<Item = Text<'t>>, bytes: usize, out: &mut String) {
    let start = out.len();
    for text in texts {
        if out.len() > start {
            out.push('\n');
        }
        text.push_plain(out);
        if out.len() - start >= bytes {
            break;
        }
    }
}

/// How many images a list of parts has.
pub(super) fn images(list: &Json<'_>) -> usize {
    let kinds = list.items().iter().filter_map(kind);
    kinds.filter(|kind| is_image(kind)).count()
}

/// The kind of a part, `null` where it says none; nothing where it is no part.
fn kind<'j>(part: &'j Json<'j>) -> Option<&'j Json<'j>> {
    const NONE: &Json<'static> = &Json::NULL;
    if !matches!(part, Json::Object(_)) {
        return None;
    }
    let kind = part.get("type").unwrap_or(NONE);
    (kind.is_null() || kind.text().is_some()).then_some(kind)
}

fn is_image(kind: &Json<'_>) -> bool {
    ["image", "image_url", "input_image"]
        .iter()
        .any(|image| kind.is(image))
}
