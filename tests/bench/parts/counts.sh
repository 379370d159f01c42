# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What can be counted, and does not depend on the speed of the machine: system calls, instructions
# and allocations a request. Each is the slope between few requests and many, so that starting,
# connecting and ending do not count.
few=2000
many=6000

# slope LEAST MOST: what one request adds.
slope() {
    awk -v least="$1" -v most="$2" -v requests=$((many - few)) \
        'BEGIN { printf "%.3f", (most - least) / requests }'
}

# End what strace or valgrind runs, so that they write what they counted.
stop_under() {
    local name=$1 child
    child=$(pgrep -P "${pid[$name]}" || true)
    kill "${child:-${pid[$name]}}"
    wait "${pid[$name]}" || true
    stop_server "$name"
}

# calls_of NAME CONNECTIONS REQUESTS: all system calls of a server that answers so many.
calls_of() {
    local under=(strace -f -c -o "$scratch/strace")
    start_server "$1" 1 >&2
    load "$1" --connections "$2" --requests "$3" >/dev/null
    stop_under "$1"
    awk '$NF == "total" { print $(NF - 1) == $3 ? $3 : $4 }' "$scratch/strace"
}

# calls_a_request NAME CONNECTIONS
calls_a_request() {
    local least most
    least=$(calls_of "$1" "$2" $few)
    most=$(calls_of "$1" "$2" $many)
    slope "$least" "$most"
}

# instructions_of NAME HEAD REQUESTS: two numbers, in the server's own code (with what is linked
# into it), and with the shared libraries. The emulated processor has what the real one has, so
# libc may take another memcpy elsewhere; the server's own code stays the same.
instructions_of() {
    local under=(valgrind --tool=callgrind "--callgrind-out-file=$scratch/callgrind")
    start_server "$1" 1 >&2
    load "$1" --connections 1 --head "$2" --requests "$3" >/dev/null
    stop_under "$1"
    # A line of cost is "+LINE COST"; after calls= it is that of the callee, which has its own.
    awk -v program="$(basename "$bench")" '
        /^ob=/ { split($0, part, /[=()]/); id = part[3]
                 if (part[4] != "") own[id] = part[4] ~ ("/" program "/") }
        /^calls=/ { getline; next }
        /^[-+*0-9]/ { all += $2; if (own[id]) mine += $2 }
        END { print mine + 0, all + 0 }' "$scratch/callgrind"
}

# instructions_a_request NAME HEAD: both numbers.
instructions_a_request() {
    local least most
    least=$(instructions_of "$1" "$2" $few)
    most=$(instructions_of "$1" "$2" $many)
    printf '%s %s\n' "$(slope "${least% *}" "${most% *}")" "$(slope "${least#* }" "${most#* }")"
}

# allocations_so_far: what the running porthole says.
allocations_so_far() {
    curl --disable --silent --fail --noproxy '*' "http://127.0.0.1:${port[porthole]}/allocations"
}

# allocations_a_request CONNECTIONS: after a first run; of porthole only.
allocations_a_request() {
    local first second third
    start_server porthole 1 >&2
    load porthole --connections "$1" --requests $few >/dev/null
    first=$(allocations_so_far)
    load porthole --connections "$1" --requests $few >/dev/null
    second=$(allocations_so_far)
    load porthole --connections "$1" --requests $many >/dev/null
    third=$(allocations_so_far)
    stop_server porthole
    slope $((second - first)) $((third - second))
}

bench_syscalls() {
    local name one many_connections
    heading syscalls 'system calls a request, of all threads (strace), keep-alive'
    have strace && have_load || return 0
    printf '   %-11s %13s %15s\n' server '1 connection' '64 connections'
    for name in "${servers[@]}"; do
        start_server "$name" 1 || continue
        stop_server "$name"
        one=$(calls_a_request "$name" 1)
        many_connections=$(calls_a_request "$name" 64)
        printf '   %-11s %13.2f %15.2f\n' "$name" "$one" "$many_connections"
        if [ "$name" = porthole ]; then
            local ours=("$one" "$many_connections")
        fi
    done
    target 'calls a request on one connection' "${ours[0]}" '<=' 3.001
    target 'calls a request on 64 connections' "${ours[1]}" '<=' 2.05
}

bench_instructions() {
    local name minimal browser
    heading instructions 'user instructions a request on one connection (callgrind):'
    note 'in the program itself, and in brackets with its shared libraries'
    have valgrind && have_load || return 0
    printf '   %-11s %22s %22s\n' server '44-byte head' '392-byte head'
    for name in "${servers[@]}"; do
        start_server "$name" 1 || continue
        stop_server "$name"
        read -r -a minimal < <(instructions_a_request "$name" minimal)
        read -r -a browser < <(instructions_a_request "$name" browser)
        printf '   %-11s %11.0f [%8.0f] %11.0f [%8.0f]\n' "$name" "${minimal[@]}" "${browser[@]}"
        if [ "$name" = porthole ]; then
            local ours=("${minimal[1]}" "${browser[1]}")
        fi
    done
    target 'instructions, 44-byte head, with libraries,' "${ours[0]}" '<=' 2000
    target 'instructions, 392-byte head, with libraries,' "${ours[1]}" '<=' 5500
}

bench_allocations() {
    heading allocations 'heap allocations a request after warm-up, 64 keep-alive connections'
    have_load || return 0
    target 'allocations a request' "$(allocations_a_request 64)" '<=' 0
}
