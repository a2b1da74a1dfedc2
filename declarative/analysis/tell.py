"""Trees of reasons to indented lines for people, and to plain data for JSON."""

from __future__ import annotations

from typing import Any

from declarative.analysis.reasons import Account, Reason
from declarative.analysis.rules import SIGN_WORDS
from declarative.ir.facts import Curvature

MOST = 40  # expressions told of a problem


def to_lines(accounts: tuple[Account, ...]) -> list[str]:
    """Affine sides that are as they must be are named together, the others each with its tree."""
    plain = [account for account in accounts if account.holds and account.reason.curvature.affine]
    told = [account for account in accounts if account not in plain]
    lines = [line for account in told[:MOST] for line in _account(account)]
    if len(told) > MOST:
        lines.append(f"and {len(told) - MOST} more")
    return lines + ([f"affine: {_listed(plain, told)}"] if plain else [])


def _account(account: Account) -> list[str]:
    wanted, found = account.wanted.value, account.reason.curvature
    if account.holds:
        verdict = f"{found.value}, as it must be"
    else:
        verdict = f"must be {wanted}, " + ("not known to be" if found is Curvature.UNKNOWN else f"is {found.value}")
    return [f"{account.of}: {verdict}", *_tree(account.reason, 1)]


def _tree(reason: Reason, depth: int) -> list[str]:
    sign = SIGN_WORDS.get(reason.sign)
    known = "no curvature" if reason.curvature is Curvature.UNKNOWN else reason.curvature.value
    what = f"{known}, {sign}" if sign else known
    lines = [f"{'  ' * depth}`{reason.text}`: {what}; {reason.rule}"]
    for part in reason.parts:
        lines += _tree(part, depth + 1)
    if reason.more:
        rest = f"and {reason.more} more of these kinds" if reason.parts else "and so on, further in"
        lines.append(f"{'  ' * (depth + 1)}{rest}")
    return lines


def _listed(plain: list[Account], told: list[Account]) -> str:
    """`budget` once for both sides, and by its side where the other one has a tree of its own."""
    halves = {account.of.partition(", ")[0] for account in told}
    parts = [account.of.partition(", ") for account in plain]
    places = list(dict.fromkeys(f"the {side} of {name}" if name in halves else name for name, _, side in parts))
    return ", ".join(places[:MOST]) + (f" and {len(places) - MOST} more" if len(places) > MOST else "")


def to_data(accounts: tuple[Account, ...]) -> list[dict[str, Any]]:
    """The same for JSON, whole."""
    return [{"of": a.of, "wanted": a.wanted.value, "holds": a.holds, "tree": _data(a.reason)} for a in accounts]


def _data(reason: Reason) -> dict[str, Any]:
    found: dict[str, Any] = {"text": reason.text, "curvature": reason.curvature.value, "rule": reason.rule}
    if sign := SIGN_WORDS.get(reason.sign):
        found["sign"] = sign
    if reason.parts:
        found["parts"] = [_data(part) for part in reason.parts]
    return found | ({"more": reason.more} if reason.more else {})
