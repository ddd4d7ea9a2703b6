# SPDX-License-Identifier: GPL-2.0-only
"""The line between host and lab: frames with a checksum and a number each, so that
nothing can be lost or changed without notice. ci/labs/agent/agent.h has the other side."""

import struct
import zlib

MAGIC = 0xa7
LIMIT = 128 * 1024      # bytes of payload, at most
HEADER = struct.Struct('<BBHI')

# From the lab.
HELLO, STARTED, STDOUT, STDERR, TTY, BEAT, TAR, SYMBOLS, STATUS, FAIL, END = range(1, 12)
# To the lab.
INPUT, WINDOW, GO = 64, 65, 66

DEFLATED = (STDOUT, STDERR, TAR, SYMBOLS)
FROM_LAB = range(HELLO, END + 1)


class LostData(Exception):
    """What came over the line is not what was sent."""


class Decoder:
    """Makes frames of bytes as they come."""

    def __init__(self):
        self.pending = bytearray()
        self.sequence = 0
        self.inflater = zlib.decompressobj(-15)

    def feed(self, data):
        """Yields (type, payload) of each frame that is complete now. Raises LostData."""
        self.pending += data
        while len(self.pending) >= HEADER.size:
            magic, kind, sequence, length = HEADER.unpack_from(self.pending)
            if magic != MAGIC or kind not in FROM_LAB or length > LIMIT:
                raise LostData('what comes over the line is no frame: '
                               + bytes(self.pending[:16]).hex(' '))
            end = HEADER.size + length
            if len(self.pending) < end + 4:
                return
            checksum, = struct.unpack_from('<I', self.pending, end)
            if zlib.crc32(memoryview(self.pending)[:end]) != checksum:
                raise LostData(f'frame {sequence} came with a wrong checksum')
            payload = bytes(self.pending[HEADER.size:end])
            del self.pending[:end + 4]
            yield self._accept(kind, sequence, payload)

    def _accept(self, kind, sequence, payload):
        if sequence != self.sequence:
            raise LostData(f'frame {sequence} came where frame {self.sequence} should have')
        self.sequence = (sequence + 1) & 0xffff
        if kind in DEFLATED:
            try:
                payload = self.inflater.decompress(payload)
            except zlib.error as error:
                raise LostData(f'frame {sequence} cannot be inflated: {error}') from None
        return kind, payload

    def finish(self):
        """To be called when nothing more can come. Raises LostData for half a frame."""
        if self.pending:
            raise LostData(f'the line ended in the middle of frame {self.sequence}')


class Encoder:
    """Makes bytes of frames to the lab."""

    def __init__(self):
        self.sequence = 0

    def encode(self, kind, payload=b''):
        data = HEADER.pack(MAGIC, kind, self.sequence, len(payload)) + payload
        self.sequence = (self.sequence + 1) & 0xffff
        return data + struct.pack('<I', zlib.crc32(data))
