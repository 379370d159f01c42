# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For all parts of the benchmarks: settings, waiting, starting and ending programs, medians and
# tables.
set -euo pipefail

rounds=${ROUNDS:-5}
seconds=${SECONDS_A_ROUND:-1}
build=${BUILD:-build/release}
bench=$build/bench
server_cpus=${SERVER_CPUS:-0}
client_cpu=${CLIENT_CPU:-1}
full=0.97 # the share of its processor from which the client is the limit

scratch=$(mktemp -d)
started=() # pids to end

clean_up() {
    local one
    for one in "${started[@]}"; do
        kill "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT

fail() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

# heading NAME TEXT...
heading() {
    printf '\n%s: %s\n' "$1" "${*:2}"
}

note() {
    printf '   %s\n' "$*"
}

have() {
    command -v "$1" >/dev/null || { note "skipped: $1 is not installed"; return 1; }
}

# have_load: true where the load client was built and the kernel lets it run.
have_load() {
    if ! [ -x "$bench/load" ]; then
        note 'skipped: no load client; it needs liburing (liburing-dev) when porthole is built'
        return 1
    fi
}

# wait_for FILE PATTERN: until a line of a growing file matches; prints the line.
wait_for() {
    local deadline=$((SECONDS + 60))
    until grep -m1 -E "$2" "$1" 2>/dev/null; do
        [ $SECONDS -lt $deadline ] || fail "no '$2' in $1: $(cat "$1")"
    done
}

# end PID: ends a program that one of these scripts began.
end() {
    local one rest=()
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    for one in "${started[@]}"; do
        [ "$one" = "$1" ] || rest+=("$one")
    done
    started=("${rest[@]}")
}

# hold_start ARGUMENT...: tests/bench/hold.c, until hold_stop; may be called several times.
holds=()
hold_inputs=()
hold_start() {
    local number=${#holds[@]} input
    mkfifo "$scratch/hold.$number"
    "$bench/hold" "$@" <"$scratch/hold.$number" >"$scratch/hold.out.$number" &
    holds+=($!)
    started+=($!)
    exec {input}>"$scratch/hold.$number"
    hold_inputs+=("$input")
    wait_for "$scratch/hold.out.$number" ready >/dev/null
}

hold_stop() {
    local number input
    for number in "${!holds[@]}"; do
        input=${hold_inputs[$number]}
        exec {input}>&-
    done
    for number in "${!holds[@]}"; do
        wait "${holds[$number]}"
        rm "$scratch/hold.$number" "$scratch/hold.out.$number"
    done
    holds=()
    hold_inputs=()
}

# As many descriptors as the system allows a process here.
raise_limit() {
    ulimit -Hn "$1" 2>/dev/null || true
    ulimit -Sn "$(ulimit -Hn)"
    ulimit -Hn
}

# quantiles: median, least and greatest of the numbers on standard input.
quantiles() {
    sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)], v[1], v[NR] }'
}

median() {
    quantiles | cut -d ' ' -f 1
}

# column FILE KEY: the values of KEY= on each line of FILE, one a line.
column() {
    sed -n "s/.*\b$2=\([^ ]*\).*/\1/p" "$1"
}

# ratios FILE OTHER KEY: line by line, so round by round.
ratios() {
    paste <(column "$1" "$3") <(column "$2" "$3") | awk '{ print $1 / $2 }'
}

# target TEXT VALUE OPERATOR LIMIT: says whether a target is met.
target() {
    awk -v text="$1" -v value="$2" -v operator="$3" -v limit="$4" 'BEGIN {
        met = operator == "<=" ? value <= limit : value >= limit
        printf "   target: %s %s %s: %s, %s\n", text, operator, limit, value, met ? "met" : "missed"
    }'
}
