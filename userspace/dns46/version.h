/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DNS46_VERSION_H
#define DNS46_VERSION_H

#define DNS46_VERSION "0.1.0"

#endif
