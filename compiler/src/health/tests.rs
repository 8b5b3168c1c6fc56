//! The state machine, windows, limits and budgets, each on a clock of its own.

use super::*;
use crate::plan::{RateLimit, RetryBudget};

const T: u64 = 1_000_000_000;

fn policy() -> HealthPolicy {
    HealthPolicy::default()
}

fn failed(health: &mut Health, now: u64) {
    health.failed(&policy(), now, now, Failure::Status, None);
}

/// A success of a request that took so long.
fn succeeded(health: &mut Health, now: u64, latency_ms: u64) {
    health.succeeded(&policy(), now, now - latency_ms, latency_ms);
}

fn standing(health: &Health, now: u64) -> Standing {
    health.standing(&policy(), now)
}

fn open() -> Health {
    let mut health = Health::default();
    for at in [T, T + 1_000, T + 2_000] {
        failed(&mut health, at);
    }
    health
}

const OPEN_UNTIL: u64 = T + 302_000;

#[test]
fn one_failure_rests_and_three_open() {
    let mut health = Health::default();
    failed(&mut health, T);
    let until_ms = T + 60_000;
    assert_eq!(standing(&health, T), Standing::Cooldown { until_ms });
    assert_eq!(standing(&health, until_ms), Standing::Healthy);
    let health = open();
    let until_ms = OPEN_UNTIL;
    assert_eq!(standing(&health, T + 2_000), Standing::Open { until_ms });
    assert_eq!(
        health.deadlines(T + 2_000),
        (Some(T + 62_000), Some(until_ms))
    );
    assert_eq!(health.deadlines(T + 62_000), (None, Some(until_ms)));
}

#[test]
fn after_the_pause_so_many_trials_run_at_a_time() {
    let mut health = open();
    let now = OPEN_UNTIL;
    assert_eq!(standing(&health, now), Standing::HalfOpen { trials: 1 });
    let trial = health.begin_trial(&policy(), now).expect("free");
    assert_eq!(standing(&health, now), Standing::HalfOpen { trials: 0 });
    assert!(!standing(&health, now).is_eligible());
    assert_eq!(health.reason(&policy(), now), Some(Reason::Trials));
    assert_eq!(health.begin_trial(&policy(), now), None);
    // A trial that says nothing, as of a client that left, makes room for the next.
    health.end_trial(&trial);
    let trial = health.begin_trial(&policy(), now).expect("free again");
    failed(&mut health, now + 10);
    let until_ms = now + 10 + 300_000;
    assert_eq!(standing(&health, now + 10), Standing::Open { until_ms });
    // The trial of an earlier opening does not make room in this one.
    let second = health.begin_trial(&policy(), until_ms).expect("free");
    health.end_trial(&trial);
    assert_eq!(
        standing(&health, until_ms),
        Standing::HalfOpen { trials: 0 }
    );
    succeeded(&mut health, until_ms + 5, 5);
    health.end_trial(&second);
    assert_eq!(standing(&health, until_ms + 5), Standing::Healthy);
    assert_eq!(health.failures(&policy(), until_ms + 5), 0);
}

#[test]
fn a_refused_key_opens_at_once_and_is_named() {
    let mut health = Health::default();
    health.failed(&policy(), T, T, Failure::Credential, None);
    let until_ms = T + 300_000;
    assert_eq!(standing(&health, T), Standing::Open { until_ms });
    assert_eq!(health.reason(&policy(), T), Some(Reason::Credential));
    // A probe sends no key, so it cannot tell.
    health.probed(T + 1);
    assert_eq!(standing(&health, T + 1), Standing::Open { until_ms });
}

