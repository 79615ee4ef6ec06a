"""All that is on disk: records, event log, blobs, evidence, packages, ledger."""
