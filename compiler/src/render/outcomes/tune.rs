//! What tuning found, as text.

use super::tables::{changed, dollars, percent};
use crate::outcomes::Change;
use crate::outcomes::tune::{Sides, Tuned};
use crate::render::table;

/// For people: what would change, and what that was worth on prompts that were learnt
/// from and on those that were held out. What the text of the registration would be is
/// told apart.
pub fn tuned(tuned: &Tuned, name: &str) -> String {
    let mut out = format!("{}\n", headline(tuned, name));
    let settings = tuned.settings.iter().map(|setting| {
        let after = setting.after.as_deref().unwrap_or("");
        vec![
            format!("  {}", setting.path),
            format!("{} → {after}", setting.before),
        ]
    });
    let settings: Vec<Vec<String>> = settings.collect();
    let sides = [
        ("learnt from", &tuned.learnt),
        ("held out", &tuned.held_out),
    ];
    let sides = sides.map(|(name, sides)| side(name, sides)).to_vec();
    for rows in [settings, sides] {
        if !rows.is_empty() {
            out.push('\n');
        }
        for line in table::align(&rows) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out.push_str(&format!("\n{}\n", verdict(tuned)));
    out
}

fn headline(tuned: &Tuned, name: &str) -> String {
    let prompts = tuned.learnt.prompts + tuned.held_out.prompts;
    let left_out = match tuned.left_out {
        0 => String::new(),
        count => format!(", {count} of {} rows left out", tuned.rows),
    };
    format!(
        "{name}: {} variants tried on {prompts} prompts{left_out}",
        tuned.tried
    )
}

fn side(name: &str, sides: &Sides) -> Vec<String> {
    let both = |of: &dyn Fn(f64) -> String, values: [Option<f64>; 2]| {
        let told = values.map(|value| value.map_or("–".to_owned(), of));
        told.join(" → ")
    };
    let per = |cost: f64| format!("{} USD", dollars(cost));
    vec![
        format!("  {name}"),
        format!("{} prompts", sides.prompts),
        both(&percent, sides.quality),
        format!("{} per 1,000", both(&per, sides.cost_per_1000)),
    ]
}

fn verdict(tuned: &Tuned) -> String {
    if tuned.tunable.is_empty() {
        return "nothing can be tuned: the plan has no slot `longContext`, no likeness by \
                words and no two rules"
            .to_owned();
    }
    if tuned.settings.is_empty() {
        return "nothing better was found".to_owned();
    }
    let Some(quality) = tuned.quality else {
        return "no prompt was held out, so nothing can be said".to_owned();
    };
    let change = Change {
        quality,
        cost: tuned.cost,
        seed: 0,
        resamples: 0,
    };
    let alone = match tuned.held_out.cost_per_1000[0] {
        Some(_) => "",
        None => " (quality alone counted, since not every cost is known)",
    };
    let told = format!("on held-out prompts: {}{alone}", changed(&change));
    let is_chance = quality.found != 0.0 && quality.holds_zero();
    match (tuned.is_better, is_chance) {
        (false, _) => format!("nothing better was found: what was learnt does not hold, {told}"),
        (true, true) => format!("{told}; that of the quality may be chance"),
        (true, false) => told,
    }
}