#[test]
fn an_upstream_says_how_long_to_rest() {
    let mut health = Health::default();
    health.failed(&policy(), T, T, Failure::RateLimit, Some(5_000));
    let until_ms = T + 5_000;
    assert_eq!(standing(&health, T), Standing::Cooldown { until_ms });
    assert_eq!(health.reason(&policy(), T), Some(Reason::RetryAfter));
    // A longer rest stands.
    health.failed(&policy(), T, T, Failure::RateLimit, Some(90_000));
    health.failed(&policy(), T, T, Failure::RateLimit, Some(1_000));
    let until_ms = T + 90_000;
    assert_eq!(
        standing(&health, T),
        Standing::Open { until_ms },
        "three in a row, and still the told time"
    );
    // Nobody is left alone for ever, and `now` is no rest at all.
    let mut health = Health::default();
    health.failed(&policy(), T, T, Failure::RateLimit, Some(u64::MAX));
    let until_ms = T + 3_600_000;
    assert_eq!(standing(&health, T), Standing::Cooldown { until_ms });
    let mut health = Health::default();
    health.failed(&policy(), T, T, Failure::RateLimit, Some(0));
    let until_ms = T + 60_000;
    assert_eq!(standing(&health, T), Standing::Cooldown { until_ms });
    assert_eq!(health.reason(&policy(), T), Some(Reason::Failures));
}

#[test]
fn a_probe_brings_half_open_and_no_more() {
    let mut health = open();
    let before = health.clone();
    health.probed(T + 3_000);
    assert_eq!(
        standing(&health, T + 3_000),
        Standing::HalfOpen { trials: 1 }
    );
    assert_eq!(
        (
            health.success_count,
            health.last_success_at,
            health.failure_count
        ),
        (
            before.success_count,
            before.last_success_at,
            before.failure_count
        )
    );
    assert_eq!(health.latencies, before.latencies);
    // What rests for one failure goes on resting; what is told to wait waits.
    let mut health = Health::default();
    failed(&mut health, T);
    let before = health.clone();
    health.probed(T + 1);
    assert_eq!(health, before);
    let mut health = open();
    health.failed(
        &policy(),
        T + 3_000,
        T + 3_000,
        Failure::RateLimit,
        Some(1_000_000),
    );
    let before = health.clone();
    health.probed(T + 4_000);
    assert_eq!(health, before);
}

#[test]
fn a_success_from_before_the_failure_clears_nothing() {
    let mut health = Health::default();
    failed(&mut health, T);
    succeeded(&mut health, T + 100, 101);
    let until_ms = T + 60_000;
    assert_eq!(standing(&health, T + 100), Standing::Cooldown { until_ms });
    assert_eq!(health.success_count, 1);
    succeeded(&mut health, T + 100, 100);
    assert_eq!(standing(&health, T + 100), Standing::Healthy);
    assert_eq!(health.failure_count, 0);
}

#[test]
fn what_breaks_off_together_is_one_failure() {
    let mut health = Health::default();
    for at in 0..20 {
        let (now, sent) = (T + at, T - 500 + at);
        health.failed(&policy(), now, sent, Failure::Network, None);
    }
    assert_eq!(health.failure_count, 1);
    assert!(matches!(
        standing(&health, T + 20),
        Standing::Cooldown { .. }
    ));
    // Of those that were sent afterwards, each tells something new.
    failed(&mut health, T + 20);
    failed(&mut health, T + 21);
    assert!(matches!(standing(&health, T + 21), Standing::Open { .. }));
}

#[test]
fn failures_of_long_ago_are_forgotten() {
    let mut health = Health::default();
    failed(&mut health, T);
    failed(&mut health, T + 60_000);
    let later = T + 360_000;
    assert_eq!(health.failures(&policy(), later - 1), 2);
    assert_eq!(health.failures(&policy(), later), 0);
    failed(&mut health, later);
    assert_eq!(health.failures(&policy(), later), 1);
    // Not so while it is unproven: the next failure opens it at once.
    let mut health = open();
    let later = OPEN_UNTIL + 10_000_000;
    assert_eq!(health.failures(&policy(), later), 3);
    failed(&mut health, later);
    assert!(matches!(standing(&health, later), Standing::Open { .. }));
}

