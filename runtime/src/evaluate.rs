//! Gives tasks to models over HTTP, as a client of a proxy does, and lets a model
//! judge what came back. Scoring is the compiler's; nothing is decided here.

mod cache;
mod call;
mod history;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ctr_compiler::evaluate::{CheckKind, Question, Row, Task, Verdict, questions, verdict};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};

use self::cache::Cache;
use self::call::{Caller, Failed, Said};

pub use self::call::AddressError;
pub(crate) use self::history::Log;
pub use self::history::{HistoryError, HistoryFile, NAME};

/// Most requests that are under way at once.
pub const MOST_AT_ONCE: usize = 8;

/// Whom to ask, and how patiently.
#[derive(Clone, Debug)]
pub struct Asking {
    /// `http://host:port` of a proxy, or of anything else that speaks Anthropic Messages.
    pub base_url: String,
    /// Sent as `x-api-key`.
    pub key: Option<String>,
    /// Longest wait for a whole answer.
    pub timeout: Duration,
    /// Requests under way at once, 1 to [`MOST_AT_ONCE`].
    pub at_once: usize,
    /// Tokens that an answer may have.
    pub max_tokens: u32,
    /// The model that judges.
    pub judge: Option<Judging>,
    /// Where answers are kept, so that none is asked for twice.
    pub cache: Option<Kept>,
}

/// Who judges.
#[derive(Clone, Debug)]
pub struct Judging {
    /// The model.
    pub model: String,
    /// Tokens that a verdict may have.
    pub max_tokens: u32,
}

/// Where answers are kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The directory, which need not exist.
    pub directory: std::path::PathBuf,
    /// What answers depend on beside the request, such as the hash of the plan that
    /// routes it. Answers of another one are not used.
    pub scope: String,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// In the order of what was asked.
    pub rows: Vec<Row>,
    /// How many were asked for.
    pub asked: usize,
    /// How many were finished.
    pub finished: usize,
}

impl Answers {
    /// Whether it was ended before all were finished.
    pub fn is_cut(&self) -> bool {
        self.finished < self.asked
    }
}

/// One task for one model.
struct Job<'j> {
    task: &'j Task,
    row: Row,
    /// Which of several repeats it is.
    repeat: usize,
    /// Whether the answer is still to be asked for.
    is_open: bool,
}

/// Asks every model every task, `repeats` times, and the judge about each answer.
/// `done` is called after each. When `stop` comes, what is finished is kept and the
/// rest is given up.
///
/// # Errors
/// When the address cannot be asked. Whatever goes wrong later is told by its row.
pub async fn run(
    asking: &Asking,
    tasks: &[Task],
    models: &[String],
    repeats: usize,
    stop: impl Future<Output = ()>,
    done: impl Fn(),
) -> Result<Answers, AddressError> {
    let pairs = tasks
        .iter()
        .flat_map(|task| models.iter().map(move |it| (task, it)));
    let jobs = pairs.flat_map(|(task, model)| {
        (0..repeats).map(move |repeat| Job {
            task,
            row: Row {
                task_id: task.id.clone(),
                model: model.clone(),
                ..Row::default()
            },
            repeat,
            is_open: true,
        })
    });
    let (finished, asked) = all(asking, jobs.collect(), stop, done).await?;
    Ok(Answers {
        finished: finished.len(),
        rows: finished.into_values().collect(),
        asked,
    })
}

/// Asks the judge about answers that are there already. Those it was not asked about
/// when `stop` came are as they were.
///
/// # Errors
/// As [`run`].
pub async fn judge(
    asking: &Asking,
    tasks: &[Task],
    rows: Vec<Row>,
    stop: impl Future<Output = ()>,
    done: impl Fn(),
) -> Result<Answers, AddressError> {
    let job = |row: Row| {
        Some(Job {
            task: tasks.iter().find(|task| task.id == row.task_id)?,
            row,
            repeat: 0,
            is_open: false,
        })
    };
    let jobs: Vec<Job<'_>> = rows.into_iter().filter_map(job).collect();
    let before: Vec<Row> = jobs.iter().map(|job| job.row.clone()).collect();
    let (mut finished, asked) = all(asking, jobs, stop, done).await?;
    let count = finished.len();
    let rows = before.into_iter().enumerate();
    let rows = rows.map(|(at, row)| finished.remove(&at).unwrap_or(row));
    Ok(Answers {
        rows: rows.collect(),
        asked,
        finished: count,
    })
}

/// What was finished, by its place among the jobs, and how many jobs there were.
async fn all(
    asking: &Asking,
    jobs: Vec<Job<'_>>,
    stop: impl Future<Output = ()>,
    done: impl Fn(),
) -> Result<(BTreeMap<usize, Row>, usize), AddressError> {
    let asker = Asker::new(asking)?;
    let asked = jobs.len();
    let at_once = asking.at_once.clamp(1, MOST_AT_ONCE);
    let work = jobs.into_iter().enumerate();
    let asker = &asker;
    let work = work.map(|(at, job)| async move { (at, asker.finish(job).await) });
    let mut work = pin!(stream::iter(work).buffer_unordered(at_once));
    let mut stop = pin!(stop);
    let mut rows = BTreeMap::new();
    loop {
        tokio::select! {
            biased;
            finished = work.next() => match finished {
                Some((at, row)) => {
                    rows.insert(at, row);
                    done();
                }
                None => break,
            },
            () = &mut stop => break,
        }
    }
    Ok((rows, asked))
}

