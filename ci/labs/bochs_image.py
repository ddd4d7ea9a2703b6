# SPDX-License-Identifier: GPL-2.0-only
"""What Bochs finds in its memory when it starts: the option ROM that starts Linux, and the
kernel with its initramfs. bochs_loader.asm says how they come to their addresses."""

import os
import shutil
import struct
import subprocess

from .config import Unavailable, UsageError

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bochs_loader.asm')
ROM_ADDRESS = 0xd0000

# As in bochs_loader.asm.
BLOCK = 0x20000             # in which Bochs 2.7 gives memory to its guest
KERNEL = 0x1000000          # where a kernel that is not relocated begins
HEADER = KERNEL - BLOCK
MAGIC, LAST = b'ASLB', b'LAST'
PARAMS = 0x1000
COMMAND_LINE, COMMAND_LINE_MAX = 0x3000, 2048
# Blocks the BIOS may touch: 1 MiB, the tables at the top of memory, and what is to come.
SPARE = 32
LEFT = 64 << 20             # bytes of memory that a kernel needs besides

# Documentation/arch/x86/boot.rst: offsets in a bzImage, which are those in boot_params.
SETUP_SECTS, SETUP, JUMP = 0x1f1, 0x1f1, 0x201
TYPE_OF_LOADER, RAMDISK, RAMDISK_SIZE, COMMAND_LINE_POINTER = 0x210, 0x218, 0x21c, 0x228
INIT_SIZE = 0x260
LOADER = 0xff               # one without a number of its own
START_64 = 0x200            # entry point of a bzImage's protected-mode part

SECTION = struct.Struct('<IIQQQQIIQQ')
SEGMENT = struct.Struct('<IIQQQQQQ')
PT_LOAD = 1


def _aligned(number):
    return (number + BLOCK - 1) // BLOCK * BLOCK


def rom(path):
    """Assembles the option ROM into a file. The bytes of one add up to 0."""
    nasm = shutil.which('nasm')
    if not nasm:
        raise Unavailable('there is no nasm to assemble the loader: make deps installs it')
    done = subprocess.run([nasm, '-f', 'bin', '-o', path, SOURCE], capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f'nasm: {SOURCE}: {done.stderr.strip()}')
    with open(path, 'r+b') as file:
        total = sum(file.read())
        file.seek(-1, os.SEEK_END)
        file.write(bytes([-total & 0xff]))


def elf_kernel(elf):
    """(bytes, size, entry) of an uncompressed kernel: what is loaded at KERNEL, how much memory
    it takes there. None if it is to be somewhere else."""
    elf = bytearray(elf)
    entry, segments, sections = struct.unpack_from('<QQQ', elf, 24)
    count, = struct.unpack_from('<H', elf, 56)
    section_count, names = struct.unpack_from('<HH', elf, 60)
    _forget_types(elf, [SECTION.unpack_from(elf, sections + SECTION.size * i)
                        for i in range(section_count)], names)
    loads = [SEGMENT.unpack_from(elf, segments + SEGMENT.size * i) for i in range(count)]
    loads = [load for load in loads if load[0] == PT_LOAD]
    if not loads or min(load[4] for load in loads) != KERNEL:
        return None
    image = bytearray(max(load[4] + load[5] for load in loads) - KERNEL)
    for _, _, offset, _, address, length, _, _ in loads:
        image[address - KERNEL:address - KERNEL + length] = elf[offset:offset + length]
    return image, max(load[4] + load[6] for load in loads) - KERNEL, entry


def _forget_types(elf, sections, names):
    """Makes the type information for BPF unusable, which nothing in a lab needs: the kernel
    reads all of it when it starts, and that is an eighth of the time."""
    for name, _, _, _, offset, *_ in sections if names < len(sections) else ():
        if elf.startswith(b'.BTF\0', sections[names][4] + name):
            elf[offset:offset + 2] = b'\0\0'


def _kernel(boot):
    """(bytes, size, entry) of the kernel to start."""
    with open(boot.image, 'rb') as file:
        image = file.read()
    size, = struct.unpack_from('<I', image, INIT_SIZE)
    if boot.vmlinux:
        with open(boot.vmlinux, 'rb') as file:
            loaded = elf_kernel(file.read())
        if loaded:
            # What is to be mapped at first is more than what is loaded (brk).
            return image, (loaded[0], max(loaded[1], size), loaded[2])
    return image, (image[(image[SETUP_SECTS] + 1) * 512:], size, KERNEL + START_64)


def memory(boot, path):
    """Writes the image of memory for a Boot into a file."""
    bzimage, (kernel, size, entry) = _kernel(boot)
    initramfs = b''.join(_contents(part) for part in (boot.base, boot.job))
    at = _aligned(KERNEL + size)
    needed = (at + len(initramfs) + LEFT >> 20) + 1
    if needed > boot.memory:
        raise UsageError(f'--memory {boot.memory}: the kernel and the files need {needed} MiB')
    arguments = boot.arguments.encode(errors='surrogateescape')
    if len(arguments) >= COMMAND_LINE_MAX:
        raise UsageError(f'--append: kernel arguments of {len(arguments)} bytes; '
                         f'{COMMAND_LINE_MAX - 1} are the most')
    header = bytearray(BLOCK)
    header[:4] = MAGIC
    struct.pack_into('<7I', header, 4, entry, KERNEL, _aligned(len(kernel)) // BLOCK,
                     at, _aligned(len(initramfs)) // BLOCK, 0, 0)
    end = JUMP + 1 + bzimage[JUMP]
    header[PARAMS + SETUP:PARAMS + end] = bzimage[SETUP:end]
    header[PARAMS + TYPE_OF_LOADER] = LOADER
    struct.pack_into('<II', header, PARAMS + RAMDISK, at, len(initramfs))
    struct.pack_into('<I', header, PARAMS + COMMAND_LINE_POINTER, HEADER + COMMAND_LINE)
    header[COMMAND_LINE:COMMAND_LINE + len(arguments)] = arguments
    with open(path, 'wb') as file:
        file.write(header)
        file.seek(SPARE * BLOCK)
        file.write(LAST.ljust(BLOCK, b'\0'))
        for part in (kernel, initramfs):
            file.write(part)
            file.seek(_aligned(file.tell()))
        file.truncate(file.tell())


def _contents(path):
    with open(path, 'rb') as file:
        return file.read()