/// By an hour.
#[test]
fn a_clock_that_is_set_back_keeps_nobody_out() {
    let back = T - 3_600_000;
    let mut health = Health::default();
    failed(&mut health, T);
    assert_eq!(standing(&health, back), Standing::Healthy);
    assert_eq!(health.deadlines(back), (None, None));
    succeeded(&mut health, back, 10);
    assert_eq!(health.failure_count, 0);
    // It is open still, and may be tried.
    let mut health = open();
    assert_eq!(standing(&health, back), Standing::HalfOpen { trials: 1 });
    failed(&mut health, back);
    let until_ms = back + 300_000;
    assert_eq!(standing(&health, back), Standing::Open { until_ms });
    assert_eq!(health.failure_count, 4);
    // Nor does it in the next process.
    let mut health = Health::default();
    failed(&mut health, T);
    for (health, wanted) in [
        (health, Standing::Healthy),
        (open(), Standing::HalfOpen { trials: 1 }),
    ] {
        let restored = Saved::of(&health, "m", "a").restore(&policy(), back);
        assert_eq!(standing(&restored, back), wanted);
    }
    let mut health = open();
    failed(&mut health, back);
    // A failure that was noted while somebody decided is none of a later clock.
    assert!(!standing(&health, back - 5).is_eligible());
}

#[test]
fn the_latency_window_is_bounded_and_ages() {
    let mut health = Health::default();
    for latency in 0..30 {
        succeeded(&mut health, T, latency);
    }
    assert_eq!(health.latencies.fresh(&policy(), T).count(), 20);
    assert_eq!(health.latencies.average_ms(&policy(), T), Some(19.5));
    succeeded(&mut health, T + 1, 100);
    assert_eq!(
        health.latencies.average_ms(&policy(), T + 600_001),
        Some(100.0)
    );
    assert_eq!(health.latencies.average_ms(&policy(), T + 600_002), None);
    assert_eq!(health.latencies.ewma_ms(&policy(), T + 600_002), None);
    // A failure adds nothing that could look fast.
    let before = health.latencies.clone();
    failed(&mut health, T + 2);
    assert_eq!(health.latencies, before);
}

#[test]
fn the_moving_average_jumps_up_and_sinks() {
    let mut latencies = Latencies::default();
    latencies.push(&policy(), T, 100);
    assert_eq!(latencies.ewma_ms(&policy(), T), Some(100.0));
    latencies.push(&policy(), T, 900);
    assert_eq!(latencies.ewma_ms(&policy(), T), Some(900.0));
    assert_eq!(latencies.ewma_ms(&policy(), T + 10_000), Some(450.0));
    latencies.push(&policy(), T + 10_000, 100);
    assert_eq!(latencies.ewma_ms(&policy(), T + 10_000), Some(500.0));
}

#[test]
fn a_minute_never_holds_more_than_is_declared() {
    let limit = RateLimit {
        rpm: Some(3),
        tpm: Some(100),
    };
    let mut rates = Rates::default();
    let mut went: Vec<(u64, u64)> = Vec::new();
    for step in 0..2_000 {
        let (now, tokens) = (T + step * 173, 7 + step % 40);
        match rates.limited_until(&limit, now, tokens) {
            None => {
                rates.begin(now, tokens);
                went.push((now, tokens));
            }
            Some(until) => assert!(until > now && until <= now + 62_000),
        }
        let minute = went.iter().filter(|(at, _)| *at + 60_000 > now);
        let (count, sum) = minute.fold((0, 0), |(count, sum), (_, tokens)| {
            (count + 1, sum + tokens)
        });
        assert!(count <= 3 && sum <= 100, "{count} requests of {sum} tokens");
    }
    assert!(went.len() > 15, "{went:?}");
}

#[test]
fn tokens_are_settled_by_what_was_used() {
    let limit = RateLimit {
        rpm: None,
        tpm: Some(100),
    };
    let mut rates = Rates::default();
    rates.begin(T, 80);
    assert!(rates.limited_until(&limit, T, 21).is_some());
    rates.settle(T, T, 80, 30);
    assert_eq!(rates.limited_until(&limit, T, 70), None);
    rates.settle(T, T, 30, 90);
    assert!(rates.limited_until(&limit, T, 11).is_some());
    // A request that no minute could hold goes when nothing else did.
    assert!(rates.limited_until(&limit, T, 1_000).is_some());
    assert_eq!(rates.limited_until(&limit, T + 62_000, 1_000), None);
}

