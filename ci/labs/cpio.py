# SPDX-License-Identifier: GPL-2.0-only
"""Archives in the "newc" form of cpio, which the kernel unpacks at its start: the same
entries give the same bytes, whatever the files' times and owners."""

import os
import stat

# Kinds of entries, as in st_mode.
FILE, LINK, DIRECTORY, DEVICE = stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR


class Archive:
    """Entries by path. What is added under a path again replaces what was there."""

    def __init__(self):
        self.entries = {}

    def add(self, path, kind, data=b'', permissions=0o755, device=(0, 0)):
        """path is absolute in the lab; directories above it come by themselves."""
        path = os.path.normpath('/' + path).strip('/')
        above = os.path.dirname(path)
        if above and above not in self.entries:
            self.add(above, DIRECTORY)
        self.entries[path] = (kind | permissions, data, device)

    def file(self, path, data, permissions=0o755):
        self.add(path, FILE, data, permissions)

    def link(self, path, to):
        self.add(path, LINK, to.encode(), 0o777)

    def pack(self):
        """The archive's bytes."""
        pieces = []
        for number, path in enumerate(sorted(self.entries), 1):
            pieces.append(_record(number, path, *self.entries[path]))
        pieces.append(_record(0, 'TRAILER!!!', 0, b'', (0, 0)))
        data = b''.join(pieces)
        return data + bytes(-len(data) % 512)


def _record(number, path, mode, data, device):
    name = path.encode() + b'\0'
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
    head = b'070701' + b''.join(b'%08X' % field for field in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def unpack(data):
    """Yields (path, mode, bytes) of an archive's entries; ValueError if it is none."""
    at = 0
    while True:
        if data[at:at + 6] != b'070701':
            raise ValueError(f'no cpio entry at offset {at}')
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110:at + 110 + name_size - 1].decode()
        at += 110 + name_size
        at += -at % 4
        if name == 'TRAILER!!!':
            return
        yield name, fields[1], data[at:at + size]
        at += size
        at += -at % 4
