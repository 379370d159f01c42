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
    port=${url##*:}
    target='/api/v1/sockets?protocol=tcp&max_age_ms=0'
    url+=$target
}

# fetch TARGET: by the shell itself, which begins no program that takes longer than a short list.
fetch() {
    local connection
    exec {connection}<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&$connection
    cat <&$connection
    exec {connection}>&-
}

# To be run in the background, whose process is then that of curl: it ends at once when it is told.
ask() {
    exec curl --disable --silent --fail --noproxy '*' "$@"
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
    # The first has the snapshot taken, and holds it for the others.
    ask --limit-rate 1000 --output "$scratch/slow.first" \
        "${url/max_age_ms=0/max_age_ms=600000}&owners=false" &
    reading+=($!)
    started+=($!)
    until [ -s "$scratch/slow.first" ]; do
        [ $SECONDS -lt $deadline ] || fail 'a slow client gets nothing'
    done
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

# memory: what the server has before any list, at most, and when nobody has asked in a while. Sets
# memory.
memory_kb() {
    local at
    start_porthole
    memory=$(resident_kb)
    for at in 1 2 3; do
        fetch "$target" >"$scratch/output"
    done
    memory+=" $(awk '/^VmHWM/ { print $2 }' "/proc/$program/status")"
    sleep 12 # longer than a large snapshot is kept
    memory+=" $(resident_kb)"
    end "$program"
}

# One round; the first request for owners finds a server that has not looked for any.
list_once() {
    local list=("$build/porthole" sockets --protocol tcp)
    time_ms "$1.ss" ss -tanH
    time_ms "$1.program" "${list[@]}" --no-owners
    start_porthole
    time_ms "$1.first" fetch "$target&owners=false"
    time_ms "$1.list" fetch "$target&owners=false"
    time_ms "$1.ss-owners" ss -tanpH
    time_ms "$1.program-owners" "${list[@]}"
    time_ms "$1.owners-first" fetch "$target"
    time_ms "$1.owners-again" fetch "$target"
    time_ms "$1.ss-details" ss -tanieomH
    time_ms "$1.program-details" "${list[@]}" --no-owners --details
    time_ms "$1.details" fetch "$target&owners=false&details=true"
    time_ms "$1.ss-listening" ss -tlnH
    time_ms "$1.listening" fetch "$target&owners=false&state=listen"
    time_ms "$1.ss-port" ss -tanH sport = :9
    time_ms "$1.port" fetch "$target&owners=false&filter=sport=9"
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
    local rows=$1 limit=$2 rounds=$3 round program url target port growth memory
    heading sockets "$rows TCP sockets beside ss, a new snapshot each time; JSON, or the program's text"
    wait_for_the_ended
    hold_pairs $((rows / 2))
    note "$(ss -tanH | wc -l) rows listed"
    for ((round = 0; round < rounds; round++)); do
        list_once "$rows"
    done
    growth_kb
    memory_kb
    hold_stop
    printf '   %-38s %9s  %-18s\n' command ms 'x that ss'
    row "$rows" ss '' 'ss -tanH' ''
    row "$rows" list ss 'porthole, owners=false' "$limit"
    row "$rows" program ss 'porthole sockets --no-owners' 1
    row "$rows" ss-owners '' 'ss -tanpH' ''
    row "$rows" program-owners ss-owners 'porthole sockets' 1
    row "$rows" owners-first ss-owners 'porthole with owners, first' 0.5
    row "$rows" owners-again ss-owners 'porthole with owners, again' 0.25
    row "$rows" ss-details '' 'ss -tanieomH' ''
    row "$rows" program-details ss-details 'porthole sockets --details' 1
    row "$rows" details ss-details 'porthole, details=true' 1
    row "$rows" ss-listening '' 'ss -tlnH' ''
    row "$rows" listening ss-listening 'porthole, state=listen' 1
    row "$rows" ss-port '' 'ss -tanH sport = :9' ''
    row "$rows" port ss-port 'porthole, filter=sport=9' 1
    note "resident KB before, at most, 12 s after 3 lists with owners: $memory"
    target 'memory that a client of such a reply costs, in KB,' "$growth" '<=' 1024
}

bench_sockets() {
    have ss && have curl || return 0
    if ! [ -x "$build/porthole" ]; then
        note 'skipped: the program is not built'
        return 0
    fi
    sockets 1000 1 "$rounds"
    sockets 10000 1 "$rounds"
    sockets 50000 1 $((rounds < 3 ? rounds : 3)) # ss -p takes half a second
}
