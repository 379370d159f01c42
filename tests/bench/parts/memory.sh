# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Memory of idle connections.
connections_a_client=10000 # below the descriptor limit of most systems

# Anonymous memory of all processes of a server, in KB: code that is read in does not count.
anonymous_kb() {
    local one files=()
    for one in ${measured[$1]//--pid/}; do
        files+=("/proc/$one/status")
    done
    awk '/^RssAnon/ { sum += $2 } END { print sum }' "${files[@]}"
}

# hold_idle NAME COUNT: by as many clients as it takes, each from addresses of its own.
hold_idle() {
    local left=$2 first=0 now
    while [ "$left" -gt 0 ]; do
        now=$((left < connections_a_client ? left : connections_a_client))
        hold_start idle "${port[$1]}" "$now" "$first"
        left=$((left - now))
        first=$((first + now))
    done
}

# idle NAME COUNT: prints a row, and sets bytes.
idle() {
    local name=$1 count=$2 before after
    start_server "$name" 1 || return 0
    load "$name" --connections 4 --requests 1000 >/dev/null
    before=$(anonymous_kb "$name")
    hold_idle "$name" "$count"
    after=$(anonymous_kb "$name")
    bytes=$(((after - before) * 1024 / count))
    printf '   %-14s %11d %10d %10d %12d\n' "$name" "$count" "$before" "$after" "$bytes"
    "$bench/load" --connections 1 --requests 10 "${port[$name]}" >/dev/null 2>&1 ||
        note "$name: the next client is not answered"
    hold_stop
    stop_server "$name"
}

bench_idle() {
    local name bytes=0 least=0 allowed count=${IDLE:-100000}
    heading idle 'keep-alive connections, each after one request'
    have_load || return 0
    allowed=$(($(raise_limit $((count + 1000))) - 1000))
    ulimit -Sn "$(ulimit -Hn)"
    printf '   %-14s %11s %10s %10s %12s\n' server connections 'KB before' 'with them' 'bytes each'
    for name in "${servers[@]}"; do
        case $name in
        porthole-epoll) continue ;; # the same connections
        civetweb) note "$name: left out, it needs a thread for each connection" ;;
        lighttpd) idle "$name" 9000 ;; # it keeps half of the descriptors for files
        *) idle "$name" 10000 ;;
        esac
        if [ "$name" = porthole ]; then
            least=$bytes
        fi
    done
    if [ "$allowed" -lt "$count" ]; then
        note "not $count: a process may have $(ulimit -Hn) descriptors here"
        count=$allowed
    fi
    idle porthole "$count"
    target 'bytes for an idle connection, of 10000,' "$least" '<=' 128
    target "bytes for an idle connection, of $count," "$bytes" '<=' 128
}