#[test]
fn retries_are_a_part_of_requests_and_a_floor() {
    let terms = RetryBudget {
        min_per_second: 1,
        percent: 20,
        window_seconds: 10,
    };
    let mut budget = Budget::default();
    let allowed = (0..50).filter(|_| budget.retry(&terms, T)).count();
    assert_eq!(allowed, 10, "the floor");
    for _ in 0..100 {
        budget.request(&terms, T);
    }
    let allowed = (0..50).filter(|_| budget.retry(&terms, T)).count();
    assert_eq!(allowed, 20, "a fifth of the requests");
    assert!(budget.retry(&terms, T + 11_000), "both are forgotten");
    let never = RetryBudget {
        min_per_second: 0,
        percent: 0,
        window_seconds: 10,
    };
    assert!(!Budget::default().retry(&never, T));
}

#[test]
fn a_request_enters_and_leaves() {
    let mut observed = Observed::default();
    let terms = Terms::default();
    let first = observed.enter(&terms, T, 0, 1, false).expect("free");
    let second = observed.enter(&terms, T, 0, 2, false).expect("free");
    let seen = observed.seen(&terms, T, 0);
    assert_eq!((seen.in_flight, seen.last_used), (2, 2));
    observed.leave(&first, &terms, T, None);
    observed.leave(&second, &terms, T, None);
    assert_eq!(observed.seen(&terms, T, 0).in_flight, 0);
    // Half-open: one trial, unless the pool has nothing else.
    observed.health = open();
    let trial = observed
        .enter(&terms, OPEN_UNTIL, 0, 3, false)
        .expect("free");
    assert_eq!(
        observed.enter(&terms, OPEN_UNTIL, 0, 4, false).err(),
        Some(NotNow::Trials)
    );
    let all_the_same = observed
        .enter(&terms, OPEN_UNTIL, 0, 5, true)
        .expect("regardless");
    observed.leave(&all_the_same, &terms, OPEN_UNTIL, None);
    assert_eq!(observed.reason(&terms, OPEN_UNTIL), Some(Reason::Trials));
    observed.leave(&trial, &terms, OPEN_UNTIL, None);
    assert_eq!(observed.reason(&terms, OPEN_UNTIL), None);
    // A trial is over when the answer begins, and once.
    let mut first = observed
        .enter(&terms, OPEN_UNTIL, 0, 6, false)
        .expect("free");
    observed.answers(&mut first);
    let second = observed
        .enter(&terms, OPEN_UNTIL, 0, 7, false)
        .expect("the answer began");
    observed.leave(&first, &terms, OPEN_UNTIL, None);
    assert_eq!(observed.reason(&terms, OPEN_UNTIL), Some(Reason::Trials));
    observed.leave(&second, &terms, OPEN_UNTIL, None);
}

#[test]
fn an_endpoint_that_failed_meanwhile_lets_nobody_in() {
    let terms = Terms::default();
    let mut observed = Observed::default();
    let permit = observed.enter(&terms, T, 0, 1, false).expect("free");
    observed.failed(&permit, &terms, T, Failure::RateLimit, Some(600_000));
    let why = observed.enter(&terms, T + 1, 0, 2, false).err();
    assert_eq!(why, Some(NotNow::Out(T + 600_000)));
    let all_the_same = observed.enter(&terms, T + 1, 0, 3, true);
    assert!(all_the_same.is_ok(), "regardless");
    observed.health = open();
    let why = observed.enter(&terms, OPEN_UNTIL - 1, 0, 4, false).err();
    assert_eq!(why, Some(NotNow::Out(OPEN_UNTIL)));
}