/// What the jobs share.
struct Asker<'a> {
    asking: &'a Asking,
    caller: Caller,
    cache: Option<Cache>,
    without_metadata: AtomicBool,
}

impl<'a> Asker<'a> {
    fn new(asking: &'a Asking) -> Result<Self, AddressError> {
        Ok(Self {
            asking,
            caller: Caller::new(&asking.base_url, asking.key.as_deref(), asking.timeout)?,
            cache: asking.cache.as_ref().map(Cache::new),
            without_metadata: AtomicBool::new(false),
        })
    }

    async fn finish(&self, job: Job<'_>) -> Row {
        let mut row = job.row;
        if job.is_open {
            self.answer(&mut row, job.task, job.repeat).await;
        }
        if let Some(judging) = &self.asking.judge {
            self.judged(&mut row, job.task, judging, job.repeat).await;
        }
        row
    }

    async fn answer(&self, row: &mut Row, task: &Task, repeat: usize) {
        let metadata = json!({ "ctr_eval_task_id": task.id, "ctr_eval_intent": task.intent });
        let body = body(&row.model, self.asking.max_tokens, &task.prompt, &metadata);
        match self.ask(&body, repeat).await {
            Ok(said) => {
                row.output = Some(said.text);
                row.latency_ms = Some(said.latency_ms);
            }
            Err(failed) => {
                row.latency_ms = failed.latency_ms;
                row.error = Some(failed.why);
            }
        }
    }

    /// The whole first, then every check that waits for a judge.
    async fn judged(&self, row: &mut Row, task: &Task, judging: &Judging, repeat: usize) {
        if row
            .output
            .as_deref()
            .is_none_or(|output| output.trim().is_empty())
        {
            row.judge_error = Some("missing_output".to_owned());
            return;
        }
        // What an earlier judge found is not this one's.
        row.judge_findings.clear();
        row.judge_error = None;
        for question in questions(row, task) {
            match self.verdict(row, judging, &question, repeat).await {
                Err(why) => row.judge_error = Some(why),
                Ok(told) => match question.check {
                    Some(check) => {
                        row.check_scores.insert(check, told.score);
                        row.judge_findings.extend(told.findings);
                    }
                    None => {
                        row.judge_score = Some(told.score);
                        row.judge_findings.extend(told.findings);
                        row.calibration_notes = told.notes.or(row.calibration_notes.take());
                    }
                },
            }
        }
    }

    async fn verdict(
        &self,
        row: &Row,
        judging: &Judging,
        question: &Question,
        repeat: usize,
    ) -> Result<Verdict, String> {
        let metadata = json!({
            "ctr_eval_judge_task_id": row.task_id,
            "ctr_eval_judge_model": judging.model,
            "ctr_eval_judge_target_model": row.model,
        });
        let body = body(
            &judging.model,
            judging.max_tokens,
            &question.prompt,
            &metadata,
        );
        let said = self.ask(&body, repeat).await.map_err(|failed| failed.why)?;
        verdict(&said.text).ok_or_else(|| "invalid_response".to_owned())
    }

    async fn ask(&self, body: &Value, repeat: usize) -> Result<Said, Failed> {
        let known = self
            .cache
            .as_ref()
            .and_then(|cache| cache.get(body, repeat));
        if let Some(said) = known {
            return Ok(said);
        }
        let said = self.send(body).await?;
        if let Some(cache) = &self.cache {
            cache.put(body, repeat, &said);
        }
        Ok(said)
    }

    /// A proxy sends bytes on as they are, and Anthropic's own API refuses metadata it
    /// does not know. Where leaving it out helps, it is left out from then on.
    async fn send(&self, body: &Value) -> Result<Said, Failed> {
        let mut plain = body.clone();
        if let Some(members) = plain.as_object_mut() {
            members.remove("metadata");
        }
        if self.without_metadata.load(Ordering::Relaxed) {
            return self.caller.ask(&plain).await;
        }
        let failed = match self.caller.ask(body).await {
            Err(failed) if failed.why == "http_400" => failed,
            answered => return answered,
        };
        let again = self.caller.ask(&plain).await.map_err(|_| failed)?;
        self.without_metadata.store(true, Ordering::Relaxed);
        Ok(again)
    }
}

fn body(model: &str, max_tokens: u32, prompt: &str, metadata: &Value) -> Value {
    json!({
        "model": model,
        "max_tokens": max_tokens,
        "stream": false,
        "messages": [{ "role": "user", "content": prompt }],
        "metadata": metadata,
    })
}

/// Whether a task has a check that only a judge can score.
pub fn needs_judge(task: &Task) -> bool {
    let mut checks = task.checks.iter();
    checks.any(|check| matches!(check.kind, CheckKind::Judge(_)))
}
