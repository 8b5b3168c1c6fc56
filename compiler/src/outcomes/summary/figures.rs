//! From the sums of an evaluation to its figures.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{
    Anchor, Change, CurveFigures, Figure, LeftOut, PartFigures, Pgr, PlanFigures, Share, Summary,
    Undecidable,
};
use crate::outcomes::frontier::{Point, aiq, arena, hull};
use crate::outcomes::sweep::Sweep;
use crate::outcomes::tally::{Part, Sum, Tally};
use crate::outcomes::{Evaluation, Report, pgr};
use crate::route::Source;

impl Report<'_> {
    /// All figures.
    pub fn summary(&self) -> Summary {
        let all = &self.0;
        let models = anchors(all);
        let points: Vec<Point> = models
            .iter()
            .filter_map(|model| at(&model.figure))
            .collect();
        let largest = largest(all, &points);
        let hull = hull(&points);
        Summary {
            prompts: all.oracle.prompts,
            rows: all.rows,
            left_out: LeftOut {
                rows: all.bad.count,
                first: all
                    .bad
                    .first
                    .iter()
                    .map(|(line, why)| (*line, why.to_string()))
                    .collect(),
            },
            undecidable: all
                .undecidable
                .iter()
                .map(|(model, rows)| Undecidable {
                    model: (*model).to_owned(),
                    rows: *rows,
                })
                .collect(),
            plans: all
                .plans
                .iter()
                .zip(&all.tallies)
                .map(|(plan, tally)| {
                    let of = Of {
                        all,
                        tally,
                        singles: &points,
                        largest,
                    };
                    of.figures(plan.hash().to_string())
                })
                .collect(),
            change: all.resampling.as_ref().and_then(|resampling| {
                Some(Change {
                    quality: resampling.quality()?,
                    cost: resampling
                        .cost()
                        .filter(|_| all.tallies.iter().all(is_costed)),
                    seed: all.chance.seed,
                    resamples: all.chance.resamples,
                })
            }),
            oracle: figure(&all.oracle),
            aiq: aiq(&hull, largest),
            models,
            hull,
        }
    }
}

/// Whether a cost of all prompts is known.
fn is_costed(tally: &Tally<'_>) -> bool {
    tally.total.costed == tally.total.prompts
}

fn anchors(all: &Evaluation<'_>) -> Vec<Anchor> {
    let named = all.models.names().iter().zip(&all.single);
    let mut anchors: Vec<Anchor> = named
        .filter(|(_, sum)| sum.prompts > 0)
        .map(|(name, sum)| Anchor {
            model: name.clone(),
            figure: figure(sum),
        })
        .collect();
    anchors.sort_by(|a, b| {
        let by_quality = b.figure.quality.total_cmp(&a.figure.quality);
        by_quality.then_with(|| a.model.cmp(&b.model))
    });
    anchors
}

/// The largest cost of single models and of plans at any threshold.
fn largest(all: &Evaluation<'_>, singles: &[Point]) -> f64 {
    let plans = all.tallies.iter().flat_map(|tally| {
        let own = at(&figure(&tally.total));
        let swept = tally.sweep.iter().flat_map(Sweep::points);
        own.into_iter().chain(swept.map(|(_, point)| point))
    });
    let costs = singles.iter().copied().chain(plans).map(|point| point.cost);
    costs.fold(0.0, f64::max)
}

fn figure(sum: &Sum) -> Figure {
    let quality = sum.quality().unwrap_or(0.0);
    let cost = sum.per_thousand();
    let is_whole = sum.costed == sum.prompts;
    Figure {
        prompts: sum.prompts,
        quality,
        cost_per_1000: cost,
        costed: sum.costed,
        arena: cost
            .filter(|_| is_whole)
            .and_then(|cost| arena(quality, cost)),
    }
}

/// Where a figure lies, if all of its costs are known.
fn at(figure: &Figure) -> Option<Point> {
    let cost = figure
        .cost_per_1000
        .filter(|_| figure.costed == figure.prompts)?;
    Some(Point {
        cost,
        quality: figure.quality,
    })
}

/// One plan among the anchors.
struct Of<'a, 'p> {
    all: &'a Evaluation<'p>,
    tally: &'a Tally<'p>,
    singles: &'a [Point],
    largest: f64,
}

impl Of<'_, '_> {
    fn figures(&self, hash: String) -> PlanFigures {
        let total = figure(&self.tally.total);
        let swept = self.tally.sweep.as_ref().map(Sweep::points);
        let thresholds = swept.unwrap_or_default();
        let own = at(&total).into_iter();
        let own = own.chain(thresholds.iter().map(|(_, point)| *point));
        let with_own: Vec<Point> = self.singles.iter().copied().chain(own).collect();
        PlanFigures {
            hash,
            figure: total,
            regret: regret(&self.all.oracle, &self.tally.total),
            random: self.random(),
            shares: self.shares(),
            refused: self.tally.refused,
            pgr: self.pgr(),
            curve: self.curve(),
            aiq: at(&total).and_then(|_| aiq(&hull(&with_own), self.largest)),
            sources: parts(&self.tally.sources, |name| match name.is_empty() {
                true => "(none)".to_owned(),
                false => name.clone(),
            }),
            routes: parts(&self.tally.routes, |route| {
                route.map_or("refused".to_owned(), scenario)
            }),
            thresholds,
        }
    }

