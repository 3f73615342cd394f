"""The signals that ask a run to save and stop."""

from __future__ import annotations

import os
import signal


def stop_signals() -> list[signal.Signals]:
    """Return SIGINT, SIGTERM, SIGHUP unless ignored (as nohup does), and SIGUSR1 in a SLURM job."""
    found = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        found.append(hangup)
    if "SLURM_JOB_ID" in os.environ and hasattr(signal, "SIGUSR1"):
        found.append(signal.SIGUSR1)
    return found
