// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a build for coverage has counted (Kbuild: ASSAY_COVERAGE=1), on kernels without
 * CONFIG_GCOV_KERNEL. No other build has this file. It knows nothing of the module it is part
 * of, so other modules are counted by it too (coverage/lines).
 *
 * gcc leaves a pointer to each object's counters in the section .gcov_info. Its begin and end are
 * gcov_begin.o, which is linked first, and gcov_end.o, which is linked last. Files below
 * /sys/kernel/debug/assay-lines are
 *
 *	MODULE		what the module has counted so far, as long as it is loaded
 *	MODULE.N	all that it had counted when it was unloaded, or refused to start, for the
 *			Nth time. These belong to the kernel and stay until the machine is off
 *
 * Each is a row of records, one for each object: RECORD_MAGIC, the length of the name, the length
 * of the contents (32 bits each); the name that gcc gave the .gcda file, its contents.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "gcov.h"

#define DIRECTORY	"assay-lines"
#define RECORD_MAGIC	0x4c435641		/* "AVCL" */

/* The format of .gcda files, as of GCC's gcov-io.h. */
#define GCDA_MAGIC	0x67636461		/* "gcda" */
#define TAG_FUNCTION	0x01000000
#define TAG_COUNTERS	0x01a10000		/* of the first kind; the next one: */
#define TAG_NEXT	0x00020000
#define FUNCTION_BYTES	12

struct output {
	u8 *to;		/* NULL: the size alone is wanted */
	size_t size;
};

/* What a file shows, as it was when it was opened. */
struct snapshot {
	size_t size;
	u8 data[];
};

static struct dentry *directory, *live;

/* How the program would add the counters of an earlier run. Nothing here does. */
void __gcov_merge_add(gcov_type *counters, unsigned int count)
{
}

static void put(struct output *out, const void *data, size_t size)
{
	if (out->to)
		memcpy(out->to + out->size, data, size);
	out->size += size;
}

static void put_u32(struct output *out, u32 value)
{
	put(out, &value, sizeof(value));
}

static void put_function(struct output *out, const struct gcov_info *info,
			 const struct gcov_fn_info *function)
{
	const struct gcov_ctr_info *counters = function->ctrs;
	unsigned int kind;

	put_u32(out, TAG_FUNCTION);
	put_u32(out, FUNCTION_BYTES);
	put_u32(out, function->ident);
	put_u32(out, function->lineno_checksum);
	put_u32(out, function->cfg_checksum);
	for (kind = 0; kind < GCOV_COUNTERS; kind++) {
		if (!info->merge[kind])
			continue;
		put_u32(out, TAG_COUNTERS + kind * TAG_NEXT);
		put_u32(out, counters->num * sizeof(gcov_type));
		put(out, counters->values, counters->num * sizeof(gcov_type));
		counters++;
	}
}

static void put_contents(struct output *out, const struct gcov_info *info)
{
	unsigned int i;

	put_u32(out, GCDA_MAGIC);
	put_u32(out, info->version);
	put_u32(out, info->stamp);
	put_u32(out, info->checksum);
	for (i = 0; i < info->n_functions; i++) {
		/* A function that several objects have is counted in one of them. */
		if (info->functions[i] && info->functions[i]->key == info)
			put_function(out, info, info->functions[i]);
	}
}

static void put_all(struct output *out)
{
	const struct gcov_info *const *info;

	for (info = gcov_first; *info; info++) {
		struct output contents = { NULL, 0 };

		put_contents(&contents, *info);
		put_u32(out, RECORD_MAGIC);
		put_u32(out, strlen((*info)->filename));
		put_u32(out, contents.size);
		put(out, (*info)->filename, strlen((*info)->filename));
		put_contents(out, *info);
	}
}

/* The counters as they are now, one by one: those of one moment only if nothing runs. NULL
 * without memory. To be given to vfree(). */
static struct snapshot *take(void)
{
	struct output out = { NULL, 0 };
	struct snapshot *snapshot;

	put_all(&out);
	snapshot = vmalloc(sizeof(*snapshot) + out.size);
	if (!snapshot)
		return NULL;
	snapshot->size = out.size;
	out.size = 0;
	out.to = snapshot->data;
	put_all(&out);
	return snapshot;
}

static int counters_open(struct inode *inode, struct file *file)
{
	file->private_data = take();
	return file->private_data ? 0 : -ENOMEM;
}

static ssize_t counters_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	const struct snapshot *snapshot = file->private_data;

	return simple_read_from_buffer(to, size, at, snapshot->data, snapshot->size);
}

static int counters_release(struct inode *inode, struct file *file)
{
	vfree(file->private_data);
	return 0;
}

static const struct file_operations counters_fops = {
	.owner = THIS_MODULE,
	.open = counters_open,
	.read = counters_read,
	.release = counters_release,
	.llseek = default_llseek,
};

/* All modules that are counted have their files in one directory. */
static void __init begin(void)
{
	directory = debugfs_lookup(DIRECTORY, NULL);
	if (!directory)
		directory = dget(debugfs_create_dir(DIRECTORY, NULL));
	live = debugfs_create_file(KBUILD_MODNAME, 0400, directory, NULL, &counters_fops);
}

/* The module goes: what it has counted becomes a file that needs nothing of it. */
static void end(void)
{
	struct debugfs_blob_wrapper *blob = kzalloc(sizeof(*blob), GFP_KERNEL);
	struct snapshot *snapshot = take();
	struct dentry *there = NULL;
	char name[MODULE_NAME_LEN + 12];
	unsigned int n = 0;

	debugfs_remove(live);
	if (blob && snapshot) {
		blob->data = snapshot->data;
		blob->size = snapshot->size;
		do {
			dput(there);
			snprintf(name, sizeof(name), "%s.%u", KBUILD_MODNAME, ++n);
			there = debugfs_lookup(name, directory);
		} while (there);
		debugfs_create_blob(name, 0400, directory, blob);
	}
	dput(directory);
}

static int __init start(void)
{
	int ret;

	begin();
	ret = counted_init();
	if (ret)
		end();
	return ret;
}

static void __exit stop(void)
{
	counted_exit();
	end();
}

module_init(start);
module_exit(stop);
