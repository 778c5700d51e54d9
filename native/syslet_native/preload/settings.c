// SPDX-License-Identifier: MIT
/* The environment: which numbers are ours, and what exec returns. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "syslet.h"

#define SHOWN 40	/* characters of a bad value */

static const char *const variables[OWN_CALLS] = {
	[OWN_EXEC] = "SYSLET_NR_EXEC",
	[OWN_WAIT] = "SYSLET_NR_WAIT",
	[OWN_UMEM_ADD] = "SYSLET_NR_UMEM_ADD",
	[OWN_THREAD] = "SYSLET_NR_THREAD",
};

/* Said of the first bad variable; the process goes on. */
static void complain(struct settings *settings, const char *variable,
		     const char *value, const char *wanted)
{
	char shown[SHOWN + 1];
	size_t i;

	if (settings->broken)
		return;
	settings->broken = true;
	for (i = 0; i < SHOWN && value[i]; i++)
		shown[i] = value[i] >= ' ' && value[i] <= '~' ? value[i] : '?';
	shown[i] = '\0';
	dprintf(2, "syslet-preload: %s='%s': wanted %s\n", variable, shown,
		wanted);
}

/* A number of the call, or NO_NUMBER: decimal, or hexadecimal after 0x. */
static long number_of(const char *text)
{
	const bool hexadecimal = text[0] == '0' && text[1] == 'x';
	const char *digits = hexadecimal ? text + 2 : text;
	const char *allowed = hexadecimal ? "0123456789abcdefABCDEF"
					  : "0123456789";
	unsigned long number;

	if (!*digits || digits[strspn(digits, allowed)])
		return NO_NUMBER;
	errno = 0;
	number = strtoul(digits, NULL, hexadecimal ? 16 : 10);
	if (errno || !number || number > (unsigned long)GREATEST_NUMBER)
		return NO_NUMBER;
	return (long)number;
}

/* Whether any call of ours was asked for. */
static bool is_on(struct settings *settings)
{
	const char *wish = getenv("SYSLET_PRELOAD");

	if (wish && strcmp(wish, "0") && strcmp(wish, "1"))
		complain(settings, "SYSLET_PRELOAD", wish, "0 or 1");
	if (wish)
		return strcmp(wish, "0") != 0;
	for (int i = 0; i < OWN_CALLS; i++)
		if (getenv(variables[i]))
			return true;
	return false;
}

static void read_numbers(struct settings *settings)
{
	long *numbers = settings->numbers;
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "a number from 1 to %ld",
		 GREATEST_NUMBER);
	for (int i = 0; i < OWN_CALLS; i++) {
		const char *value = getenv(variables[i]);
		const long number = value ? number_of(value) : NO_NUMBER;

		if (value && number == NO_NUMBER)
			complain(settings, variables[i], value, wanted);
		if (number != NO_NUMBER)
			numbers[i] = number;
		else
			numbers[i] = i ? numbers[OWN_EXEC] + i
				       : HISTORICAL_EXEC;
	}
}

/* No number stands for two calls. */
static void check_apart(struct settings *settings)
{
	for (int i = 1; i < OWN_CALLS; i++) {
		for (int j = 0; j < i; j++) {
			const char *named = getenv(variables[i])
						    ? variables[i]
						    : variables[j];
			char value[24], wanted[64];

			if (settings->numbers[i] != settings->numbers[j])
				continue;
			snprintf(value, sizeof(value), "%ld",
				 settings->numbers[i]);
			snprintf(wanted, sizeof(wanted),
				 "another number than %s has",
				 named == variables[i] ? variables[j]
						       : variables[i]);
			complain(settings, named, value, wanted);
		}
	}
}

static void read_cached_return(struct settings *settings)
{
	const char *value = getenv("SYSLET_CACHED_RETURN");

	if (!value)
		return;
	settings->return_final = !strcmp(value, "final");
	if (!settings->return_final && strcmp(value, "first"))
		complain(settings, "SYSLET_CACHED_RETURN", value,
			 "first or final");
}

void settings_read(struct settings *settings)
{
	if (!is_on(settings))
		return;
	read_numbers(settings);
	check_apart(settings);
	read_cached_return(settings);
}
