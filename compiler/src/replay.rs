//! Which requests of a corpus does a change move, why, and what does it cost?
//!
//! Every line is decided by [`route`] with the plan before
//! and the plan after, as far as the line holds what the decision depends on;
//! where it does not, the line is counted as undecidable and nothing is guessed.
//! Lines come one by one and only sums are kept, so that memory does not grow
//! with the corpus.
//!
//! Endpoints are taken as healthy and idle on both sides: what differs is the
//! plans and nothing else.

mod budget;
mod load;
mod price;
mod tally;

use std::collections::BTreeMap;

use crate::corpus::{BadLine, Decided, Line, PatternSet, Reading, Request, read};
use crate::health::Seen;
use crate::plan::{Endpoint, Plan, Target};
use crate::route::{Missing, NoRoute, PoolSnapshot, Source, missing, route};

pub use budget::{Budget, Share};
pub use load::{Load, Peak};
pub use price::price;
pub use tally::{Amount, Bad, Cost, Models, Moved, Report, Undecidable};

/// Sets of patterns that are remembered. A corpus has one for each plan that
/// wrote it.
const SETS: usize = 256;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Went<'p> {
    /// To the first endpoint of this decision.
    To {
        /// The logical model, or `provider,model` reference.
        model: &'p str,
        /// The endpoint.
        endpoint: &'p str,
    },
    /// Somewhere that the plan does not have.
    Elsewhere,
    /// Nowhere.
    Refused(Refused),
}

impl<'p> Went<'p> {
    /// The logical model.
    pub fn model(self) -> Option<&'p str> {
        match self {
            Self::To { model, .. } => Some(model),
            _ => None,
        }
    }
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Nothing of its name, and no default.
    Unknown,
    /// No endpoint speaks what it needs.
    Interface,
    /// It fits into no window.
    TooLong,
    /// Nothing is enabled.
    Disabled,
    /// As the status that was recorded says.
    Status(u16),
}

impl Refused {
    /// The status that the client sees.
    pub fn status(self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::Interface => 400,
            Self::TooLong => 413,
            Self::Disabled => 503,
            Self::Status(status) => status,
        }
    }

    /// Why, in words; none where only a status is known.
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::Unknown => Some("no such model and no default"),
            Self::Interface => Some("no endpoint speaks its protocol"),
            Self::TooLong => Some("it fits into no window"),
            Self::Disabled => Some("nothing is enabled"),
            Self::Status(_) => None,
        }
    }
}

/// One side's decision about one request.
#[derive(Clone, Copy)]
struct Side<'p> {
    went: Went<'p>,
    source: Option<Source<'p>>,
    endpoint: Option<&'p Endpoint>,
}

/// A corpus against two plans, or against what was decided when it was recorded.
#[derive(Debug)]
pub struct Replay<'p> {
    before: Option<&'p Plan>,
    after: &'p Plan,
    /// By the id of a set: what each plan makes of it.
    readings: BTreeMap<String, [Reading; 2]>,
    /// Where no set is known.
    blind: [Reading; 2],
    report: Report<'p>,
    lines: u64,
}

impl<'p> Replay<'p> {
    /// Compares what two plans decide.
    pub fn between(before: &'p Plan, after: &'p Plan) -> Self {
        Self::new(Some(before), after)
    }

    /// Compares what a plan decides with what was decided when it was recorded.
    pub fn of(after: &'p Plan) -> Self {
        Self::new(None, after)
    }

    fn new(before: Option<&'p Plan>, after: &'p Plan) -> Self {
        Self {
            before,
            after,
            readings: BTreeMap::new(),
            blind: readings(before, after, None),
            report: Report::new(before.is_none(), after),
            lines: 0,
        }
    }

