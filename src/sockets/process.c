/* SPDX-License-Identifier: MIT
 *
 * Parsers of /proc/PID/{stat,status,cgroup,comm,limits}. Names in them are chosen by strangers.
 */
#include "sockets/process.h"

#include "base/exhausted.h"
#include "sockets/files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { STAT_START_FIELD = 22, CONTAINER_ID = 64, FILE_TEXT = 8192, PATH_TEXT = 64 };

bool ph__process_parse_start(const char *stat, uint64_t *ret_start)
{
    /* The second field is the name in parentheses, which may itself hold any of them. */
    const char *at = strrchr(stat, ')');
    for (int field = 2; at && field < STAT_START_FIELD; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at || *at < '0' || *at > '9') {
        return false;
    }
    *ret_start = strtoull(at, NULL, 10);
    return true;
}

bool ph__process_parse_uid(const char *status, uint32_t *ret_uid)
{
    unsigned long real;
    unsigned long effective;
    const char *line = strstr(status, "\nUid:");
    if (!line || sscanf(line, "\nUid: %10lu %10lu", &real, &effective) != 2 ||
        effective > UINT32_MAX) {
        return false;
    }
    *ret_uid = (uint32_t)effective;
    return true;
}

/* The path of the line with this prefix behind its first colon, or .text == NULL. */
static struct ph__slice hierarchy(const char *cgroup, const char *prefix)
{
    for (const char *line = cgroup; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *colon = strchr(line, ':');
        if (!colon) {
            break;
        }
        if (strncmp(colon + 1, prefix, strlen(prefix)) == 0) {
            const char *path = colon + 1 + strlen(prefix);
            return (struct ph__slice){path, strcspn(path, "\n")};
        }
    }
    return (struct ph__slice){NULL, 0};
}

static bool starts_with(struct ph__slice slice, const char *prefix)
{
    size_t length = strlen(prefix);
    return slice.size > length && memcmp(slice.text, prefix, length) == 0;
}

static bool ends_with(struct ph__slice slice, const char *suffix)
{
    size_t length = strlen(suffix);
    return slice.size > length && memcmp(slice.text + slice.size - length, suffix, length) == 0;
}

/* Kinds of systemd units that hold processes; a slice only holds units. */
static bool is_unit(struct ph__slice part)
{
    return ends_with(part, ".service") || ends_with(part, ".scope") || ends_with(part, ".socket") ||
           ends_with(part, ".mount") || ends_with(part, ".swap");
}

/* Docker, containerd, cri-o and podman end a part of the path in 64 hexadecimal digits, with or
 * without ".scope" behind; LXC and nspawn have names. */
static void find_container(struct ph__slice part, struct ph__slice *ret_id)
{
    static const char lxc[] = "lxc.payload.";
    struct ph__slice id = part;
    if (ends_with(id, ".scope")) {
        id.size -= strlen(".scope");
    }
    if (id.size >= CONTAINER_ID) {
        id.text += id.size - CONTAINER_ID;
        id.size = CONTAINER_ID;
        if (strspn(id.text, "0123456789abcdef") >= CONTAINER_ID) {
            *ret_id = id;
        }
    }
    if (starts_with(part, lxc)) {
        *ret_id = (struct ph__slice){part.text + strlen(lxc), part.size - strlen(lxc)};
    }
    if (starts_with(part, "machine-") && ends_with(part, ".scope")) {
        size_t around = strlen("machine-") + strlen(".scope");
        if (part.size > around) {
            *ret_id = (struct ph__slice){part.text + strlen("machine-"), part.size - around};
        }
    }
}

void ph__process_parse_cgroup(const char *cgroup, struct ph__slice *ret_unit,
                              struct ph__slice *ret_container)
{
    *ret_unit = *ret_container = (struct ph__slice){NULL, 0};
    struct ph__slice path = hierarchy(cgroup, ":"); /* version 2: "0::/path" */
    if (path.size <= 1) {
        struct ph__slice old = hierarchy(cgroup, "name=systemd:");
        path = old.text ? old : path;
    }
    while (path.size > 0) {
        const char *slash = memchr(path.text, '/', path.size);
        struct ph__slice part = {path.text, slash ? (size_t)(slash - path.text) : path.size};
        if (is_unit(part)) {
            *ret_unit = part;
        }
        find_container(part, ret_container);
        size_t step = slash ? part.size + 1 : part.size;
        path.text += step;
        path.size -= step;
    }
}

static int read_file(int folder, const char *path, const char *name, char *text)
{
    char full[PATH_TEXT];
    snprintf(full, sizeof full, "%s/%s", path, name);
    int length = ph__files_read(folder, full, text, FILE_TEXT);
    if (length < 0) {
        text[0] = '\0';
    }
    return ph__is_exhausted(length) ? length : 0;
}

int ph__process_start(int folder, const char *path, uint64_t *ret_start)
{
    char full[PATH_TEXT];
    char text[1024];
    snprintf(full, sizeof full, "%s/stat", path);
    int length = ph__files_read(folder, full, text, sizeof text);
    if (length < 0) {
        return length;
    }
    return ph__process_parse_start(text, ret_start) ? 0 : -ESRCH;
}

