/* SPDX-License-Identifier: MIT
 *
 * The umbrella: everything of libporthole that does not need the status API.
 */
#ifndef PORTHOLE_PORTHOLE_H
#define PORTHOLE_PORTHOLE_H

#include <porthole/access_log.h>
#include <porthole/error.h>
#include <porthole/files.h>
#include <porthole/form.h>
#include <porthole/guard.h>
#include <porthole/http.h>
#include <porthole/json.h>
#include <porthole/server.h>
#include <porthole/stream.h>
#include <porthole/systemd.h>

#endif
