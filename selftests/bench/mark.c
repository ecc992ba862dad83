// SPDX-License-Identifier: GPL-2.0
/* mark N: a no-op that count.c, the plugin, knows; from here on counts are N's. */
#include <stdlib.h>

#define MARK(n) case n: __asm__ volatile(".byte 0x0f,0x1f,0x80,0x46,0x46,0x46," #n); return 0

int main(int argc, char **argv)
{
	switch (argc > 1 ? atoi(argv[1]) : -1) {
	MARK(0); MARK(1); MARK(2); MARK(3); MARK(4); MARK(5); MARK(6);
	MARK(7); MARK(8); MARK(9); MARK(10); MARK(11); MARK(12); MARK(13);
	MARK(14); MARK(15); MARK(16); MARK(17); MARK(18); MARK(19); MARK(20);
	}
	return 1;
}
