#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""uml-patch.py SRC: makes a 6.x kernel source fit for our user-mode guests.

- The host's floating point state is taken at its real size: where a processor
  has more of it (AMX), kernels before 6.13 fail at the first context switch.
- DEBUG_ATOMIC_SLEEP may be chosen although UML knows no preemption.
"""
import sys
from pathlib import Path

src = Path(sys.argv[1])


def edit(name, *changes):
    path = src / name
    text = path.read_text()
    for old, new in changes:
        if new in text:
            continue
        if old not in text:
            sys.exit(f"uml-patch: {name}: not found: {old!r}")
        text = text.replace(old, new)
    path.write_text(text)


regs = src / "arch/x86/um/os-Linux/registers.c"
if "FP_SIZE * sizeof(unsigned long)" in regs.read_text():
    edit("arch/x86/um/os-Linux/registers.c",
         ("int have_xstate_support;\n",
          "int have_xstate_support;\nstatic unsigned long xstate_len;\n"),
         ("\t\tiov.iov_base = fp_regs;\n\t\tiov.iov_len = FP_SIZE * sizeof(unsigned long);",
          "\t\tiov.iov_base = fp_regs;\n\t\tiov.iov_len = xstate_len;"),
         ("NT_X86_XSTATE, &iov) == 0)\n\t\thave_xstate_support = 1;",
          "NT_X86_XSTATE, &iov) == 0) {\n\t\thave_xstate_support = 1;\n"
          "\t\txstate_len = iov.iov_len;\n\t}"))
    edit("arch/x86/um/user-offsets.c",
         ("DEFINE_LONGS(HOST_FP_SIZE, 2696);", "DEFINE_LONGS(HOST_FP_SIZE, 16384);"))
edit("lib/Kconfig.debug",
     ("depends on !ARCH_NO_PREEMPT\n", "depends on !ARCH_NO_PREEMPT || UML\n"))
