# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Static files, beside nginx with sendfile and its cache of open files.

# nginx's workers read as another user where the master is root.
make_files() {
    chmod 755 "$scratch"
    head -c 1000 /dev/urandom >"$scratch/1k"
    head -c 100000 /dev/urandom >"$scratch/100k"
    head -c 10000000 /dev/urandom >"$scratch/10m"
    chmod 644 "$scratch"/{1k,100k,10m}
}

# files_of NAME CONNECTIONS LIMIT
files_of() {
    heading files "a file of $1, $2 keep-alive connections, one worker"
    compare "files-$1" 'porthole porthole-epoll nginx' 1 '' --cpu "$client_cpu" --connections "$2" \
        --path "/static/$1"
    if [ -e "$scratch/files-$1.nginx" ]; then
        target 'requests/s beside nginx' "$(ratio "files-$1" porthole nginx rps)" '>=' "$3"
        target 'CPU a request beside nginx' "$(ratio "files-$1" porthole nginx server_us)" '<=' 1
    fi
}

bench_files() {
    have_load || return 0
    make_files
    files_of 1k 64 1.2
    files_of 100k 64 1.1
    files_of 10m 16 1
}
