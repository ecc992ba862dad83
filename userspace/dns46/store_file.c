// SPDX-License-Identifier: GPL-2.0
/*
 * store_file.c: see store.h. A line is
 *   CHECKSUM L|Q ADDRESS TIME NAME TARGET,TARGET...      CHECKSUM F ADDRESS TIME .
 */
#include "store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINE_BYTES = WIRE_TEXT_MAX + STORE_TARGETS * INET6_ADDRSTRLEN + 80,
	COMPACT_MIN = 1 << 20,
	SUM = 9,		/* the checksum and its blank */
};

static const char header[] = "dns46 leases 1\n";
static const char kinds[] = "LQF";

enum { HEADER = sizeof(header) - 1 };

struct store {
	char *path;
	int fd;
	off_t size;		/* what is known to be whole */
	off_t live;		/* after the last compaction */
	bool no_compact, oom;
	char *buf;
	size_t len, room;
};

static uint32_t crc32(const char *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= (uint8_t)*p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* ---- lines ---------------------------------------------------------------- */

static size_t to_line(const struct store_rec *r, char *out)
{
	char addr[INET6_ADDRSTRLEN], name[WIRE_TEXT_MAX] = ".", *p = out + SUM;

	inet_ntop(AF_INET, &r->addr, addr, sizeof(addr));
	if (r->kind != STORE_FREE)
		wire_name_to_text(r->name, name);
	p += sprintf(p, "%c %s %" PRIu64 " %s ", kinds[r->kind], addr, r->time, name);
	for (unsigned int i = 0; i < r->n; i++) {
		inet_ntop(AF_INET6, &r->target[i], addr, sizeof(addr));
		p += sprintf(p, "%s%s", i ? "," : "", addr);
	}
	sprintf(out, "%08x", crc32(out + SUM, p - out - SUM));
	out[SUM - 1] = ' ';
	*p++ = '\n';
	return p - out;
}

static bool read_targets(struct store_rec *r, char *list)
{
	char *save, *word;

	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (r->n == STORE_TARGETS || inet_pton(AF_INET6, word, &r->target[r->n++]) != 1)
			return false;
	return true;
}

/* @line without its newline; it is taken apart. */
static bool from_line(struct store_rec *r, char *line, size_t len)
{
	char *save, *kind, *addr, *time, *name, *targets, *end;
	const char *k;

	memset(r, 0, sizeof(*r));
	if (len <= SUM || line[SUM - 1] != ' ' || memchr(line, 0, len) ||
	    strtoul(line, &end, 16) != crc32(line + SUM, len - SUM) || end != line + SUM - 1)
		return false;
	kind = strtok_r(line + SUM, " ", &save);
	addr = strtok_r(NULL, " ", &save);
	time = strtok_r(NULL, " ", &save);
	name = strtok_r(NULL, " ", &save);
	targets = strtok_r(NULL, " ", &save);
	k = name ? strchr(kinds, kind[0]) : NULL;
	if (!k || kind[1] || inet_pton(AF_INET, addr, &r->addr) != 1)
		return false;
	r->kind = k - kinds;
	r->time = strtoull(time, &end, 10);
	r->name_len = wire_name_from_text(name, r->name);
	return !*end && r->name_len && (!targets || read_targets(r, targets));
}

/* ---- the file ------------------------------------------------------------- */

static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return err;
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= n;
	}
	return 0;
}

static int check_header(struct store *st)
{
	char head[sizeof(header)] = "";
	ssize_t n = pread(st->fd, head, HEADER, 0);

	if (n < 0)
		return -errno;
	if (n == HEADER || memcmp(head, header, n))
		return memcmp(head, header, HEADER) ? -EBADMSG : 0;
	/* new, or a part of it: the power went while the file was made */
	if (ftruncate(st->fd, 0) || lseek(st->fd, 0, SEEK_SET) ||
	    write_all(st->fd, header, HEADER) || fsync(st->fd))
		return -errno;
	return sync_folder(st->path);
}

/*
 * We are root when we open it, and whoever owns the folder is not: a link of any kind
 * could lead to a file of somebody else's, which would then be written to and given away.
 */
static int check_file(int fd)
{
	struct stat sb;

	if (fstat(fd, &sb))
		return -errno;
	return S_ISREG(sb.st_mode) && sb.st_nlink == 1 ? 0 : -EMLINK;
}

