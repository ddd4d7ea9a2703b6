/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one line between the agent and the host, as frames: magic, type, sequence number
 * (u16), length (u32), payload, CRC-32 of all that; numbers are little-endian. The serial
 * line of an emulator is slow, so bulk is deflated, as one stream for all types.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <zlib.h>

#include "agent.h"

#define HEADER 8
#define PIECE  65536

static int line = -1;
static uint16_t sequence;
static z_stream deflater;
static uint8_t received[HEADER + FRAME_MAX + 4];
static size_t received_length;

/* Opens a device and makes it raw if it is a terminal line. */
bool channel_open(const char *device)
{
	struct termios mode;

	line = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0)
		return false;
	if (tcgetattr(line, &mode) == 0) {
		cfmakeraw(&mode);
		cfsetspeed(&mode, B115200);
		mode.c_cflag |= CLOCAL;
		tcsetattr(line, TCSANOW, &mode);
	}
	return deflateInit2(&deflater, 1, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK;
}

int channel_descriptor(void)
{
	return line;
}

void channel_drain(void)
{
	tcdrain(line);
}

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (8 * i);
}

static uint32_t get32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write_all(const uint8_t *data, size_t length)
{
	while (length) {
		ssize_t count = write(line, data, length);

		if (count < 0 && errno != EINTR && errno != EAGAIN)
			return; /* nobody can be told; the host sees the silence */
		if (count > 0) {
			data += count;
			length -= count;
		}
	}
}

void channel_send(enum frame_type type, const void *data, size_t length)
{
	uint8_t header[HEADER] = { FRAME_MAGIC, type, sequence & 0xff, sequence >> 8 };
	uint8_t tail[4];
	uint32_t crc;

	sequence++;
	put32(header + 4, length);
	crc = crc32(0, header, sizeof(header));
	if (length) /* of no data at all zlib gives the start value */
		crc = crc32(crc, data, length);
	put32(tail, crc);
	write_all(header, sizeof(header));
	write_all(data, length);
	write_all(tail, sizeof(tail));
}

/* A sync flush ends each frame, so that the host can show all that has come. */
void channel_send_deflated(enum frame_type type, const void *data, size_t length)
{
	static uint8_t packed[PIECE + PIECE / 8];

	deflater.next_in = (uint8_t *)data;
	deflater.avail_in = length;
	do {
		deflater.next_out = packed;
		deflater.avail_out = sizeof(packed);
		deflate(&deflater, Z_SYNC_FLUSH);
		channel_send(type, packed, sizeof(packed) - deflater.avail_out);
	} while (!deflater.avail_out);
}

/* All that can be read from a file or pipe. */
bool channel_send_file(enum frame_type type, int fd)
{
	static uint8_t data[PIECE];
	size_t length = 0;
	ssize_t count;

	while ((count = read(fd, data + length, sizeof(data) - length)) != 0) {
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return false;
		length += count;
		if (length == sizeof(data)) {
			channel_send_deflated(type, data, length);
			length = 0;
		}
	}
	if (length)
		channel_send_deflated(type, data, length);
	return true;
}

/* Takes a whole frame out of what has come. A damaged one is a reason to stop. */
static bool take(struct frame *frame)
{
	uint32_t length;
	size_t whole;

	if (received_length < HEADER)
		return false;
	length = get32(received + 4);
	if (received[0] != FRAME_MAGIC || length > FRAME_MAX)
		fail("what came over the line is no frame");
	whole = HEADER + length + 4;
	if (received_length < whole)
		return false;
	if (get32(received + HEADER + length) != crc32(0, received, HEADER + length))
		fail("a frame came over the line with a wrong checksum");
	frame->type = received[1];
	frame->length = length;
	memcpy(frame->payload, received + HEADER, length);
	received_length -= whole;
	memmove(received, received + whole, received_length);
	return true;
}

/* Waits so long at most for a frame from the host. */
bool channel_receive(struct frame *frame, int milliseconds)
{
	struct pollfd wait = { .fd = line, .events = POLLIN };

	if (take(frame))
		return true;
	while (poll(&wait, 1, milliseconds) > 0) {
		ssize_t count =
			read(line, received + received_length, sizeof(received) - received_length);

		if (count <= 0)
			return false;
		received_length += count;
		if (take(frame))
			return true;
	}
	return false;
}
