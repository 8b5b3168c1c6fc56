//! One question about images: what the answering model wants to know, and who is
//! asked.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::consult;
use super::super::own::Own;
use super::super::remembered::{Key, key};
use super::Work;
use crate::protocol::images::Image;
use crate::protocol::neutral::Source;

/// Analyses that are remembered, and how long (claude-trigger-router 1.7.0 keeps
/// its images so).
pub(in crate::proxy) const ANALYSES: NonZeroUsize = NonZeroUsize::new(100).expect("above zero");
const ANALYSIS_MS: u64 = 24 * 60 * 60 * 1_000;

/// Bytes of an analysis that is remembered; one of so many tokens is shorter.
const REMEMBERED: usize = 64 << 10;

/// Longest wait for an analysis.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tokens an analysis may have.
const TOKENS: u64 = 4_096;

const SYSTEM: &str = "You look at images for another model, which cannot see them. Do its task \
    from what the images show: precisely, with every detail that it may need, and with text in \
    them word for word. Say so where they do not show what is asked. Answer in plain text.";

/// Where nothing is asked.
const DESCRIBE: &str = "Describe what is to be seen.";

/// What is wanted of which images.
#[derive(Debug, PartialEq)]
struct Question {
    /// Positions in the list of images, in the order they are named.
    at: Vec<usize>,
    task: String,
    /// JSON.
    regions: Option<String>,
}

impl Question {
    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// What the model is told that called it so.
    fn read(arguments: &str, images: usize) -> Result<Self, String> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Arguments {
            #[serde(rename = "imageId")]
            image_id: Value,
            task: Value,
            regions: Value,
        }
        let arguments: Arguments = serde_json::from_str(arguments)
            .map_err(|_| "the arguments are no JSON object".to_owned())?;
        let known = match images {
            1 => "there is one image, 1".to_owned(),
            many => format!("there are images 1 to {many}"),
        };
        let mut at = Vec::new();
        for name in names(&arguments.image_id) {
            let Some(place) = position(&name).filter(|at| *at < images) else {
                let name: String = name.chars().take(40).collect();
                return Err(format!("there is no image `{name}`; {known}"));
            };
            if !at.contains(&place) {
                at.push(place);
            }
        }
        if at.is_empty() && images > 1 {
            return Err(format!("`imageId` names no image; {known}"));
        }
        if at.is_empty() {
            at.push(0);
        }
        let task = arguments.task.as_str().unwrap_or_default().trim();
        let regions = arguments
            .regions
            .as_array()
            .is_some_and(|it| !it.is_empty());
        Ok(Self {
            at,
            task: if task.is_empty() { DESCRIBE } else { task }.to_owned(),
            regions: regions.then(|| arguments.regions.to_string()),
        })
    }

    /// Which image it is does not matter, but what it is.
    fn key(&self, model: &str, images: &[Image]) -> Key {
        let regions = self.regions.as_deref().unwrap_or_default();
        let texts = [model, &self.task, regions].map(str::as_bytes);
        let hashes = self.images(images).map(|(_, image)| &image.hash[..]);
        key(texts.into_iter().chain(hashes))
    }

    /// A Messages request.
    fn body(&self, images: &[Image]) -> Value {
        let mut content = Vec::new();
        for (at, image) in self.images(images) {
            let source = match &image.source {
                Source::Base64(media, data) => {
                    json!({ "type": "base64", "media_type": media.plain(), "data": data.plain() })
                }
                Source::Url(url) => json!({ "type": "url", "url": url.plain() }),
            };
            content.push(json!({ "type": "text", "text": format!("[Image #{}]", at + 1) }));
            content.push(json!({ "type": "image", "source": source }));
        }
        let mut task = self.task.clone();
        if let Some(regions) = &self.regions {
            task += "\n\nLook at these regions: ";
            task += regions;
        }
        content.push(json!({ "type": "text", "text": task }));
        json!({
            "max_tokens": TOKENS,
            "system": SYSTEM,
            "messages": [{ "role": "user", "content": content }],
        })
    }

    fn images<'i>(&'i self, images: &'i [Image]) -> impl Iterator<Item = (usize, &'i Image)> {
        let at = self.at.iter();
        at.filter_map(|at| Some((*at, images.get(*at)?)))
    }
}

/// The names in a list, or the only one.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(names).collect(),
        Value::String(name) => vec![name.clone()],
        Value::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

