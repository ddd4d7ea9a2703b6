/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent is told: files of "key=value" records, each ended by a NUL byte. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

bool settings_load(struct settings *settings, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = fstat(fd, &status) == 0 && (settings->text = malloc(status.st_size + 1)) != NULL &&
	       read(fd, settings->text, status.st_size) == status.st_size;
	if (good) {
		settings->size = status.st_size;
		settings->text[status.st_size] = '\0';
	}
	close(fd);
	return good;
}

/* The value of the first record with that key after the one whose value is previous; the
 * very first for NULL. NULL if there is none. */
const char *settings_next(const struct settings *settings, const char *key, const char *previous)
{
	const char *at = previous ? previous + strlen(previous) + 1 : settings->text;
	size_t length = strlen(key);

	for (; at < settings->text + settings->size; at += strlen(at) + 1) {
		if (!strncmp(at, key, length) && at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

/* All values of a key, ended by NULL; the caller frees the list alone. */
char **settings_list(const struct settings *settings, const char *key)
{
	const char *value = NULL;
	char **list;
	size_t count = 0;

	while ((value = settings_next(settings, key, value)) != NULL)
		count++;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		fail("no memory for the arguments of the command");
	count = 0;
	while ((value = settings_next(settings, key, value)) != NULL)
		list[count++] = (char *)value;
	return list;
}
