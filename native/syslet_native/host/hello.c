// SPDX-License-Identifier: MIT
/* The first request: the library is loaded and started, and says who it is. */
#include <string.h>

#include "host.h"

#define IDENTITY_BYTES	2048	/* of what the engine says of itself */
#define WHY_BYTES	1024

#if __SIZEOF_LONG__ == 4
#define WORD_NAME "ilp32"
#else
#define WORD_NAME "lp64"
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ABI_NAME WORD_NAME "-le"
#else
#define ABI_NAME WORD_NAME "-be"
#endif

static bool runs;

bool engine_runs(void)
{
	return runs;
}

/* False, answered, where it cannot be. */
static bool start_engine(uint64_t tag)
{
	char why[WHY_BYTES];
	int error;

	if (runs)
		return true;
	if (!load_engine(library_path, why, sizeof(why))) {
		answer(tag, "error %s", why);
		return false;
	}
	error = engine.start ? engine.start(NULL) : 0;
	if (error)
		answer_errno(tag, "syslet_start", error);
	runs = !error;
	return runs;
}

/* NAME VERSION key=value... of the library, with the ABI of this program. */
static void introduce(uint64_t tag)
{
	char identity[IDENTITY_BYTES] = "";
	char *rest = identity;
	const char *name, *version;

	engine.describe(identity, sizeof(identity));
	identity[sizeof(identity) - 1] = '\0';
	name = strsep(&rest, " ");
	version = strsep(&rest, " ");
	answer(tag, "ok %d %s %s " ABI_NAME "%s%s", PROTOCOL_VERSION, name,
	       version ? version : "", rest ? " " : "", rest ? rest : "");
}

void say_hello(uint64_t tag, unsigned long version, const char *abi)
{
	if (version != PROTOCOL_VERSION)
		answer(tag, "error protocol version %lu: %d is spoken",
		       version, PROTOCOL_VERSION);
	else if (strcmp(abi, "any") && strcmp(abi, ABI_NAME))
		answer(tag, "error ABI %s: " ABI_NAME " is spoken", abi);
	else if (start_engine(tag))
		introduce(tag);
}
