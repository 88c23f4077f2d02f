"""Verifies signed wheels in this process, by the libraries of others, and prints the seconds.

Arguments: sigstore or pypi-attestations, the ClientTrustConfig, identity, issuer, wheels.
"""

import sys
import time
from pathlib import Path

from pypi_attestations import Attestation, Distribution
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

library, config_path, identity, issuer, *wheels = sys.argv[1:]
config = ClientTrustConfig.from_json(Path(config_path).read_text())
verifier = Verifier(trusted_root=config.trusted_root)
Verifier.production = classmethod(lambda cls, **_: verifier)
policy = Identity(identity=identity, issuer=issuer)


def by_sigstore(wheel: Path) -> None:
    bundle = Bundle.from_json(Path(f"{wheel}.sigstore.json").read_bytes())
    verifier.verify_artifact(wheel.read_bytes(), bundle, policy)


def by_pypi_attestations(wheel: Path) -> None:
    text = Path(f"{wheel}.publish.attestation").read_text()
    attestation = Attestation.model_validate_json(text)
    attestation.verify(policy, Distribution.from_file(wheel), offline=True)


verify = by_sigstore if library == "sigstore" else by_pypi_attestations
started = time.perf_counter()
for wheel in wheels:
    verify(Path(wheel))
print(time.perf_counter() - started)
