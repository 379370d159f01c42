/* SPDX-License-Identifier: MIT
 *
 * Sockets that are passed in, and the service manager that is told: by the library, and by the
 * program as systemd would start it.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/systemd.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/porthole-systemd-XXXXXX";

/* A socket that listens on any port of 127.0.0.1. */
static int listen_any(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* A datagram socket of this name; '@' stands for the NUL of an abstract one. */
static int make_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name));
    address.sun_path[0] = name[0] == '@' ? '\0' : name[0];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    return fd;
}

static void assert_told(int manager, const char *expected)
{
    char text[200];
    struct pollfd entry = {.fd = manager, .events = POLLIN};
    assert_int_equal(poll(&entry, 1, CLIENT_WAIT_MS), 1);
    ssize_t size = recv(manager, text, sizeof text - 1, 0);
    assert_true(size >= 0);
    text[size] = '\0';
    assert_string_equal(text, expected);
}

/* ---- descriptors ---- */

static void listen_text(char text[20], int fd)
{
    snprintf(text, 20, "fd:%d", fd);
}

static void test_listen_when_a_descriptor_is_given_then_it_stays_the_programs(void **state)
{
    (void)state;
    uint16_t port;
    char listen[20];
    char address[30];
    int fd = listen_any(&port);
    listen_text(listen, fd);
    struct ph_server *server = server_new(&(struct ph_config){.listen = listen, .workers = 1});
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    assert_string_equal(ph_server_listener(server, 0), address);
    assert_int_equal(ph_server_port(server), port);
    for (int run = 0; run < 2; run++) {
        assert_int_equal(ph_server_start(server), 0);
        assert_served(port);
        ph_server_stop(server);
        struct client unheard = client_open(port); /* it listens on, nobody accepts */
        client_close(&unheard);
    }
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    assert_int_equal(ph_server_start(server), -EBADF);
    assert_string_equal(ph_server_failed_listener(server), address);
    ph_server_free(server);
}

