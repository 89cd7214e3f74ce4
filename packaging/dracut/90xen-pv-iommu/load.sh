#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Where there is no PV-IOMMU the driver does not stay, and nothing is different.
modprobe -qb xen_pv_iommu || :
