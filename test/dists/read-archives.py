"""Reads archives from standard input as Python's own modules do, and says what is in them.

Input: for each archive a line `zip LENGTH` or `tar LENGTH`, then its bytes.
Output: for each archive a line of JSON: a list of [path, kind, sha256 or link target],
or a string that begins with the name of the error.
"""

import hashlib
import io
import json
import sys
import tarfile
import zipfile


def read_zip(file):
    with zipfile.ZipFile(file) as archive:
        return [
            [info.filename.rstrip("/"), "folder", ""]
            if info.is_dir()
            else [info.filename, "file", hashlib.sha256(archive.read(info)).hexdigest()]
            for info in archive.infolist()
        ]


def describe(archive, info):
    if info.isdir():
        return [info.name, "folder", ""]
    if info.issym():
        return [info.name, "symlink", info.linkname]
    if info.islnk():
        return [info.name, "hardlink", info.linkname]
    if info.isreg():
        content = archive.extractfile(info).read()
        return [info.name, "file", hashlib.sha256(content).hexdigest()]
    return [info.name, "special", ""]


def read_tar(file):
    with tarfile.open(fileobj=file, mode="r:") as archive:
        return [describe(archive, info) for info in archive]


READERS = {"zip": read_zip, "tar": read_tar}

source = sys.stdin.buffer
while line := source.readline():
    kind, length = line.split()
    try:
        result = READERS[kind.decode()](io.BytesIO(source.read(int(length))))
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(json.dumps(result))
