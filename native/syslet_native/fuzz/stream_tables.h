/* SPDX-License-Identifier: MIT */
/* Written by syslet_conformance.fuzz.c_tables. */
#ifndef STREAM_TABLES_H
#define STREAM_TABLES_H

#define STREAM_ATOMS 8
#define STREAM_ARGUMENTS 6
#define STREAM_NUMBER_WORDS 6
#define STREAM_POINTER_WORDS 4
#define STREAM_PIPES 2
#define STREAM_ENDS 4
#define STREAM_HEADS 2
#define STREAM_SLOTS 4
#define STREAM_PLACES 92
#define STREAM_NUMBERS 16
#define STREAM_CALLS 8
#define STREAM_WAITS 7
#define STREAM_KINDS 10
#define STREAM_STEPS 24
#define STREAM_CODE_FIRST 24
#define STREAM_CODE_PLACES 15
#define STREAM_ENDS_FIRST 11
#define STREAM_HEADER_BYTES 14
#define STREAM_ATOM_BYTES 14
#define STREAM_STEP_BYTES 4
#define STREAM_MOST_BYTES 222
#define STREAM_FILL_BYTES 65536
#define STREAM_DRAIN_BYTES 8192
#define STREAM_ARENA_BYTES 8192
#define STREAM_ERRORS 4095
#define STREAM_REPORTS 24
#define STREAM_FLAGS_AT_LARGE 0xc0def500UL
#define STREAM_UNKNOWN_NR 0x70000001UL

enum step_kind {
	STEP_EXEC,
	STEP_WAIT,
	STEP_CONSUME,
	STEP_FEED,
	STEP_DRAIN,
	STEP_CLOSE,
	STEP_STORE,
	STEP_POKE,
	STEP_FILL,
	STEP_EMPTY,
};

static const unsigned short stream_limits[STREAM_KINDS][3] = {
	[0] = { 92, 3, 1 },
	[1] = { 7, 2, 3 },
	[2] = { 3, 2, 1 },
	[3] = { 2, 16, 1 },
	[4] = { 2, 16, 1 },
	[5] = { 4, 1, 1 },
	[6] = { 92, 16, 1 },
	[7] = { 92, 128, 256 },
	[8] = { 2, 1, 1 },
	[9] = { 2, 1, 1 },
};

static const unsigned char stream_waits[STREAM_WAITS] = {
	1,
	0,
	2,
	3,
	4,
	5,
	99,
};
static const char *const stream_calls[STREAM_CALLS] = {
	"umem_add",
	"getpid",
	"read",
	"write",
	"lseek",
	"unknown",
	"async_exec",
	"async_wait",
};

/* The end that is closed last: [whether the pipe may be full][pipe]. */
static const unsigned char stream_closes[2][STREAM_PIPES] = {
	{ 1, 3 },
	{ 0, 2 },
};

struct stream_place {
	unsigned char is_relative; /* to where the arena is */
	unsigned long at;
};

