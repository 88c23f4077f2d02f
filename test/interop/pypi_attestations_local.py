"""pypi-attestations' command line, whose public Sigstore is another one.

It has no option for whom to trust: its production instance is replaced by the ClientTrustConfig
that the first argument names. Nothing of what it checks is changed.
"""

import sys
from pathlib import Path

from pypi_attestations._cli import main
from sigstore.models import ClientTrustConfig
from sigstore.verify import Verifier

config = ClientTrustConfig.from_json(Path(sys.argv.pop(1)).read_text())
ClientTrustConfig.production = classmethod(lambda cls, **_: config)
Verifier.production = classmethod(lambda cls, **_: cls(trusted_root=config.trusted_root))
main()