static void test_listen_when_the_descriptor_is_of_unix_then_its_path_stays(void **state)
{
    (void)state;
    char text[20];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/given", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    listen_text(text, fd);
    struct ph_server *server = server_start(&(struct ph_config){.listen = text, .workers = 1});
    assert_int_equal(strcmp(ph_server_listener(server, 0) + 5, address.sun_path), 0);
    struct client client = client_open_unix(address.sun_path);
    struct reply reply = client_ask(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
    ph_server_free(server);
    close(fd);
    assert_int_equal(unlink(address.sun_path), 0);
}

static void assert_refused(struct ph_server *server, int fd, int expected)
{
    char listen[20];
    listen_text(listen, fd);
    assert_int_equal(ph_server_listen(server, listen), expected);
    assert_false(ph_listen_is_loopback(listen));
    close(fd);
}

static void test_listen_when_the_descriptor_will_not_do_then_why(void **state)
{
    (void)state;
    int pair[2];
    struct ph_server *server = server_new(NULL);
    assert_refused(server, open("/dev/null", O_RDONLY | O_CLOEXEC), -ENOTSOCK);
    assert_refused(server, 999, -EBADF);
    assert_refused(server, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -EINVAL);
    assert_refused(server, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), -EINVAL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_refused(server, pair[0], -EINVAL);
    close(pair[1]);
    int packets = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(listen(packets, 1), -1); /* without a name it cannot */
    assert_refused(server, packets, -EINVAL);
    static const char *const malformed[] = {"fd:", "fd:x", "fd:-1", "fd:3x", "fd:99999999"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_int_equal(ph_server_listen(server, malformed[i]), PH_ERR_ADDRESS);
    }
    ph_server_free(server);
}

static void test_unix_socket_when_a_mode_is_wanted_then_whatever_the_umask(void **state)
{
    (void)state;
    char listen[100];
    struct stat info;
    snprintf(listen, sizeof listen, "unix:%s/socket", folder);
    mode_t before = umask(0077);
    for (unsigned mode = 0; mode <= 0660; mode += 0660) {
        struct ph_server *server =
            server_start(&(struct ph_config){.listen = listen, .workers = 1, .unix_mode = mode});
        assert_int_equal(stat(listen + 5, &info), 0);
        assert_int_equal(info.st_mode & 0777, mode ? mode : 0600);
        ph_server_free(server);
    }
    umask(before);
    struct ph_server *server = NULL;
    assert_int_equal(ph_server_new(&server, &(struct ph_config){.unix_mode = 01777}), -EINVAL);
}

static void test_unix_socket_when_a_group_is_wanted_then_it_is_the_files(void **state)
{
    (void)state;
    char listen[100];
    struct stat info;
    gid_t group = geteuid() == 0 ? 54321 : getegid();
    snprintf(listen, sizeof listen, "unix:%s/socket", folder);
    struct ph_server *server = server_start(&(struct ph_config){
        .listen = listen, .workers = 1, .unix_mode = 0660, .unix_group = &group});
    assert_int_equal(stat(listen + 5, &info), 0);
    assert_int_equal(info.st_gid, group);
    assert_int_equal(info.st_mode & 0777, 0660);
    assert_null(ph_server_config(server)->unix_group); /* the caller's, not to be kept */
    ph_server_free(server);
}

static void test_unix_socket_when_its_name_is_abstract_then_served_without_a_file(void **state)
{
    (void)state;
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char listen[60];
    char answer[13] = "";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(listen, sizeof listen, "unix:@porthole-test-%d", (int)getpid());
    struct ph_server *server = server_start(&(struct ph_config){.listen = listen, .workers = 1});
    assert_string_equal(ph_server_listener(server, 0), listen);
    assert_true(ph_listen_is_loopback(listen));
    size_t length = strlen(listen) - 5;
    memcpy(address.sun_path + 1, listen + 6, length - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    assert_int_equal(recv(fd, answer, sizeof answer - 1, MSG_WAITALL), sizeof answer - 1);
    assert_string_equal(answer, "HTTP/1.1 200");
    close(fd);
    ph_server_free(server);
}

/* ---- what systemd passes ---- */

static void set_number(const char *name, long number)
{
    char text[20];
    snprintf(text, sizeof text, "%ld", number);
    assert_int_equal(setenv(name, text, 1), 0);
}

static void test_systemd_when_nothing_is_meant_for_us_then_none(void **state)
{
    (void)state;
    struct ph_server *server = server_new(NULL);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    assert_int_equal(ph_systemd_listen(server), 0);
    set_number("LISTEN_FDS", 1);
    set_number("LISTEN_PID", (long)getppid());
    assert_int_equal(ph_systemd_listen(server), 0);
    setenv("LISTEN_PID", "me", 1);
    assert_int_equal(ph_systemd_listen(server), 0);
    set_number("LISTEN_PID", (long)getpid());
    unsetenv("LISTEN_FDS");
    assert_int_equal(ph_systemd_listen(server), 0);
    static const char *const malformed[] = {"", "-1", "0", "3x", "1000000", "99999999999999999999"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        setenv("LISTEN_FDS", malformed[i], 1);
        assert_int_equal(ph_systemd_listen(server), -EINVAL);
    }
    set_number("LISTEN_FDS", 1000); /* which are not there */
    assert_true(ph_systemd_listen(server) < 0);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    ph_server_free(server);
}

static void test_notify_when_somebody_listens_then_told(void **state)
{
    (void)state;
    char name[100];
    snprintf(name, sizeof name, "%s/manager", folder);
    int by_path = make_manager(name);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(ph_systemd_notify("READY=1"), 1);
    assert_told(by_path, "READY=1");
    close(by_path);
    assert_int_equal(ph_systemd_notify("READY=1"), -ECONNREFUSED);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(ph_systemd_notify("READY=1"), -ENOENT);

    snprintf(name, sizeof name, "@porthole-test-%d", (int)getpid());
    int abstract = make_manager(name);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(ph_systemd_notify("STATUS=well\nREADY=1"), 1);
    assert_told(abstract, "STATUS=well\nREADY=1");
    close(abstract);

    static const char *const wrong[] = {"relative", "@", "/"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        assert_int_equal(ph_systemd_notify("READY=1"), -EINVAL);
    }
    char longer[200];
    memset(longer, '/', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    setenv("NOTIFY_SOCKET", longer, 1);
    assert_int_equal(ph_systemd_notify("READY=1"), -EINVAL);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(ph_systemd_notify("READY=1"), 0);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(ph_systemd_notify("READY=1"), 0);
}

struct teller {
    atomic_int thread; /* its number, once it is about to tell */
    int result;
};

static void *tell_ready(void *user)
{
    struct teller *teller = user;
    atomic_store(&teller->thread, (int)gettid());
    teller->result = ph_systemd_notify("READY=1");
    return NULL;
}

/* 'S' for one that waits in the kernel; 0 for one that is gone. */
static char state_of_thread(int thread)
{
    char name[60];
    char line[300] = "";
    snprintf(name, sizeof name, "/proc/self/task/%d/stat", thread);
    FILE *file = fopen(name, "re");
    bool read = file && fgets(line, sizeof line, file);
    if (file) {
        assert_int_equal(fclose(file), 0);
    }
    const char *end = read ? strrchr(line, ')') : NULL;
    return end && end[1] == ' ' ? end[2] : '\0';
}

/* A manager with a full queue is a busy one: what it waits for comes once there is room. */
static void test_notify_when_the_managers_queue_is_full_then_it_waits(void **state)
{
    (void)state;
    char name[100];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(name, sizeof name, "%s/manager", folder);
    int manager = make_manager(name);
    memcpy(address.sun_path, name, strlen(name));
    int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned before = 0;
    while (sendto(other, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address) == 1) {
        before++;
    }
    assert_int_equal(errno, EAGAIN);
    setenv("NOTIFY_SOCKET", name, 1);
    struct teller teller = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, tell_ready, &teller), 0);
    char thread_state;
    do {
        sched_yield();
        int number = atomic_load(&teller.thread);
        thread_state = number ? state_of_thread(number) : 'R';
    } while (thread_state != 'S' && thread_state != '\0');
    for (unsigned i = 0; i < before; i++) {
        assert_told(manager, "x");
    }
    assert_told(manager, "READY=1");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(teller.result, 1);
    unsetenv("NOTIFY_SOCKET");
    close(other);
    close(manager);
    assert_int_equal(unlink(name), 0);
}

/* ---- the program ---- */

struct start {
    const int *sockets;
    int count;
    const char *manager;
    const char *names;  /* NULL: none are told */
    const char *listen; /* of --listen */
    int errors;         /* where its standard error goes */
};

/* As systemd: the sockets from 3 on, and how many, for the process that it becomes. */
static pid_t start_program(const struct start *start)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    dup2(start->errors, STDERR_FILENO);
    for (int i = 0; i < start->count; i++) {
        dup2(start->sockets[i], 20 + i);
    }
    for (int i = 0; i < start->count; i++) {
        dup2(20 + i, 3 + i); /* without CLOEXEC */
        close(20 + i);
    }
    char text[20];
    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof text, "%d", start->count);
    setenv("LISTEN_FDS", text, 1);
    if (start->names) {
        setenv("LISTEN_FDNAMES", start->names, 1);
    }
    if (start->manager) {
        setenv("NOTIFY_SOCKET", start->manager, 1);
    }
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    execl(PORTHOLE_PROGRAM, "porthole", "serve", "--listen", start->listen, (char *)NULL);
    _exit(99);
}

