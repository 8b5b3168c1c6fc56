//! From a request to an endpoint that answers: decide, then try the candidates
//! of the decision in their order, as often as the plan allows.
//!
//! Nothing here chooses. Between the decision and an attempt others may have
//! taken what was free at an endpoint, or found it failing; it is passed over then,
//! and where nothing was tried at all the moment has changed, and is decided upon again.

use std::borrow::Cow;
use std::hint::cold_path;
use std::time::Duration;

use ctr_compiler::health::{Failure, NotNow, Standing};
use ctr_compiler::plan::Endpoint;
use ctr_compiler::route::{self, Decision, NoRoute, PoolSnapshot, Walk};

use super::Asked;
use super::account::{Account, Mark};
use super::asking::Asking;
use super::attempt::Answer;
use super::kept::{ITEM_REFERENCE, Kept};
use super::refusal;
use super::telling::Telling;
use super::traced::Traced;
use crate::activate::{self, Live, Upstream};
use crate::client::Client;
use crate::pool::{Entered, PoolRecord, Way};
use crate::protocol::error::{self, ProxyError, Window, shown};

/// Decisions until a request gives up to others that are always faster.
const ROUNDS: usize = 3;

/// Bytes that make a token, roughly, in any tongue that JSON is written in.
const BYTES_A_TOKEN: u64 = 4;

/// Why a request that builds on what OpenAI keeps, by this name, can go nowhere.
fn only_kept(name: &str) -> String {
    let remedy = match name {
        ITEM_REFERENCE => "; with `store: false`, clients send the items themselves",
        _ => "",
    };
    format!("`{name}` works only at an OpenAI endpoint, and this model has none{remedy}")
}

/// An answer the client will get, and the attempt it came from while that runs.
pub(super) struct Committed {
    pub(super) answer: Box<Answer>,
    pub(super) mark: Option<Mark>,
    /// The logical model that answers, where a session keeps it.
    pub(super) model: Option<String>,
}

impl Committed {
    /// An answer whose attempt is over.
    pub(super) fn alone(answer: Box<Answer>) -> Self {
        Self {
            answer,
            mark: None,
            model: None,
        }
    }
}

/// Finds an endpoint that answers. If none does, the client gets what the last
/// of those that said anything said.
///
/// # Errors
/// When there is no route, or no endpoint said anything.
pub(super) async fn walk(
    client: &Client,
    kept: &Kept,
    asked: &Asked,
    live: &Live,
    account: &mut Account,
) -> Result<Committed, ProxyError> {
    let (turn, ticket) = live.draw();
    let way = Way {
        clock: live.clock(),
        tokens: asked.length() as u64 / BYTES_A_TOKEN,
        turn,
    };
    let mut not_now = NotNow::Trials;
    let mut model = "";
    let mut going = Going {
        client,
        kept,
        asked,
        live,
        way: &way,
        said: None,
        timed_out: false,
        untold: None,
    };
    for round in 0..ROUNDS {
        let decision = decide(live, asked, &way, ticket, account.traced.as_deref_mut())?;
        let pool = decision.pool.filter(|pool| pool.max_retries > 0);
        let pool = pool.zip(live.pool(decision.model));
        if let Some((pool, record)) = pool.filter(|_| round == 0) {
            record.request(&pool.retry_budget, way.clock.now_ms());
        }
        let record = pool.map(|(_, record)| record);
        match going.along(&decision, record, account).await? {
            Ok(committed) => {
                let model = asked.session_id().map(|_| decision.model.to_owned());
                return Ok(Committed { model, ..committed });
            }
            Err(passed_over) => not_now = passed_over,
        }
        model = decision.model;
    }
    let model = model.to_owned();
    Err(match not_now {
        NotNow::Limited(until) => ProxyError::Limited {
            model,
            retry_after_s: seconds(until, way.clock.now_ms()),
        },
        NotNow::Trials => ProxyError::AllOut {
            model,
            retry_after_s: 1,
        },
        NotNow::Out(until) => ProxyError::AllOut {
            model,
            retry_after_s: seconds(until, way.clock.now_ms()),
        },
    })
}

