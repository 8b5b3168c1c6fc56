//! The fixed tasks. Their ids, scenarios and rubrics are claude-trigger-router
//! 1.7's, so that numbers of both mean the same; the prompts are our own words.

use super::{Check, Rubric};

/// One task that models are given.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name.
    pub id: String,
    /// What somebody who asks this wants.
    pub intent: String,
    /// The part of the router that such a request shows.
    pub route_scenario: String,
    /// What the task belongs to.
    pub category: String,
    /// What the model is told.
    pub prompt: String,
    /// What a good answer has, for people and for a judge.
    pub expected_output: String,
    /// What the answer is held to.
    pub rubric: Rubric,
    /// What it is held to besides; the fixed tasks have none.
    pub checks: Vec<Check>,
}

/// A fixed task as it stands in the table below.
struct Fixed {
    id: &'static str,
    intent: &'static str,
    route_scenario: &'static str,
    category: &'static str,
    max_latency_ms: f64,
    min_output_chars: usize,
    required_keywords: &'static [&'static str],
    forbidden_patterns: &'static [&'static str],
    requires_code_block: bool,
    prompt: &'static str,
    expected_output: &'static str,
}

/// The fixed tasks, in the order in which they are asked and told.
pub fn fixed() -> Vec<Task> {
    FIXED.iter().map(Fixed::task).collect()
}

impl Fixed {
    fn task(&self) -> Task {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Task {
            id: self.id.to_owned(),
            intent: self.intent.to_owned(),
            route_scenario: self.route_scenario.to_owned(),
            category: self.category.to_owned(),
            prompt: self.prompt.to_owned(),
            expected_output: self.expected_output.to_owned(),
            rubric: Rubric {
                max_latency_ms: Some(self.max_latency_ms),
                min_output_chars: Some(self.min_output_chars),
                required_keywords: owned(self.required_keywords),
                forbidden_patterns: owned(self.forbidden_patterns),
                requires_code_block: self.requires_code_block,
                ..Rubric::default()
            },
            checks: Vec::new(),
        }
    }
}

