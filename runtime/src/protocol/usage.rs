//! How many tokens an answer says it used, read as it passes.
//!
//! All protocols tell it in an object named `usage`: at the end, and Anthropic's
//! streams in their first event too. Only that name is looked for, and only what
//! stands behind it is kept. What is not found is not guessed.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::carried::Carried;
use super::json::Json;

/// The name. A quote within a text is escaped, so it stands in nothing that a
/// model wrote.
const NAME: &[u8] = b"\"usage\"";

/// What of a name may stand at the end of a piece.
const PART: usize = NAME.len() - 1;

/// The longest object that is read.
const LONGEST: usize = 8 << 10;

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NAME));

/// Tokens, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tokens {
    /// Input that came from no cache and went to none.
    pub input: u64,
    /// Output, with what was thought.
    pub output: u64,
    /// Input that was read from the endpoint's cache.
    pub cache_read: u64,
    /// Input that was written to it.
    pub cache_write: u64,
    /// Whether reads count against the endpoint's limit, as with OpenAI.
    #[serde(skip)]
    pub are_reads_limited: bool,
}

impl Tokens {
    /// Those that count against a limit of tokens per minute.
    pub(crate) fn limited(&self) -> u64 {
        let reads = if self.are_reads_limited {
            self.cache_read
        } else {
            0
        };
        let counted = [self.output, self.cache_write, reads];
        counted.into_iter().fold(self.input, u64::saturating_add)
    }

    /// These and others.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            are_reads_limited: self.are_reads_limited || other.are_reads_limited,
        }
    }

    /// All that was input, cached or not.
    pub(crate) fn all_input(&self) -> u64 {
        let cached = self.cache_read.saturating_add(self.cache_write);
        self.input.saturating_add(cached)
    }
}

/// What was told so far.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    carried: Carried<PART>,
    /// The object that is being read.
    open: Option<Open>,
    told: Told,
}

/// The last number told of each kind: what streams tell grows.
#[derive(Debug, Default)]
struct Told {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cached: Option<u64>,
}

/// What was completed, reasoning and all. xAI counts reasoning beside what it completes, OpenAI
/// within; the total tells which.
pub(crate) fn completion(usage: &Json<'_>) -> Option<u64> {
    let count = |name| usage.count_at(name);
    let completion = count("completion_tokens")?;
    let details = usage.get("completion_tokens_details");
    let reasoning = details.and_then(|details| details.count_at("reasoning_tokens"));
    let with = completion.saturating_add(reasoning.unwrap_or(0));
    let total = count("prompt_tokens").unwrap_or(0).saturating_add(with);
    Some(match count("total_tokens") == Some(total) {
        true => with,
        false => completion,
    })
}

/// The first number, unless it says nothing and the other more.
fn said(first: Option<u64>, other: Option<u64>) -> Option<u64> {
    first.filter(|number| *number > 0).or(other).or(first)
}

impl Usage {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match &mut self.open {
                None => self.look(rest),
                Some(open) => {
                    let (rest, object) = open.push(rest);
                    if let Some(object) = object {
                        self.told.take(&object);
                        self.open = None;
                    }
                    rest
                }
            };
        }
    }

    /// What the answer told; none where it told nothing.
    pub(crate) fn tokens(&self) -> Option<Tokens> {
        let Told {
            input,
            output,
            cache_read,
            cache_write,
            cached,
        } = self.told;
        input.or(output).or(cache_read).or(cache_write)?;
        let all = input.unwrap_or(0);
        Some(Tokens {
            input: all.saturating_sub(cached.unwrap_or(0)),
            output: output.unwrap_or(0),
            cache_read: cached.map_or(cache_read.unwrap_or(0), |cached| cached.min(all)),
            cache_write: cache_write.unwrap_or(0),
            are_reads_limited: cached.is_some(),
        })
    }

    /// Looks for the name; what stands behind it, if anything, is returned.
    fn look<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let begun = self.carried.find(chunk, |joint| FINDER.find(joint));
        let begun = begun.map(|(at, before)| at + NAME.len() - before);
        let in_chunk = || FINDER.find(chunk).map(|at| at + NAME.len());
        match begun.or_else(in_chunk) {
            Some(end) => {
                self.carried = Carried::default();
                self.open = Some(Open::default());
                &chunk[end..]
            }
            None => {
                self.carried.passes(chunk);
                &[]
            }
        }
    }
}

impl Told {
    /// Of an object as the three protocols write it. Servers that speak several write the
    /// numbers of all, and 0 for those of the others.
    fn take(&mut self, object: &[u8]) {
        let Ok(usage) = Json::read(object, &[]) else {
            return;
        };
        let count = |name| usage.count_at(name);
        let cached = |details| usage.get(details)?.count_at("cached_tokens");
        let of_input = said(
            cached("input_tokens_details"),
            cached("prompt_tokens_details"),
        );
        // As DeepSeek and Moonshot write it.
        let beside = said(count("prompt_cache_hit_tokens"), count("cached_tokens"));
        let each = [
            (
                &mut self.input,
                said(count("input_tokens"), count("prompt_tokens")),
            ),
            (
                &mut self.output,
                said(count("output_tokens"), completion(&usage)),
            ),
            (&mut self.cache_read, count("cache_read_input_tokens")),
            (&mut self.cache_write, count("cache_creation_input_tokens")),
            (&mut self.cached, said(of_input, beside)),
        ];
        for (known, told) in each {
            *known = told.or(*known);
        }
    }
}

/// An object whose end is not there yet.
#[derive(Debug, Default)]
struct Open {
    /// What earlier pieces held of it.
    bytes: Vec<u8>,
    depth: u32,
    is_text: bool,
    is_escaped: bool,
}

impl Open {
    /// Takes bytes up to the end of the object: what is left and, once it ended, the
    /// object. What is no object, or too long for one of these, ends as nothing.
    fn push<'c>(&mut self, chunk: &'c [u8]) -> (&'c [u8], Option<Cow<'c, [u8]>>) {
        const NOTHING: Option<Cow<'static, [u8]>> = Some(Cow::Borrowed(&[]));
        let mut piece = chunk;
        if self.depth == 0 {
            let is_between = |byte: &u8| matches!(byte, b':' | b' ' | b'\t' | b'\r' | b'\n');
            let Some(start) = chunk.iter().position(|byte| !is_between(byte)) else {
                return (&[], None);
            };
            piece = &chunk[start..];
            if piece[0] != b'{' {
                return (piece, NOTHING);
            }
        }
        let end = self.end(piece);
        let (object, rest) = piece.split_at(end.unwrap_or(piece.len()));
        if self.bytes.len() + object.len() > LONGEST {
            return (rest, NOTHING);
        }
        if end.is_some() && self.bytes.is_empty() {
            return (rest, Some(Cow::Borrowed(object)));
        }
        self.bytes.extend_from_slice(object);
        let whole = end.map(|_| Cow::Owned(std::mem::take(&mut self.bytes)));
        (rest, whole)
    }

    /// Where in a piece the object ends, if it does.
    fn end(&mut self, piece: &[u8]) -> Option<usize> {
        for (at, byte) in piece.iter().enumerate() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = self.is_text,
                b'"' => self.is_text = !self.is_text,
                b'{' if !self.is_text => self.depth += 1,
                b'}' if !self.is_text => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
