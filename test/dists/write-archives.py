"""Writes archives with Python's own modules, as an independent writer.

Input: a JSON list of {"kind", "format", "members": [[path, kind, content]]}; content of files is
Base64, of links the target. Output: a line of Base64 for each.
"""

import base64
import io
import json
import sys
import tarfile
import zipfile


class Unseekable(io.RawIOBase):
    """Makes zipfile put sizes into data descriptors."""

    def __init__(self, sink):
        self.sink = sink

    def writable(self):
        return True

    def write(self, data):
        return self.sink.write(data)


def write_zip(sink, form, members):
    file = Unseekable(sink) if form == "streamed" else sink
    method = zipfile.ZIP_STORED if form == "stored" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w", method) as archive:
        for path, kind, content in members:
            if kind == "folder":
                archive.mkdir(path) if form != "streamed" else None
            else:
                with archive.open(path, "w", force_zip64=form == "wide") as member:
                    member.write(base64.b64decode(content))


TYPES = {"folder": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}


def write_tar(sink, form, members):
    with tarfile.open(fileobj=sink, mode="w", format=getattr(tarfile, form)) as archive:
        for path, kind, content in members:
            info = tarfile.TarInfo(path)
            info.mtime = 1.5 if form == "PAX_FORMAT" else 1
            if kind == "file":
                data = base64.b64decode(content)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                info.type = TYPES[kind]
                info.linkname = content
                archive.addfile(info)


WRITERS = {"zip": write_zip, "tar": write_tar}

for order in json.load(sys.stdin):
    sink = io.BytesIO()
    WRITERS[order["kind"]](sink, order["format"], order["members"])
    print(base64.b64encode(sink.getvalue()).decode())
