/* SPDX-License-Identifier: MIT
 *
 * Where the files of the page come from. A folder is opened once; names are looked up in it
 * without following links, so that nothing outside of it can be had.
 */
#include "status/files.h"

#include "status/embedded.h"
#include "status/inflate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ph__page {
    int folder;   /* -1: the embedded files */
    char **names; /* of a folder's files */
    size_t name_count;
};

static const struct {
    const char *suffix;
    const char *content_type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
};

static const char *content_type(const char *name)
{
    const char *suffix = strrchr(name, '.');
    for (size_t i = 0; suffix && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].suffix, suffix) == 0) {
            return types[i].content_type;
        }
    }
    return "application/octet-stream";
}

static bool is_safe_name(const char *name)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return name[0] != '.' && name[0] != '\0' && strspn(name, safe) == strlen(name);
}

static int add_name(struct ph__page *page, const char *name)
{
    struct stat info;
    if (!is_safe_name(name) || page->name_count == PH__PAGE_FILES_MAX ||
        fstatat(page->folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode)) {
        return 0;
    }
    char **names = realloc(page->names, (page->name_count + 1) * sizeof *names);
    if (!names) {
        return -ENOMEM;
    }
    page->names = names;
    names[page->name_count] = strdup(name);
    if (!names[page->name_count]) {
        return -ENOMEM;
    }
    page->name_count++;
    return 0;
}

static int list_folder(struct ph__page *page, const char *folder)
{
    page->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (page->folder < 0) {
        return -errno;
    }
    DIR *entries = opendir(folder);
    if (!entries) {
        return -errno;
    }
    int err = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(entries);
        if (!entry) {
            err = -errno;
            break;
        }
        err = add_name(page, entry->d_name);
        if (err < 0) {
            break;
        }
    }
    closedir(entries);
    return err;
}

int ph__page_new(struct ph__page **ret_page, const char *folder)
{
    struct ph__page *page = calloc(1, sizeof *page);
    if (!page) {
        return -ENOMEM;
    }
    page->folder = -1;
    int err = folder ? list_folder(page, folder) : 0;
    if (err < 0) {
        ph__page_free(page);
        return err;
    }
    *ret_page = page;
    return 0;
}

void ph__page_free(struct ph__page *page)
{
    if (!page) {
        return;
    }
    for (size_t i = 0; i < page->name_count; i++) {
        free(page->names[i]);
    }
    free(page->names);
    if (page->folder >= 0) {
        close(page->folder);
    }
    free(page);
}

bool ph__page_is_folder(const struct ph__page *page)
{
    return page->folder >= 0;
}

const char *ph__page_name(const struct ph__page *page, size_t index)
{
    if (page->folder >= 0) {
        return index < page->name_count ? page->names[index] : NULL;
    }
    return index < ph__embedded_file_count ? ph__embedded_files[index].name : NULL;
}

/* FNV-1a, 64 bits: tells versions apart, which is all that an ETag has to. */
static void make_etag(const void *data, size_t size, char etag[PH__ETAG_TEXT])
{
    const unsigned char *bytes = data;
    uint64_t hash = 0xCBF29CE484222325U;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001B3U;
    }
    snprintf(etag, PH__ETAG_TEXT, "\"%016llx\"", (unsigned long long)hash);
}

static const struct ph__embedded_file *find_embedded(const char *name)
{
    for (size_t i = 0; i < ph__embedded_file_count; i++) {
        if (strcmp(ph__embedded_files[i].name, name) == 0) {
            return &ph__embedded_files[i];
        }
    }
    return NULL;
}

static int read_embedded(const char *name, enum ph__coding coding, struct ph__page_file *file)
{
    const struct ph__embedded_file *embedded = find_embedded(name);
    if (!embedded) {
        return -ENOENT;
    }
    file->coded = embedded->inflated_size > 0;
    if (file->coded && coding != PH__CODING_GZIP) {
        int err = ph__inflate(&file->buf, embedded->data, embedded->size, embedded->inflated_size);
        file->data = file->buf.data;
        file->size = file->buf.size;
        return err;
    }
    file->coding = file->coded ? PH__CODING_GZIP : PH__CODING_IDENTITY;
    file->data = embedded->data;
    file->size = embedded->size;
    return 0;
}

static int read_all(int fd, struct ph__buf *buf)
{
    enum { PIECE = 16384 };
    for (;;) {
        char *room = ph__buf_reserve(buf, PIECE);
        if (!room) {
            return ph__buf_error(buf) == PH_ERR_LIMIT ? -EFBIG : ph__buf_error(buf);
        }
        ssize_t got = read(fd, room, PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : 0;
        }
        buf->size += (size_t)got;
    }
}

static int read_folder(int folder, const char *name, struct ph__page_file *file)
{
    if (!is_safe_name(name)) {
        return -ENOENT;
    }
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return errno == ELOOP ? -ENOENT : -errno;
    }
    struct stat info;
    int err = fstat(fd, &info) < 0 ? -errno : S_ISREG(info.st_mode) ? 0 : -ENOENT;
    err = err ? err : read_all(fd, &file->buf);
    close(fd);
    file->data = file->buf.data;
    file->size = file->buf.size;
    return err;
}

int ph__page_read(const struct ph__page *page, const char *name, enum ph__coding coding,
                  struct ph__page_file *ret_file)
{
    struct ph__page_file file = {
        .content_type = content_type(name),
        .coding = PH__CODING_IDENTITY,
    };
    ph__buf_init(&file.buf, PH__PAGE_FILE_MAX);
    int err = page->folder >= 0 ? read_folder(page->folder, name, &file)
                                : read_embedded(name, coding, &file);
    if (err < 0) {
        ph__buf_done(&file.buf);
        return err;
    }
    make_etag(file.data, file.size, file.etag);
    *ret_file = file;
    return 0;
}

void ph__page_file_done(struct ph__page_file *file)
{
    ph__buf_done(&file->buf);
}

bool ph__page_unchanged(const char *if_none_match, const char *etag)
{
    size_t size = strlen(etag);
    for (const char *s = if_none_match; s && *s;) {
        s += strspn(s, " \t,");
        if (*s == '*') {
            return true;
        }
        s += strncmp(s, "W/", 2) == 0 ? 2 : 0; /* weak comparison, RFC 9110 section 13.1.2 */
        size_t length = strcspn(s, ",");
        size_t end = length;
        while (end > 0 && (s[end - 1] == ' ' || s[end - 1] == '\t')) {
            end--;
        }
        if (end == size && memcmp(s, etag, size) == 0) {
            return true;
        }
        s += length;
    }
    return false;
}
