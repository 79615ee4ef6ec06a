"""Declare outputs whose paths lead out of the scratch folder."""

print("blocked: unless the host took them", flush=True)