/// The position of an image that is named `1`, `#1` or `[Image #1]`.
fn position(name: &str) -> Option<usize> {
    let name = name.trim_matches(|c: char| !c.is_ascii_digit());
    name.parse::<usize>().ok()?.checked_sub(1)
}

impl Work {
    /// What there is to say to a call with these arguments.
    ///
    /// # Errors
    /// Why there is nothing.
    pub(super) async fn look(&mut self, arguments: &str) -> Result<String, String> {
        let images = &self.agent.images;
        let question = Question::read(arguments, images.list.len())?;
        let key = question.key(&images.model, &images.list);
        let now_ms = self.live.clock().now_ms();
        let analyses = &self.proxy.analyses;
        if let Some(known) = analyses.get(&key, now_ms, ANALYSIS_MS) {
            return Ok(known);
        }
        let own = Own {
            role: "image",
            model: &images.model,
            body: question.body(&images.list),
            patience: PATIENCE,
        };
        let read = |answer: &[u8]| {
            let said = consult::said(answer)?;
            let said = said.trim();
            (!said.is_empty()).then(|| said.to_owned())
        };
        let (said, consulted) = self.proxy.ask_own(&self.live, own, read).await;
        let account = self.account.as_mut();
        if let Some(traced) = account.and_then(|account| account.traced.as_mut()) {
            traced.consulted([consulted]);
        }
        let said =
            said.ok_or("the image could not be looked at: the model that sees it gave no answer")?;
        if said.len() <= REMEMBERED {
            analyses.put(key, said.clone(), now_ms);
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(arguments: &str, images: usize) -> Result<Vec<usize>, String> {
        Question::read(arguments, images).map(|question| question.at)
    }

    #[test]
    fn images_are_named_in_many_ways() {
        for name in ["\"1\"", "1", "\"#1\"", "\"[Image #1]\"", "\"image 1\""] {
            for list in [format!("[{name}]"), name.to_owned()] {
                let arguments = format!("{{\"imageId\":{list},\"task\":\"x\"}}");
                assert_eq!(at(&arguments, 3), Ok(vec![0]), "{arguments}");
            }
        }
        assert_eq!(at("{\"imageId\":[\"2\",\"1\",\"2\"]}", 3), Ok(vec![1, 0]));
        assert_eq!(at("{}", 1), Ok(vec![0]), "there is only one");
    }

    #[test]
    fn a_call_that_makes_no_sense_is_told_why() {
        let told = |arguments: &str| at(arguments, 3).expect_err("it makes no sense");
        assert_eq!(told("{"), "the arguments are no JSON object");
        assert_eq!(
            told("{}"),
            "`imageId` names no image; there are images 1 to 3"
        );
        for name in ["0", "4", "-", "99999999999999999999999"] {
            let arguments = format!("{{\"imageId\":[\"{name}\"]}}");
            let wanted = format!("there is no image `{name}`; there are images 1 to 3");
            assert_eq!(told(&arguments), wanted);
        }
        for odd in [
            "{\"task\":7}",
            "{\"regions\":{}}",
            "{\"imageId\":{\"a\":1}}",
        ] {
            assert_eq!(at(odd, 1), Ok(vec![0]), "{odd}");
        }
    }

    #[test]
    fn the_same_question_about_the_same_image_is_the_same() {
        let image = |data: &'static str| Image {
            source: Source::Url(data.into()),
            hash: blake3::hash(data.as_bytes()).into(),
        };
        let (one, two) = ([image("a"), image("b")], [image("b"), image("a")]);
        let ask = |arguments: &str| Question::read(arguments, 2).expect("a question");
        let first = ask("{\"imageId\":[1],\"task\":\"x\"}");
        let second = ask("{\"imageId\":[2],\"task\":\"x\"}");
        assert_eq!(first.key("eyes", &one), second.key("eyes", &two));
        assert_ne!(first.key("eyes", &one), first.key("eyes", &two));
        assert_ne!(first.key("eyes", &one), first.key("other", &one));
        let regions = ask("{\"imageId\":[1],\"task\":\"x\",\"regions\":[{\"x\":1}]}");
        assert_ne!(first.key("eyes", &one), regions.key("eyes", &one));
        let body = regions.body(&one);
        let asked = &body["messages"][0]["content"];
        assert_eq!(asked[1]["source"], json!({ "type": "url", "url": "a" }));
        assert_eq!(asked[2]["text"], "x\n\nLook at these regions: [{\"x\":1}]");
    }
}
