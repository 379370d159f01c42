#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# doctor.sh PORTHOLE: the doctor on the terminal, in a network namespace of its own with one server.
if [ "${1:-}" != inside ]; then
    for how in '--net' '--net --map-root-user'; do
        # shellcheck disable=SC2086
        if unshare $how true 2>/dev/null; then
            # shellcheck disable=SC2086
            exec unshare $how "$0" inside "$@"
        fi
    done
    echo 'skipped: without a network namespace of its own it would find what is wrong elsewhere'
    exit 77
fi
shift
. "$(dirname "$0")/../support/script.sh"

porthole=$1
docs=$(dirname "$0")/../../docs/DOCTOR.md
ip link set lo up

examine() {
    status=0
    "$porthole" doctor "$@" >"$scratch/said" 2>"$scratch/err" || status=$?
}

test_a_healthy_server() {
    start "$porthole" serve --listen 127.0.0.1:8080
    examine
    same 'healthy: status' 0 "$status"
    matches 'healthy: said so' '^Nothing is wrong, by [0-9]+ rules\.' "$(cat "$scratch/said")"
    same 'healthy: no complaint' '' "$(cat "$scratch/err")"
    examine --json
    same 'healthy: json' '[]' "$(jq -c '[.findings[] | select(.severity != "info") | .id]' \
        "$scratch/said")"
    stop TERM
}

test_an_exposed_service() {
    start "$porthole" serve --listen 0.0.0.0:6379 --public
    examine
    same 'exposed: status' 1 "$status"
    matches 'exposed: finding' 'warning +tcp port 6379 \(Redis\)' "$(cat "$scratch/said")"
    matches 'exposed: who' 'process '"$pid"' \(porthole\)' "$(cat "$scratch/said")"
    matches 'exposed: id' 'exposed_service:tcp:6379: port=6379' "$(cat "$scratch/said")"
    same 'exposed: over HTTP' 'exposed_service:tcp:6379' \
        "$(request http://127.0.0.1:6379/api/v1/findings |
            jq -r '.findings[] | select(.severity == "warning") | .id')"
    same 'exposed: on its port' '["exposed_service:tcp:6379"]' \
        "$(request http://127.0.0.1:6379/api/v1/ports/6379 | jq -c '.ports[0].findings')"
    same 'exposed: in why' 'exposed_service:tcp:6379' \
        "$("$porthole" why 6379 --json | jq -r '.health.findings[].id')"
    same 'exposed: as a metric' 1 \
        "$(request http://127.0.0.1:6379/metrics |
            sed -nE 's/^porthole_findings\{id="exposed_service",severity="warning"\} (.*)/\1/p')"
    stop TERM
}

# What comes while it watches is told, and so is that it goes.
test_watching() {
    "$porthole" doctor --watch >"$scratch/watched" &
    local watching=$! deadline=$((SECONDS + 60))
    pids+=("$watching")
    until grep -q '^Nothing is wrong' "$scratch/watched" || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$watching"
    done
    start "$porthole" serve --listen 0.0.0.0:5432 --public
    until grep -q 'exposed_service:tcp:5432' "$scratch/watched" || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$watching"
    done
    stop TERM
    until grep -q '^cleared' "$scratch/watched" || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$watching"
    done
    matches 'watch: raised and cleared' 'warning .*PostgreSQL.*cleared .*PostgreSQL' \
        "$(tr '\n' ' ' <"$scratch/watched")"
    kill -KILL "$watching"
    wait "$watching" 2>/dev/null || true
}

test_wrong_arguments() {
    refused 'argument' 'unexpected argument|unknown' "$porthole" doctor now
    refused 'option' 'unknown option' "$porthole" doctor --fast
}

test_the_page_names_each_rule() {
    local rule
    examine --json
    for rule in $(jq -r '.rules[]' "$scratch/said"); do
        same "docs/DOCTOR.md: $rule" 1 "$(grep -c "^| \`$rule\` |" "$docs")"
    done
    same 'docs/DOCTOR.md: no others' "$(jq '.rules | length' "$scratch/said")" \
        "$(grep -c '^| `[a-z_]*` |' "$docs")"
}

test_a_healthy_server
test_an_exposed_service
test_watching
test_wrong_arguments
test_the_page_names_each_rule
finish
