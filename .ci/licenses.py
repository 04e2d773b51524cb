"""Checks that every dependency's licence is on deny.toml's list. Needs Python 3.11 and nothing else."""
import json, re, subprocess, sys, tomllib

with open("deny.toml", "rb") as file:
    allowed = set(tomllib.load(file)["licenses"]["allow"])
metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked"]))


def permitted(expression: str) -> bool:
    """SPDX: OR is a choice, AND is not, and OR binds weakest; `MIT/Apache-2.0` is an old way to write OR."""
    expression = expression.replace("/", " OR ")
    while match := re.search(r"\(([^()]*)\)", expression):
        verdict = "MIT" if permitted(match[1]) else "not-allowed"
        expression = expression[: match.start()] + verdict + expression[match.end() :]
    return any(all(term.strip() in allowed for term in choice.split(" AND ")) for choice in expression.split(" OR "))


bad = [f"{p['name']} {p['version']}: {p['license']}" for p in metadata["packages"] if not permitted(p["license"] or "none stated")]
print("\n".join(bad) or f"{len(metadata['packages'])} packages, all on the list")
sys.exit(bool(bad))
