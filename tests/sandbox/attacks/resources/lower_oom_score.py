"""Make every other process a likelier victim of the kernel's out-of-memory killer."""

from pathlib import Path

score = Path("/proc/self/oom_score_adj")
score.write_text(str(int(score.read_text()) - 1))
print("succeeded: the score is lower", flush=True)