#if __SIZEOF_LONG__ == 4
static const struct stream_place stream_places[STREAM_PLACES] = {
	{ 0, 0x0UL },
	{ 1, 0x0UL },
	{ 1, 0x4UL },
	{ 1, 0x8UL },
	{ 1, 0xcUL },
	{ 1, 0x10UL },
	{ 1, 0x14UL },
	{ 1, 0x18UL },
	{ 1, 0x1cUL },
	{ 1, 0x20UL },
	{ 1, 0x24UL },
	{ 1, 0x28UL },
	{ 1, 0x2cUL },
	{ 1, 0x30UL },
	{ 1, 0x34UL },
	{ 1, 0x38UL },
	{ 1, 0x9cUL },
	{ 1, 0xa0UL },
	{ 1, 0xa4UL },
	{ 1, 0xa8UL },
	{ 1, 0xacUL },
	{ 1, 0xb0UL },
	{ 1, 0xb4UL },
	{ 1, 0xb8UL },
	{ 1, 0x1ea0UL },
	{ 1, 0x1eccUL },
	{ 1, 0x1ef8UL },
	{ 1, 0x1f24UL },
	{ 1, 0x1f50UL },
	{ 1, 0x1f7cUL },
	{ 1, 0x1fa8UL },
	{ 1, 0x1fd4UL },
	{ 1, 0xfecUL },
	{ 1, 0x1efcUL },
	{ 1, 0x1f7dUL },
	{ 1, 0x1fecUL },
	{ 1, 0x1fe8UL },
	{ 1, 0x1fe4UL },
	{ 1, 0x1fe0UL },
	{ 1, 0x1ea0UL },
	{ 1, 0x1ea4UL },
	{ 1, 0x1ea8UL },
	{ 1, 0x1eacUL },
	{ 1, 0x1eb0UL },
	{ 1, 0x1eccUL },
	{ 1, 0x1ed0UL },
	{ 1, 0x1ed4UL },
	{ 1, 0x1ed8UL },
	{ 1, 0x1edcUL },
	{ 1, 0x1ef8UL },
	{ 1, 0x1efcUL },
	{ 1, 0x1f00UL },
	{ 1, 0x1f04UL },
	{ 1, 0x1f08UL },
	{ 1, 0x1f24UL },
	{ 1, 0x1f28UL },
	{ 1, 0x1f2cUL },
	{ 1, 0x1f30UL },
	{ 1, 0x1f34UL },
	{ 1, 0x1f50UL },
	{ 1, 0x1f54UL },
	{ 1, 0x1f58UL },
	{ 1, 0x1f5cUL },
	{ 1, 0x1f60UL },
	{ 1, 0x1f7cUL },
	{ 1, 0x1f80UL },
	{ 1, 0x1f84UL },
	{ 1, 0x1f88UL },
	{ 1, 0x1f8cUL },
	{ 1, 0x1fa8UL },
	{ 1, 0x1facUL },
	{ 1, 0x1fb0UL },
	{ 1, 0x1fb4UL },
	{ 1, 0x1fb8UL },
	{ 1, 0x1fd4UL },
	{ 1, 0x1fd8UL },
	{ 1, 0x1fdcUL },
	{ 1, 0x1fe0UL },
	{ 1, 0x1fe4UL },
	{ 1, 0x3cUL },
	{ 1, 0x40UL },
	{ 1, 0x4cUL },
	{ 1, 0x50UL },
	{ 1, 0x1ffcUL },
	{ 1, 0x1fffUL },
	{ 1, 0x2000UL },
	{ 1, 0x9fUL },
	{ 1, 0x1UL },
	{ 0, 0x10UL },
	{ 0, 0xffffffffUL },
	{ 0, 0xfffffff0UL },
	{ 0, 0xfffffffeUL },
};
static const unsigned long stream_numbers[STREAM_NUMBERS] = {
	0x0UL,
	0x1UL,
	0x2UL,
	0x3UL,
	0x4UL,
	0x8UL,
	0x10UL,
	0xffffffffUL,
	0xfffffffeUL,
	0x40UL,
	0x7fffffffUL,
	0x80000000UL,
	0x7fffffffUL,
	0x80000000UL,
	0xfffff000UL,
	0xfffffff2UL,
};
#define STREAM_BAD 56
static const unsigned short stream_heads[STREAM_HEADS] = {
	92,
	124,
};
static const unsigned short stream_rings[STREAM_HEADS] = {
	60,
	76,
};
#endif

