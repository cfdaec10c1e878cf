"""Say in words where figures are from: commands, machines, versions."""

from collections.abc import Iterable
from datetime import date
from typing import Any

NAMES = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}


def provenance(sources: Iterable[dict[str, Any]]) -> str:
    """Return a block that can be opened, with each command and its machine."""
    commands: dict[str, list[str]] = {}
    for source in sources:
        listed = commands.setdefault(conditions(source["measured"]), [])
        if source["command"] not in [None, *listed]:
            listed.append(source["command"])
    parts = []
    for where, lines in commands.items():
        code = "\n".join(lines)
        parts += [f"```bash\n{code}\n```", where] if code else [where]
    inside = "\n\n".join(parts)
    return f"<details><summary>Command and machine</summary>\n\n{inside}\n\n</details>"


def conditions(measured: dict[str, Any]) -> str:
    """Return a sentence about machine, versions and date."""
    parts = [machine(measured["machine"])]
    versions = measured.get("versions") or {}
    parts += [", ".join(f"{NAMES.get(name, name)} {version}" for name, version in versions.items())]
    seeds = measured.get("seeds")
    if seeds:
        parts.append(f"random_state {', '.join(map(str, seeds))}")
    when = date.fromisoformat(measured["date"])
    commit = f"{when.day} {when:%B %Y}, commit {measured['commit']}"
    if measured.get("dirty"):
        commit += " with changes"
    parts.append(commit)
    if measured.get("note"):
        parts.append(measured["note"])
    if measured.get("shared"):
        parts.append("other programs ran on the machine")
    if measured.get("transcribed"):
        parts.append(
            "copied from the pages of that commit, whose command may have had another form"
        )
    return "; ".join(part for part in parts if part) + "."


def machine(found: dict[str, Any]) -> str:
    """Return a description of a machine."""
    units = found["bfloat16"]
    parts = [
        found["processor"],
        f"{found['cores']} cores",
        found.get("vectors"),
        f"bfloat16 units ({units})" if units else "no bfloat16 units",
        f"{found['memory_gib']} GiB" if found["memory_gib"] else None,
        found["gpu"] or "no GPU",
    ]
    return ", ".join(part for part in parts if part)
