/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the command has left behind in a kernel that can tell: modules that cannot be unloaded,
 * memory that nobody has a pointer to. It is written to the kernel's log, where the host looks
 * for reports (ci/labs/console.py).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define OBJECT "unreferenced object "
#define UNDER_TEST "assay"

#define UNLOAD_MS 5000 /* what is freed after grace periods may take so long */
#define AGE_MS	  5200 /* kmemleak tells of nothing that is younger than 5 seconds */
#define LINES	  200 /* that are shown, at most */

/* One line to the kernel's log, as a warning: it takes what is written at once for one line. */
static void tell(int log, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(int log, const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	if (write(log, line, strlen(line)) < 0)
		_exit(errno);
}

static void sleep_ms(int milliseconds)
{
	usleep(milliseconds * 1000);
}

/* Unloads a module. The one under test must let itself be unloaded, for nobody is left who
 * uses it; others may still be in use by the kernel itself, as a disk with swap is. */
static void unload(int log, const char *module)
{
	size_t length = strcspn(module, " ");
	int64_t end = now_ms() + UNLOAD_MS;
	char name[64];
	long status;

	if (length >= sizeof(name))
		return;
	memcpy(name, module, length);
	name[length] = '\0';
	do {
		status = syscall(SYS_delete_module, name, O_NONBLOCK);
		if (!status || errno == ENOENT || strcmp(name, UNDER_TEST) != 0)
			return;
		sleep_ms(100);
	} while (now_ms() < end);
	tell(log, "<4>lab: left behind: the module %s is in use, and nobody is there: %s\n", name,
	     strerror(errno));
}

static void unload_all(int log, const struct settings *boot)
{
	char **modules = settings_list(boot, "module");
	size_t count = 0;

	while (modules[count])
		count++;
	while (count)
		unload(log, modules[--count]);
}

/* Has the kernel look for leaks. False if it cannot any more. */
static bool scan(int log, int kmemleak)
{
	if (write(kmemleak, "scan", 4) == 4)
		return true;
	tell(log, "<4>lab: left behind: nobody knows what: %s: %s\n", KMEMLEAK, strerror(errno));
	return false;
}

/*
 * Writes kmemleak's report to the log, each line by itself: a line that begins an object, one that
 * says who allocated it, and more. What the kernel lost before there was any process is left out.
 * Whether there is any.
 */
static bool show(int log)
{
	FILE *report = fopen(KMEMLEAK, "r");
	char line[256], object[256] = "";
	bool ours = false, any = false;

	for (int i = 0; report && i < LINES && fgets(line, sizeof(line), report);) {
		if (strncmp(line, OBJECT, strlen(OBJECT)) == 0) {
			memcpy(object, line, sizeof(object));
			continue;
		}
		if (object[0]) {
			ours = !strstr(line, "comm \"swapper/");
			any |= ours;
			if (ours)
				tell(log, "<4>kmemleak: %s", object);
			object[0] = '\0';
		}
		if (ours && ++i)
			tell(log, "<4>kmemleak: %s", line);
	}
	if (report)
		fclose(report);
	else
		tell(log, "<4>lab: left behind: nobody knows what: %s: %s\n", KMEMLEAK,
		     strerror(errno));
	return any;
}

/*
 * In a process of its own, for a scan takes long. The first scan notes what objects contain, the
 * second believes those that have not changed since: while modules are there, for then functions
 * have names. The third one finds what only modules had pointers to.
 */
static void look(const struct settings *boot, int kmemleak)
{
	int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int64_t start = now_ms();

	if (!scan(log, kmemleak))
		return;
	if (now_ms() < start + AGE_MS)
		sleep_ms(start + AGE_MS - now_ms());
	if (!scan(log, kmemleak) || show(log))
		return;
	unload_all(log, boot);
	if (scan(log, kmemleak))
		show(log);
}

/* Tells the kernel's log what is left behind, if this kernel has kmemleak. Nothing but the
 * agent may be running. */
void leaks_check(const struct settings *boot)
{
	int kmemleak = open(KMEMLEAK, O_RDWR | O_CLOEXEC), status = 0;
	pid_t child;

	if (kmemleak < 0)
		return;
	child = fork();
	if (child < 0)
		fail("fork: %s", strerror(errno));
	if (child == 0) {
		look(boot, kmemleak);
		_exit(0);
	}
	close(kmemleak);
	for (int64_t beat = now_ms(); waitpid(child, &status, WNOHANG) == 0; sleep_ms(50)) {
		if (now_ms() - beat >= 1000) {
			channel_send(FRAME_BEAT, NULL, 0);
			beat = now_ms();
		}
	}
	if (status)
		fail("what the command left behind cannot be told: status %#x", status);
}