static void test_program_when_started_by_sockets_then_it_serves_all_and_tells(void **state)
{
    (void)state;
    uint16_t ports[2];
    char manager_name[100];
    snprintf(manager_name, sizeof manager_name, "%s/manager", folder);
    int manager = make_manager(manager_name);
    int sockets[2] = {listen_any(&ports[0]), listen_any(&ports[1])};
    struct client early = client_open(ports[0]); /* before anybody is there */
    pid_t pid = start_program(&(struct start){.sockets = sockets,
                                              .count = 2,
                                              .manager = manager_name,
                                              .listen = "systemd",
                                              .errors = STDERR_FILENO});
    struct reply reply = client_ask(&early, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    client_close(&early);
    assert_told(manager, "READY=1");
    reply = client_get(ports[1], "/healthz", "");
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_told(manager, "STOPPING=1");
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(sockets[0]);
    close(sockets[1]);
    close(manager);
    unlink(manager_name);
}

static void test_program_when_a_name_is_wanted_then_only_the_sockets_of_it(void **state)
{
    (void)state;
    uint16_t ports[3];
    char texts[3][20];
    char manager_name[100];
    snprintf(manager_name, sizeof manager_name, "%s/manager", folder);
    int manager = make_manager(manager_name);
    int sockets[3];
    for (int i = 0; i < 3; i++) {
        sockets[i] = listen_any(&ports[i]);
        snprintf(texts[i], sizeof texts[i], "127.0.0.1:%u", ports[i]);
    }
    pid_t pid = start_program(&(struct start){.sockets = sockets,
                                              .count = 3,
                                              .manager = manager_name,
                                              .names = "web-admin:web",
                                              .listen = "systemd:web",
                                              .errors = STDERR_FILENO});
    assert_told(manager, "READY=1");
    struct reply reply = client_get(ports[1], "/api/v1/server", "");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, texts[1]));
    assert_null(strstr(reply.body, texts[0]));
    assert_null(strstr(reply.body, texts[2])); /* its name is not told */
    reply_done(&reply);
    assert_int_equal(kill(pid, SIGTERM), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < 3; i++) {
        close(sockets[i]);
    }
    close(manager);
    unlink(manager_name);
}

