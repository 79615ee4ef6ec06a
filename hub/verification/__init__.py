"""The verification ladder, L0 to L3: each level is a list of named checks; a verifier may only downgrade."""

from evidentia.hub.verification.ladder import HIGHEST, verify

__all__ = ["HIGHEST", "verify"]