const FIXED: [Fixed; 8] = [
    Fixed {
        id: "quick_status",
        intent: "quick_reply",
        route_scenario: "default",
        category: "daily_default",
        max_latency_ms: 800.0,
        min_output_chars: 40,
        required_keywords: &["status", "next"],
        forbidden_patterns: &["TODO", "placeholder", "I cannot"],
        requires_code_block: false,
        prompt: "The payment service answers again after a restart and its error rate is back \
                 to normal. Write exactly two sentences for the team's channel: the first begins \
                 with \"Status:\" and says how the service is, the second begins with \"Next:\" \
                 and says what is done next.",
        expected_output: "Two sentences, one with the status of the service and one with the \
                          next action.",
    },
    Fixed {
        id: "coding_fix",
        intent: "coding",
        route_scenario: "think",
        category: "thinking",
        max_latency_ms: 1_800.0,
        min_output_chars: 120,
        required_keywords: &["fix", "test"],
        forbidden_patterns: &["TODO", "...rest of code", "placeholder"],
        requires_code_block: true,
        prompt: "Since the last release this TypeScript function returns NaN for an empty cart:\n\n\
                 ```ts\nexport function averagePrice(items: { price: number }[]): number {\n  \
                 return items.reduce((sum, item) => sum + item.price, 0) / items.length;\n}\n```\n\n\
                 An empty cart must give 0. Show the fix as a whole code block, explain in a few \
                 sentences why it went wrong, and say how you would test it.",
        expected_output: "A complete code block with the fix, the cause in a few sentences, and a \
                          plan to test it.",
    },
    Fixed {
        id: "architecture_review",
        intent: "architecture",
        route_scenario: "candidate_selection",
        category: "smart_candidate",
        max_latency_ms: 2_600.0,
        min_output_chars: 160,
        required_keywords: &["risk", "tradeoff", "rollout"],
        forbidden_patterns: &["TODO", "placeholder"],
        requires_code_block: false,
        prompt: "A proxy that routes requests to language models is to choose the model by asking \
                 a small model first, instead of by keyword rules. Review the change for the team \
                 that runs it. Use three headings: Risk, Tradeoff, Rollout. Under each, say what \
                 matters most and what you would measure.",
        expected_output: "A review with the main risk, the tradeoff against keyword rules, and a \
                          rollout in steps.",
    },
    Fixed {
        id: "long_context_triage",
        intent: "long_context",
        route_scenario: "long_context",
        category: "continuity",
        max_latency_ms: 3_200.0,
        min_output_chars: 180,
        required_keywords: &["goal", "constraint", "blocker"],
        forbidden_patterns: &["lost context", "cannot access previous"],
        requires_code_block: false,
        prompt: "Below are notes of a long conversation; another model takes it over now.\n\n\
                 - Monday: the export of invoices is to run in under a minute; today it takes nine.\n\
                 - Monday: the database schema stays as it is until the audit in March.\n\
                 - Tuesday: reading in batches of 5,000 brought it down to four minutes.\n\
                 - Tuesday: the index that would help needs the approval of the database team.\n\
                 - Wednesday: the approval has not come; nobody knows whom to ask there.\n\
                 - Wednesday: streaming the rows instead of collecting them is half written.\n\n\
                 Sum it up so that the work can go on without reading the notes. Name the goal, \
                 every constraint, every blocker, and what is half done.",
        expected_output: "A summary that keeps the goal, the constraint on the schema, the \
                          blocker at the database team, and the state of the work.",
    },
    Fixed {
        id: "background_maintenance",
        intent: "background",
        route_scenario: "background",
        category: "background",
        max_latency_ms: 1_200.0,
        min_output_chars: 80,
        required_keywords: &["status", "next", "scope"],
        forbidden_patterns: &["TODO", "placeholder", "wake the user"],
        requires_code_block: false,
        prompt: "A nightly job removed 214 log files older than 30 days and left the rest alone. \
                 Write the note it leaves in its log: quiet, without greeting, and with three \
                 short lines that begin with \"status:\", \"scope:\" and \"next:\". Nobody is to \
                 be notified.",
        expected_output: "A quiet note with status, scope and the next run.",
    },
    Fixed {
        id: "smart_rule_review",
        intent: "review",
        route_scenario: "rule_hit",
        category: "smart_rule",
        max_latency_ms: 1_800.0,
        min_output_chars: 120,
        required_keywords: &["risk", "test", "rollout"],
        forbidden_patterns: &["TODO", "placeholder"],
        requires_code_block: false,
        prompt: "Review this small change: the timeout for calls to the search service goes from \
                 2 s to 500 ms, because pages wait for it. Say in one short paragraph each what \
                 the risk is, which test you ask for before it is merged, and how the rollout \
                 should go.",
        expected_output: "A short review with a risk, a test to ask for, and a rollout.",
    },
    Fixed {
        id: "auth_deployment_plan",
        intent: "security",
        route_scenario: "server_ops",
        category: "server_ops",
        max_latency_ms: 2_600.0,
        min_output_chars: 180,
        required_keywords: &["scope", "rotation", "audit", "rollback"],
        forbidden_patterns: &["disable auth", "share the admin key", "placeholder"],
        requires_code_block: false,
        prompt: "A team puts a routing proxy for language models on a server that 40 developers \
                 use. Write the checklist for a safe first deployment. It must cover the scope of \
                 each key, key rotation, the audit log, and the rollback, with one sentence of \
                 reason each.",
        expected_output: "A checklist with key scopes, rotation, audit and rollback, each with its \
                          reason.",
    },
    Fixed {
        id: "model_pool_incident",
        intent: "operations",
        route_scenario: "pool_health",
        category: "pool_health",
        max_latency_ms: 2_200.0,
        min_output_chars: 160,
        required_keywords: &["latency", "5xx", "fallback"],
        forbidden_patterns: &["TODO", "placeholder"],
        requires_code_block: false,
        prompt: "A pool has two endpoints. For ten minutes the first one has answered in 9 s \
                 instead of 1 s, and about one call in twelve ends with a 502 or 503. The second \
                 one is fine and idle. Say what the latency and the 5xx answers point to, which \
                 figures you look at next, and which actions you propose, from fallback to a \
                 lasting remedy.",
        expected_output: "A diagnosis from latency and 5xx answers, the next figures to look at, \
                          and actions that begin with fallback.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A task whose own words fail its own rubric would be unfair to every model.
    #[test]
    fn no_prompt_asks_for_what_is_forbidden() {
        for task in fixed() {
            let asked = format!("{} {}", task.prompt, task.expected_output).to_lowercase();
            assert_eq!(task.rubric.forbidden(&asked), [""; 0], "{}", task.id);
            assert_eq!(task.rubric.missing(&asked), [""; 0], "{}", task.id);
        }
    }
}
