"""What is said of a minimisation to what is said of a maximisation: backends minimise, and speak so."""

from declarative.ir.problem import Sense

_TURNED = (
    ("the objective decreases without end", "the objective increases without end"),
    ("in which the objective does not rise", "in which the objective does not fall"),
    ("no minimum was found", "no maximum was found"),
    ("a maximum or a saddle, and below it", "a minimum or a saddle, and above it"),
)


def in_sense(message: str, sense: Sense) -> str:
    """A backend's words for a problem of this sense."""
    if sense is Sense.MAXIMIZE:
        for of_minimum, of_maximum in _TURNED:
            message = message.replace(of_minimum, of_maximum)
    return message
