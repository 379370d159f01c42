/* SPDX-License-Identifier: MIT
 *
 * The program porthole: finds the command and runs it.
 */
#include "cli/cli.h"

#include <porthole/porthole.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct ph__command *const commands[] = {
    &ph__serve_command, &ph__ports_command, &ph__sockets_command, &ph__processes_command,
    &ph__why_command,   &ph__probe_command, &ph__doctor_command,  &ph__watch_command,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const char *failing_file;

void ph__fail_in_file(const char *path)
{
    failing_file = path;
}

int ph__fail(const char *format, ...)
{
    fprintf(stderr, "porthole: %s%s", failing_file ? failing_file : "", failing_file ? ": " : "");
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return PH__EXIT_WRONG;
}

int ph__output_write(void *user, const char *text, size_t size)
{
    int *ret_result = user;
    errno = 0;
    int err = fwrite(text, 1, size, stdout) == size ? 0 : errno ? -errno : -EIO;
    if (ret_result) {
        *ret_result = err;
    }
    return err;
}

int ph__output_finish(int err)
{
    errno = 0;
    if (fflush(stdout) != 0 && !err) {
        err = errno ? -errno : -EIO;
    }
    if (err && err != -EPIPE) {
        return ph__fail("cannot write the output: %s", ph_strerror(err));
    }
    return err ? PH__EXIT_WRONG : PH__EXIT_OK;
}

void ph__wait_ms(unsigned ms)
{
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

static const struct ph__command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_overview(void)
{
    fputs("porthole shows the sockets and ports of this machine.\n\nusage:\n", stdout);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  porthole %-9s  %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("  porthole help       Explains a command: porthole help COMMAND\n"
          "  porthole --version  Prints the version\n"
          "\nWithout a command it serves.\n",
          stdout);
}

int ph__help_print(const char *name)
{
    if (!name) {
        print_overview();
        return ph__output_finish(0);
    }
    const struct ph__command *command = find(name);
    if (!command) {
        return ph__fail("unknown command '%s'; see 'porthole help'", name);
    }
    fputs(command->help, stdout);
    return ph__output_finish(0);
}

/* A descriptor below 3 that is closed would be given to the next socket, which then gets what
 * is meant for the terminal. The one put there in its place fails when it is used. */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
            (void)opened; /* the lowest free number is fd itself */
        }
    }
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int print_version(void)
{
    printf("porthole %s\n", ph_version());
    return ph__output_finish(0);
}

static int run_help(int argc, char **argv)
{
    if (argc > 1) {
        return ph__fail("unexpected argument '%s'; see 'porthole help'", argv[1]);
    }
    return ph__help_print(argc > 0 ? argv[0] : NULL);
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a write then fails with EPIPE, which has its own answer */
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "help") == 0) {
        return run_help(argc - 2, argv + 2);
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        return ph__help_print(NULL);
    }
    if (strcmp(first, "--version") == 0) {
        return print_version();
    }
    bool named = first[0] != '\0' && first[0] != '-';
    const struct ph__command *command = named ? find(first) : &ph__serve_command;
    if (!command) {
        return ph__fail("unknown command '%s'; see 'porthole help'", first);
    }
    int skip = named ? 2 : argc > 1 ? 1 : argc;
    if (wants_help(argc - skip, argv + skip)) {
        return ph__help_print(command->name);
    }
    return command->run(argc - skip, argv + skip);
}
