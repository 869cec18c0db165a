"""Films of photographs: a portrait, and small faces of other people."""

import struct

import cv2
import numpy as np
import skimage.data

SIZE = 320


def portrait():
    """uint8 BGR (320, 320, 3); the face is about 93 pixels wide, its centre is at (159, 127)."""
    image = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(image[:SIZE, 64 : 64 + SIZE])


def person(number):
    """Another face on a plain background, uint8 BGR (320, 320, 3)."""
    face = cv2.resize(skimage.data.lfw_subset()[number], (140, 140), interpolation=cv2.INTER_CUBIC)
    image = np.full((SIZE, SIZE), 120, np.uint8)
    image[90:230, 90:230] = np.clip(face * 255, 0, 255)
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def coffee():
    """A picture without a face, uint8 BGR (320, 320, 3)."""
    return np.ascontiguousarray(skimage.data.coffee()[40 : 40 + SIZE, 150 : 150 + SIZE, ::-1])


def moved(image, shift=(0, 0), angle=0.0, zoom=1.0):
    """An image turned clockwise by degrees and scaled about the portrait's face, then moved."""
    matrix = cv2.getRotationMatrix2D((159, 127), -angle, zoom)
    matrix[:, 2] += shift
    return cv2.warpAffine(
        image, matrix, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def film(path, images, fps=25.0, code="MJPG"):
    """Write a video, and its folder if needed; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = images[0].shape[:2]
    stream = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, (width, height))
    assert stream.isOpened()
    for image in images:
        stream.write(image)
    stream.release()
    return path


def frames(folder, images, first=1):
    """Write a folder of PNG images; returns it."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images, first):
        assert cv2.imwrite(str(folder / f"img{number}.png"), image)
    return folder


def rotate(path):
    """Store in an .mp4 that it is to be shown turned by 90 degrees, as telephones do."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[start : start + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def restate(path, count):
    """Make an .avi state another number of frames; returns its path."""
    data = bytearray(path.read_bytes())
    for header, place in ((b"avih", 24), (b"strh", 40)):
        start = data.index(header) + place
        data[start : start + 4] = struct.pack("<I", count)
    path.write_bytes(data)
    return path


def halve(path):
    """Cut off the second half of a video's bytes, as an upload that was interrupted; its path."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def vary(path, short, long):
    """Give the frames of an .mp4 two durations, half of them each, in units of its time scale."""
    data = bytearray(path.read_bytes())
    table = data.index(b"stts")
    count = struct.unpack(">I", data[table + 12 : table + 16])[0]
    half = count // 2
    data[table + 8 : table + 20] = struct.pack(">5I", 2, half, short, count - half, long)
    for box in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = data.index(box) - 4
        size = struct.unpack(">I", data[place : place + 4])[0]
        data[place : place + 4] = struct.pack(">I", size + 8)
    assert data.index(b"mdat") < data.index(b"moov")
    path.write_bytes(data)


def record(path, stamps, seconds=None):
    """Make a .webm as a browser records it: no frame rate, its frames at these milliseconds.

    Args:
        path: of a .webm by `film`, which is changed.
        stamps: a time for each frame.
        seconds: the length that is stated; none by default.
    """
    data = bytearray(path.read_bytes())
    rate, length = (data.index(bytes.fromhex(name)) for name in ("23e38384", "448988"))
    data[rate : rate + 2] = 0xEC, 0x86  # a void element
    data[length : length + 2] = 0xEC, 0x89
    if seconds is not None:
        data[length : length + 11] = struct.pack(">HBd", 0x4489, 0x88, 1000 * seconds)
    place = data.index(bytes.fromhex("1f43b675")) + 4
    size, place = _size(data, place)
    end, times = place + size, iter(stamps)
    while place < end:
        size, body = _size(data, place + 1)
        if data[place] == 0xA3:  # a block: its track in a byte, its time in two
            data[body + 1 : body + 3] = struct.pack(">h", next(times))
        place = body + size
    assert next(times, None) is None
    path.write_bytes(data)
    return path


def _size(data, place):
    """A size of variable length at a place, and where it ends."""
    length = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + length], "big")
    return value & ((1 << 7 * length) - 1), place + length
