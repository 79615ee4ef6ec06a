"""The live research manager: what a person runs and decides, recorded with evidence in a run of its own."""
