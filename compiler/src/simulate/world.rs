//! The clock, the requests, and what is known about the endpoints meanwhile.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::script::{Ending, Scenario, Upstream, What};
use super::tally::{Bucket, Tally, Totals};
use super::{Event, EventKind};
use crate::health::{Budget, Failure, NotNow, Observed, Permit, Seen, Standing, Terms};
use crate::plan::{Endpoint, Plan, Target};
use crate::route::{Decision, Dice, PoolSnapshot, Walk, route};

/// The time of day at which a simulation begins; 0 is "never" to a record.
const BEGIN: u64 = 1 << 40;

/// As in the proxy: decisions until a request gives up to others that are faster.
const ROUNDS: usize = 3;

/// An endpoint in the simulation.
struct Member {
    upstream: Upstream,
    dice: Dice,
    terms: Terms,
    observed: Observed,
    /// As it was last told.
    told: Standing,
}

/// A request on its way.
struct Request<'p> {
    arrived: u64,
    decision: Decision<'p>,
    walk: Walk,
    /// The attempt that runs.
    running: Option<Attempt>,
}

struct Attempt {
    member: usize,
    began: u64,
    permit: Permit,
    ending: Ending,
}

/// What is due at some time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// An endpoint is killed or restored.
    Turn(usize, What),
    /// A span of time ends.
    Span(usize),
    /// An attempt of this request ends.
    End(u64),
    /// A request is sent.
    Send(u64),
}

pub(super) struct World<'p> {
    plan: &'p Plan,
    /// What clients ask for.
    asked: &'p str,
    endpoints: &'p [Endpoint],
    scenario: &'p Scenario,
    members: Vec<Member>,
    budget: Budget,
    arrivals: Dice,
    tickets: Dice,
    due: BinaryHeap<Reverse<(u64, Due)>>,
    requests: HashMap<u64, Request<'p>>,
    tally: Tally,
    events: Vec<Event>,
    now: u64,
}

/// What came of it.
pub(super) struct Played {
    pub(super) events: Vec<Event>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) totals: Totals,
}

impl<'p> World<'p> {
    pub(super) fn new(
        plan: &'p Plan,
        asked: &'p str,
        endpoints: &'p [Endpoint],
        scenario: &'p Scenario,
    ) -> Self {
        let pool = match plan.resolve(asked) {
            Some(Target::Pool(_, pool)) => Some(pool),
            _ => None,
        };
        // Each has chance of its own, so that what happens to one changes nothing of
        // what another would have done.
        let mut seeds = Dice(scenario.seed);
        let (arrivals, tickets) = (Dice(seeds.next()), Dice(seeds.next()));
        let member = |endpoint| Member {
            upstream: Upstream::new(scenario, endpoint),
            dice: Dice(seeds.next()),
            terms: pool.map_or_else(Terms::default, |pool| {
                Terms::in_pool(pool, endpoint.rate_limit.as_ref())
            }),
            observed: Observed::default(),
            told: Standing::Healthy,
        };
        let mut world = Self {
            plan,
            asked,
            endpoints,
            scenario,
            members: endpoints.iter().map(member).collect(),
            budget: Budget::default(),
            arrivals,
            tickets,
            due: BinaryHeap::new(),
            requests: HashMap::new(),
            tally: Tally::new(scenario.duration_ms, endpoints.len()),
            events: Vec::new(),
            now: BEGIN,
        };
        for at in 0..world.members.len() {
            let turns: Vec<(u64, What)> = world.members[at].upstream.turns().collect();
            for (ms, what) in turns
                .into_iter()
                .filter(|(ms, _)| *ms < scenario.duration_ms)
            {
                world.at(ms, Due::Turn(at, what));
            }
        }
        for (span, end) in world.tally.ends().into_iter().enumerate() {
            world.at(end.min(scenario.duration_ms), Due::Span(span));
        }
        world.expect(0);
        world
    }

    /// The request of this number will be sent, if there are so many.
    fn expect(&mut self, number: u64) {
        if number < self.scenario.requests() {
            let ms = self.scenario.arrival(number, &mut self.arrivals);
            self.at(ms, Due::Send(number));
        }
    }

    fn at(&mut self, ms: u64, due: Due) {
        self.due.push(Reverse((BEGIN.saturating_add(ms), due)));
    }

    fn ms(&self) -> u64 {
        self.now - BEGIN
    }

    pub(super) fn play(mut self) -> Played {
        while let Some(Reverse((now, due))) = self.due.pop() {
            self.watch(now);
            self.now = now;
            match due {
                Due::Turn(member, what) => {
                    let kind = match what {
                        What::Kill => EventKind::Killed,
                        What::Restore => EventKind::Restored,
                    };
                    self.tell(self.ms(), member, kind);
                }
                Due::Span(span) => {
                    let standing = self.members.iter().map(|member| member.told.word());
                    let standing = standing.collect();
                    self.tally.stand(span, standing);
                }
                Due::Send(number) => {
                    self.expect(number + 1);
                    self.send(number);
                }
                Due::End(number) => self.end(number),
            }
            self.watch(now);
        }
        let scenario = self.scenario;
        let price = |endpoint: &Endpoint| {
            let cost = endpoint.cost.as_ref()?;
            let of = |per_1m: Option<f64>, tokens: u64| per_1m.unwrap_or(0.0) * tokens as f64 / 1e6;
            let input = of(cost.input_per_1m, scenario.input_tokens);
            let output = of(cost.output_per_1m, scenario.output_tokens);
            Some((input + output, cost.currency.clone()))
        };
        let (buckets, totals) = self.tally.finish(self.endpoints, price);
        Played {
            events: self.events,
            buckets,
            totals,
        }
    }

