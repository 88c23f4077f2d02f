"""Reads targets of a TUF repository with python-tuf: BASE ROOT FOLDER TARGET..."""

import sys
from pathlib import Path

from tuf.ngclient import Updater

base, root, folder, *names = sys.argv[1:]
Path(folder).mkdir(exist_ok=True)
try:
    updater = Updater(
        metadata_dir=folder,
        metadata_base_url=f"{base}/",
        target_base_url=f"{base}/targets/",
        target_dir=folder,
        bootstrap=Path(root).read_bytes(),
    )
    updater.refresh()
    for name in names:
        info = updater.get_targetinfo(name)
        if info is None:
            raise LookupError(f"there is no target {name}")
        path = updater.download_target(info)
        print(name, path)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
