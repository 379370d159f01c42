# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Requests a second, processor time a request and latencies, of all servers in turn, round after
# round. What depends on the speed of the machine is given beside that of the floor in the same
# round: medians, and in parentheses the least and the greatest.

# compare PART "NAME..." WORKERS MODE LOAD-ARGUMENT...
compare() {
    local part=$1 names=$2 workers=$3 mode=$4 name round present=()
    local -A failed=()
    shift 4
    for name in $names; do
        if start_server "$name" "$workers" "$mode"; then
            present+=("$name")
        fi
    done
    for ((round = 0; round < rounds; round++)); do
        for name in "${present[@]}"; do
            # shellcheck disable=SC2086 # several options
            [ -n "${failed[$name]:-}" ] ||
                "$bench/load" ${measured[$name]} --seconds "$seconds" "$@" "${port[$name]}" \
                    >>"$scratch/$part.$name" 2>"$scratch/load.err" ||
                failed[$name]=$(head -n 1 "$scratch/load.err")
        done
    done
    for name in "${present[@]}"; do
        stop_server "$name"
    done
    drop_failed
    table "$part" "${present[@]}"
}

# Takes peers that did not answer all requests out of compare's table; ours have to.
drop_failed() {
    local name rest=()
    for name in "${present[@]}"; do
        if [ -z "${failed[$name]:-}" ]; then
            rest+=("$name")
        elif is_ours "$name" || [ "$name" = floor ]; then
            fail "$name: ${failed[$name]}"
        else
            note "$name: left out, it failed (${failed[$name]})"
            rm -f "$scratch/$part.$name"
        fi
    done
    present=("${rest[@]}")
}

# spread PART NAME KEY: "median (least-greatest)" of the ratios to the floor, round by round.
spread() {
    if [ -e "$scratch/$1.floor" ]; then
        ratios "$scratch/$1.$2" "$scratch/$1.floor" "$3" | quantiles |
            awk '{ printf "%.2f (%.2f-%.2f)", $1, $2, $3 }'
    else
        printf -- '-'
    fi
}

# Where the client had no time left, a server may be faster than it looks.
client_is_full() {
    paste -d ' ' <(column "$scratch/$1.$2" client_cpu) <(column "$scratch/$1.$2" client_wait) |
        awk '{ print $1 + $2 }' | median |
        awk -v full="$full" '{ if ($1 >= full) printf "client full (%.2f)", $1 }'
}

table() {
    local part=$1 name file
    shift
    printf '   %-14s %11s  %-17s %8s  %-17s %8s %9s\n' server 'requests/s' 'x floor' \
        'CPU us' 'x floor' 'p50 us' 'p99 us'
    for name in "$@"; do
        file=$scratch/$part.$name
        printf '   %-14s %11s  %-17s %8.2f  %-17s %8.0f %9.0f  %s\n' "$name" \
            "$(column "$file" rps | median)" "$(spread "$part" "$name" rps)" \
            "$(column "$file" server_us | median)" "$(spread "$part" "$name" server_us)" \
            "$(column "$file" p50_us | median)" "$(column "$file" p99_us | median)" \
            "$(client_is_full "$part" "$name")"
    done
}

# ratio PART NAME OTHER KEY: the median over the rounds.
ratio() {
    ratios "$scratch/$1.$2" "$scratch/$1.$3" "$4" | median | awk '{ printf "%.3f", $1 }'
}

# best_peer PART: the peer with the most requests a second.
best_peer() {
    local name
    for name in "${servers[@]}"; do
        if ! is_ours "$name" && [ "$name" != floor ] && [ -e "$scratch/$1.$name" ]; then
            printf '%s %s\n' "$(column "$scratch/$1.$name" rps | median)" "$name"
        fi
    done | sort -g | tail -n 1 | cut -d ' ' -f 2
}

# beside_best_peer PART LIMIT
beside_best_peer() {
    local peer
    peer=$(best_peer "$1")
    if [ -n "$peer" ]; then
        target "requests/s beside the best peer, $peer" "$(ratio "$1" porthole "$peer" rps)" \
            '>=' "$2"
    fi
}

# beside_floor PART TEXT KEY OPERATOR LIMIT [EPOLL-LIMIT]: what it has to be with io_uring, and with
# epoll alone.
beside_floor() {
    target "$2 beside the floor" "$(ratio "$1" porthole floor "$3")" "$4" "$5"
    if [ $# -gt 5 ]; then
        target "$2 beside the floor, epoll alone" "$(ratio "$1" porthole-epoll floor "$3")" \
            "$4" "$6"
    fi
}

bench_requests() {
    local count
    for count in 64 256; do
        heading requests "$count keep-alive connections, one worker, a reply of 150 bytes of JSON"
        have_load || return 0
        compare "requests-$count" "${servers[*]}" 1 '' --cpu "$client_cpu" --connections "$count"
        beside_floor "requests-$count" 'requests/s' rps '>=' 1.5 0.95
        beside_floor "requests-$count" 'CPU a request' server_us '<=' 0.65 1.06
        beside_best_peer "requests-$count" 1.5
    done
}

bench_latency() {
    heading latency 'one keep-alive connection, one request at a time'
    have_load || return 0
    compare latency "${servers[*]}" 1 '' --cpu "$client_cpu" --connections 1
    beside_floor latency 'median latency' p50_us '<=' 1.03 1.03
}

bench_pipeline() {
    heading pipeline '64 connections, 16 requests sent at once on each'
    have_load || return 0
    compare pipeline "${servers[*]}" 1 '' --cpu "$client_cpu" --depth 16
    beside_floor pipeline 'requests/s' rps '>=' 1.25 0.85
    if [ -e "$scratch/pipeline.nginx" ]; then
        target 'requests/s beside nginx' "$(ratio pipeline porthole nginx rps)" '>=' 10
    fi
}

bench_churn() {
    heading churn 'a new connection for each request, 64 at a time, one worker'
    have_load || return 0
    compare churn "${servers[*]}" 1 churn --cpu "$client_cpu" --churn
    beside_floor churn 'requests/s' rps '>=' 0.95 0.95
    beside_floor churn 'CPU a request' server_us '<=' 1.06 1.06
}

# With three processors the client has one of its own.
bench_workers() {
    heading workers 'two workers, 64 keep-alive connections'
    have_load || return 0
    local client=()
    if [ "$(nproc)" -gt 2 ]; then
        client=(--cpu 2)
    else
        note 'two processors: the client shares them with the workers'
    fi
    server_cpus=0,1 compare workers "${servers[*]}" 2 '' "${client[@]}"
    beside_floor workers 'requests/s' rps '>=' 1.25
    beside_best_peer workers 1
}

# A floor that sleeps would be none, and the packaged servers have nothing that takes its time.
bench_slow() {
    heading slow '16 connections, 5 % of the requests take 100 ms: latencies of the others'
    have_load || return 0
    compare slow 'porthole porthole-epoll h2o microhttpd civetweb evhttp' 1 '' --cpu "$client_cpu" \
        --connections 16 --slow-share 0.05
    target 'p99 of the fast requests, in us,' "$(column "$scratch/slow.porthole" p99_us | median)" \
        '<=' 1000
}
