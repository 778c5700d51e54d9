// SPDX-License-Identifier: MIT
/* Who this engine is, and by which means it notices what blocks here. */
#include <stdio.h>
#include <string.h>

#include "syslet.h"

#ifndef SYSLET_VERSION
#define SYSLET_VERSION "0"
#endif

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x
#if defined(__clang__)
#define COMPILER "clang-" TEXT(__clang_major__) "." TEXT(__clang_minor__)
#elif defined(__GNUC__)
#define COMPILER "gcc-" TEXT(__GNUC__) "." TEXT(__GNUC_MINOR__)
#else
#define COMPILER "unknown"
#endif

static const struct {
	unsigned int bit;
	const char *name;
} means[] = {
	{ SYSLET_MEANS_NOWAIT, "nowait" },
	{ SYSLET_MEANS_URING, "io_uring" },
	{ SYSLET_MEANS_PERF, "perf" },
	{ SYSLET_MEANS_AIO, "aio" },
};

size_t syslet_describe(char *text, size_t size)
{
	struct syslet_statistics now;
	char used[64] = "";

	syslet_statistics(&now, sizeof(now));
	for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
		if (!(now.means & means[i].bit))
			continue;
		if (used[0])
			strcat(used, ",");
		strcat(used, means[i].name);
	}
	return (size_t)snprintf(text, size,
				"native " SYSLET_VERSION " build=" COMPILER
				" means=%s",
				used[0] ? used : "workers");
}
