//! From a line of text to what models made of one prompt.
//!
//! A complaint names its place and the model at fault; the prompt is never quoted.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;

/// Characters of a model's name that a complaint repeats.
const NAME: usize = 80;

/// One prompt, and what each model made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'l> {
    /// What the row is called.
    pub id: Option<Cow<'l, str>>,
    /// Where the prompt is from: a benchmark, a team.
    pub source: Option<Cow<'l, str>>,
    /// What a user asked; empty where the row does not say.
    pub prompt: Cow<'l, str>,
    /// By model, in the order of the line; never empty.
    pub outcomes: Vec<(Cow<'l, str>, Outcome)>,
}

/// What one model made of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// 0 to 1.
    pub score: f64,
    /// What the answer cost, in US dollars.
    pub cost_usd: Option<f64>,
    /// Tokens of the prompt, as the model counted them.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
}

/// Why a row is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRow {
    /// It ends in the middle.
    Cut,
    /// It is no JSON from this column on.
    NotJson(usize),
    /// It is JSON, and no row of outcomes; the column where that shows.
    NotRow(usize),
    /// It is longer than is followed.
    TooLong,
    /// It is not UTF-8.
    NotText,
    /// It has no outcome at all.
    NoOutcomes,
    /// It has two outcomes of this model.
    Twice(String),
    /// The outcome of this model has no score.
    NoScore(String),
    /// The score of this model is below 0 or above 1.
    Score(String),
    /// The cost of this model, or its tokens, are below 0.
    Amount(String),
    /// None of its models is one that the plan could go to.
    Unknown,
    /// The plan goes to this model, of which it has no outcome.
    Missing(String),
    /// It brings more models than are told apart.
    TooManyModels,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("ends in the middle"),
            Self::NotJson(column) => write!(f, "is no JSON from column {column} on"),
            Self::NotRow(column) => {
                write!(f, "is no row of outcomes, which shows at column {column}")
            }
            Self::TooLong => f.write_str("is longer than any row of outcomes"),
            Self::NotText => f.write_str("is not UTF-8"),
            Self::NoOutcomes => f.write_str("has no outcome"),
            Self::Twice(model) => write!(f, "has two outcomes of `{model}`"),
            Self::NoScore(model) => write!(f, "has no score of `{model}`"),
            Self::Score(model) => write!(f, "has a score of `{model}` outside of 0 to 1"),
            Self::Amount(model) => write!(f, "has a cost or tokens of `{model}` below 0"),
            Self::Unknown => f.write_str("has no model that the plan could go to"),
            Self::Missing(model) => {
                write!(f, "has no outcome for `{model}`, where the plan sends it")
            }
            Self::TooManyModels => f.write_str("brings more models than are told apart"),
        }
    }
}

impl std::error::Error for BadRow {}

impl BadRow {
    /// What to do where no row is of use, if that is known.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unknown | Self::Missing(_) => {
                Some("say which model of the plan stands for which of the outcomes with `--map`")
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Read<'l> {
    #[serde(borrow, default)]
    id: Option<Text<'l>>,
    #[serde(borrow, default)]
    source: Option<Text<'l>>,
    #[serde(borrow, default)]
    prompt: Option<Text<'l>>,
    #[serde(borrow)]
    outcomes: Outcomes<'l>,
}

/// A text that is borrowed where it holds no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

/// In the order written; a map would forget it, and that a name stands there twice.
struct Outcomes<'l>(Vec<(Cow<'l, str>, Written)>);

#[derive(Deserialize)]
struct Written {
    score: Option<f64>,
    cost_usd: Option<f64>,
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
}

impl<'de: 'l, 'l> Deserialize<'de> for Outcomes<'l> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Outcomes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outcomes by model")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Text(model)) = map.next_key::<Text<'de>>()? {
                    // A table that was written as JSON has null where it has nothing.
                    if let Some(written) = map.next_value::<Option<Written>>()? {
                        all.push((model, written));
                    }
                }
                Ok(Outcomes(all))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Reads a line, which may end in a line break; none where it is blank.
///
/// # Errors
/// When it is of no use.
pub fn read(line: &[u8]) -> Result<Option<Row<'_>>, BadRow> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| BadRow::NotText)?;
    let read: Read<'_> = serde_json::from_str(text).map_err(|error| bad(&error))?;
    let Outcomes(written) = read.outcomes;
    let mut outcomes: Vec<(Cow<'_, str>, Outcome)> = Vec::with_capacity(written.len());
    for (model, written) in written {
        if outcomes.iter().any(|(known, _)| *known == model) {
            return Err(BadRow::Twice(short(&model)));
        }
        let outcome = checked(&written).map_err(|bad| bad(short(&model)))?;
        outcomes.push((model, outcome));
    }
    if outcomes.is_empty() {
        return Err(BadRow::NoOutcomes);
    }
    Ok(Some(Row {
        id: read.id.map(|Text(id)| id),
        source: read.source.map(|Text(source)| source),
        prompt: read.prompt.map_or(Cow::Borrowed(""), |Text(prompt)| prompt),
        outcomes,
    }))
}

