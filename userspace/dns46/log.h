/* SPDX-License-Identifier: GPL-2.0 */
/* log.h: one line an event, to standard error (which journald takes). */
#ifndef DNS46_LOG_H
#define DNS46_LOG_H

enum log_level { LOG_ERROR, LOG_NOTICE, LOG_DBG };

extern enum log_level log_level;

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_info(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DBG, __VA_ARGS__)

#endif