    fn single(&self, at: usize) -> Sum {
        self.all.single.get(at).copied().unwrap_or_default()
    }

    fn share(&self, at: usize) -> f64 {
        let taken = self.tally.models.get(at).map_or(0, |sum| sum.prompts);
        match self.tally.total.prompts {
            0 => 0.0,
            all => taken as f64 / all as f64,
        }
    }

    fn shares(&self) -> Vec<Share> {
        let names = self.all.models.names().iter().enumerate();
        let mut shares: Vec<Share> = names
            .filter(|(at, _)| self.single(*at).prompts > 0)
            .map(|(at, name)| {
                let beside = self.tally.beside.get(at).copied().unwrap_or_default();
                Share {
                    model: name.clone(),
                    prompts: self.tally.models.get(at).map_or(0, |sum| sum.prompts),
                    share: self.share(at),
                    regret: regret(&self.single(at), &beside),
                }
            })
            .collect();
        shares.sort_by(|a, b| {
            let by_share = b.prompts.cmp(&a.prompts);
            by_share.then_with(|| a.model.cmp(&b.model))
        });
        shares
    }

    /// What is expected of drawing a model for each prompt by the plan's shares.
    fn random(&self) -> Figure {
        let (mut quality, mut cost, mut is_costed) = (0.0, 0.0, true);
        for at in 0..self.tally.models.len() {
            let (share, single) = (self.share(at), self.single(at));
            if share == 0.0 {
                continue;
            }
            quality += share * single.quality().unwrap_or(0.0);
            is_costed &= single.costed == single.prompts;
            cost += share * single.per_thousand().unwrap_or(0.0);
        }
        let prompts = self.tally.total.prompts;
        let cost = is_costed.then_some(cost);
        Figure {
            prompts,
            quality,
            cost_per_1000: cost,
            costed: if is_costed { prompts } else { 0 },
            arena: cost.and_then(|cost| arena(quality, cost)),
        }
    }

    /// The worst and the best of the models that the plan could go to and that have
    /// an outcome of every prompt.
    fn gap(&self) -> Option<(usize, usize)> {
        let names = self.all.models.names().iter().enumerate();
        let all = self.all.oracle.prompts;
        let mut reached: Vec<usize> = names
            .filter(|(_, name)| self.all.mapping.reaches(name))
            .map(|(at, _)| at)
            .filter(|at| self.single(*at).prompts == all)
            .collect();
        reached.sort_by(|a, b| self.quality(*a).total_cmp(&self.quality(*b)));
        let (weak, strong) = (*reached.first()?, *reached.last()?);
        (weak != strong).then_some((weak, strong))
    }

    fn quality(&self, at: usize) -> f64 {
        self.single(at).quality().unwrap_or(0.0)
    }

    fn pgr(&self) -> Option<Pgr> {
        let (weak, strong) = self.gap()?;
        let name = |at: usize| self.all.models.names().get(at).cloned();
        let quality = self.tally.total.quality()?;
        Some(Pgr {
            weak: name(weak)?,
            strong: name(strong)?,
            value: pgr(quality, self.quality(weak), self.quality(strong))?,
        })
    }

    fn curve(&self) -> Option<CurveFigures> {
        let sweep = self.tally.sweep.as_ref()?;
        let (long, short) = sweep.ends()?;
        let is_better = |one, other| self.quality(one) >= self.quality(other);
        let (weak, strong) = match is_better(long, short) {
            true => (short, long),
            false => (long, short),
        };
        let (weak, strong) = (self.quality(weak), self.quality(strong));
        let curve = sweep.curve(is_better)?;
        Some(CurveFigures {
            apgr: curve.apgr(weak, strong)?,
            cpt: [0.2, 0.5, 0.8].map(|part| curve.cpt(part, weak, strong)),
            points: curve.points().to_vec(),
        })
    }
}

fn regret(best: &Sum, plan: &Sum) -> f64 {
    best.quality().unwrap_or(0.0) - plan.quality().unwrap_or(0.0)
}

/// The parts, the largest first.
fn parts<'k, K: Ord + 'k>(
    parts: &'k BTreeMap<K, Part>,
    name: impl Fn(&K) -> String,
) -> Vec<PartFigures> {
    let figures = parts.iter().map(|(key, part)| PartFigures {
        name: name(key),
        figure: figure(&part.plan),
        regret: regret(&part.oracle, &part.plan),
    });
    let mut figures: Vec<PartFigures> = figures.collect();
    figures.sort_by_key(|part| Reverse(part.figure.prompts));
    figures
}

/// What sends a prompt where it goes.
fn scenario(route: Source<'_>) -> String {
    match route {
        Source::ExplicitModel => "explicit model".to_owned(),
        Source::Rule(name) => format!("rule {name}"),
        Source::Sticky => "session".to_owned(),
        Source::Semantic(name) => format!("likeness to {name}"),
        Source::Candidates => "candidates".to_owned(),
        Source::Subagent => "sub-agent".to_owned(),
        Source::Slot(slot) => format!("slot {}", slot.word()),
    }
}
