// SPDX-License-Identifier: MIT
/* The engine: a shared library that exports the calls of syslet.h. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "host.h"

struct engine engine;

/* What a library must export, and what it may, with where it is put. */
static const struct {
	const char *name;
	bool is_wanted;
	void *into;
} symbols[] = {
	{ "sys_async_exec", true, &engine.exec },
	{ "sys_async_wait", true, &engine.wait },
	{ "syslet_number", true, &engine.number },
	{ "syslet_describe", true, &engine.describe },
	{ "syslet_start", false, &engine.start },
	{ "syslet_shutdown", false, &engine.shutdown },
};

/* One line: what the loader says may have more. */
static void say_why(char *why, size_t size, const char *said)
{
	snprintf(why, size, "%s", said ? said : "it cannot be loaded");
	why[strcspn(why, "\n")] = '\0';
}

static bool has_our_version(void *library, char *why, size_t size)
{
	const unsigned int *version = dlsym(library, "syslet_abi_version");

	if (!version)
		snprintf(why, size, "it exports no syslet_abi_version");
	else if (*version != SYSLET_ABI_VERSION)
		snprintf(why, size, "its syslet_abi_version is %u, wanted %d",
			 *version, SYSLET_ABI_VERSION);
	else
		return true;
	return false;
}

bool load_engine(const char *path, char *why, size_t size)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	size_t said = 0;

	if (!library) {
		say_why(why, size, dlerror());
		return false;
	}
	if (!has_our_version(library, why, size))
		return false;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *found = dlsym(library, symbols[i].name);

		memcpy(symbols[i].into, &found, sizeof(found));
		if (found || !symbols[i].is_wanted || said >= size)
			continue;
		said += (size_t)snprintf(why + said, size - said, "%s%s",
					 said ? ", " : "it exports no ",
					 symbols[i].name);
	}
	return !said;
}
