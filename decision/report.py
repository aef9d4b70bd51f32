"""Everything known as one document, for other programs (JSON) or for people (Markdown).

The JSON form is versioned and described by ``decision/report.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import registry
from decision import criteria
from decision.evidence import Evidence, origin, usable
from decision.record import reports
from spike.core import workspace

SCHEMA = 2


def as_json(evidence: Evidence) -> dict[str, Any]:
    """The report as JSON values.

    Keys: ``schema``; ``sidecar`` (name, version); ``platform`` (id, triple); ``variants`` (id,
    build); ``benchmarks`` (name to result, with the raw samples); ``checklist`` (row, variant,
    status, evidence); ``criteria`` (id, text,
    verdict, evidence, next); ``origin`` (whose figures these are; empty for one's own);
    ``answer`` (packager, variant, fallback, its command, why not the
    others); ``summaries`` (report to sentence); ``problems``.
    """
    facts = reports.known(evidence)
    answer = facts.answer
    return {
        "schema": SCHEMA,
        "sidecar": {"name": evidence.sidecar.name, "version": evidence.sidecar.version},
        "platform": {"id": workspace.platform_id(), "triple": workspace.target_triple()},
        "variants": [{"id": name, "build": dict(facts)} for name, facts in evidence.builds.items()],
        "benchmarks": {
            name: {
                "complete": result.complete,
                "current": usable(evidence, name) is not None,
                "provenance": dict(result.provenance),
                "settings": dict(result.settings),
                "targets": {key: dict(facts) for key, facts in result.targets.items()},
                "samples": [dict(sample) for sample in result.samples],
            }
            for name, result in evidence.results.items()
            if name != registry.CHECKLIST
        },
        "checklist": _checklist(evidence),
        "criteria": [
            {
                "id": ruling.id,
                "text": ruling.text,
                "verdict": ruling.verdict.value,
                "evidence": ruling.evidence,
                "next": ruling.next_command,
            }
            for ruling in criteria.all_rulings(evidence)
        ],
        "origin": origin(evidence),
        "answer": {
            "sentence": answer.sentence,
            "packager": answer.packager,
            "variant": answer.variant,
            "fallback": answer.fallback,
            "fallback_command": answer.fallback_command,
            "reasons": list(answer.reasons),
            "why_not": dict(answer.why_not),
            "reconciled": answer.reconciled,
        },
        "summaries": dict(facts.sentences),
        "problems": list(evidence.problems),
    }


def _checklist(evidence: Evidence) -> list[Mapping[str, Any]]:
    result = evidence.result(registry.CHECKLIST)
    if result is None:
        return []
    return [
        {
            "row": sample["row"],
            "variant": sample["target"],
            "status": sample["status"],
            "evidence": sample["evidence"],
        }
        for sample in result.samples
    ]


def as_markdown(evidence: Evidence) -> str:
    """The reports, one after the other."""
    facts = reports.known(evidence)
    texts = reports.render_all(facts)
    index = texts.pop(facts.path(reports.INDEX))
    said = origin(evidence)
    return "\n".join([*([f"{said}\n"] if said else []), index, *texts.values()])
