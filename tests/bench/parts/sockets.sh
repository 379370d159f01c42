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

# The most memory used since the last call, in KB.
peak_kb() {
    awk '/^VmHWM/ { print $2 }' "/proc/$program/status"
    echo 5 >"/proc/$program/clear_refs"
}

# One round; the first request for owners finds a server that has not looked for any.
list_once() {
    local before
    time_ms "$1.ss" ss -tanH
    start_porthole
    time_ms "$1.first" ask "$url&owners=false"
    peak_kb >/dev/null
    before=$(awk '/^VmRSS/ { print $2 }' "/proc/$program/status")
    time_ms "$1.list" ask "$url&owners=false"
    echo "kb=$(($(peak_kb) - before))" >>"$scratch/$1.growth"
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
    local rows=$1 limit=$2 rounds=$3 round program url
    heading sockets "$rows TCP sockets beside ss, a new snapshot each time; JSON by curl"
    wait_for_the_ended
    hold_pairs $((rows / 2))
    note "$(ss -tanH | wc -l) rows listed"
    for ((round = 0; round < rounds; round++)); do
        list_once "$rows"
    done
    hold_stop
    printf '   %-38s %9s  %-18s\n' command ms 'x that ss'
    row "$rows" ss '' 'ss -tanH' ''
    row "$rows" list ss 'porthole, owners=false' "$limit"
    row "$rows" ss-owners '' 'ss -tanpH' ''
    row "$rows" owners-first ss-owners 'porthole with owners, first' 0.5
    row "$rows" owners-again ss-owners 'porthole with owners, again' 0.25
    target 'memory that such a reply adds, in KB,' \
        "$(column "$scratch/$rows.growth" kb | median)" '<=' 1024
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
