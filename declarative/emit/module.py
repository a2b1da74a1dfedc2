"""A problem to a Python module that holds its text, and a class that compiles it when it is made."""

import keyword

from declarative.ir.expr import Role
from declarative.ir.problem import ParameterDeclaration, Problem
from declarative.ir.size import shape_text

MODULE = '''{docstring}

import declarative
import torch

TEXT = {text}


class {class_name}(torch.nn.Module):
{class_docstring}

    def __init__(self, **settings):
        super().__init__()
        self.layer = declarative.compile(declarative.parse(TEXT, name={name}), **settings)

    def forward(self, *params, **named):
        return self.layer(*params, **named)

    def solve(self, *params, **named):
        """Everything about the solution: status, value, duals, residuals. Never raises for an outcome."""
        return self.layer.solve(*params, **named)

    def explain(self):
        return self.layer.explain()
'''
WORDS = {
    Role.PARAM: "Called with",
    Role.CONST: "Fixed when it is made, consts={...}",
    Role.LEARN: "Learned, with initial values learn={...}",
}


def module_text(problem: Problem, text: str) -> str:
    """The module for a problem whose `.opt` text is `text`, as Python source.

    Its class takes the settings of `declarative.compile` as keywords: dims, consts, learn, backend and the others.
    """
    return MODULE.format(
        docstring=_quoted(f"The problem `{problem.name}` as a PyTorch layer, written by `declarative compile`.", ""),
        text=_quoted(text, ""),
        class_name=class_name(problem.name),
        class_docstring="    " + _quoted("\n".join(_class_lines(problem)), "    "),
        name=f'"{problem.name}"',
    )


def class_name(name: str) -> str:
    """`top_eigenvector` becomes `TopEigenvector`; what Python keeps for itself begins with `Layer`."""
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return camel if camel.isidentifier() and not keyword.iskeyword(camel) else f"Layer{camel}"


def _class_lines(problem: Problem) -> list[str]:
    """The class's docstring: data by role, with shapes, then the outputs in order."""
    lines = [problem.doc or f"The layer of `{problem.name}`.", ""]
    for role, words in WORDS.items():
        held = [declaration for declaration in problem.parameters if declaration.symbol.role is role]
        lines += [f"{words}:", *map(_parameter_line, held), ""] if held else []
    unset = [dim.name for dim in problem.dims if dim.default is None]
    sizes = f"Sizes come from the data, or from dims={{...}}: {', '.join(unset)}." if unset else ""
    outputs = ", ".join(f"{o.name} : {shape_text(o.body.shape)}" for o in problem.outputs)
    return [
        *lines,
        *([sizes, ""] if sizes else []),
        f"Gives {outputs}, each with the leading batch axes of the data.",
        "",
    ]


def _parameter_line(declaration: ParameterDeclaration) -> str:
    symbol = declaration.symbol
    words = [shape_text(symbol.shape), *(["symmetric"] if symbol.symmetric else [])]
    words += [attribute.name for attribute in symbol.attributes]
    optional = "" if declaration.default is None else ", optional and by name"
    doc = f": {declaration.doc}" if declaration.doc else ""
    return f"    {symbol.name} : {', '.join(words)}{optional}{doc}"


def _quoted(text: str, indent: str) -> str:
    """A string literal, over several lines where the text can stand between triple quotes as it is."""
    plain = all(character.isprintable() or character == "\n" for character in text)
    if not plain or '"""' in text or "\\" in text or text.endswith('"'):
        return repr(text)
    lines = [f"{indent}{line}".rstrip() if indent else line for line in text.split("\n")]
    return f'"""{chr(10).join(lines).removeprefix(indent)}{indent if lines[-1] == "" else ""}"""'
