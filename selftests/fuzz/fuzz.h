/* SPDX-License-Identifier: GPL-2.0 */
/* fuzz.h: what libFuzzer's targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold of every input; unlike assert() it is always there. */
#define must(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

/* A file in memory with these bytes, of this process alone. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/nat46-fuzz-%d", getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	return path;
}

#endif