#[test]
fn a_probe_counts_from_when_it_was_sent() {
    let terms = Terms::default();
    let mut observed = Observed::default();
    for at in [10, 20, 30] {
        observed.probed(&terms, T + at, T, false);
    }
    assert_eq!(observed.health.failure_count, 1, "they ran side by side");
    succeeded(&mut observed.health, T + 100, 10);
    let before = observed.health.clone();
    observed.probed(&terms, T + 5_000, T + 50, false);
    assert_eq!(observed.health, before, "a request succeeded since");
    observed.probed(&terms, T + 6_000, T + 100, false);
    assert_eq!(observed.health.failure_count, 1);
}

#[test]
fn a_refused_key_is_remembered_until_there_is_another() {
    let mut health = Health::default();
    health.failed(&policy(), T, T, Failure::Credential, None);
    health.failed(&policy(), T + 1, T + 1, Failure::Probe, None);
    assert_eq!(
        health.reason(&policy(), T + 2),
        Some(Reason::Credential),
        "a probe sends no key"
    );
    health.probed(T + 2);
    assert!(!standing(&health, T + 2).is_eligible());
    let saved = Saved::of(&health, "m", "a").restore(&policy(), T + 3);
    assert_eq!(
        standing(&saved, T + 3),
        Standing::HalfOpen { trials: 1 },
        "whoever starts anew may have another key"
    );
    health.has_another_key();
    assert_eq!(standing(&health, T + 2), Standing::Healthy);
    assert_eq!(health.reason(&policy(), T + 2), None);
    // It waits for what the upstream named, of which it is told so.
    let mut health = Health::default();
    health.failed(&policy(), T, T, Failure::RateLimit, Some(90_000));
    health.failed(&policy(), T + 1, T + 1, Failure::Credential, None);
    health.has_another_key();
    let until_ms = T + 90_000;
    assert_eq!(standing(&health, T + 2), Standing::Cooldown { until_ms });
    let reason = health.reason(&policy(), T + 2);
    assert_eq!(reason, Some(Reason::RetryAfter));
    let mut health = open();
    health.has_another_key();
    assert_eq!(health, open(), "no key was refused");
}

#[test]
fn a_record_is_restored_as_it_was() {
    let mut health = open();
    succeeded(&mut health, T + 3_000, 900);
    failed(&mut health, T + 4_000);
    for health in [health, open(), Health::default()] {
        let saved = Saved::of(&health, "m", "a");
        let text = serde_json::to_string(&saved).expect("JSON");
        let read: Saved = serde_json::from_str(&text).expect("the same JSON");
        let restored = read.restore(&policy(), T + 5_000);
        for now in [T + 5_000, OPEN_UNTIL, OPEN_UNTIL + 1_000_000] {
            assert_eq!(standing(&restored, now), standing(&health, now));
            assert_eq!(
                restored.reason(&policy(), now),
                health.reason(&policy(), now)
            );
            assert_eq!(
                restored.failures(&policy(), now),
                health.failures(&policy(), now)
            );
        }
        assert_eq!(Saved::of(&restored, "m", "a"), saved);
    }
}

#[test]
fn a_minute_goes_on_in_the_next_process() {
    let limit = RateLimit {
        rpm: Some(2),
        tpm: Some(1_000),
    };
    let terms = Terms {
        policy: policy(),
        limit: Some(limit),
    };
    let mut observed = Observed::default();
    assert_eq!(observed.saved("m", "a").last_minute, None);
    for (at, tokens) in [(T, 100), (T + 30_000, 10)] {
        let permit = observed.enter(&terms, at, tokens, 1, false);
        observed.leave(&permit.expect("it may go"), &terms, at, None);
    }
    let text = serde_json::to_string(&observed.saved("m", "a")).expect("JSON");
    let read: Saved = serde_json::from_str(&text).expect("the same JSON");
    let restored = Observed::restored(&read, &terms.policy, T + 40_000);
    for now in [T + 40_000, T + 61_000, T + 200_000] {
        let seen = |observed: &Observed| observed.seen(&terms, now, 1).limited_until;
        assert_eq!(seen(&restored), seen(&observed), "{now}");
    }
    let now = T + 40_000;
    assert!(restored.seen(&terms, now, 1).limited_until.is_some());
    // Whatever a file says, a minute is over after a minute.
    let text = format!(
        r#"{{"modelId": "m", "endpointId": "a",
            "lastMinute": {{"requests": [[{max}, {max}], [0, 9]], "tokens": [[{slot}, {max}]]}}}}"#,
        max = u64::MAX,
        slot = T / 1_000,
    );
    let read: Saved = serde_json::from_str(&text).expect("a record");
    let mut restored = Observed::restored(&read, &terms.policy, T);
    assert!(restored.enter(&terms, T + 62_000, 1, 1, false).is_ok());
}

