// SPDX-License-Identifier: GPL-2.0
/*
 * store.c: the file of leases. If the first byte is odd, each line gets its
 * right checksum first, which no fuzzer would find. What was read and is written
 * again reads the same.
 */
#include "dns46/store.h"
#include "fuzz.h"

enum { MAX = 512 };

static struct store_rec seen[2][MAX];
static unsigned int n[2];

static void note(const struct store_rec *rec, void *arg)
{
	int pass = *(int *)arg;

	must(rec->n <= STORE_TARGETS && rec->name_len <= WIRE_NAME_MAX);
	if (n[pass] < MAX)
		seen[pass][n[pass]++] = *rec;
}

static void put_all(struct store *st, void *arg)
{
	for (unsigned int i = 0; i < n[0]; i++)
		store_put(st, &seen[0][i]);
}

static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* "dns46 leases 1", and CHECKSUM before each line */
static size_t with_sums(const uint8_t *data, size_t size, uint8_t *out)
{
	size_t len = sprintf((char *)out, "dns46 leases 1\n");

	while (size) {
		const uint8_t *nl = memchr(data, '\n', size);
		size_t line = nl ? (size_t)(nl - data) : size;

		len += sprintf((char *)out + len, "%08x ", crc32(data, line));
		memcpy(out + len, data, line);
		len += line;
		if (nl)
			out[len++] = '\n';
		line += !!nl;
		data += line;
		size -= line;
	}
	return len;
}

static bool same(const struct store_rec *a, const struct store_rec *b)
{
	return a->kind == b->kind && a->addr == b->addr && a->time == b->time && a->n == b->n &&
	       (a->kind == STORE_FREE ||
		(a->name_len == b->name_len && !memcmp(a->name, b->name, a->name_len))) &&
	       !memcmp(a->target, b->target, a->n * sizeof(a->target[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[1 << 17];
	char err[256] = "";
	struct store *st;
	const char *path;
	int pass = 0;

	if (!size || size > 8192)
		return 0;
	path = data[0] & 1 ? fuzz_file(file, with_sums(data + 1, size - 1, file)) :
			     fuzz_file(data + 1, size - 1);
	st = store_open(path, err, sizeof(err));
	if (!st) {
		must(err[0]);
		return 0;
	}
	n[0] = n[1] = 0;
	store_load(st, note, &pass);
	must(!store_compact(st, put_all, NULL));
	store_close(st);
	st = store_open(path, err, sizeof(err));
	must(st);
	pass = 1;
	must(!store_load(st, note, &pass));
	store_close(st);
	must(n[0] == n[1]);
	for (unsigned int i = 0; i < n[0]; i++)
		must(same(&seen[0][i], &seen[1][i]));
	return 0;
}