fn checked(written: &Written) -> Result<Outcome, fn(String) -> BadRow> {
    let score = written.score.ok_or(BadRow::NoScore as fn(String) -> _)?;
    if !(0.0..=1.0).contains(&score) {
        return Err(BadRow::Score);
    }
    let amounts = [
        written.cost_usd,
        written.input_tokens,
        written.output_tokens,
    ];
    if amounts.into_iter().flatten().any(|amount| amount < 0.0) {
        return Err(BadRow::Amount);
    }
    // Saturates: no answer has that many tokens.
    let tokens = |written: Option<f64>| written.map(|tokens| tokens.round() as u64);
    Ok(Outcome {
        score,
        cost_usd: written.cost_usd,
        input_tokens: tokens(written.input_tokens),
        output_tokens: tokens(written.output_tokens),
    })
}

fn bad(error: &serde_json::Error) -> BadRow {
    match error.classify() {
        Category::Eof => BadRow::Cut,
        Category::Syntax | Category::Io => BadRow::NotJson(error.column()),
        Category::Data => BadRow::NotRow(error.column()),
    }
}

/// A name as a complaint repeats it.
pub(super) fn short(name: &str) -> String {
    let shown = name.chars().take(NAME);
    let mut shown: String = shown.map(|c| if c == '`' { '\'' } else { c }).collect();
    if name.chars().nth(NAME).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(line: &str) -> String {
        match read(line.as_bytes()) {
            Err(why) => why.to_string(),
            Ok(row) => panic!("{row:?}"),
        }
    }

    #[test]
    fn all_but_the_score_may_be_missing() {
        let line = br#"{"outcomes": {"a": {"score": 1}, "b": null}}"#;
        let row = read(line).unwrap().unwrap();
        assert_eq!((&*row.prompt, row.id, row.source), ("", None, None));
        let outcome = Outcome {
            score: 1.0,
            ..Outcome::default()
        };
        assert_eq!(row.outcomes, [(Cow::Borrowed("a"), outcome)]);
        assert_eq!(read(b" \n"), Ok(None));
    }

    #[test]
    fn numbers_may_be_those_of_a_table() {
        let line = br#"{"id":null,"prompt":"x","outcomes":{"a":{"score":0.5,"cost_usd":null,"input_tokens":12.0}}}"#;
        let row = read(line).unwrap().unwrap();
        assert_eq!(row.outcomes[0].1.input_tokens, Some(12));
        assert_eq!(row.outcomes[0].1.cost_usd, None);
    }

    #[test]
    fn a_bad_row_says_why() {
        for (line, wanted) in [
            (
                r#"{"id": "x", "outcomes": {"a": {"sco"#,
                "ends in the middle",
            ),
            (r#"{"id": x}"#, "is no JSON from column 8 on"),
            (
                r#"{"id": "x"}"#,
                "is no row of outcomes, which shows at column 11",
            ),
            (
                r#"{"outcomes": [1]}"#,
                "is no row of outcomes, which shows at column 13",
            ),
            (r#"{"outcomes": {}}"#, "has no outcome"),
            (r#"{"outcomes": {"a": {}}}"#, "has no score of `a`"),
            (
                r#"{"outcomes": {"a": {"score": 1.01}}}"#,
                "has a score of `a` outside of 0 to 1",
            ),
            (
                r#"{"outcomes": {"a": {"score": -0.1}}}"#,
                "has a score of `a` outside of 0 to 1",
            ),
            (
                r#"{"outcomes": {"a": {"score": 1, "cost_usd": -1}}}"#,
                "has a cost or tokens of `a` below 0",
            ),
            (
                r#"{"outcomes": {"a": {"score": 1}, "a": {"score": 0}}}"#,
                "has two outcomes of `a`",
            ),
        ] {
            assert_eq!(why(line), wanted, "{line}");
        }
        assert_eq!(read(b"{\"id\":\"\xff\"}"), Err(BadRow::NotText));
    }

    #[test]
    fn a_complaint_is_short() {
        let long = "m".repeat(500);
        let said = why(&format!(r#"{{"outcomes": {{"{long}": {{}}}}}}"#));
        assert!(said.chars().count() < 120, "{said}");
    }
}
