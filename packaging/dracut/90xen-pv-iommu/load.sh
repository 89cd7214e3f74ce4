#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Without a PV-IOMMU the driver does not load, and nothing changes.
modprobe -qb xen_pv_iommu || :
