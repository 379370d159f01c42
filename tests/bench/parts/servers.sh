# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The servers that are compared, all with the same reply. start_server NAME WORKERS [churn] starts
# one and sets port[NAME], pid[NAME] and measured[NAME] (the processes whose time counts); it is
# false, with a line that says why, where the server is not there.
declare -A port pid measured
ours=(porthole porthole-epoll)
servers=("${ours[@]}" floor nginx h2o lighttpd microhttpd civetweb evhttp)

# is_ours NAME
is_ours() {
    [[ " ${ours[*]} " == *" $1 "* ]]
}

# Put before a server's command line, as strace or valgrind. The server is then its child, or
# itself.
under=()

# The programs of this repository print the port that they were given.
start_program() {
    local name=$1 out=$scratch/out.$1
    shift
    if ! [ -x "$1" ]; then
        note "$name: not installed, or not when porthole was built"
        return 1
    fi
    rm -f "$out"
    taskset -c "$server_cpus" "${under[@]}" "$@" >"$out" 2>"$scratch/err.$name" &
    pid[$name]=$!
    measured[$name]="--pid $!"
    started+=($!)
    port[$name]=$(wait_for "$out" '^listening on' | grep -oE '[0-9]+$')
}

# A port below those that the kernel gives to clients.
free_port() {
    local candidate
    for ((candidate = 20000 + RANDOM % 10000; ; candidate++)); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

# start_packaged NAME PORT COMMAND...: until it answers; then its children are what is measured,
# where it has some.
start_packaged() {
    local name=$1 deadline=$((SECONDS + 60))
    port[$name]=$2
    shift 2
    # A process group of its own: at its end lighttpd signals all of the one it is in.
    set -m
    taskset -c "$server_cpus" "${under[@]}" "$@" >"$scratch/out.$name" 2>"$scratch/err.$name" &
    set +m
    pid[$name]=$!
    started+=($!)
    until (exec 3<>"/dev/tcp/127.0.0.1/${port[$name]}") 2>/dev/null; do
        [ $SECONDS -lt $deadline ] || fail "$name does not start: $(cat "$scratch/err.$name")"
    done
}

measure_children() {
    local child wanted=$2 deadline=$((SECONDS + 30))
    until [ "$(pgrep -c -P "${pid[$1]}")" -ge "$wanted" ]; do
        [ $SECONDS -lt $deadline ] || fail "$1 has not started $wanted processes"
    done
    measured[$1]=
    for child in $(pgrep -P "${pid[$1]}"); do
        measured[$1]+=" --pid $child"
    done
}

# What each nginx has in http {}: folders of its own, and connections that stay.
nginx_http() {
    local kind
    for kind in client_body proxy fastcgi uwsgi scgi; do
        echo "${kind}_temp_path $scratch/nginx-$kind;"
    done
    echo 'access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; tcp_nodelay on;'
}

start_nginx() {
    local listen
    listen=$(free_port)
    # Alone where it is traced or emulated: one process is to be looked at.
    local master=on
    [ ${#under[@]} -eq 0 ] || master=off
    cat >"$scratch/nginx.conf" <<END
daemon off;
master_process $master;
pid $scratch/nginx.pid;
error_log $scratch/nginx.log;
worker_processes $1;
events { worker_connections 16384; }
http {
    $(nginx_http)
    sendfile on;
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 60s;
    server {
        listen 127.0.0.1:$listen backlog=4096;
        location /static/ { alias $scratch/; }
        location = /hello { default_type application/json; return 200 '$(body)
'; }
    }
}
END
    start_packaged nginx "$listen" nginx -c "$scratch/nginx.conf" -e "$scratch/nginx.log"
    measured[nginx]="--pid ${pid[nginx]}"
    [ "$master" = off ] || measure_children nginx "$1"
}

# It has no fixed replies: a small file, which it keeps in memory.
start_lighttpd() {
    local listen workers=
    listen=$(free_port)
    mkdir -p "$scratch/files"
    body >"$scratch/files/hello"
    [ "$1" -eq 1 ] || workers="server.max-worker = $1"
    cat >"$scratch/lighttpd.conf" <<END
server.document-root = "$scratch/files"
server.bind = "127.0.0.1"
server.port = $listen
server.listen-backlog = 4096
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 600
server.max-fds = $(ulimit -Sn)
server.max-connections = $(($(ulimit -Sn) / 2 + 5000))
mimetype.assign = ("" => "application/json")
etag.use-mtime = "disable"
$workers
END
    start_packaged lighttpd "$listen" lighttpd -D -f "$scratch/lighttpd.conf"
    measured[lighttpd]="--pid ${pid[lighttpd]}"
    [ "$1" -eq 1 ] || measure_children lighttpd "$1"
}

# The body of the reply, as reply.h has it.
body() {
    "$bench/floor" --body
}

start_server() {
    local name=$1 workers=$2 mode=${3:-}
    case $name in
    porthole) start_program "$name" "$bench/serve" "$workers" auto "$scratch" ;; # io_uring where it is to be had
    porthole-epoll) start_program "$name" "$bench/serve" "$workers" epoll "$scratch" ;;
    floor)
        if [ "$mode" = churn ]; then
            start_program "$name" "$bench/floor" --close "$workers"
        else
            start_program "$name" "$bench/floor" "$workers"
        fi ;;
    nginx | lighttpd)
        if ! command -v "$name" >/dev/null; then
            note "$name: not installed"
            return 1
        fi
        "start_$name" "$workers" ;;
    *) start_program "$name" "$bench/$name" "$workers" ;;
    esac
}

stop_server() {
    end "${pid[$1]}"
    unset "pid[$1]" "port[$1]" "measured[$1]"
}

# load NAME ARGUMENT...: has a server answer requests; prints the line of the load client.
load() {
    local name=$1
    shift
    "$bench/load" "$@" "${port[$name]}" || fail "$name did not answer all requests: load $*"
}
