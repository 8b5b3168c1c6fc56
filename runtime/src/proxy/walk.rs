//! From a request to an endpoint that answers: decide, then try the candidates
//! of the decision in their order, as often as the plan allows.
//!
//! Nothing here chooses. Between the decision and an attempt others may have
//! taken what was free at an endpoint; it is passed over then, and where nothing
//! was tried at all the moment has changed, and is decided upon again.

use std::time::Duration;

use ctr_compiler::health::{Failure, NotNow};
use ctr_compiler::plan::Pool;
use ctr_compiler::route::{
    self, Candidate, Decision, NoRoute, Place, PoolSnapshot, RequestFeatures,
};
use http::Request;

use super::account::{Account, Mark};
use super::attempt::{self, Answer};
use super::body::Spliced;
use super::client::Client;
use super::{Asked, headers};
use crate::activate::{Live, Upstream};
use crate::pool::{Entered, PoolRecord, Way};
use crate::protocol::error::{ProxyError, shown};

/// Decisions until a request gives up to others that are always faster.
const ROUNDS: usize = 3;

/// Bytes that make a token, roughly, in any tongue that JSON is written in.
const BYTES_A_TOKEN: u64 = 4;

/// An answer the client will get, and the attempt it came from while that runs.
pub(super) struct Committed {
    pub(super) answer: Answer,
    pub(super) mark: Option<Mark>,
}

/// Finds an endpoint that answers. If none does, the client gets what the last
/// of those that said anything said.
///
/// # Errors
/// When there is no route, or no endpoint said anything.
pub(super) async fn walk(
    client: &Client,
    asked: &Asked,
    live: &Live,
    account: &mut Account,
) -> Result<Committed, ProxyError> {
    let (turn, ticket) = live.draw();
    let way = Way {
        clock: live.clock(),
        tokens: asked.body.len() as u64 / BYTES_A_TOKEN,
        turn,
    };
    let mut not_now = NotNow::Trials;
    let mut counted = false;
    let mut model = "";
    for _ in 0..ROUNDS {
        let decision = decide(live, asked, &way, ticket)?;
        let budget = decision
            .pool
            .and_then(|pool| Tries::of(pool, live.pool(decision.model)?));
        if let Some(tries) = budget.as_ref().filter(|_| !counted) {
            tries.request(&way);
            counted = true;
        }
        let mut walk = Walk {
            client,
            asked,
            live,
            way: &way,
            tries: budget,
            said: None,
            timed_out: false,
        };
        match walk.along(&decision, account).await? {
            Ok(committed) => return Ok(committed),
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
    })
}

fn decide<'p>(
    live: &'p Live,
    asked: &Asked,
    way: &Way<'_>,
    ticket: u64,
) -> Result<Decision<'p>, ProxyError> {
    let now = way.clock.now_ms();
    let seen = |endpoint: &_| {
        let upstream = live.upstream(endpoint);
        upstream.record.seen(&upstream.terms, now, way.tokens)
    };
    let features = RequestFeatures {
        interface: asked.interface,
        model: asked.ask.name(),
    };
    let decided = route::route(live.plan(), &features, &PoolSnapshot::new(&seen, ticket));
    decided.map_err(|no_route| match no_route {
        NoRoute::UnknownModel { nearest } => ProxyError::UnknownModel {
            asked: features.model.map(shown),
            nearest,
        },
        NoRoute::Interface { model, speaks } => ProxyError::WrongProtocol { model, speaks },
        NoRoute::NothingEnabled { model } => ProxyError::NothingEnabled { model },
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

/// How often a request of a pool may be tried again.
struct Tries<'p> {
    pool: &'p Pool,
    record: &'p PoolRecord,
    /// Retries that were paid for and not yet made.
    paid: bool,
}

impl<'p> Tries<'p> {
    fn of(pool: &'p Pool, record: &'p PoolRecord) -> Option<Self> {
        (pool.max_retries > 0).then_some(Self {
            pool,
            record,
            paid: false,
        })
    }

    fn request(&self, way: &Way<'_>) {
        let terms = &self.pool.retry_budget;
        self.record.request(terms, way.clock.now_ms());
    }

    /// Whether one more attempt may follow on so many, and takes it from the budget.
    fn again(&mut self, attempts: u32, way: &Way<'_>) -> bool {
        if attempts > self.pool.max_retries {
            return false;
        }
        let terms = &self.pool.retry_budget;
        self.paid = self.paid || self.record.retry(terms, way.clock.now_ms());
        self.paid
    }
}

/// A request on its way along a decision.
struct Walk<'w> {
    client: &'w Client,
    asked: &'w Asked,
    live: &'w Live,
    way: &'w Way<'w>,
    /// Absent where there is no second attempt.
    tries: Option<Tries<'w>>,
    said: Option<Answer>,
    timed_out: bool,
}

