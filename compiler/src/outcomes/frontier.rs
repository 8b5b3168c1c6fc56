//! Quality against cost: the hull and AIQ of RouterBench (Hu et al., "RouterBench: A
//! Benchmark for Multi-LLM Routing System", arXiv 2403.12031, section 3), and the
//! score of RouterArena (Lu et al., "RouterArena: An Open Platform for Comprehensive
//! Comparison of LLM Routers", arXiv 2510.00202).

use serde::Serialize;

/// US dollars per 1,000 prompts at which RouterArena's cost counts as nothing.
const DEAREST: f64 = 200.0;
/// US dollars per 1,000 prompts at which it counts in full.
const CHEAPEST: f64 = 0.0044;
/// How much less cost counts than quality.
const BETA: f64 = 0.1;

/// What something costs and how good it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// In one unit for all points that are compared.
    pub cost: f64,
    /// Mean of scores, 0 to 1.
    pub quality: f64,
}

/// The non-decreasing convex hull: what can be had by mixing the points by lot,
/// cheapest first, until the best. Of points of one cost the best counts.
pub fn hull(points: &[Point]) -> Vec<Point> {
    let mut sorted: Vec<Point> = points.to_vec();
    sorted.sort_by(|a, b| {
        let by_cost = a.cost.total_cmp(&b.cost);
        by_cost.then(b.quality.total_cmp(&a.quality))
    });
    let mut hull: Vec<Point> = Vec::new();
    for point in sorted {
        // What is dearer and no better adds nothing.
        if hull
            .last()
            .is_some_and(|last| point.quality <= last.quality)
        {
            continue;
        }
        while let [.., before, last] = hull.as_slice()
            && is_below(*last, *before, point)
        {
            hull.pop();
        }
        hull.push(point);
    }
    hull
}

/// Whether a point lies on or below the line between two others.
fn is_below(point: Point, from: Point, to: Point) -> bool {
    let rises = (to.quality - from.quality) * (point.cost - from.cost);
    (point.quality - from.quality) * (to.cost - from.cost) <= rises
}

/// "Average improvement in quality": the area below a hull, which is extended flat
/// to `largest`, the largest cost that is compared, divided by that cost. Below the
/// cheapest point there is no area. None where `largest` is 0, or there is no point.
pub fn aiq(hull: &[Point], largest: f64) -> Option<f64> {
    let last = hull.last()?;
    let pairs = hull.iter().zip(hull.iter().skip(1));
    let below: f64 = pairs
        .map(|(a, b)| (b.cost - a.cost) * (a.quality + b.quality) / 2.0)
        .sum();
    let flat = (largest - last.cost).max(0.0) * last.quality;
    (largest > 0.0).then(|| (below + flat) / largest)
}

/// RouterArena's score: `S = (1 + β)·A·C / (β·A + C)` with β = 0.1, where A is the
/// quality and `C = (log2 200 − log2 c) / (log2 200 − log2 0.0044)` for a cost of c US
/// dollars per 1,000 prompts. None where nothing was paid, which has no logarithm, or
/// so much that C is below 0.
pub fn arena(quality: f64, per_thousand: f64) -> Option<f64> {
    if per_thousand <= 0.0 || per_thousand > DEAREST {
        return None;
    }
    let cost = (DEAREST.log2() - per_thousand.log2()) / (DEAREST.log2() - CHEAPEST.log2());
    let below = BETA * quality + cost;
    (below > 0.0).then(|| (1.0 + BETA) * quality * cost / below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(cost: f64, quality: f64) -> Point {
        Point { cost, quality }
    }

    #[test]
    fn a_hull_holds_what_is_worth_its_cost() {
        let points = [
            point(4.0, 0.7),
            point(1.0, 0.4),
            point(2.0, 0.45),
            point(2.0, 0.6),
            point(8.0, 0.69),
        ];
        let wanted = [point(1.0, 0.4), point(2.0, 0.6), point(4.0, 0.7)];
        assert_eq!(hull(&points), wanted);
        assert_eq!(hull(&[]), []);
    }

    /// (0.5 + 2·0.65 + 4·0.7) / 8
    #[test]
    fn the_area_goes_on_to_the_largest_cost() {
        let hull = [point(1.0, 0.4), point(2.0, 0.6), point(4.0, 0.7)];
        let found = aiq(&hull, 8.0).unwrap();
        assert!((found - 0.575).abs() < 1e-12, "{found}");
        assert_eq!(aiq(&hull, 0.0), None);
        assert_eq!(aiq(&[], 1.0), None);
    }

    #[test]
    fn a_score_of_the_arena_needs_a_cost() {
        let found = arena(0.685_039, 0.047_642).unwrap();
        assert!((found - 0.692_554).abs() < 1e-6, "{found}");
        assert_eq!(arena(1.0, 0.0), None);
        assert_eq!(arena(1.0, 201.0), None);
        assert_eq!(arena(0.0, 1.0), Some(0.0));
        assert_eq!(arena(0.0, 200.0), None);
    }

    proptest! {
        #[test]
        fn a_hull_lies_over_all_points(
            all in proptest::collection::vec((0.0..10.0f64, 0.0..1.0f64), 1..30)
        ) {
            let points: Vec<Point> = all.iter().map(|(cost, quality)| point(*cost, *quality)).collect();
            let hull = hull(&points);
            let slopes: Vec<f64> = hull
                .windows(2)
                .map(|pair| (pair[1].quality - pair[0].quality) / (pair[1].cost - pair[0].cost))
                .collect();
            prop_assert!(slopes.iter().all(|slope| *slope > 0.0));
            prop_assert!(slopes.windows(2).all(|pair| pair[0] >= pair[1]));
            for point in points {
                let over = hull.windows(2).find(|pair| (pair[0].cost..=pair[1].cost).contains(&point.cost));
                let height = match over {
                    Some(pair) => {
                        let part = (point.cost - pair[0].cost) / (pair[1].cost - pair[0].cost);
                        pair[0].quality + part * (pair[1].quality - pair[0].quality)
                    }
                    None => hull.last().unwrap().quality,
                };
                prop_assert!(point.quality <= height + 1e-9);
            }
        }
    }
}
