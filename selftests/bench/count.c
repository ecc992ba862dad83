// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin: how often each block of the guest's kernel runs, apart by the
 * marks that a program in the guest sets (mark.c). Writes lines "MARK ADDRESS
 * INSTRUCTIONS TIMES". Debian has no header for plugins: what is used of qemu's
 * interface (version 1) is declared here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *arg), int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *arg), int flags, void *arg);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*cb)(qemu_plugin_id_t id, void *arg), void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

int qemu_plugin_version = 1;

struct block {
	struct block *next;
	uint64_t at, times;
	uint32_t insns;
};

#define BITS 16
static struct block *table[1 << BITS];
static FILE *out;
static unsigned int now;	/* the mark; 0: nothing is counted */

static void ran(unsigned int cpu, void *arg)
{
	(void)cpu;
	((struct block *)arg)->times++;
}

static void flush(void)
{
	struct block *b;
	int i;

	for (i = 0; i < 1 << BITS; i++) {
		for (b = table[i]; b; b = b->next) {
			if (b->times && now)
				fprintf(out, "%u %llx %u %llu\n", now, (unsigned long long)b->at,
					b->insns, (unsigned long long)b->times);
			b->times = 0;
		}
	}
	fflush(out);
}

static void marked(unsigned int cpu, void *arg)
{
	(void)cpu;
	flush();
	now = (uintptr_t)arg;
}

static struct block *block(uint64_t at, uint32_t insns)
{
	struct block **head = &table[at * 0x9e3779b97f4a7c15ull >> (64 - BITS)], *b;

	for (b = *head; b; b = b->next)
		if (b->at == at && b->insns == insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->at = at;
	b->insns = insns;
	b->next = *head;
	*head = b;
	return b;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const uint64_t at = qemu_plugin_tb_vaddr(tb);
	const size_t n = qemu_plugin_tb_n_insns(tb);
	size_t i;

	(void)id;
	if (at >> 63) {
		qemu_plugin_register_vcpu_tb_exec_cb(tb, ran, CB_NO_REGS, block(at, n));
		return;
	}
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *d = qemu_plugin_insn_data(in);

		if (qemu_plugin_insn_size(in) == 7 && !memcmp(d, "\x0f\x1f\x80\x46\x46\x46", 6))
			qemu_plugin_register_vcpu_insn_exec_cb(in, marked, CB_NO_REGS,
							       (void *)(uintptr_t)d[6]);
	}
}

static void end(qemu_plugin_id_t id, void *arg)
{
	(void)id;
	(void)arg;
	flush();
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, end, NULL);
	return 0;
}
