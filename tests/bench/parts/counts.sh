# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What can be counted, and does not depend on the speed of the machine: system calls, instructions
# and allocations a request. Each is the slope between few requests and many, so that starting,
# connecting and ending do not count.
few=1000
many=4000

# slope LEAST MOST: what one request adds.
slope() {
    awk -v least="$1" -v most="$2" -v requests=$((many - few)) \
        'BEGIN { slope = (most - least) / requests
                 printf "%.3f", (slope > -0.0005 && slope < 0.0005 ? 0 : slope) }'
}

# Ends what strace or valgrind runs, so that they write what they counted.
stop_under() {
    local name=$1 child
    child=$(pgrep -P "${pid[$name]}" || true)
    kill "${child:-${pid[$name]}}"
    wait "${pid[$name]}" || true
    stop_server "$name"
}

# The functions below set counted; they start servers, so they are not for $(...).

# calls_of NAME CONNECTIONS REQUESTS: all system calls of a server that answers so many.
calls_of() {
    local under=(strace -f -c -o "$scratch/strace")
    start_server "$1" 1
    load "$1" --connections "$2" --requests "$3" >/dev/null
    stop_under "$1"
    counted=$(awk '$NF == "total" { print $4 }' "$scratch/strace")
}

# calls_a_request NAME CONNECTIONS
calls_a_request() {
    local least
    calls_of "$1" "$2" $few
    least=$counted
    calls_of "$1" "$2" $many
    counted=$(slope "$least" "$counted")
}

# instructions_of NAME HEAD REQUESTS: two numbers, in the program's own code (with what is linked
# into it), and with the shared libraries. The emulated processor has what the real one has, so
# libc may take another memcpy elsewhere; the program's own code stays the same.
instructions_of() {
    local under=(valgrind --tool=callgrind "--callgrind-out-file=$scratch/callgrind")
    start_server "$1" 1
    load "$1" --connections 1 --head "$2" --requests "$3" >/dev/null
    stop_under "$1"
    # Names are given once, "ob=(3) /path", then "ob=(3)" stands for them; cob= is a callee's. A
    # line of cost is "+LINE COST"; after calls= it is the callee's, which has its own lines.
    counted=$(awk '
        /^c?ob=/ { split($0, part, /[()]/)
                   if (part[3] != "") shared[part[2]] = part[3] ~ /\.so/
                   if (/^ob=/) here = part[2] }
        /^calls=/ { getline; next }
        /^[-+*0-9]/ { all += $2; if (!shared[here]) own += $2 }
        END { print own + 0, all + 0 }' "$scratch/callgrind")
}

# instructions_a_request NAME HEAD: both numbers.
instructions_a_request() {
    local least
    instructions_of "$1" "$2" $few
    least=$counted
    instructions_of "$1" "$2" $many
    counted="$(slope "${least% *}" "${counted% *}") $(slope "${least#* }" "${counted#* }")"
}

# allocations_so_far NAME: what one of our servers says.
allocations_so_far() {
    curl --disable --silent --fail --noproxy '*' "http://127.0.0.1:${port[$1]}/allocations"
}

# allocations_a_request NAME CONNECTIONS: of one of our servers, after a first run, in which as many
# requests have been in hand at once as there are connections.
allocations_a_request() {
    local first second third
    start_server "$1" 1
    load "$1" --connections "$2" --requests $((10 * many)) >/dev/null
    first=$(allocations_so_far "$1")
    load "$1" --connections "$2" --requests $few >/dev/null
    second=$(allocations_so_far "$1")
    load "$1" --connections "$2" --requests $many >/dev/null
    third=$(allocations_so_far "$1")
    stop_server "$1"
    counted=$(slope $((second - first)) $((third - second)))
}

# present NAME: whether it is there; says so if it is not.
present() {
    start_server "$1" 1 && stop_server "$1"
}

bench_syscalls() {
    local name one calls=()
    heading syscalls 'system calls a request, of all threads (strace), keep-alive'
    have strace && have_load || return 0
    printf '   %-14s %13s %15s\n' server '1 connection' '64 connections'
    for name in "${servers[@]}"; do
        present "$name" || continue
        calls_a_request "$name" 1
        one=$counted
        calls_a_request "$name" 64
        printf '   %-14s %13.2f %15.2f\n' "$name" "$one" "$counted"
        if is_ours "$name"; then
            calls+=("$one" "$counted")
        fi
    done
    target 'calls a request on one connection' "${calls[0]}" '<=' 3.01
    target 'calls a request on one connection, epoll alone,' "${calls[2]}" '<=' 3.01
    target 'calls a request on 64 connections' "${calls[1]}" '<=' 0.10
    target 'calls a request on 64 connections, epoll alone,' "${calls[3]}" '<=' 2.05
}

bench_instructions() {
    local name row=() instructions=() first
    heading instructions 'user instructions a request on one connection (callgrind);' \
        'in brackets those in the program itself, shared libraries aside'
    have valgrind && have_load || return 0
    printf '   %-14s %20s %20s\n' server '44-byte head' '392-byte head'
    for name in "${servers[@]}"; do
        if [ "$name" = civetweb ]; then
            note "$name: left out, it has more threads than valgrind takes"
            continue
        fi
        present "$name" || continue
        instructions_a_request "$name" minimal
        first=$counted
        instructions_a_request "$name" browser
        read -r -a row <<<"$first $counted"
        printf '   %-14s %9.0f [%8.0f] %9.0f [%8.0f]\n' "$name" "${row[1]}" "${row[0]}" \
            "${row[3]}" "${row[2]}"
        [ "$name" != porthole ] || instructions=("${row[1]}" "${row[3]}")
    done
    target 'instructions, 44-byte head,' "${instructions[0]}" '<=' 2000
    target 'instructions, 392-byte head,' "${instructions[1]}" '<=' 5500
}

bench_allocations() {
    heading allocations 'heap allocations a request after warm-up, 64 keep-alive connections'
    have_load && have curl || return 0
    allocations_a_request porthole 64
    target 'allocations a request' "$counted" '<=' 0
    allocations_a_request porthole-epoll 64
    target 'allocations a request, epoll alone,' "$counted" '<=' 0
}