    fn tell(&mut self, at_ms: u64, endpoint: usize, kind: EventKind) {
        self.events.push(Event {
            at_ms,
            endpoint,
            kind,
        });
    }

    /// Tells which endpoints stand otherwise at `now` than before. A rest that is
    /// over ended at its own time, and not when somebody looked.
    fn watch(&mut self, now: u64) {
        let told = self.events.len();
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            let (health, policy) = (&member.observed.health, &member.terms.policy);
            let (was, is) = (member.told, health.standing(policy, now));
            if was.word() == is.word() {
                member.told = is;
                continue;
            }
            member.told = is;
            let is_out = is.until_ms().is_some();
            let kind = EventKind::Stands {
                from: was.word(),
                to: is.word(),
                until_ms: is.until_ms().map(|until| until.saturating_sub(BEGIN)),
                reason: health.reason(policy, now),
                failure: health.last_failure.filter(|_| is_out),
            };
            let ended = was.until_ms().filter(|until| *until <= now);
            let ms = ended.unwrap_or(now).saturating_sub(BEGIN);
            self.tell(ms, at, kind);
        }
        self.events[told..].sort_by_key(|event| event.at_ms);
    }

    /// None where no endpoint may be tried at the moment: what never fits was
    /// refused before.
    fn decide(&self, ticket: u64) -> Option<Decision<'p>> {
        let tokens = self.scenario.input_tokens;
        let seen = |endpoint: &Endpoint| {
            let at = self.place(endpoint);
            let Some(member) = at.and_then(|at| self.members.get(at)) else {
                return Seen::UNUSED;
            };
            member.observed.seen(&member.terms, self.now, tokens)
        };
        let features = self.scenario.request(self.asked);
        route(self.plan, &features, &PoolSnapshot::new(&seen, ticket)).ok()
    }

    fn place(&self, endpoint: &Endpoint) -> Option<usize> {
        self.endpoints
            .iter()
            .position(|other| other.id == endpoint.id)
    }

    fn send(&mut self, number: u64) {
        let ticket = self.tickets.next();
        for round in 0..ROUNDS {
            let Some(decision) = self.decide(ticket) else {
                break;
            };
            if let Some(pool) = decision
                .pool
                .filter(|pool| round == 0 && pool.max_retries > 0)
            {
                self.budget.request(&pool.retry_budget, self.now);
            }
            let request = Request {
                arrived: self.now,
                decision,
                walk: Walk::default(),
                running: None,
            };
            if self.go_on(number, request) {
                return;
            }
        }
        let ms = self.ms();
        self.tally.refused(ms);
    }

    /// Tries the next candidates until one lets the request in. False where none
    /// did and nothing was tried before.
    fn go_on(&mut self, number: u64, mut request: Request<'p>) -> bool {
        let (now, tokens) = (self.now, self.scenario.input_tokens);
        let was_tried = request.walk.attempts() > 0;
        loop {
            let budget = &mut self.budget;
            let retry = |terms: &_| budget.retry(terms, now);
            let Some((candidate, regardless)) = request.walk.step(&request.decision, retry) else {
                break;
            };
            let Some(at) = self.place(candidate.endpoint) else {
                continue;
            };
            let member = &mut self.members[at];
            let observed = &mut member.observed;
            let entered = observed.enter(&member.terms, now, tokens, number + 1, regardless);
            let permit = match entered {
                Ok(permit) => permit,
                Err(why) => {
                    if let NotNow::Out(_) = why {
                        request.walk.passed_over();
                    }
                    continue;
                }
            };
            request.walk.attempted();
            if was_tried {
                self.tally.retried();
            }
            let (takes, ending) = member.upstream.attempt(now - BEGIN, &mut member.dice);
            request.running = Some(Attempt {
                member: at,
                began: now,
                permit,
                ending,
            });
            self.requests.insert(number, request);
            self.at(now - BEGIN + takes, Due::End(number));
            return true;
        }
        if was_tried {
            self.tally.failed(request.arrived - BEGIN);
        }
        was_tried
    }

    fn end(&mut self, number: u64) {
        let Some(mut request) = self.requests.remove(&number) else {
            return;
        };
        let Some(attempt) = request.running.take() else {
            return;
        };
        let (now, ms) = (self.now, self.ms());
        let member = &mut self.members[attempt.member];
        let terms = &member.terms;
        let took = now - attempt.began;
        let failure = match attempt.ending {
            Ending::Answer => None,
            Ending::Error => Some(Failure::Status),
            Ending::Refusal => Some(Failure::Connect),
            Ending::Break => Some(Failure::Network),
        };
        let used = match failure {
            None => {
                member.observed.succeeded(&attempt.permit, terms, now, took);
                let sent_ms = request.arrived - BEGIN;
                let request_ms = now - request.arrived;
                self.tally
                    .answered(sent_ms, attempt.member, took, request_ms);
                Some(self.scenario.input_tokens + self.scenario.output_tokens)
            }
            Some(failure) => {
                let permit = &attempt.permit;
                member.observed.failed(permit, terms, now, failure, None);
                self.tally.attempt_failed(ms, attempt.member);
                None
            }
        };
        member.observed.leave(&attempt.permit, terms, now, used);
        if failure.is_some() {
            self.go_on(number, request);
        }
    }
}
