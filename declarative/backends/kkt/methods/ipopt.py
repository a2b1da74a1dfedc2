"""IPOPT through CasADi, item by item -> points near solutions: an oracle, or for one hard instance.

CasADi calls back into our functions and their exact first and second derivatives.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.methods.foreign import arrived
from declarative.backends.kkt.methods.nlp import Stop
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta, take
from declarative.source.diagnostic import DiagnosticError, error


def ask_ipopt(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> tuple[Primal, Stop, Tensor]:
    """IPOPT on one item after the other, with exact first and second derivatives."""
    x, count = torch.empty_like(x0), torch.zeros(len(x0), dtype=torch.int64, device=x0.device)
    for i in range(len(x0)):
        item = Derivatives(program, take(theta, torch.tensor([i], device=x0.device)))
        point, count[i] = _ipopt(item, x0[i : i + 1], options)
        x[i] = torch.as_tensor(point, dtype=x0.dtype)
    return arrived(Derivatives(program, theta), x, count)


def _ipopt(d: Derivatives, x0: Tensor, options: Options) -> tuple[np.ndarray, int]:
    """The last point of one item, and IPOPT's iterations. Its functions are callbacks into ours."""
    try:
        import casadi  # an optional package, needed here only
    except ImportError:
        text = "`solve by ipopt` needs the package casadi"
        raise DiagnosticError([error("E323", None, text, hints=('pip install "declarative[ipopt]"',))]) from None
    callbacks = _callbacks(casadi, d, x0)
    settings = {
        "ipopt.print_level": 0, "print_time": 0, "ipopt.sb": "yes", "ipopt.tol": min(options.tolerance, 1e-10),
        "ipopt.max_iter": options.max_iterations, "no_nlp_grad": True, "calc_lam_p": False,
    }  # fmt: skip
    derivatives = {name: made for name, made in callbacks.items() if name != "nlp"}
    solver = casadi.nlpsol("item", "ipopt", callbacks["nlp"], settings | derivatives)
    (lower, upper), rows = d.bounds(x0), d.program.p + d.program.q
    sides = np.r_[np.zeros(d.program.p), np.full(d.program.q, -np.inf)]
    found = solver(x0=x0[0].numpy(), lbx=lower[0].numpy(), ubx=upper[0].numpy(), lbg=sides, ubg=np.zeros(rows))
    return np.array(found["x"]).ravel(), int(solver.stats()["iter_count"])


def _callbacks(casadi: Any, d: Derivatives, x0: Tensor) -> dict[str, Any]:
    """The functions that nlpsol asks for, with the names of arguments and results that it expects."""
    n, p, rows = d.program.n, d.program.p, d.program.p + d.program.q
    dense = casadi.Sparsity.dense
    point = {"x": dense(n, 1), "p": dense(0, 1)}

    def at(x: Any) -> Tensor:
        return torch.as_tensor(np.array(x), dtype=x0.dtype).reshape(1, -1)

    exists = torch.cat([torch.ones(1, p, dtype=torch.bool), d.g(x0) > -torch.inf], -1)

    def values(x: Tensor) -> np.ndarray:
        return torch.where(exists, torch.cat([d.c(x), d.g(x)], -1), -1)[0].numpy()

    def slopes(x: Tensor) -> np.ndarray:
        return torch.where(exists[..., None], torch.cat([d.jacobian_c(x), d.jacobian_g(x)], 1), 0)[0].numpy()

    def hessian(x: Any, _: Any, share: Any, weights: Any) -> list[Any]:
        x, w = at(x), at(weights)
        H = d.lagrangian_hessian(x, w[:, :p], w[:, p:])
        bent = H - d.lagrangian_hessian(x, 0 * w[:, :p], 0 * w[:, p:])
        return [casadi.triu(casadi.DM((bent + float(share) * (H - bent))[0].numpy()))]

    def made(name: str, ins: dict[str, Any], outs: dict[str, Any], run: Callable[..., list[Any]]) -> Any:
        return _callback(casadi)(name, ins, outs, run)

    nlp = made("nlp", point, {"f": dense(1, 1), "g": dense(rows, 1)}, lambda x, _: [float(d.f(at(x))), values(at(x))])
    slope = made(
        "slope", point, {"f": dense(1, 1), "grad_f_x": dense(n, 1)},
        lambda x, _: [float(d.f(at(x))), d.gradient(at(x))[0].numpy()],
    )  # fmt: skip
    jacobian = made(
        "jacobian", point, {"g": dense(rows, 1), "jac_g_x": dense(rows, n)},
        lambda x, _: [values(at(x)), slopes(at(x))],
    )  # fmt: skip
    weights = point | {"lam_f": dense(1, 1), "lam_g": dense(rows, 1)}
    bend = made("bend", weights, {"triu_hess_gamma_x_x": casadi.Sparsity.upper(n)}, hessian)
    return {"nlp": nlp, "grad_f": slope, "jac_g": jacobian, "hess_lag": bend}


def _callback(casadi: Any) -> Any:
    """CasADi's class for a function made of Python, with named arguments and results of given sparsities."""

    class Made(casadi.Callback):
        def __init__(self, name: str, ins: dict[str, Any], outs: dict[str, Any], run: Callable[..., list[Any]]):
            casadi.Callback.__init__(self)
            self.ins, self.outs, self.run = list(ins.items()), list(outs.items()), run
            self.construct(name, {})

        def get_n_in(self):
            return len(self.ins)

        def get_n_out(self):
            return len(self.outs)

        def get_name_in(self, i):
            return self.ins[i][0]

        def get_name_out(self, i):
            return self.outs[i][0]

        def get_sparsity_in(self, i):
            return self.ins[i][1]

        def get_sparsity_out(self, i):
            return self.outs[i][1]

        def eval(self, args):
            return self.run(*args)

    return Made
