//! `ctr eval --run`: asks models, through a proxy that is there or one that is
//! started for it, and lets a model judge.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use ctr_compiler::evaluate::{Origin, Row, Task};
use ctr_compiler::plan::Plan;
use ctr_runtime::evaluate::{self, AddressError, Asking, Judging, Kept};
use ctr_runtime::reload::{self, Input};
use ctr_runtime::server::{self, Running};
use ctr_runtime::settings::Settings;

use super::tasks::{Answers, Args};
use crate::command::async_runtime;
use crate::command::explain::compiled;
use crate::command::start::found_at_home;
use crate::exit::Stopped;
use crate::report::{Bar, Terminal, printable};

/// Asks every model every task. None where the registration has errors, which are told.
pub(super) fn run(
    args: &Args,
    tasks: &[Task],
    terminal: &Terminal,
) -> Result<Option<Answers>, Stopped> {
    let models: Vec<String> = args.models.iter().map(|it| it.trim().to_owned()).collect();
    let models: Vec<String> = models.into_iter().filter(|it| !it.is_empty()).collect();
    if models.is_empty() {
        return Err(Stopped::usage("no model is named").help("name some: `--models 'a;b'`"));
    }
    async_runtime()?.block_on(async {
        let Some(upstream) = Upstream::of(args, terminal).await? else {
            return Ok(None);
        };
        upstream.tell_unknown(&models, terminal);
        let steps = tasks.len() * models.len() * args.repeats;
        let bar = Bar::over(steps, "answers");
        let asking = upstream.asking(args);
        let asked = evaluate::run(&asking, tasks, &models, args.repeats, stop(), || bar.step());
        let answers = asked.await.map_err(|error| no_address(&error))?;
        drop(bar);
        Ok(Some(Answers {
            missing: answers.asked - answers.finished,
            total: answers.asked,
            rows: answers.rows,
            mistakes: 0,
            origin: Origin::Run,
        }))
    })
}

/// Lets a model judge answers that are there, and tells how many it did not judge
/// because it was ended early. None where the registration has errors, which are told.
pub(super) fn judge(
    args: &Args,
    tasks: &[Task],
    rows: Vec<Row>,
    terminal: &Terminal,
) -> Result<Option<(Vec<Row>, usize)>, Stopped> {
    async_runtime()?.block_on(async {
        let Some(upstream) = Upstream::of(args, terminal).await? else {
            return Ok(None);
        };
        let bar = Bar::over(rows.len(), "answers judged");
        let asking = upstream.asking(args);
        let asked = evaluate::judge(&asking, tasks, rows, stop(), || bar.step());
        let answers = asked.await.map_err(|error| no_address(&error))?;
        drop(bar);
        let missing = answers.asked - answers.finished;
        Ok(Some((answers.rows, missing)))
    })
}

/// Whom to ask.
enum Upstream {
    /// A proxy that somebody runs.
    There(String),
    /// One of our own, which ends when this is dropped.
    Own(Box<Running>),
}

impl Upstream {
    async fn of(args: &Args, terminal: &Terminal) -> Result<Option<Self>, Stopped> {
        if let Some(url) = &args.base_url {
            return Ok(Some(Self::There(url.clone())));
        }
        let mut paths = args.config.clone();
        if paths.is_empty() {
            paths.push(found_at_home()?);
        }
        // The server compiles again; this is for the reader, who sees what is wrong.
        let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
        let sources = reload::read(&inputs)?;
        let Some(plan) = compiled(&sources, terminal)?.and_then(|compiled| compiled.plan) else {
            return Ok(None);
        };
        let settings = Settings {
            inputs: paths,
            host: Some("127.0.0.1".to_owned()),
            port: Some(0),
            log_level: None,
            only: None,
            state_dir: None,
            record: None,
            shadow: Vec::new(),
            env: Arc::new(|name| env::var(name).ok()),
        };
        let is_plan = sources
            .iter()
            .any(|(_, source)| Plan::is_plan(source.text()));
        let running = match is_plan {
            true => server::start_plan(plan, settings).await?,
            false => server::start(settings).await?,
        };
        Ok(Some(Self::Own(Box::new(running))))
    }

    fn asking(&self, args: &Args) -> Asking {
        let from_env = || env::var("CTR_API_KEY").ok().filter(|key| !key.is_empty());
        let key = args.api_key.clone();
        let (base_url, key, scope) = match self {
            Self::There(url) => (url.clone(), key.or_else(from_env), url.clone()),
            Self::Own(running) => {
                let live = running.live();
                let key = key.or_else(|| live.api_key.clone());
                let url = format!("http://{}", running.addr());
                (url, key, live.hash.to_string())
            }
        };
        let judge = args.judge_model.clone();
        Asking {
            base_url,
            key,
            timeout: Duration::from_millis(args.timeout_ms),
            at_once: args.concurrency,
            max_tokens: args.max_tokens,
            judge: judge.map(|model| Judging {
                model,
                max_tokens: args.judge_max_tokens,
            }),
            cache: args
                .cache
                .clone()
                .map(|directory| Kept { directory, scope }),
        }
    }

    /// A name the plan does not know goes wherever its router says, which may be
    /// meant, and may be a slip.
    fn tell_unknown(&self, models: &[String], terminal: &Terminal) {
        let Self::Own(running) = self else {
            return;
        };
        let live = running.live();
        let plan: &Plan = live.plan();
        for model in models.iter().filter(|it| plan.resolve(it).is_none()) {
            let told = format!("note: the plan has no model `{model}`; its router decides");
            terminal.say(&printable(&told, false));
        }
    }
}

/// When somebody has seen enough.
async fn stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// An address may hold a password, so it is not told.
fn no_address(error: &AddressError) -> Stopped {
    match error {
        AddressError::Url(why) => Stopped::usage(format!("`--base-url` cannot be asked: {why}"))
            .help("write it whole, for example `http://127.0.0.1:5678`"),
        AddressError::Key => Stopped::usage(error.to_string()).help("check the key"),
    }
}
