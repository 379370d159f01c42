/* SPDX-License-Identifier: MIT
 *
 * Paths in the folder of a test.
 */
#include "support/paths.h"

#include "support/cmocka.h"

#include <stdio.h>

const char *path_in(const char *folder, const char *name)
{
    static char paths[16][200];
    static unsigned next;
    char *path = paths[next++ % 16];
    assert_in_range(snprintf(path, sizeof paths[0], "%s/%s", folder, name), 1, sizeof paths[0] - 1);
    return path;
}

void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}
