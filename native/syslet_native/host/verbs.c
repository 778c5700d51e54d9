// SPDX-License-Identifier: MIT
/* What each request does. A request that is wrong is answered, and no more. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define RUNNING_MS 200	/* what runs and does not block takes less */
#define RETURN_MS 300	/* and what was ended, to be answered */

/* The words of a request as values, by the letters of its verb's `takes`. */
struct values {
	uint64_t tag;
	unsigned long words[3];
	const char *text[2];
	long count;	/* bytes in data */
};

/* Of the thread whose turn it is to read. */
static unsigned char data[DATA_BYTES];

static atomic_uint calls;	/* under way, exec and wait */

static void hello(const struct values *v)
{
	say_hello(v->tag, v->words[0], v->text[1]);
}

static void map(const struct values *v)
{
	uintptr_t address;
	const int error = memory_map(v->words[0], &address);

	if (error)
		answer_errno(v->tag, "map", error);
	else
		answer(v->tag, "ok 0x%" PRIxPTR, address);
}

static void unmap(const struct values *v)
{
	if (memory_unmap(v->words[0]))
		answer(v->tag, "error unmap of %#lx: it is not mapped",
		       v->words[0]);
	else
		answer(v->tag, "ok");
}

static void peek(const struct values *v)
{
	const size_t count = v->words[1];

	if (count > sizeof(data))
		answer(v->tag, "error peek of %zu bytes: %zu at most", count,
		       sizeof(data));
	else if (copy_memory(data, (const void *)v->words[0], count))
		answer(v->tag, "error peek of %zu bytes at %#lx: not mapped",
		       count, v->words[0]);
	else
		answer_bytes(v->tag, data, count);
}

static void poke(const struct values *v)
{
	if (copy_memory((void *)v->words[0], data, (size_t)v->count))
		answer(v->tag, "error poke of %ld bytes at %#lx: not mapped",
		       v->count, v->words[0]);
	else
		answer(v->tag, "ok");
}

static void number(const struct values *v)
{
	const long found = engine.number(v->text[0]);

	if (found < 0)
		answer(v->tag, "ok none");
	else
		answer(v->tag, "ok %ld", found);
}

static void make_pipe(const struct values *v)
{
	int ends[2];

	if (pipe(ends))
		answer_errno(v->tag, "pipe", -errno);
	else
		answer(v->tag, "ok %d %d", ends[0], ends[1]);
}

/* -1, which no descriptor is, where it is out of range. */
static int descriptor(unsigned long number)
{
	return number > INT_MAX ? -1 : (int)number;
}

static void feed(const struct values *v)
{
	const long moved =
		pipe_feed(descriptor(v->words[0]), data, (size_t)v->count);

	if (moved < 0)
		answer_errno(v->tag, "feed", moved);
	else if (moved < v->count)
		answer(v->tag, "error feed of %ld bytes to %lu: took %ld",
		       v->count, v->words[0], moved);
	else
		answer(v->tag, "ok");
}

static void drain(const struct values *v)
{
	const size_t count = v->words[1];
	long moved;

	if (count > sizeof(data)) {
		answer(v->tag, "error drain of %zu bytes: %zu at most", count,
		       sizeof(data));
		return;
	}
	moved = pipe_drain(descriptor(v->words[0]), data, count);
	if (moved < 0)
		answer_errno(v->tag, "drain", moved);
	else
		answer_bytes(v->tag, data, (size_t)moved);
}

static void close_end(const struct values *v)
{
	if (close(descriptor(v->words[0])))
		answer_errno(v->tag, "close", -errno);
	else
		answer(v->tag, "ok");
}

static void exec(const struct values *v)
{
	const struct syslet_uatom *returned = engine.exec(
		(struct syslet_uatom *)v->words[0],
		(struct async_head_user *)v->words[1]);

	answer(v->tag, "ok 0x%lx", (unsigned long)returned);
}

static void wait_for_events(const struct values *v)
{
	struct async_head_user *head = (struct async_head_user *)v->words[2];
	const long returned = engine.wait(v->words[0], v->words[1], head);

	answer(v->tag, "ok 0x%lx", (unsigned long)returned);
}

/*
 * What was outstanding is answered first. The engine is ended under calls that
 * block, not under those that run: they have a while to return.
 */
static void bye(const struct values *v)
{
	for (int i = 0; atomic_load(&calls) && i < RUNNING_MS; i++)
		usleep(1000);
	if (engine.shutdown)
		engine.shutdown();
	for (int i = 0; atomic_load(&calls) && i < RETURN_MS; i++)
		usleep(1000);
	answer(v->tag, "ok");
	_exit(0);
}

/* w: a word; t: text; b: bytes */
static const struct {
	const char *name, *takes;
	void (*run)(const struct values *v);
	bool may_block, asks_the_engine;
} verbs[] = {
	{ "hello", "wt", hello, false, false },
	{ "map", "w", map, false, false },
	{ "unmap", "w", unmap, false, false },
	{ "peek", "ww", peek, false, false },
	{ "poke", "wb", poke, false, false },
	{ "number", "t", number, false, true },
	{ "pipe", "", make_pipe, false, false },
	{ "feed", "wb", feed, false, false },
	{ "drain", "ww", drain, false, false },
	{ "close", "w", close_end, false, false },
	{ "exec", "ww", exec, true, true },
	{ "wait", "www", wait_for_events, true, true },
	{ "bye", "", bye, false, false },
};

/* False, answered, where a word is not what is wanted. */
static bool take(const struct request *r, const char *takes, struct values *v)
{
	v->tag = r->tag;
	if (r->count != strlen(takes)) {
		answer_malformed(r->tag, "%s: %zu words wanted, not %u",
				 r->verb, strlen(takes), r->count);
		return false;
	}
	for (unsigned int i = 0; i < r->count; i++) {
		uint64_t value;

		if (takes[i] == 't') {
			v->text[i] = r->words[i];
		} else if (takes[i] == 'b') {
			v->count = read_bytes(r->words[i], data, sizeof(data));
			if (v->count < 0) {
				answer_malformed(r->tag,
						 "%s: wanted pairs of hex"
						 " digits, %zu at most, or -",
						 r->verb, sizeof(data));
				return false;
			}
		} else if (read_number(r->words[i], ULONG_MAX, &value)) {
			v->words[i] = (unsigned long)value;
		} else {
			answer_malformed(r->tag,
					 "%s: %.40s is no number of a word",
					 r->verb, r->words[i]);
			return false;
		}
	}
	return true;
}

/* A call that may block: in this thread, while another one reads. */
static bool run_aside(const struct values *v,
		      void (*run)(const struct values *v))
{
	int error;

	atomic_fetch_add(&calls, 1);
	error = stop_reading();
	if (error) {
		atomic_fetch_sub(&calls, 1);
		answer_errno(v->tag, "a thread to read on", error);
		return true;
	}
	run(v);
	atomic_fetch_sub(&calls, 1);
	return false;
}

bool serve(const struct request *request)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct values v = { 0 };

		if (strcmp(verbs[i].name, request->verb))
			continue;
		if (!take(request, verbs[i].takes, &v))
			return true;
		if (verbs[i].asks_the_engine && !engine_runs()) {
			answer(request->tag, "error %s: hello comes first",
			       request->verb);
			return true;
		}
		if (verbs[i].may_block)
			return run_aside(&v, verbs[i].run);
		verbs[i].run(&v);
		return true;
	}
	answer_malformed(request->tag, "no such request");
	return true;
}
