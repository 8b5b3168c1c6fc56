#!/usr/bin/env bash
# Fuzzes targets one after another: fuzz/run.sh SECONDS [TARGET…], all targets by default.
# FUZZ_SEED=N makes the choice of inputs repeatable, as a gate wants it.
# Ends at the first input that breaks a law, with the name of the file that holds it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET…]}
shift

# The code under test has no `unsafe`, so no sanitizer is needed, nor a nightly compiler.
options=(--sanitizer none)

fuzz/seed.sh
cargo fuzz build "${options[@]}"
if [[ $# -eq 0 ]]; then
    mapfile -t targets < <(cargo fuzz list)
    set -- "${targets[@]}"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for target in "$@"; do
    printf '%-8s' "$target"
    if ! cargo fuzz run "${options[@]}" "$target" -- \
        -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=20 -dict=fuzz/words -print_final_stats=1 >"$log" 2>&1; then
        printf 'a law is broken\n'
        grep -v -e '^#' -e '^"' "$log"
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: *\([0-9]*\)/\1 inputs, every law held/p' "$log"
done