impl Walk<'_> {
    /// Tries the candidates in order until one answers; in the inner error nothing
    /// was tried, and why the last candidate was passed over.
    async fn along(
        &mut self,
        decision: &Decision<'_>,
        account: &mut Account,
    ) -> Result<Result<Committed, NotNow>, ProxyError> {
        let before = account.attempts;
        let mut not_now = NotNow::Trials;
        for candidate in &decision.candidates {
            let attempts = account.attempts - before;
            if attempts > 0 && !self.may_go_on(attempts, account) {
                break;
            }
            let upstream = self.live.upstream(candidate.endpoint);
            match upstream
                .record
                .enter(&upstream.terms, self.way, goes_regardless(candidate))
            {
                Err(why) => not_now = why,
                Ok(entered) => {
                    account.attempts += 1;
                    if let Some(tries) = &mut self.tries {
                        tries.paid = false;
                    }
                    if let Some(committed) = self.attempt(upstream, entered, account).await? {
                        return Ok(Ok(committed));
                    }
                }
            }
        }
        if account.attempts == before {
            return Ok(Err(not_now));
        }
        let model = decision.model.to_owned();
        match self.said.take() {
            Some(answer) => Ok(Ok(Committed { answer, mark: None })),
            None if self.timed_out => Err(ProxyError::Timeout { model }),
            None => Err(ProxyError::Unreachable { model }),
        }
    }

    fn may_go_on(&mut self, attempts: u32, account: &Account) -> bool {
        let goes = match &mut self.tries {
            Some(tries) => tries.again(attempts, self.way),
            None => false,
        };
        if !goes {
            let request_id = &*account.request_id;
            tracing::debug!(request_id, attempts, "no further attempt is allowed");
        }
        goes
    }

    /// One attempt; none when it failed, and the next may follow.
    async fn attempt(
        &mut self,
        upstream: &Upstream,
        entered: Entered,
        account: &Account,
    ) -> Result<Option<Committed>, ProxyError> {
        let asked = self.asked;
        let plan = self.live.plan();
        let limit = plan.upstream_timeout_ms.map(Duration::from_millis);
        let mut request = Request::new(Spliced::new(&asked.body, &asked.ask, &upstream.model));
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() =
            headers::target(&upstream.uri, asked.query.as_deref()).ok_or(ProxyError::LongQuery)?;
        *request.headers_mut() = headers::with_key(asked.headers.clone(), upstream);
        let mut mark = Mark::new(entered, upstream.id_header.clone());
        match attempt::attempt(self.client, request, &upstream.id_header, limit).await {
            Ok(answer) => {
                mark.committed(answer.head.status, answer.is_events);
                let mark = Some(mark);
                Ok(Some(Committed { answer, mark }))
            }
            Err(failed) => {
                let told_ms = failed.told_ms(self.way.clock.now_ms());
                let cause = failed.cause.as_deref();
                mark.failed(&account.request_id, failed.class, told_ms, cause);
                self.timed_out = failed.class == Failure::Timeout;
                self.said = failed.answer.or(self.said.take());
                Ok(None)
            }
        }
    }
}

/// Whether a candidate is tried although its endpoint is out: it was named, or
/// its pool has no other.
fn goes_regardless(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.place, Place::Named | Place::NoneHealthy(_))
}
