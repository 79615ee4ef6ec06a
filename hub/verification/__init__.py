"""The verification ladder, L0 to L5: each level is a list of named checks; a verifier may only downgrade."""

from evidentia.hub.verification.attested import trust_key
from evidentia.hub.verification.ladder import DEFAULT, HIGHEST, verify
from evidentia.hub.verification.nightly import stalest, verify_all

__all__ = ["DEFAULT", "HIGHEST", "stalest", "trust_key", "verify", "verify_all"]
