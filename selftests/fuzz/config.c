// SPDX-License-Identifier: GPL-2.0
/* config.c: dns46.conf(5). What is refused is told with file and line. */
#include "dns46/config.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct config_error err = { "" };
	struct config *c = config_new();

	must(c);
	if (!config_read(c, path, &err))
		must(!strncmp(err.text, path, strlen(path)) && err.text[strlen(path)] == ':');
	else if (!config_finish(c, &err))
		must(err.text[0]);
	else
		must(c->listen.n && c->upstream.n && c->rules.pools.n);
	config_free(c);
	return 0;
}