static const char *why_not(int err)
{
	switch (err) {
	case -EBADMSG:
		return "not a file of leases";
	case -ELOOP:
	case -EMLINK:
		return "a link, or no regular file";
	default:
		return strerror(-err);
	}
}

struct store *store_open(const char *path, char *err, size_t size)
{
	struct store *st = calloc(1, sizeof(*st));
	int ret;

	if (!st)
		return NULL;
	st->path = strdup(path);
	st->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	ret = st->fd < 0 ? -errno : check_file(st->fd);
	if (ret)
		snprintf(err, size, "store %s: %s", path, why_not(ret));
	else if (flock(st->fd, LOCK_EX | LOCK_NB))
		snprintf(err, size, "store %s: another dns46 uses it", path);
	else if ((ret = check_header(st)))
		snprintf(err, size, "store %s: %s", path, why_not(ret));
	else
		return st;
	store_close(st);
	return NULL;
}

void store_close(struct store *st)
{
	if (!st)
		return;
	if (st->fd >= 0)
		close(st->fd);
	free(st->path);
	free(st->buf);
	free(st);
}

unsigned int store_load(struct store *st, store_fn fn, void *arg)
{
	unsigned int bad = 0;
	char *line = NULL;
	struct store_rec rec;
	size_t room = 0;
	ssize_t n;
	FILE *f;

	lseek(st->fd, HEADER, SEEK_SET);
	f = fdopen(dup(st->fd), "r");
	st->size = HEADER;
	while (f && (n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] != '\n') {
			bad++;	/* the tail that a power cut tore: never promised */
			break;
		}
		st->size += n;
		line[n - 1] = 0;
		if (from_line(&rec, line, n - 1))
			fn(&rec, arg);
		else
			bad++;
	}
	free(line);
	if (f)
		fclose(f);
	if (ftruncate(st->fd, st->size) || lseek(st->fd, st->size, SEEK_SET) < 0)
		bad++;
	st->live = st->size;
	return bad;
}

void store_put(struct store *st, const struct store_rec *rec)
{
	if (st->room - st->len < LINE_BYTES) {
		size_t room = st->room * 2 + LINE_BYTES;
		char *buf = realloc(st->buf, room);

		if (!buf) {
			st->oom = true;
			return;
		}
		st->buf = buf;
		st->room = room;
	}
	st->len += to_line(rec, st->buf + st->len);
}

int store_commit(struct store *st)
{
	int err = st->oom ? -ENOMEM : 0;

	if (!err && !st->len)
		return 0;
	if (!err)
		err = write_all(st->fd, st->buf, st->len);
	if (!err && fdatasync(st->fd))
		err = -errno;
	if (!err)
		st->size += st->len;
	else if (ftruncate(st->fd, st->size) || lseek(st->fd, st->size, SEEK_SET) < 0)
		err = -EIO;
	st->len = 0;
	st->oom = false;
	return err;
}

int store_fd(const struct store *st)
{
	return st->fd;
}

uint64_t store_bytes(const struct store *st)
{
	return st->size;
}

bool store_wants_compact(const struct store *st)
{
	return !st->no_compact && st->size > COMPACT_MIN && st->size > 4 * st->live;
}

void store_never_compact(struct store *st)
{
	st->no_compact = true;
}

int store_compact(struct store *st, void (*each)(struct store *st, void *arg), void *arg)
{
	char *path = NULL;
	int fd, err;

	if (asprintf(&path, "%s.new", st->path) < 0)
		return -ENOMEM;
	unlink(path);	/* of one that died in the midst of it, or a link that leads elsewhere */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
		err = -errno;
		goto out;
	}
	st->len = 0;
	each(st, arg);
	err = st->oom ? -ENOMEM : write_all(fd, header, HEADER);
	if (!err)
		err = write_all(fd, st->buf, st->len);
	if (!err && (fsync(fd) || rename(path, st->path)))
		err = -errno;
	if (!err) {
		close(st->fd);
		st->fd = fd;
		fd = -1;
		st->size = st->live = HEADER + st->len;
		err = sync_folder(st->path);
	}
	st->len = 0;
	st->oom = false;
out:
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	return err;
}
