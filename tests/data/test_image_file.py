"""Frames are decoded strictly: damage is refused, doubts are named, files are looked at first."""

import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from gamdss.data.decoding import decode
from gamdss.data.folders import frame_number, image_folders
from gamdss.data.image_file import read_header
from gamdss.data.video import video_files
from gamdss.errors import FrameError

RNG = np.random.default_rng(0)
PHOTO = cv2.resize(RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8), (128, 96))


def encoded(image, suffix=".jpg", *settings):
    return cv2.imencode(suffix, image, settings)[1].tobytes()


JPEG = encoded(PHOTO)
MIDDLE = len(JPEG) // 2
DAMAGED = {
    "cut and ended": JPEG[:MIDDLE] + b"\xff\xd9",
    "zeros": JPEG[:MIDDLE] + bytes(512) + JPEG[MIDDLE + 512 :],
    "removed": JPEG[:MIDDLE] + JPEG[MIDDLE + 512 :],
    "random": JPEG[:MIDDLE] + RNG.bytes(512) + JPEG[MIDDLE + 512 :],
    "progressive": encoded(PHOTO, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)[:MIDDLE] + b"\xff\xd9",
    "grey": encoded(PHOTO[..., 0])[:2000] + b"\xff\xd9",
}


def file_of(tmp_path, data, name="1.jpg"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_jpeg_is_refused(tmp_path, name):
    path, notes = file_of(tmp_path, DAMAGED[name]), [] if name == "random" else None
    with pytest.raises(FrameError, match="the JPEG is damaged") as caught:
        decode(path, colour=True, accept_grey=True, notes=notes)
    assert caught.value.file == path
    assert caught.value.kind == "damaged frame"


@pytest.mark.parametrize(
    "image",
    [
        np.full((32, 32, 3), 128, np.uint8),  # the grey that missing data has
        np.zeros((512, 512, 3), np.uint8),
        np.vstack([PHOTO, np.full_like(PHOTO, 128)]),
    ],
)
@pytest.mark.parametrize("settings", [(), (cv2.IMWRITE_JPEG_OPTIMIZE, 1)])
@pytest.mark.parametrize("progressive", [0, 1])
def test_an_intact_jpeg_that_looks_damaged_is_used(tmp_path, image, settings, progressive):
    data = encoded(image, ".jpg", *settings, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    assert decode(file_of(tmp_path, data), colour=True).shape == image.shape


def test_looking_again_at_a_jpeg_leaves_the_error_output_alone(tmp_path, capfd):
    os.write(2, b"before ")
    decode(file_of(tmp_path, encoded(np.full((32, 32, 3), 128, np.uint8))), colour=True)
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_other_damaged_images_are_refused(tmp_path, suffix):
    data = encoded(PHOTO, suffix)
    for broken in (data[: len(data) // 2], data[:30]):
        with pytest.raises(FrameError, match="not an image"):
            decode(file_of(tmp_path, broken, f"1{suffix}"), colour=True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_frames_are_upright_as_exif_says(tmp_path, orientation, kind):
    image = Image.fromarray(PHOTO[..., ::-1])
    exif = image.getexif()
    exif[0x0112] = orientation
    target = io.BytesIO()
    image.save(target, kind, exif=exif, quality=95)
    data = target.getvalue()
    assert read_header(data).orientation == orientation
    found = decode(file_of(tmp_path, data), colour=True)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if kind == "PNG":
        order = [None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180]
        order += [Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE]
        order += [Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE]
        way = [*order, Image.Transpose.ROTATE_90][orientation - 1]
        expected = np.asarray(image if way is None else image.transpose(way))[..., ::-1]
    assert np.array_equal(found, expected)


def animated():
    target = io.BytesIO()
    image = Image.fromarray(PHOTO)
    image.save(target, "PNG", save_all=True, append_images=[Image.new("RGB", image.size)])
    return target.getvalue()


CLEAR = np.dstack([PHOTO, np.zeros(PHOTO.shape[:2], np.uint8)])
DOUBTS = {
    "animated": animated(),
    "16-bit": encoded(np.full((8, 8, 3), 4000, np.uint16), ".png"),
    "transparent": encoded(CLEAR, ".png"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_doubts_are_named_once_a_folder(tmp_path, caplog, doubt):
    paths = [file_of(tmp_path, DOUBTS[doubt], f"{number}.png") for number in (1, 2)]
    for path in paths:
        decode(path, colour=True)
    (line,) = caplog.messages
    assert line.startswith(f"{paths[0]}: ")
    assert doubt in line
    notes = []
    decode(paths[0], colour=True, notes=notes)
    assert len(notes) == 1
    assert len(caplog.messages) == 1


def test_opaque_and_sixteen_bit_frames_are_no_doubt(tmp_path, caplog):
    opaque = CLEAR.copy()
    opaque[..., 3] = 255
    decode(file_of(tmp_path, encoded(opaque, ".png")), colour=True)
    decode(file_of(tmp_path, encoded(PHOTO.astype(np.uint16) * 257, ".png")), colour=True)
    assert not caplog.messages


def huge(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"0" * 99)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path):
    with pytest.raises(FrameError, match="has 60000x60000 pixels"):
        decode(file_of(tmp_path, huge(60000, 60000)), colour=True)
    jpeg = bytearray(JPEG)
    place = JPEG.index(b"\xff\xc0") + 5
    jpeg[place : place + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(FrameError, match="has 65535x65535 pixels"):
        decode(file_of(tmp_path, bytes(jpeg)), colour=True)


@pytest.mark.parametrize("kind", ["fifo", "device", "loop", "dangling", "folder"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, kind):
    path = tmp_path / "1.jpg"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        goal = {"device": "/dev/zero", "loop": path, "dangling": tmp_path / "absent"}[kind]
        path.symlink_to(goal)
    with pytest.raises(FrameError, match="cannot be read"):
        decode(path, colour=True)


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_behind_a_header_end_in_an_error_of_ours(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for start in (b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"BM", b"\xff\xd8\xff\xc0", b"GIF89a"):
        data = start + rng.bytes(200) + b"\xff\xd9"
        with pytest.raises(FrameError):
            decode(file_of(tmp_path, data), colour=True)


def test_hidden_files_of_macos_are_no_frames(tmp_path):
    assert frame_number(tmp_path / "._reg_img46.jpg") is None
    assert frame_number(tmp_path / "reg_img46.jpg") == 46


def test_links_that_lead_back_are_followed_once(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for name in ("1.jpg", "v.mp4"):
        (inner / name).touch()
    (inner / "up").symlink_to(tmp_path)
    (inner / "self").symlink_to(inner)
    (tmp_path / "other").symlink_to(inner)
    found = [inner, tmp_path / "other"]
    assert [folder for folder, _ in image_folders(tmp_path)] == found
    assert list(video_files(tmp_path)) == [folder / "v.mp4" for folder in found]
