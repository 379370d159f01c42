# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Listing sockets, beside ss: connections within this machine, of which both ends are listed.
pairs_a_holder=9000 # two descriptors each, below the limit of most systems

hold_pairs() {
    local left=$1 now
    while [ "$left" -gt 0 ]; do
        now=$((left < pairs_a_holder ? left : pairs_a_holder))
        hold_start pairs "$now"
        left=$((left - now))
    done
}

# time_ms NAME COMMAND...: appends ms=TIME of a command whose output goes to a file.
time_ms() {
    local name=$1 from=$EPOCHREALTIME to
    shift
    "$@" >"$scratch/output"
    to=$EPOCHREALTIME
    echo "ms=$((${to/[.,]/} - ${from/[.,]/})).us" |
        awk -F '[=.]' '{ print "ms=" $2 / 1000 }' >>"$scratch/$name"
}

# Connections that have ended are listed for a minute.
wait_for_the_ended() {
    local deadline=$((SECONDS + 90))
    until [ "$(awk '/^TCP:/ { print $7 }' /proc/net/sockstat)" -lt 200 ]; do
        [ $SECONDS -lt $deadline ] || return 0
        sleep 1
    done
}

start_porthole() {
    local out=$scratch/out.program
    rm -f "$out"
    "$build/porthole" serve --listen 127.0.0.1:0 --workers 1 >"$out" 2>&1 &
    program=$!
    started+=("$program")
    url=$(wait_for "$out" 'http://127' | grep -oE 'http://[0-9.:]+')
    url+='/api/v1/sockets?protocol=tcp&max_age_ms=0'
}

ask() {
    curl --disable --silent --fail --noproxy '*' "$@"
}

resident_kb() {
    awk '/^VmRSS/ { print $2 }' "/proc/$program/status"
}

# growth_kb: what a client costs that has begun to receive a list and is slow to go on, beside the
# snapshot, which all share. Sets growth.
slow_clients=8
growth_kb() {
    local before number reading=() deadline=$((SECONDS + 30))
    start_porthole
    ask "${url/max_age_ms=0/max_age_ms=600000}&owners=false" >"$scratch/output"
    before=$(resident_kb)
    for ((number = 0; number < slow_clients; number++)); do
        rm -f "$scratch/slow.$number"
        ask --limit-rate 1000 --output "$scratch/slow.$number" \
            "${url/max_age_ms=0/max_age_ms=600000}&owners=false" &
        reading+=($!)
        started+=($!)
    done
    for ((number = 0; number < slow_clients; number++)); do
        until [ -s "$scratch/slow.$number" ]; do
            [ $SECONDS -lt $deadline ] || fail 'a slow client gets nothing'
        done
    done
    growth=$((($(resident_kb) - before) / slow_clients))
    for number in "${reading[@]}"; do
        end "$number"
    done
    end "$program"
}

# One round; the first request for owners finds a server that has not looked for any.
list_once() {
    time_ms "$1.ss" ss -tanH
    start_porthole
    time_ms "$1.first" ask "$url&owners=false"
    time_ms "$1.list" ask "$url&owners=false"
    time_ms "$1.ss-owners" ss -tanpH
    time_ms "$1.owners-first" ask "$url"
    time_ms "$1.owners-again" ask "$url"
    end "$program"
}

# row ROWS NAME OTHER TEXT TARGET
row() {
    local of=-
    [ -z "$3" ] || of=$(ratios "$scratch/$1.$2" "$scratch/$1.$3" ms | quantiles |
        awk '{ printf "%.2f (%.2f-%.2f)", $1, $2, $3 }')
    printf '   %-38s %9.1f  %-18s %s\n' "$4" "$(column "$scratch/$1.$2" ms | median)" "$of" \
        "${5:+target <= $5}"
}

sockets() {
    local rows=$1 limit=$2 rounds=$3 round program url growth
    heading sockets "$rows TCP sockets beside ss, a new snapshot each time; JSON by curl"
    wait_for_the_ended
    hold_pairs $((rows / 2))
    note "$(ss -tanH | wc -l) rows listed"
    for ((round = 0; round < rounds; round++)); do
        list_once "$rows"
    done
    growth_kb
    hold_stop
    printf '   %-38s %9s  %-18s\n' command ms 'x that ss'
    row "$rows" ss '' 'ss -tanH' ''
    row "$rows" list ss 'porthole, owners=false' "$limit"
    row "$rows" ss-owners '' 'ss -tanpH' ''
    row "$rows" owners-first ss-owners 'porthole with owners, first' 0.5
    row "$rows" owners-again ss-owners 'porthole with owners, again' 0.25
    target 'memory that a client of such a reply costs, in KB,' "$growth" '<=' 1024
}

bench_sockets() {
    have ss && have curl || return 0
    if ! [ -x "$build/porthole" ]; then
        note 'skipped: the program is not built'
        return 0
    fi
    sockets 20000 0.5 "$rounds"
    sockets 100000 0.55 $((rounds < 3 ? rounds : 3)) # ss -p takes seconds
}
