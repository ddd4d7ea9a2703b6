/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory for a test's files, which is gone when the test is, however it ended. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

/*
 * Another process removes it once the test has ended: even where a check aborts the test or
 * a signal kills it. It holds none of the test's files, so nobody waits for it.
 */
static void scratch_watch(const char *directory, int alive)
{
	char byte;

	setsid();
	for (int fd = 0; fd < 64; fd++)
		if (fd != alive)
			close(fd);
	while (read(alive, &byte, 1) > 0)
		;
	nftw(directory, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

/* Makes a directory in place of the X's that the path ends in; false, with errno. */
static inline bool scratch_directory(char *path)
{
	int ends[2];
	pid_t pid;

	if (!mkdtemp(path))
		return false;
	if (pipe2(ends, O_CLOEXEC))
		return false;
	fflush(stdout);		/* else both would print it */
	pid = fork();
	if (!pid)
		scratch_watch(path, ends[0]);
	close(ends[0]);		/* the other end closes with the test */
	return pid > 0;
}
