#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# probe.sh PORTHOLE: attempts to reach a port, on the terminal and over HTTP.
. "$(dirname "$0")/../support/script.sh"

porthole=$1

# try ARGUMENT...: sets status, and writes what is said to $scratch/said.
try() {
    status=0
    "$porthole" probe "$@" >"$scratch/said" 2>"$scratch/err" || status=$?
    same "probe $*: no complaint" '' "$(cat "$scratch/err")"
}

serve() {
    start "$porthole" serve --listen 127.0.0.1:0 "$@"
    url=${first_line##* }
    port=${url##*:}
    port=${port%/}
}

test_a_server() {
    serve
    try 127.0.0.1 "$port"
    same 'confirmed: status' 0 "$status"
    matches 'address' "^tcp 127\.0\.0\.1:$port"$'\n' "$(sed -n '3,$p' "$scratch/said")"
    matches 'local half' 'local half  127\.0\.0\.1:[0-9]+, given out by the system' \
        "$(cat "$scratch/said")"
    matches 'confirmed' 'answer      confirmed after [0-9.]+ ms' "$(cat "$scratch/said")"
    matches 'the doctor beside' "in_use: process $pid \(porthole\)" "$(cat "$scratch/said")"
    try 127.0.0.1 "$port" --json
    same 'json' "[true,\"127.0.0.1\",\"confirmed\",null,true,$pid]" "$(jq -c '[.confirmed,
        .attempts[0].address, .attempts[0].result, .attempts[0].error,
        .attempts[0].on_this_machine, .why.bind.holders[0].pid]' "$scratch/said")"
    same 'not switched on' 404 "$(request --output /dev/null --write-out '%{http_code}' \
        "${url}api/v1/probe?port=$port")"
    same 'not switched on: not told of' null \
        "$(request "${url}api/v1/openapi.json" | jq '.paths["/api/v1/probe"]')"
    stop TERM
}

test_nothing_there() {
    try --udp --timeout 1 127.0.0.1 9
    same 'udp: status' 1 "$status"
    matches 'udp' 'refused after [0-9.]+ ms, said by 127\.0\.0\.1' "$(cat "$scratch/said")"
    try 127.0.0.1 9 --json
    same 'json: status' 1 "$status"
    same 'json: error' '"ECONNREFUSED"' "$(jq '.attempts[0].error' "$scratch/said")"
    try no-such-host.invalid 80
    same 'unknown: status' 1 "$status"
    matches 'unknown' '^resolve no-such-host\.invalid: .+ \([0-9.]+ ms\)$' "$(cat "$scratch/said")"
}

test_over_http() {
    serve --probe
    same 'confirmed' '[true,"confirmed"]' "$(request "${url}api/v1/probe?port=$port" |
        jq -c '[.confirmed, .attempts[0].result]')"
    same 'refused' '"refused"' \
        "$(request "${url}api/v1/probe?port=9&host=127.0.0.1&protocol=udp" |
            jq -c '.attempts[0].result')"
    for query in port=80\&host=192.0.2.1 port=80\&host=example.org port=0 port=80\&timeout_ms=3001 \
        port=80\&protocol=sctp host=localhost; do
        same "$query" 400 "$(request --output "$scratch/problem" --write-out '%{http_code}' \
            "${url}api/v1/probe?$query")"
        same "$query: says more" true "$(jq '.detail | length > 20' "$scratch/problem")"
    done
    same 'told of' 1 "$(request "${url}api/v1" |
        jq '[.endpoints[] | select(.path == "/api/v1/probe")] | length')"
    stop TERM
}

test_wrong_arguments() {
    refused 'nothing' 'usage: porthole probe HOST PORT' "$porthole" probe
    refused 'no port' 'usage: porthole probe HOST PORT' "$porthole" probe localhost
    refused 'port' "'0' is no port" "$porthole" probe localhost 0
    refused 'too many' "unexpected argument 'x'" "$porthole" probe localhost 80 x
    refused 'timeout' 'timeout' "$porthole" probe localhost 80 --timeout 0
    refused 'host' 'host: wanted is a name' "$porthole" probe 'a b' 80
}

test_a_server
test_nothing_there
test_over_http
test_wrong_arguments
finish