bool ph__process_clocks_fit(int proc)
{
    char link[PATH_TEXT];
    ssize_t length = readlinkat(proc, "self", link, sizeof link - 1);
    if (length <= 0) {
        return false;
    }
    link[length] = '\0';
    return strtol(link, NULL, 10) == (long)getpid();
}

bool ph__process_clock(int pid, uint64_t *ret_ns)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0) {
        return false;
    }
    *ret_ns = (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
    return true;
}

/* The letter behind the name in /proc/PID/stat. */
static bool is_asleep(const char *stat)
{
    const char *at = strrchr(stat, ')');
    return at && at[1] == ' ' && (at[2] == 'S' || at[2] == 'D' || at[2] == 'T' || at[2] == 't');
}

static bool do_threads_sleep(int tasks, size_t threads_max)
{
    DIR *dir = fdopendir(tasks);
    if (!dir) {
        close(tasks);
        return false;
    }
    size_t count = 0;
    bool asleep = true;
    struct dirent *entry;
    while (asleep && (entry = readdir(dir)) != NULL) {
        char path[PATH_TEXT];
        char text[1024];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') {
            continue;
        }
        snprintf(path, sizeof path, "%.20s/stat", entry->d_name);
        asleep = ++count <= threads_max && ph__files_read(tasks, path, text, sizeof text) > 0 &&
                 is_asleep(text);
    }
    closedir(dir);
    return asleep && count > 0;
}

bool ph__process_sleeps(int proc, int pid, uint64_t start, size_t threads_max)
{
    char path[PATH_TEXT];
    uint64_t start_now;
    snprintf(path, sizeof path, "%d", pid);
    if (ph__process_start(proc, path, &start_now) < 0 || start_now != start) {
        return false;
    }
    snprintf(path, sizeof path, "%d/task", pid);
    int tasks = ph__files_open_folder(proc, path);
    return tasks >= 0 && do_threads_sleep(tasks, threads_max);
}

bool ph__process_parse_limit(const char *limits, int64_t *ret_limit)
{
    static const char name[] = "Max open files";
    const char *line = strstr(limits, name);
    if (!line || (line > limits && line[-1] != '\n')) {
        return false;
    }
    line += sizeof name - 1;
    line += strspn(line, " ");
    if (*line < '0' || *line > '9') {
        return false; /* "unlimited" */
    }
    errno = 0;
    long long limit = strtoll(line, NULL, 10);
    *ret_limit = limit;
    return errno == 0;
}

int64_t ph__process_limit(int folder, const char *path)
{
    char full[PATH_TEXT];
    char text[4096];
    int64_t limit;
    snprintf(full, sizeof full, "%s/limits", path);
    int length = ph__files_read(folder, full, text, sizeof text);
    if (length < 0) {
        return length;
    }
    return ph__process_parse_limit(text, &limit) ? limit : -ENOENT;
}

static int64_t count_entries(int folder)
{
    DIR *dir = fdopendir(folder);
    if (!dir) {
        int err = -errno;
        close(folder);
        return err;
    }
    int64_t count = 0;
    int err = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            err = -errno;
            break;
        }
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return err < 0 ? err : count;
}

int64_t ph__process_descriptors(int folder, const char *path)
{
    char full[PATH_TEXT];
    struct stat status;
    struct statfs fs;
    snprintf(full, sizeof full, "%s/fd", path);
    int fds = ph__files_open_folder(folder, full);
    if (fds < 0) {
        return fds;
    }
    /* Since Linux 6.2 its size is their number; before, it is 0. */
    if (fstat(fds, &status) == 0 && status.st_size > 0 && fstatfs(fds, &fs) == 0 &&
        fs.f_type == PROC_SUPER_MAGIC) {
        close(fds);
        return status.st_size;
    }
    return count_entries(fds);
}

/* The copy of a slice, NULL for none. @return false without memory. */
static bool keep(struct ph__arena *arena, struct ph__slice slice, const char **ret_text)
{
    *ret_text = slice.text ? ph__arena_copy(arena, slice.text, slice.size) : NULL;
    return *ret_text || !slice.text;
}

int ph__process_read(int folder, const char *path, struct ph__arena *arena,
                     struct ph_process *ret_process)
{
    struct ph_process process = *ret_process;
    struct ph__slice unit = {NULL, 0};
    struct ph__slice container = {NULL, 0};
    char *text = malloc(FILE_TEXT);
    int err = text ? read_file(folder, path, "comm", text) : -ENOMEM;
    if (err == 0) {
        size_t length = strlen(text);
        length -= length > 0 && text[length - 1] == '\n';
        process.command = ph__arena_copy(arena, text, length);
        err = process.command ? read_file(folder, path, "status", text) : -ENOMEM;
    }
    if (err == 0) {
        err = ph__process_parse_uid(text, &process.uid) ? 0 : -ESRCH;
    }
    if (err == 0) {
        err = read_file(folder, path, "cgroup", text);
    }
    if (err == 0) {
        ph__process_parse_cgroup(text, &unit, &container);
        bool kept = keep(arena, unit, &process.unit) && keep(arena, container, &process.container);
        err = kept ? 0 : -ENOMEM;
    }
    free(text);
    if (err == 0) {
        *ret_process = process;
    }
    return err;
}
