# SPDX-License-Identifier: GPL-2.0
# nf_nat46: see `make help`.

ifneq ($(KERNELRELEASE),)
# kbuild reads Kbuild in this folder
else

KDIR	?= /lib/modules/$(shell uname -r)/build
O	?= $(CURDIR)/build
PREFIX	?= /usr
VERSION	:= $(shell sed -n 's/^.define NAT46_VERSION "\(.*\)"/\1/p' module/nf_nat46.h)

.DEFAULT_GOAL := all

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14
	@echo
	@echo 'KDIR=DIR   kernel build tree for the module ($(KDIR))'
	@echo 'O=DIR      where programs are built ($(O))'
	@echo 'PREFIX= DESTDIR=  as usual, for install'

deps: ## install what building and testing needs (Debian, root)
	selftests/deps.sh build userspace guest uml lint install metrics

all: module userspace ## the module and the programs

module: ## nf_nat46.ko and xt_NAT46.ko for KDIR
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

userspace: ## nat46 and dns46, in $(O)/bin; the iptables extension
	$(MAKE) -C userspace O=$(O)

install: ## programs, man pages, units (the module: make dkms)
	$(MAKE) -C userspace O=$(O) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install
	$(MAKE) -C deploy PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install

uninstall: ## what install put there
	$(MAKE) -C userspace O=$(O) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) uninstall
	$(MAKE) -C deploy PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) uninstall

dkms: ## add, build and install the module by DKMS
	DESTDIR=$(DESTDIR) deploy/dkms-install $(VERSION)

demo: ## the main job, shown in a guest (installs what it needs)
	@selftests/demo/run

check: ## all tests (installs what they need)
	@selftests/check

check-all: check ## the same, and what takes an hour: a million steps of the model
	selftests/vm/run --time-travel --timeout 14400 --mem 1024 -- \
		'STEPS=1000000 exec bash $$NAT46_SRC/selftests/rules.sh'
	selftests/vm/run --kind uml --timeout 3600 --mem 1024 -- 'N=1000000 exec bash $$NAT46_SRC/selftests/differ.sh'
	selftests/vm/run --kind uml --timeout 1800 --mem 3072 -- 'N=100000 exec bash $$NAT46_SRC/selftests/ports.sh'
	for s in path prefix neigh tool rules; do selftests/vm/run --debug --timeout 1800 --mem 2048 -- \
		"N=2000 exec bash \$$NAT46_SRC/selftests/$$s.sh" || exit; done
	selftests/vm/run --timeout 1800 --mem 2048 -- 'exec bash $$NAT46_SRC/selftests/tool.sh'
	selftests/vm/run --timeout 1800 --mem 2048 -- 'N=10000 exec python3 $$NAT46_SRC/selftests/netlink.py'
	TESTMOD=1 selftests/vm/run --debug --timeout 3600 --mem 1536 -- \
		'exec bash $$NAT46_SRC/selftests/packets/run.sh'
	selftests/vm/run --timeout 3600 --mem 1536 -- 'exec bash $$NAT46_SRC/selftests/packets/run.sh default'
	selftests/vm/run --timeout 3600 --mem 2048 -- 'ROUNDS=50 exec bash $$NAT46_SRC/selftests/lifecycle.sh'
	selftests/vm/run --debug --timeout 3600 --mem 3072 -- 'ROUNDS=50 exec bash $$NAT46_SRC/selftests/lifecycle.sh'
	selftests/vm/run --kind uml --timeout 1800 --mem 1536 -- 'exec bash $$NAT46_SRC/selftests/firewall.sh'
	selftests/vm/run --kind uml --timeout 1800 --mem 1536 -- 'GUESTS=1000 exec bash $$NAT46_SRC/selftests/gateway.sh'
	N=100000 NREAL=20000 selftests/dns-peers.sh
	selftests/nic/run 'exec bash $$NAT46_SRC/selftests/packets/run.sh -m nic-virtio nic-e1000e'
	N=1000 CUTS=200 selftests/dns46-crash.sh
	selftests/vm/test-runner.sh
	RESTARTS=50 selftests/dns.sh
	selftests/vm/run --debug --timeout 3600 --mem 3072 -- \
		'N=1000 CHURN=1000 exec bash $$NAT46_SRC/selftests/tenants.sh'

lint: ## checkpatch, sparse, shellcheck
	@selftests/lint/run

bench: ## all variants against plain forwarding (ARGS=--quick: five minutes, --profile: by function)
	@selftests/bench/run $(ARGS)

fuzz: ## libFuzzer on every parser of the relay, SECONDS_EACH=60
	@selftests/deps.sh build userspace fuzz
	@SECONDS_EACH=$(or $(SECONDS_EACH),60) selftests/fuzz/run

mutants: ## faults put into the module one by one: which test notices (hours; resumable)
	selftests/mutants pure
	selftests/mutants guest
	selftests/mutants report >docs/mutants.md

clean: ## what was built here
	rm -rf $(O)
	[ ! -d $(KDIR) ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: help deps all module userspace install uninstall dkms demo check check-all lint bench fuzz mutants clean
endif
