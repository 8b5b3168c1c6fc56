//! `ctr demo`: a tour of what this program is for, on this machine, without a key.
//!
//! Everything is real except the two upstreams: the registration is a file,
//! the proxy is the one `ctr start` runs, and each step looks at what it
//! promises before it says so. A step that does not show it ends the tour.

mod caller;
mod stage;

use std::time::Duration;

use ctr_compiler::diagnostic::Severity;
use ctr_compiler::diff::diff;
use ctr_compiler::plan::LogLevel;
use ctr_compiler::render;
use ctr_runtime::server::Running;

use self::caller::{Caller, Heard};
use self::stage::{Read, Stage};
use super::async_runtime;
use crate::args::{Demo, Format};
use crate::exit::{Exit, Stopped};
use crate::log;
use crate::report::Terminal;

/// Longest wait for anything that should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(25);

const FIRST: &str = "sonnet-primary";
const SECOND: &str = "sonnet-secondary";

pub(super) fn run(asked: &Demo, terminal: &Terminal) -> Result<Exit, Stopped> {
    async_runtime()?.block_on(async {
        let stage = Stage::set().await?;
        let mut tour = Tour { terminal, step: 0 };
        let running = tokio::select! {
            toured = tour.take(&stage, asked.port.unwrap_or(0)) => toured?,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Fine),
        };
        if !asked.once {
            stay(&stage, running, terminal).await?;
        }
        Ok(Exit::Fine)
    })
}

/// Serves on, with both upstreams, until the reader has seen enough.
async fn stay(stage: &Stage, running: Running, terminal: &Terminal) -> Result<(), Stopped> {
    let addr = running.addr();
    let ended = running.wait();
    let revived = stage.revive_first().await?;
    terminal.text(&format!(
        "\nStill serving. Try it:\n  \
         ANTHROPIC_BASE_URL=http://{} ANTHROPIC_AUTH_TOKEN=demo claude\n  \
         edit {}\nCtrl-C ends it.\n",
        addr,
        stage.file().display(),
    ))?;
    let _flush = log::begin(LogLevel::Info, Format::Text, terminal.colour_err())?;
    ended.await;
    drop(revived);
    Ok(())
}

struct Tour<'t> {
    terminal: &'t Terminal,
    step: usize,
}