pub(super) fn decide<'p>(
    live: &'p Live,
    asked: &Asked,
    way: &Way<'_>,
    ticket: u64,
    traced: Option<&mut Traced>,
) -> Result<Decision<'p>, ProxyError> {
    let now = way.clock.now_ms();
    let seen = |endpoint: &_| {
        let upstream = live.upstream(endpoint);
        upstream.record.seen(&upstream.terms, now, way.tokens)
    };
    let snapshot = PoolSnapshot::new(&seen, ticket);
    let keeps =
        |account: activate::Account| move |endpoint: &_| live.upstream(endpoint).account == account;
    let (decided, too_long) = asked.with_features(live.plan(), now, |features| {
        let plan = live.plan();
        let decided = match asked.kept_by {
            Some(account) => route::route_kept(plan, features, &snapshot, &keeps(account)),
            None => route::route(plan, features, &snapshot),
        };
        if let Some(traced) = traced {
            traced.decided(live, features, decided.as_ref(), asked.said.sure());
        }
        let too_long = match &decided {
            Err(NoRoute::Window { exceeded, .. }) => features.tokens.in_full(exceeded.tokenizer),
            _ => 0,
        };
        (decided, too_long)
    });
    decided.map_err(|no_route| match no_route {
        NoRoute::UnknownModel { nearest } => ProxyError::UnknownModel {
            asked: asked.ask.name().map(shown),
            nearest,
        },
        NoRoute::Interface { model, speaks } => match asked.on_kept {
            Some(name) if asked.call.tail().is_none() => {
                ProxyError::Untold(Cow::Owned(only_kept(name)))
            }
            _ => ProxyError::WrongProtocol { model, speaks },
        },
        NoRoute::NothingEnabled { model } => ProxyError::NothingEnabled { model },
        NoRoute::Window {
            model,
            exceeded,
            long_context,
        } => ProxyError::Window(Box::new(Window {
            model,
            code: exceeded.limit.code(),
            input_tokens: too_long,
            total_tokens: too_long.saturating_add(exceeded.beside_input),
            limit_tokens: exceeded.limit_tokens,
            long_context,
        })),
        NoRoute::AllOut { model, until_ms } => ProxyError::AllOut {
            model,
            retry_after_s: until_ms.map_or(1, |until| seconds(until, now)),
        },
        NoRoute::AllLimited { model, until_ms } => ProxyError::Limited {
            model,
            retry_after_s: seconds(until_ms, now),
        },
    })
}

/// Whole seconds until then, at least one.
fn seconds(until: u64, now: u64) -> u64 {
    until.saturating_sub(now).div_ceil(1_000).max(1)
}

/// A request on its way along a decision.
struct Going<'w> {
    client: &'w Client,
    kept: &'w Kept,
    asked: &'w Asked,
    live: &'w Live,
    way: &'w Way<'w>,
    said: Option<(Box<Answer>, &'w Upstream)>,
    timed_out: bool,
    /// Why an endpoint cannot be asked this.
    untold: Option<Cow<'static, str>>,
}

impl<'w> Going<'w> {
    /// Tries the candidates in order until one answers, passing over those that cannot
    /// be asked this; in the inner error nothing was tried, and why the last candidate
    /// was passed over.
    async fn along(
        &mut self,
        decision: &Decision<'_>,
        pool: Option<&PoolRecord>,
        account: &mut Account,
    ) -> Result<Result<Committed, NotNow>, ProxyError> {
        let mut walk = Walk::default();
        let mut not_now = NotNow::Trials;
        let retry = |terms: &_| pool.is_some_and(|pool| pool.retry(terms, self.way.clock.now_ms()));
        while let Some((candidate, regardless)) = walk.step(decision, retry) {
            let upstream = self.live.upstream(candidate.endpoint);
            if self.asked.is_coming() && self.is_on_trial(upstream) {
                cold_path();
                // Its trials are few, and not for those who would keep others waiting.
                self.asked.arrive().await?;
            }
            let asking = self.asking(account);
            let telling = match asking.tell(upstream, candidate.endpoint) {
                Ok(telling) => telling,
                Err(ProxyError::Untold(why)) => {
                    cold_path();
                    self.untold = Some(why);
                    continue;
                }
                Err(error) => return Err(error),
            };
            match upstream.enter(self.way, regardless) {
                Err(why) => {
                    cold_path();
                    if let NotNow::Out(_) = why {
                        walk.passed_over();
                    }
                    not_now = why;
                }
                Ok(entered) => {
                    walk.attempted();
                    account.attempts += 1;
                    if let Some(traced) = &mut account.traced {
                        traced.tries(decision, candidate.endpoint);
                    }
                    let to = (upstream, candidate.endpoint);
                    if let Some(committed) = self.attempt(to, telling, entered, account).await? {
                        return Ok(Ok(committed));
                    }
                }
            }
        }
        cold_path();
        if walk.attempts() == 0 {
            return match self.untold.take() {
                Some(why) => Err(ProxyError::Untold(why)),
                None => Ok(Err(not_now)),
            };
        }
        let model = decision.model.to_owned();
        match self.said.take() {
            Some((mut answer, upstream)) => {
                self.hide_secrets(&mut answer, upstream, &account.request_id)
                    .await;
                Ok(Ok(Committed::alone(answer)))
            }
            None if self.timed_out => Err(ProxyError::Timeout { model }),
            None => Err(ProxyError::Unreachable { model }),
        }
    }