#[test]
fn what_never_went_uses_up_no_limit() {
    let terms = Terms {
        policy: policy(),
        limit: Some(RateLimit {
            rpm: Some(2),
            tpm: Some(1_000),
        }),
    };
    let mut observed = Observed::default();
    let first = observed.enter(&terms, T, 10, 1, false).expect("free");
    observed.leave(&first, &terms, T, None);
    let lost = observed.enter(&terms, T, 990, 2, false).expect("free");
    assert!(observed.seen(&terms, T, 1).limited_until.is_some());
    observed.never_went(&lost, &terms);
    observed.leave(&lost, &terms, T, None);
    let refused = observed.enter(&terms, T, 990, 3, false).expect("free");
    observed.failed(&refused, &terms, T, Failure::Connect, None);
    observed.leave(&refused, &terms, T, None);
    assert_eq!(observed.seen(&terms, T, 990).limited_until, None);
    assert!(observed.seen(&terms, T, 991).limited_until.is_some());
    let broken = observed.enter(&terms, T, 1, 4, true).expect("free");
    observed.failed(&broken, &terms, T, Failure::Network, None);
    assert!(observed.seen(&terms, T, 1).limited_until.is_some());
    observed.leave(&broken, &terms, T, None);
}

#[test]
fn a_file_cannot_close_an_endpoint_for_ever() {
    let text = format!(
        r#"{{"modelId": "m", "endpointId": "a", "failureCount": 9, "successCount": 1,
            "lastFailureAt": {max}, "cooldownUntil": {max}, "circuitOpenUntil": {max},
            "latencySamples": [{{"latencyMs": 12.5, "recordedAt": {T}}}, {{"latencyMs": 1, "recordedAt": {max}}}]}}"#,
        max = u64::MAX
    );
    let saved: Saved = serde_json::from_str(&text).expect("as claude-trigger-router writes it");
    let health = saved.restore(&policy(), T);
    assert_eq!(
        standing(&health, T + 3_600_000),
        Standing::HalfOpen { trials: 1 }
    );
    assert_eq!(health.last_failure_at, None);
    assert_eq!(health.latencies.average_ms(&policy(), T), Some(13.0));
}

#[test]
fn no_time_and_no_number_is_too_large() {
    let policy = HealthPolicy {
        cooldown_ms: u64::MAX,
        ewma_decay_ms: 0,
        failures_to_open: 0,
        half_open_trials: u32::MAX,
        latency_max_age_ms: u64::MAX,
        latency_window: 0,
        open_ms: u64::MAX,
        retry_after_max_ms: u64::MAX,
    };
    let mut observed = Observed::default();
    let terms = Terms {
        policy,
        limit: Some(RateLimit {
            rpm: Some(u64::MAX),
            tpm: Some(0),
        }),
    };
    for now in [u64::MAX, 0, 1, u64::MAX] {
        let permit = observed.enter(&terms, now, u64::MAX, u64::MAX, true);
        let _ = observed.seen(&terms, now, u64::MAX);
        if let Ok(permit) = permit {
            observed.failed(&permit, &terms, now, Failure::Timeout, Some(u64::MAX));
            observed.succeeded(&permit, &terms, now, u64::MAX);
            observed.leave(&permit, &terms, now, Some(0));
        }
    }
}
