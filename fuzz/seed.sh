#!/usr/bin/env bash
# Fills fuzz/corpus with what fixtures hold, and fuzz/words with their words.
# Neither is kept in git, nor is the lock file, which begins as that of the workspace,
# so that the same versions are run. What fuzzing has added to the corpus stays.
set -euo pipefail
cd "$(dirname "$0")"

# NAME: a name for the seed made of a path.
flat() { printf '%s' "${1#../fixtures/}" | tr '/' '-'; }

# TARGET FILE: the text, and once more with a secret in it where it has a variable.
seed() {
    local to
    to="corpus/$1/$(flat "$2")"
    cp "$2" "$to"
    if grep -q '\${[A-Z_]*}' "$2"; then
        sed '0,/\${[A-Z_]*}/s//hunter2QzXw/' "$2" >"$to-secret"
    fi
}

# FILE FILE: both, as the target `pair` reads them.
seed_pair() {
    { cat "$1" && printf '\n=====\n' && cat "$2"; } >"corpus/pair/$(flat "$1")"
}

if [[ ../Cargo.lock -nt Cargo.lock ]]; then
    cp ../Cargo.lock Cargo.lock
fi

mkdir -p corpus/{yaml,kdl,pair,import,rules,request,answer}
while IFS= read -r file; do
    seed yaml "$file"
done < <(find ../fixtures -name '*.yaml' -not -path '../fixtures/found/*')
while IFS= read -r file; do
    seed kdl "$file"
done < <(find ../fixtures -name '*.kdl' -not -path '../fixtures/found/*')
awk '/^```kdl$/ { inside = 1; next } /^```$/ { inside = 0 } inside' ../docs/kdl.md >corpus/kdl/guide

while IFS= read -r file; do
    seed import "$file"
done < <(find ../fixtures/import ../fixtures/diagnostics/import -type f)

for old in ../fixtures/diff/*/before.yaml; do
    seed_pair "$old" "${old%before.yaml}after.yaml"
done
for wrong in ../fixtures/diagnostics/*/*/refused.yaml; do
    right=${wrong%refused.yaml}accepted.yaml
    if [[ -f $wrong && -f $right ]]; then
        seed_pair "$wrong" "$right"
    fi
done

for what in request answer; do
    for file in ../fixtures/protocol/*/"$what".*; do
        cp "$file" "corpus/$what/$(flat "$file")"
    done
done

# Every pattern and keyword, as the target `rules` reads them: all in one text, and one by one.
{
    grep -rohE 'pattern: "[^"]*"' ../fixtures | sed 's|pattern: "\(.*\)"|/ \1|'
    grep -rohE 'keywords: \[[^]]*\]' ../fixtures | sed 's/keywords: \[\(.*\)\]/= \1/; s/"//g'
} | sort -u >corpus/rules/all
number=0
while IFS= read -r rule; do
    number=$((number + 1))
    printf '%s\n%s\n> %s\n' "$rule" "/ ${rule#??}" "${rule#??}" >"corpus/rules/$number"
done <corpus/rules/all

# What once broke a law is the best start.
for target in corpus/*/; do
    target=$(basename "$target")
    if [[ -d ../fixtures/found/$target ]]; then
        cp ../fixtures/found/"$target"/* "corpus/$target/"
    fi
done

# Keys, values and marks that a mutation should know as wholes.
find ../fixtures -type f -not -path '../fixtures/found/*' -exec grep -ohE '[A-Za-z_]{3,24}' {} + |
    sort -u | sed 's/.*/"&"/' >words
