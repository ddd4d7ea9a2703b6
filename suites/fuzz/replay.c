// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a fuzzer's function on the files of directories, each once, without a fuzzer: for builds
 * by a compiler that has none, as that for coverage.
 *
 * usage: NAME DIRECTORY...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static unsigned int replayed;

static void replay(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(size + 1);

	if (!file || !bytes || fread(bytes, 1, size, file) != size) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(2);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	replayed++;
}

static void replay_all(const char *directory)
{
	DIR *files = opendir(directory);
	struct dirent *entry;
	struct stat about;
	char path[4096];

	if (!files) {
		fprintf(stderr, "%s: no such directory\n", directory);
		exit(2);
	}
	while ((entry = readdir(files))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (!stat(path, &about) && S_ISREG(about.st_mode))
			replay(path, about.st_size);
	}
	closedir(files);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay_all(argv[i]);
	printf("%s: %u inputs\n", argv[0], replayed);
	return replayed ? 0 : 2;
}
