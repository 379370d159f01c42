/* SPDX-License-Identifier: MIT
 *
 * A server with the status API in the test's own process, on a free port, and what it says as JSON.
 * One at a time; whatever goes wrong fails the test.
 */
#ifndef PORTHOLE_TESTS_STATUS_SERVER_H
#define PORTHOLE_TESTS_STATUS_SERVER_H

#include <porthole/status.h>

#include <cjson/cJSON.h>

extern struct ph_server *server;
extern uint16_t port;

void start_server(const struct ph_config *config, const struct ph_status_config *status);

/* Set up and tear down: a server with nothing special. */
int start_default(void **state);
int stop_server(void **state);

/* GETs a target that answers JSON with a status. The caller deletes the document. */
cJSON *get_json(const char *target, int status);

/* GETs a target that answers with a problem, whose detail has a word in it. */
void assert_problem_at(const char *target, int status, const char *word);

/* A member of an object, which must be there and of that type. */
const cJSON *field(const cJSON *object, const char *name);
double number(const cJSON *object, const char *name);
const char *text(const cJSON *object, const char *name);
void assert_null_field(const cJSON *object, const char *name);

#endif
