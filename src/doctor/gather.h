/* SPDX-License-Identifier: MIT
 *
 * What the rules judge by, read from the system.
 */
#ifndef PORTHOLE_DOCTOR_GATHER_H
#define PORTHOLE_DOCTOR_GATHER_H

#include "doctor/rules.h"

/* Reads the settings of the kernel from an open folder /proc (-1: all are unknown). */
void ph__gather_settings(int proc, struct ph__settings *ret_settings);

/* Asks what became of the paths of unix listeners. The array is for free(). 0 or -ENOMEM. */
int ph__gather_paths(const struct ph_snapshot *snapshot, struct ph__unix_path **ret_paths,
                     size_t *ret_count);

#endif
