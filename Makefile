# SPDX-License-Identifier: GPL-2.0
#
# The commands of this tree. All run as root on Debian 12 or 13 and print what they
# do; `make help` lists them.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

help: ## print this list
	@echo 'xen-pv-iommu: IOMMU contexts for Xen dom0. Run as root:'
	@echo
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 27
	@echo
	@echo '  MIRROR=URI  Debian mirror, default: the one in the apt configuration'
	@echo '  XPI_CACHE=DIR  cache of downloads and builds, default: ~/.cache/xen-pv-iommu'
	@echo '  RESUME=1  check-xen, check-linux skip parts that passed on this commit'
	@echo '  XEN_DEBUG=1  make demo uses the DEBUG build of Xen'
	@echo '  V=1  make demo shows each blocked access in the words of Xen'

demo: ## show dom0 without PV-IOMMU, then with it: VFIO, DPDK, blocked DMA
	@testbed/demo $(if $(V),-v)

RESUMED = $(if $(RESUME),--resume)

check: ## run all quick tests; the last line counts them
	@testbed/check

check-host: ## test the pure logic in user space
	@testbed/check host

check-micro: ## test the hypercall from a tiny dom0, PV and PVH
	@testbed/check 'micro.*'

check-dom0: ## test the driver in Debian's kernels as dom0
	@testbed/check 'dom0.*'

check-style: ## run checkpatch, sparse, Xen style, figures, plain English
	@testbed/check style

check-xen: ## run all tests of the hypervisor half; takes hours
	@testbed/check --xen $(RESUMED)

check-linux: ## run all tests of the driver, also on kernels it builds; takes hours
	@testbed/check --linux $(RESUMED)

DURATION ?= 600
SEED ?= 1
fuzz-xen: ## feed Xen's files random calls: DURATION=SECONDS SEED=NUMBER
	@testbed/in-root --chdir "$(CURDIR)" -- tests/fuzz/run $(DURATION) $(SEED)

fuzz-linux: ## feed the driver's pure parts random requests; same parameters
	@testbed/in-root --chdir "$(CURDIR)" -- tests/fuzz/run linux $(DURATION) $(SEED)

mutants: ## insert defects on purpose; a named test must detect each
	@tests/mutants/run
	@tests/mutants/run --linux

bench: ## count instructions of maps and unmaps; writes Documentation/performance.rst
	@tests/bench/run

xen-series: ## write the patches for Debian's Xen 4.20 to build/xen-series
	@xen/series

check-series: ## build Xen at every commit and in all configurations (long, resumable)
	@xen/series --check

linux-series: ## write the driver as patches for the newest kernel to build/linux-series
	@linux/series

check-linux-series: ## build Linux at every commit, sparse, coccicheck (long, resumable)
	@linux/series --check

module: ## build the Linux module for Debian's kernels
	@testbed/kernels | while read -r name rest; do testbed/kmod $$name || exit 1; done

VERSION = $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' packaging/dkms/dkms.conf)
SRC = $(DESTDIR)/usr/src/xen-pv-iommu-$(VERSION)
INITRAMFS = $(DESTDIR)/usr/share/initramfs-tools
DRACUT = $(DESTDIR)/usr/lib/dracut/modules.d/90xen-pv-iommu
EXAMPLES = $(DESTDIR)/usr/share/doc/xen-pv-iommu/examples

install: ## put sources for dkms, softdeps and initramfs hooks into DESTDIR
	@install -d '$(SRC)' '$(INITRAMFS)/hooks' '$(INITRAMFS)/scripts/init-top'
	@cp -R --no-preserve=ownership Kbuild Kconfig include drivers packaging/dkms/dkms.conf '$(SRC)/'
	@rm -rf '$(SRC)/drivers/iommu/xen/tests'
	@install -D -m 644 -t '$(DESTDIR)/etc/modprobe.d' packaging/modprobe.d/xen-pv-iommu.conf
	@install -D -m 644 -t '$(EXAMPLES)' packaging/modprobe.d/xen-pv-iommu-vfio.conf
	@install -m 755 -t '$(INITRAMFS)/hooks' packaging/initramfs-tools/hooks/xen-pv-iommu
	@install -m 755 -t '$(INITRAMFS)/scripts/init-top' packaging/initramfs-tools/scripts/init-top/*
	@install -D -m 755 -t '$(DRACUT)' packaging/dracut/90xen-pv-iommu/*
	@echo 'Installed. As root: dkms install xen-pv-iommu/$(VERSION) && update-initramfs -u'

clean: ## remove build/ (the cache stays)
	@rm -rf build

DAYS ?= 30
prune: ## remove from the cache what no run used for DAYS=30
	@testbed/prune $(DAYS)

.PHONY: help demo check check-host check-micro check-dom0 check-style check-xen \
	check-linux fuzz-xen fuzz-linux mutants bench xen-series check-series linux-series check-linux-series \
	module install clean prune
