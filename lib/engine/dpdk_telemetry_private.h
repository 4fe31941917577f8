/* SPDX-License-Identifier: BSD-3-Clause */
/* A JSON object in the form of DPDK's telemetry. */
#pragma once

#include <rte_telemetry.h>

/* 0, or -1: it is no JSON object. */
int dpdk_telemetry_fill(struct rte_tel_data *data, const char *json);
