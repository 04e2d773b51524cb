"""How verdicts show themselves in a notebook: tables and heat maps in HTML, without scripts, in light and in dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetted.index import Found, Hit, LeftOut, Outcome
    from vetted.verdicts import Explanation, Verdict, Verdicts

# Colors follow the notebook's theme: JupyterLab and VS Code name theirs, elsewhere it is the system's.
_STYLE = """<style>
.vetted{--v-ink:#1f2328;--v-dim:#656d76;--v-line:#d8dee4;--v-heat:9,105,218;--v-accept:#1a7f37;--v-reject:#cf222e;
--v-abstain:#9a6700;--v-unverified:#656d76;color:var(--v-ink);font:13px/1.45 system-ui,sans-serif;max-width:72em;overflow-x:auto}
@media (prefers-color-scheme:dark){.vetted{--v-ink:#e6edf3;--v-dim:#8d96a0;--v-line:#3d444d;--v-heat:88,166,255;
--v-accept:#3fb950;--v-reject:#f85149;--v-abstain:#d29922;--v-unverified:#8d96a0}}
[data-jp-theme-light=true] .vetted,.vscode-light .vetted{--v-ink:#1f2328;--v-dim:#656d76;--v-line:#d8dee4;--v-heat:9,105,218;
--v-accept:#1a7f37;--v-reject:#cf222e;--v-abstain:#9a6700;--v-unverified:#656d76}
[data-jp-theme-light=false] .vetted,.vscode-dark .vetted{--v-ink:#e6edf3;--v-dim:#8d96a0;--v-line:#3d444d;--v-heat:88,166,255;
--v-accept:#3fb950;--v-reject:#f85149;--v-abstain:#d29922;--v-unverified:#8d96a0}
.vetted table{border-collapse:collapse;margin:0 0 .6em;font-size:inherit}
.vetted :is(td,th){padding:.25em .8em .25em 0;text-align:left;vertical-align:top;border:0;background:none;white-space:normal}
.vetted tr{background:none!important}
.vetted tbody.v-list tr{border-top:1px solid var(--v-line)}
.vetted th{color:var(--v-dim);font-weight:400}
.vetted .v-number{text-align:right;font-variant-numeric:tabular-nums}
.vetted .v-name{font-weight:600}
.vetted .v-accept{color:var(--v-accept)}.vetted .v-reject{color:var(--v-reject)}
.vetted .v-abstain{color:var(--v-abstain)}.vetted .v-unverified{color:var(--v-unverified)}
.vetted .v-dim{color:var(--v-dim)}
.vetted mark{background:rgba(var(--v-heat),.18);color:inherit;border-radius:2px}
.vetted .v-map{border-spacing:1px;border-collapse:separate}
.vetted .v-map td{padding:0;width:1.5em;height:1.5em;min-width:1.5em;border-radius:2px}
.vetted .v-map th{padding:0 .5em 0 0;text-align:right;white-space:nowrap;color:var(--v-ink)}
.vetted .v-map .v-top th{height:6.5em;padding:0;vertical-align:bottom;text-align:left}
.vetted .v-map .v-top span{writing-mode:vertical-rl;transform:rotate(180deg);display:inline-block;width:1.5em;line-height:1.5em}
</style>"""

_LONGEST = 240
_MOST_TOKENS = 80


def page(content: str) -> str:
    """What a notebook shows."""
    return f'{_STYLE}<div class="vetted">{content}</div>'


def verdict_html(verdict: Verdict) -> str:
    """A table of what is said, and the map of what it rests on."""
    rows = [
        ("query", escape(_shortened(verdict.query))),
        ("candidate", _with_window(verdict.candidate, verdict.window)),
        ("verdict", f"{_name(verdict.verdict)}{_because(verdict)}"),
    ]
    numbers = (("match", verdict.p_match), ("conflict", verdict.p_conflict), ("calibrated", verdict.probability))
    shown = " · ".join(f"{name} {number:.3f}" for name, number in numbers if number is not None)
    if shown:
        rows.append(("probabilities", shown))
    explanation = verdict.explain()
    if explanation is not None and explanation.pairs:
        pairs = explanation.pairs[:5]
        rows.append(("decided by", ", ".join(f"{escape(pair.query)} ~ {escape(pair.candidate)}" for pair in pairs)))
    table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<table><tbody>{table}</tbody></table>{'' if explanation is None else explanation_html(explanation)}"


def verdicts_html(verdicts: Verdicts) -> str:
    """A row for each candidate."""
    if not verdicts:
        return '<span class="v-dim">no candidates</span>'
    queries = {verdict.query for verdict in verdicts}
    head = "".join(f"<p>{escape(_shortened(query))}</p>" for query in queries) if len(queries) == 1 else ""
    rows = "".join(
        f"<tr><td>{_name(verdict.verdict)}</td>{_number(verdict.p_match)}{_number(verdict.p_conflict)}"
        f"<td>{_with_window(verdict.candidate, verdict.window)}{_because(verdict, '<br>')}</td></tr>"
        for verdict in verdicts
    )
    return f"{head}<table>{_head('verdict', 'match', 'conflict', 'candidate')}<tbody class=v-list>{rows}</tbody></table>"


def found_html(found: Found) -> str:
    """A row for each hit, then what was left out."""
    hits = "".join(_hit(hit) for hit in found.hits)
    left_out = "".join(_left_out(one) for one in found.rejected)
    if not hits and not left_out:
        hits = '<tr><td colspan=4 class="v-dim">nothing was found</td></tr>'
    lost = "".join(f"<p>{escape(part.part)} was not asked: {escape(part.reason)}</p>" for part in found.not_asked)
    return (
        f"<p>{escape(_shortened(found.query))}</p>{lost}<table>{_head('', 'score', 'verdict', 'document')}"
        f"<tbody class=v-list>{hits}{left_out}</tbody></table>"
    )


def explanation_html(explanation: Explanation) -> str:
    """The map: the query's tokens downwards, the candidate's across; the darker, the more alike."""
    rows, columns = (_shown(tokens) for tokens in (explanation.query_tokens, explanation.candidate_tokens))
    top = "".join(f"<th><span>{escape(explanation.candidate_tokens[column])}</span></th>" for column in columns)
    body = ""
    for row in rows:
        cells = "".join(_cell(float(explanation.map[row, column])) for column in columns)
        body += f"<tr><th>{escape(explanation.query_tokens[row])}</th>{cells}</tr>"
    return f'<table class="v-map"><thead><tr class="v-top"><th></th>{top}</tr></thead><tbody>{body}</tbody></table>'


def _shown(tokens: list[str]) -> list[int]:
    """The places of tokens that say something to people, as many as can be looked at."""
    return [at for at, token in enumerate(tokens) if not (token.startswith("[") and token.endswith("]"))][:_MOST_TOKENS]


def _cell(similarity: float) -> str:
    shade = min(max(similarity, 0.0), 1.0) ** 2
    return f'<td style="background:rgba(var(--v-heat),{shade:.2f})" title="{similarity:.2f}"></td>'


def _hit(hit: Hit) -> str:
    said = "" if hit.outcome is None else f"{_name(hit.outcome.verdict)}{_because(hit.outcome)}"
    text, at, parts = hit.snippet.text, 0, []
    for start, end in hit.snippet.matches:
        parts += [escape(text[at:start]), f"<mark>{escape(text[start:end])}</mark>"]
        at = end
    quoted = "".join(parts) + escape(text[at:])
    return (
        f"<tr><td>{hit.rank}</td>{_number(hit.score)}<td>{said}</td>"
        f'<td><b>{escape(hit.title)}</b> <span class="v-dim">{escape(hit.id)}</span><br>{quoted}</td></tr>'
    )


def _left_out(one: LeftOut) -> str:
    said = "" if one.outcome is None else f"{_name(one.outcome.verdict)}{_because(one.outcome)}"
    quoted = "" if one.window is None else f"<br>{escape(_shortened(one.window.text))}"
    return (
        f'<tr class="v-dim"><td>left out</td>{_number(one.score)}<td>{said}</td>'
        f"<td><b>{escape(one.title)}</b> {escape(one.id)}{quoted}</td></tr>"
    )


def _because(said: Verdict | Outcome, before: str = " ") -> str:
    parts = [said.why or said.reason or (said.finding if said.verdict == "accept" else None), said.kind]
    answer = f"answer: {said.answer}" if said.answer else None
    shown = " · ".join(escape(part) for part in [*parts, answer] if part)
    return f'{before}<span class="v-dim">{shown}</span>' if shown else ""


def _name(verdict: str) -> str:
    return f'<span class="v-name v-{verdict}">{verdict}</span>'


def _number(number: float | None) -> str:
    return f'<td class="v-number">{"" if number is None else f"{number:.3f}"}</td>'


def _head(*names: str) -> str:
    return f"<thead><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr></thead>"


def _with_window(text: str, window: tuple[int, int] | None) -> str:
    """A text, with the part marked that decided where that is not all of it."""
    if window is None or (window[1] - window[0] >= len(text.strip()) and len(text) <= _LONGEST):
        return escape(_shortened(text))
    start, end = window
    before = text[:start] if start <= _LONGEST // 2 else f"…{text[start - _LONGEST // 2 : start]}"
    after = text[end:] if len(text) - end <= _LONGEST // 2 else f"{text[end : end + _LONGEST // 2]}…"
    return f"{escape(before)}<mark>{escape(text[start:end])}</mark>{escape(after)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
