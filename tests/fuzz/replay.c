/* SPDX-License-Identifier: MIT
 *
 * replay FOLDER: gives every file of a corpus to a fuzz target once. What was found in the past
 * is so tried by every run of the tests, with any compiler.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static int replay_file(const char *path)
{
    static uint8_t data[FUZZ_MAX + 1];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    int failed = ferror(file);
    fclose(file);
    if (failed) {
        perror(path);
        return -1;
    }
    /* Of exactly its size, so that AddressSanitizer sees a step beyond. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) {
        perror(path);
        return -1;
    }
    memcpy(copy, data, size);
    fprintf(stderr, "%s\n", path); /* the last one named is the one that failed */
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    unsigned count = 0;
    int err = 0;
    const struct dirent *entry;
    while (err == 0 && (entry = readdir(folder))) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] == '.' || length >= (int)sizeof path) {
            continue;
        }
        err = replay_file(path);
        count++;
    }
    closedir(folder);
    if (count == 0) {
        fprintf(stderr, "%s is empty\n", argv[1]);
    }
    return err < 0 || count == 0;
}
