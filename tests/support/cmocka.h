/* SPDX-License-Identifier: MIT
 *
 * cmocka with the headers it wants before it.
 */
#ifndef PORTHOLE_TESTS_CMOCKA_H
#define PORTHOLE_TESTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
