"""A simulated mind and laboratory over planted truths: for benchmarks and tests of the search itself. Nothing here is
measured, and no run of the command line can reach it."""