    /// Takes the next line, with or without its line break. A blank one counts as
    /// a line and says nothing.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match read(line) {
            Ok(Line::Request(request)) => self.request(&request),
            Ok(Line::Patterns(set)) => self.patterns(&set),
            Err(why) => self.report.bad(self.lines, why),
        }
    }

    /// Notes a line that could not be taken, for a reason of its holder's.
    pub fn bad_line(&mut self, why: BadLine) {
        self.lines += 1;
        self.report.bad(self.lines, why);
    }

    /// Takes what was looked for in the texts of requests that name it.
    pub fn patterns(&mut self, set: &PatternSet) {
        if self.readings.len() >= SETS {
            self.readings.clear();
        }
        let readings = readings(self.before, self.after, Some(set));
        self.readings.insert(set.id.clone(), readings);
    }

    /// Takes a request.
    pub fn request(&mut self, request: &Request) {
        self.pair(request, request);
    }

    /// Takes a request as each side sees it: what is known of its text may
    /// differ, where they look for other patterns or in other messages.
    pub fn pair(&mut self, before: &Request, after: &Request) {
        self.report.requests += 1;
        let ticket = ticket(after.at_ms, self.lines);
        let was = match self.before {
            Some(plan) => decide(plan, before, self.reading(before, 0), ticket, None).map(Some),
            None => Ok(before
                .decided
                .as_ref()
                .map(|decided| recorded(self.after, decided))),
        };
        let taken = match (self.before, &was) {
            (None, Ok(Some(side))) => side.endpoint,
            _ => None,
        };
        let is = decide(self.after, after, self.reading(after, 1), ticket, taken);
        match (was, is) {
            (Err(missing), _) | (_, Err(missing)) => self.report.undecidable(missing),
            (Ok(was), Ok(is)) => self.report.decided(after, was, is),
        }
    }

    /// What a side makes of what was looked for in a request's text.
    fn reading(&self, request: &Request, side: usize) -> &Reading {
        let text = request.text.as_ref();
        let id = text.and_then(|text| text.patterns.as_deref());
        let known = id.and_then(|id| self.readings.get(id));
        let [before, after] = known.unwrap_or(&self.blind);
        if side == 0 { before } else { after }
    }

    /// The sums so far.
    pub fn report(&self) -> &Report<'p> {
        &self.report
    }

    /// What came of it.
    pub fn finish(self) -> Report<'p> {
        self.report
    }
}

fn readings(before: Option<&Plan>, after: &Plan, set: Option<&PatternSet>) -> [Reading; 2] {
    let before = before.map(|plan| Reading::new(plan, set));
    [before.unwrap_or_default(), Reading::new(after, set)]
}

/// The same for the same line, and spread evenly: strategies that draw lots draw
/// the same on both sides. The finalizer of SplitMix64.
fn ticket(at_ms: u64, line: u64) -> u64 {
    let mut x = at_ms.wrapping_add(line.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `taken` is the endpoint that was first when the request was recorded. Where it
/// is a candidate still it is taken to be first again: that it was may have come of
/// whose turn it was, or of the health of the others, which a record does not hold.
fn decide<'p>(
    plan: &'p Plan,
    request: &Request,
    reading: &Reading,
    ticket: u64,
    taken: Option<&Endpoint>,
) -> Result<Side<'p>, Missing<'p>> {
    request.with_features(reading, |features| {
        if plan.smart_router.is_some()
            && let Some(missing) = missing(plan, features)
        {
            return Err(missing);
        }
        let snapshot = PoolSnapshot::new(&|_| Seen::UNUSED, ticket);
        Ok(match route(plan, features, &snapshot) {
            Ok(decision) => {
                let mut able = decision.candidates.iter().map(|able| able.endpoint);
                let same = able
                    .clone()
                    .find(|able| Some(&able.id) == taken.map(|it| &it.id));
                let first = same.or_else(|| able.next());
                Side {
                    went: Went::To {
                        model: decision.model,
                        endpoint: first.map_or("", |first| &first.id),
                    },
                    source: Some(decision.source),
                    endpoint: first,
                }
            }
            Err(no_route) => Side::refused(match no_route {
                NoRoute::UnknownModel { .. } => Refused::Unknown,
                NoRoute::Interface { .. } => Refused::Interface,
                NoRoute::Window { .. } => Refused::TooLong,
                NoRoute::NothingEnabled { .. } => Refused::Disabled,
                // Every endpoint is healthy and idle here.
                NoRoute::AllOut { .. } | NoRoute::AllLimited { .. } => Refused::Disabled,
            }),
        })
    })
}

impl Side<'_> {
    fn refused(why: Refused) -> Self {
        Self {
            went: Went::Refused(why),
            source: None,
            endpoint: None,
        }
    }
}

/// A decision that was recorded, in the names of a plan.
fn recorded<'p>(plan: &'p Plan, decided: &Decided) -> Side<'p> {
    if let Some(status) = decided.refused {
        return Side::refused(Refused::Status(status));
    }
    let target = decided.model.as_deref().and_then(|id| plan.resolve(id));
    let wanted = decided.endpoint.as_deref();
    let mut endpoints = target.iter().flat_map(Target::endpoints);
    let endpoint = endpoints.find(|endpoint| wanted.is_none_or(|id| endpoint.id == id));
    match (target, endpoint) {
        (Some(target), Some(endpoint)) => Side {
            went: Went::To {
                model: target.name(),
                endpoint: &endpoint.id,
            },
            source: None,
            endpoint: Some(endpoint),
        },
        _ => Side {
            went: Went::Elsewhere,
            source: None,
            endpoint: None,
        },
    }
}