impl Tour<'_> {
    async fn take(&mut self, stage: &Stage, port: u16) -> Result<Running, Stopped> {
        let written = self.registration(stage)?;
        let running = stage.serve(port).await?;
        let caller = Caller::new(running.addr());
        self.step(&format!("Serving it on http://{}", running.addr()))?;
        self.requests(&caller, &written, FIRST).await?;
        self.fallback(stage, &caller, &written).await?;
        let saved = self.save(stage, &caller, &written).await?;
        self.broken_save(stage, &caller, &saved).await?;
        self.good_save(stage, &caller, &saved).await?;
        self.terminal.text("\nThat was all of it.\n")?;
        Ok(running)
    }

    fn registration(&mut self, stage: &Stage) -> Result<Read, Stopped> {
        let read = stage.read()?;
        read.plan("the registration of the demo compiles")?;
        self.step(&format!(
            "A registration, {}, and what it does:",
            stage.file().display()
        ))?;
        self.terminal.text(&format!(
            "\n{}",
            indented(&render::preview::text(&read.compiled, &read.sources))
        ))?;
        Ok(read)
    }

    async fn requests(
        &mut self,
        caller: &Caller,
        read: &Read,
        endpoint: &str,
    ) -> Result<(), Stopped> {
        self.step(&format!(
            "A request for `sonnet`, plain and as a stream; `{endpoint}` answers:"
        ))?;
        self.ask_both(caller, read, endpoint).await
    }

    async fn fallback(
        &mut self,
        stage: &Stage,
        caller: &Caller,
        read: &Read,
    ) -> Result<(), Stopped> {
        stage.kill_first().await;
        self.step(&format!(
            "The first upstream is killed. The same requests; `{SECOND}` answers:"
        ))?;
        self.ask_both(caller, read, SECOND).await
    }

    async fn save(
        &mut self,
        stage: &Stage,
        caller: &Caller,
        before: &Read,
    ) -> Result<Read, Stopped> {
        stage.save(&[("pool_priority: 10", "pool_priority: 30")])?;
        let after = stage.read()?;
        self.step(
            "The file is saved with the two endpoints in the other order. What a review would see:",
        )?;
        self.show_change(before, &after)?;
        self.until_live(caller, &after).await?;
        Ok(after)
    }

    async fn broken_save(
        &mut self,
        stage: &Stage,
        caller: &Caller,
        live: &Read,
    ) -> Result<(), Stopped> {
        stage.save(&[("default: sonnet", "default: sonet")])?;
        let broken = stage.read()?;
        let mut errors = broken
            .compiled
            .problems
            .iter()
            .filter(|found| found.severity == Severity::Error);
        let error = errors
            .next()
            .ok_or_else(|| failed("the save of step 6 is broken"))?;
        self.step(
            "A save with a typing error is refused, said where, and the plan before it serves on:",
        )?;
        let refused = async {
            while !caller.health().await?.contains(error.code.as_str()) {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        };
        within(refused, &format!("`/api/health` names `{}`", error.code)).await?;
        let place = error
            .span()
            .map(|span| broken.sources.place(span))
            .unwrap_or_default();
        self.terminal.text(&format!(
            "   {}  {}\n   {place}\n",
            error.code, error.headline
        ))?;
        self.ask_both(caller, live, SECOND).await
    }

    async fn good_save(
        &mut self,
        stage: &Stage,
        caller: &Caller,
        before: &Read,
    ) -> Result<(), Stopped> {
        stage.save(&[
            ("default: sonet", "default: sonnet"),
            ("background: haiku", "background: sonnet"),
        ])?;
        let after = stage.read()?;
        self.step("The error is mended and a slot moved. What a review would see:")?;
        self.show_change(before, &after)?;
        self.until_live(caller, &after).await?;
        self.ask_both(caller, &after, SECOND).await
    }

    fn show_change(&self, before: &Read, after: &Read) -> Result<(), Stopped> {
        let change = diff(
            before.plan("it compiled before")?,
            after.plan("what was saved compiles")?,
        );
        if change.is_empty() {
            return Err(failed("the save changes the plan"));
        }
        self.terminal.text("\n")?;
        self.terminal.diff(&indented(&render::diff::text(&change)))
    }

    /// Waits until requests are answered by the plan of `read`.
    async fn until_live(&self, caller: &Caller, read: &Read) -> Result<(), Stopped> {
        let hash = read.plan("what was saved compiles")?.hash();
        let swapped = async {
            while caller.ask(false).await?.plan != hash.short() {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        };
        within(swapped, &format!("plan {} goes live", hash.short())).await?;
        self.terminal
            .text(&format!("\n   live: plan {}\n", hash.short()))
    }

    /// Asks plain and as a stream; both must come from `endpoint` and the plan of `read`.
    async fn ask_both(&self, caller: &Caller, read: &Read, endpoint: &str) -> Result<(), Stopped> {
        let hash = read.plan("the live plan compiled")?.hash();
        for (name, stream) in [("plain ", false), ("stream", true)] {
            let Heard {
                status,
                endpoint: answered,
                plan,
                text,
                events,
            } = caller.ask(stream).await?;
            let shape = if stream {
                format!("{events} events, ")
            } else {
                String::new()
            };
            self.terminal.text(&format!(
                "   {name}  {status}  {answered}  plan {plan}  {shape}\"{text}\"\n"
            ))?;
            if status != 200 || answered != endpoint || plan != hash.short() || text.is_empty() {
                let promised = format!("`{endpoint}` answers with 200 under plan {}", hash.short());
                return Err(failed(&promised));
            }
        }
        Ok(())
    }

    fn step(&mut self, text: &str) -> Result<(), Stopped> {
        self.step += 1;
        self.terminal.text(&format!(
            "{}{}. {text}\n",
            if self.step > 1 { "\n" } else { "" },
            self.step
        ))
    }
}

/// Waits for something that should happen at once, but not for ever.
async fn within<T>(
    work: impl Future<Output = Result<T, Stopped>>,
    promise: &str,
) -> Result<T, Stopped> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(failed(&format!(
            "{promise} within {} s",
            PATIENCE.as_secs()
        ))),
    }
}

fn failed(promise: &str) -> Stopped {
    Stopped::could_not(format!("the demo did not show what it should: {promise}"))
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("   {line}\n")
            }
        })
        .collect()
}