    /// Whether an endpoint takes only trials at this moment.
    fn is_on_trial(&self, upstream: &Upstream) -> bool {
        let Way { clock, tokens, .. } = self.way;
        let seen = upstream
            .record
            .seen(&upstream.terms, clock.now_ms(), *tokens);
        matches!(seen.standing, Standing::HalfOpen { .. })
    }

    fn limit(&self) -> Option<Duration> {
        let limit = self.live.plan().upstream_timeout_ms;
        limit.map(Duration::from_millis)
    }

    fn hide_secrets<'a>(
        &self,
        answer: &'a mut Answer,
        upstream: &'a Upstream,
        request_id: &'a str,
    ) -> impl Future<Output = ()> + use<'a> {
        let (client, limit) = (self.asked.call.interface(), self.limit());
        let own = move |status| error::unread(client, status, request_id);
        Box::pin(refusal::hide_secrets(answer, upstream, limit, own))
    }

    /// What every request to an endpoint needs.
    fn asking<'a>(&self, account: &'a Account) -> Asking<'a>
    where
        'w: 'a,
    {
        Asking {
            client: self.client,
            kept: self.kept,
            asked: self.asked,
            request_id: &account.request_id,
            limit: self.limit(),
            now_ms: self.way.clock.now_ms(),
            is_first: account.attempts <= 1,
        }
    }

    /// One attempt; none when it failed, and the next may follow.
    async fn attempt(
        &mut self,
        (upstream, endpoint): (&'w Upstream, &Endpoint),
        telling: Box<Telling>,
        entered: Entered,
        account: &mut Account,
    ) -> Result<Option<Committed>, ProxyError> {
        let mut mark = Mark::new(entered, upstream.id_header.clone());
        let asking = self.asking(account);
        let answered = asking.ask(telling, upstream, endpoint, &mut mark).await?;
        if let Some(fault) = self.asked.fault() {
            cold_path();
            // Whatever came of it says nothing about the endpoint.
            mark.never_went();
            return Err(fault);
        }
        if let Some(traced) = &mut account.traced {
            let failed = answered.as_ref().err();
            traced.judged(failed.map(|failed| failed.class.word()));
        }
        match answered {
            Ok(mut answer) => {
                if let Some(whole) = self.asked.came_whole() {
                    mark.had_it_whole(whole);
                }
                if !answer.head.status.is_success() || answer.error.is_some() {
                    cold_path();
                    self.hide_secrets(&mut answer, upstream, &account.request_id)
                        .await;
                }
                mark.committed(answer.head.status, answer.is_events);
                let mark = Some(mark);
                Ok(Some(Committed {
                    answer,
                    mark,
                    model: None,
                }))
            }
            Err(failed) => {
                cold_path();
                let told_ms = failed.told_ms(self.way.clock.now_ms());
                let cause = failed.cause.as_deref();
                mark.failed(&account.request_id, failed.class, told_ms, cause);
                self.timed_out = failed.class == Failure::Timeout;
                let said = failed.answer.map(|answer| (answer, upstream));
                self.said = said.or(self.said.take());
                Ok(None)
            }
        }
    }
}