/* What a program says that does not start, which ends with status 2. */
static void assert_does_not_start(int socket, const char *names, const char *listen,
                                  const char *reason)
{
    int errors[2];
    char text[400];
    assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
    pid_t pid = start_program(&(struct start){
        .sockets = &socket, .count = 1, .names = names, .listen = listen, .errors = errors[1]});
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    ssize_t size = read(errors[0], text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    if (!strstr(text, reason)) {
        fail_msg("'%s' lacks '%s'", text, reason);
    }
    close(errors[0]);
    close(errors[1]);
}

/* That a socket was opened by somebody else is no permission to show the data to everybody. */
static void test_program_when_others_could_reach_a_passed_socket_then_refused(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_does_not_start(fd, NULL, "systemd", "can be reached from other machines");
    assert_does_not_start(fd, NULL, "fd:3", "can be reached from other machines");
    assert_does_not_start(fd, "web", "systemd:api", "no socket of this name was passed");
    close(fd);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test left something there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_when_a_descriptor_is_given_then_it_stays_the_programs),
        cmocka_unit_test(test_listen_when_the_descriptor_is_of_unix_then_its_path_stays),
        cmocka_unit_test(test_listen_when_the_descriptor_will_not_do_then_why),
        cmocka_unit_test(test_unix_socket_when_a_mode_is_wanted_then_whatever_the_umask),
        cmocka_unit_test(test_unix_socket_when_a_group_is_wanted_then_it_is_the_files),
        cmocka_unit_test(test_unix_socket_when_its_name_is_abstract_then_served_without_a_file),
        cmocka_unit_test(test_notify_when_the_managers_queue_is_full_then_it_waits),
        cmocka_unit_test(test_program_when_a_name_is_wanted_then_only_the_sockets_of_it),
        cmocka_unit_test(test_program_when_others_could_reach_a_passed_socket_then_refused),
        cmocka_unit_test(test_systemd_when_nothing_is_meant_for_us_then_none),
        cmocka_unit_test(test_notify_when_somebody_listens_then_told),
        cmocka_unit_test(test_program_when_started_by_sockets_then_it_serves_all_and_tells),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
