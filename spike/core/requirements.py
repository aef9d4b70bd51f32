"""Rows and thresholds of the packaging spike plan (``docs/packaging-spike-plan.md``).

Results, record and tests name a row by its id: ``A1`` to ``E3`` are the checklist of section 2,
``F1`` to ``F4`` the fallback criteria and ``K1`` to ``K6`` the contingency steps of section 4,
``M1`` to ``M6`` the exit criteria. The texts are the plan's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TARGET_LAUNCHES: Final = 20
"""Section 4: "over 20 launches". A rate over fewer decides nothing."""

MAX_FAILED_RATE: Final = 0.10
"""Section 4: ">10% failure"; exactly 10 % still meets the target."""

MIN_STABLE_CYCLES: Final = 5
"""Section 2, E: "Repeated launch cycles (>=5) are stable"."""

MAX_DEBUG_SESSIONS: Final = 2
"""Section 4: "persists after 2 focused debug sessions"."""

MAX_WORKING_DAYS_LOST: Final = 2.0
"""Section 4: "by >2 working days"; exactly two are still within it."""

PLAN_VARIANTS: Final = ("nuitka-onefile", "pyinstaller-onefile")
"""The plan's packager and its fallback, built by the plan's commands word for word."""

CHECKLIST: Final[Mapping[str, str]] = {
    "A1": "externalBin path is configured for the sidecar binary target",
    "A2": "Per-platform naming conventions are handled (.exe on Windows, none on macOS/Linux)",
    "A3": "Sidecar binary is included in app packaging output",
    "B1": "Host invokes sidecar with expected args/env",
    "B2": "Sidecar process starts without immediate crash",
    "B3": "Host observes process PID and retains lifecycle handle",
    "C1": "Host reads sidecar stdout stream reliably",
    "C2": "Host detects READY token line exactly once",
    "C3": "Host transitions internal state to “ready” only after READY token",
    "C4": "READY timeout is enforced and emits actionable error logs",
    "D1": "Missing binary path returns clear startup error",
    "D2": "Non-zero sidecar exit before READY is surfaced to UI/logs",
    "D3": "Malformed stdout (no READY) triggers timeout path",
    "D4": "Stderr output is captured and attached to diagnostics",
    "E1": "App restart relaunches sidecar successfully",
    "E2": "App shutdown terminates sidecar cleanly",
    "E3": "Repeated launch cycles (>=5) are stable",
}

FALLBACK_CRITERIA: Final[Mapping[str, str]] = {
    "F1": "Blocker-level build failure persists after 2 focused debug sessions",
    "F2": "Runtime launch instability remains unresolved after reproducible minimal case is "
    "created",
    "F3": "Binary fails READY handshake reliability target (>10% failure over 20 launches)",
    "F4": "Packaging complexity/time threatens Milestone 0 timeline by >2 working days",
}

CONTINGENCY_STEPS: Final[Mapping[str, str]] = {
    "K1": "Freeze current Nuitka findings in issue log (commands, errors, artifacts)",
    "K2": "Implement equivalent one-file build via PyInstaller",
    "K3": "Re-run the same validation checklist (Section 2) unchanged",
    "K4": "Compare side-by-side: startup latency, binary size, launch reliability, integration "
    "complexity",
    "K5": "Record decision rationale and choose temporary packager for Milestone 0",
    "K6": "Open follow-up task to revisit Nuitka post-M0 if PyInstaller is selected",
}

EXIT_CRITERIA: Final[Mapping[str, str]] = {
    "M1": "Hello-world sidecar binary is produced and launchable",
    "M2": "Tauri launches sidecar through externalBin successfully",
    "M3": "Host parses stdout and transitions on READY",
    "M4": "Failure paths (missing bin / crash-before-ready / timeout) are validated",
    "M5": "Platform issue log is populated for encountered problems",
    "M6": "Packaging decision (Nuitka or PyInstaller fallback) is documented",
}
