// SPDX-License-Identifier: MIT
/* The words of a line: numbers, and bytes as hex digits. */
#include <string.h>

#include "host.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decimal, or hex after 0x; false where it is none or above `most`. */
bool read_number(const char *text, uint64_t most, uint64_t *number)
{
	uint64_t value = 0;
	unsigned int base = 10;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!*text)
		return false;
	for (; *text; text++) {
		const int digit = digit_of(*text);

		if (digit < 0 || digit >= (int)base)
			return false;
		if (value > (most - (uint64_t)digit) / base)
			return false;
		value = value * base + (uint64_t)digit;
	}
	*number = value;
	return true;
}

/* Pairs of hex digits, or "-" for none: their count, or -1. */
long read_bytes(const char *text, unsigned char *data, size_t most)
{
	const size_t length = strlen(text);

	if (!strcmp(text, "-"))
		return 0;
	if (length % 2 || length / 2 > most)
		return -1;
	for (size_t i = 0; i < length; i += 2) {
		const int high = digit_of(text[i]);
		const int low = digit_of(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		data[i / 2] = (unsigned char)(high << 4 | low);
	}
	return (long)(length / 2);
}

/* Two digits a byte, "-" for none, and the end of the string. */
void write_bytes(char *text, const unsigned char *data, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	if (!count)
		*text++ = '-';
	for (size_t i = 0; i < count; i++) {
		*text++ = digits[data[i] >> 4];
		*text++ = digits[data[i] & 15];
	}
	*text = '\0';
}