#if __SIZEOF_LONG__ == 8
static const struct stream_place stream_places[STREAM_PLACES] = {
	{ 0, 0x0UL },
	{ 1, 0x0UL },
	{ 1, 0x8UL },
	{ 1, 0x10UL },
	{ 1, 0x18UL },
	{ 1, 0x20UL },
	{ 1, 0x28UL },
	{ 1, 0x30UL },
	{ 1, 0x38UL },
	{ 1, 0x40UL },
	{ 1, 0x48UL },
	{ 1, 0x50UL },
	{ 1, 0x58UL },
	{ 1, 0x60UL },
	{ 1, 0x68UL },
	{ 1, 0x70UL },
	{ 1, 0x138UL },
	{ 1, 0x140UL },
	{ 1, 0x148UL },
	{ 1, 0x150UL },
	{ 1, 0x158UL },
	{ 1, 0x160UL },
	{ 1, 0x168UL },
	{ 1, 0x170UL },
	{ 1, 0x1d40UL },
	{ 1, 0x1d98UL },
	{ 1, 0x1df0UL },
	{ 1, 0x1e48UL },
	{ 1, 0x1ea0UL },
	{ 1, 0x1ef8UL },
	{ 1, 0x1f50UL },
	{ 1, 0x1fa8UL },
	{ 1, 0xfd8UL },
	{ 1, 0x1df8UL },
	{ 1, 0x1ef9UL },
	{ 1, 0x1fd8UL },
	{ 1, 0x1fd0UL },
	{ 1, 0x1fc8UL },
	{ 1, 0x1fc0UL },
	{ 1, 0x1d40UL },
	{ 1, 0x1d48UL },
	{ 1, 0x1d50UL },
	{ 1, 0x1d58UL },
	{ 1, 0x1d60UL },
	{ 1, 0x1d98UL },
	{ 1, 0x1da0UL },
	{ 1, 0x1da8UL },
	{ 1, 0x1db0UL },
	{ 1, 0x1db8UL },
	{ 1, 0x1df0UL },
	{ 1, 0x1df8UL },
	{ 1, 0x1e00UL },
	{ 1, 0x1e08UL },
	{ 1, 0x1e10UL },
	{ 1, 0x1e48UL },
	{ 1, 0x1e50UL },
	{ 1, 0x1e58UL },
	{ 1, 0x1e60UL },
	{ 1, 0x1e68UL },
	{ 1, 0x1ea0UL },
	{ 1, 0x1ea8UL },
	{ 1, 0x1eb0UL },
	{ 1, 0x1eb8UL },
	{ 1, 0x1ec0UL },
	{ 1, 0x1ef8UL },
	{ 1, 0x1f00UL },
	{ 1, 0x1f08UL },
	{ 1, 0x1f10UL },
	{ 1, 0x1f18UL },
	{ 1, 0x1f50UL },
	{ 1, 0x1f58UL },
	{ 1, 0x1f60UL },
	{ 1, 0x1f68UL },
	{ 1, 0x1f70UL },
	{ 1, 0x1fa8UL },
	{ 1, 0x1fb0UL },
	{ 1, 0x1fb8UL },
	{ 1, 0x1fc0UL },
	{ 1, 0x1fc8UL },
	{ 1, 0x78UL },
	{ 1, 0x80UL },
	{ 1, 0x98UL },
	{ 1, 0xa0UL },
	{ 1, 0x1ff8UL },
	{ 1, 0x1fffUL },
	{ 1, 0x2000UL },
	{ 1, 0x13bUL },
	{ 1, 0x1UL },
	{ 0, 0x10UL },
	{ 0, 0xffffffffffffffffUL },
	{ 0, 0xfffffffffffffff0UL },
	{ 0, 0xfffffffffffffffeUL },
};
static const unsigned long stream_numbers[STREAM_NUMBERS] = {
	0x0UL,
	0x1UL,
	0x2UL,
	0x3UL,
	0x4UL,
	0x8UL,
	0x10UL,
	0xffffffffffffffffUL,
	0xfffffffffffffffeUL,
	0x40UL,
	0x7fffffffffffffffUL,
	0x8000000000000000UL,
	0x7fffffffUL,
	0xffffffff80000000UL,
	0xfffffffffffff000UL,
	0xfffffffffffffff2UL,
};
#define STREAM_BAD 112
static const unsigned short stream_heads[STREAM_HEADS] = {
	184,
	248,
};
static const unsigned short stream_rings[STREAM_HEADS] = {
	120,
	152,
};
#endif

#endif /* STREAM_TABLES_H */
