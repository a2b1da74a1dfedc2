"""The numbers that a compiled method and its form in torch have in common. No import here costs time."""

from sys import float_info

# The barrier method.
FAR = 1e16  # beyond this, relative to the start, a point is on its way to infinity
DAMPING = 1e-4  # a pull on distances beside that of their logarithms, which holds what nothing else does
FAST = 20.0  # at most this factor, as a logarithm, nearer to a wall in one step
REACH = 1e10  # a multiplier is kept within this factor of mu / v
LEAST_LIFT, MOST_LIFT = 1e-30, 1.0  # of a Hessian that is not positive definite
BOLD, LEAST_SHARE = 3.0, 1e-12  # the shift beside the most negative curvature (1: singular), and how it is measured
FLAT = 1e-10  # eigenvalues below this part of the largest count as negative
DEPENDENT = 1e-11  # regularises dependent rows

# Its filter, and its line search.
FILTER = 32  # pairs kept; the oldest go first
MARGIN_VIOLATION, MARGIN_OBJECTIVE = 1e-5, 1e-8
ARMIJO, HALVINGS = 1e-8, 30
CORRECTIONS, SHRINKING = 3, 0.99  # of second order, each of which has to leave less of the violation than this
ROUNDING = 10 * float_info.epsilon
SHORT, PATIENCE = 1e-2, 15  # after so many steps in a row that are cut shorter, an item is stuck

# The trust region.
ACCEPT, POOR, GOOD = 1e-4, 0.25, 0.75  # what the function falls, beside what the model promised
SMALLEST = 1e-14  # a ball smaller than this, beside x, is given up

IDLE = 1e-13  # a slope or curvature smaller than this, beside those of the start or its terms, may be rounding
NEARLY_CONVEX = 1e-8  # negative curvature smaller than this, beside the largest diagonal entry

# Its quadratics in a ball.
MULTIPLE = 1e-12  # eigenvalues closer than this, beside the largest, are one
NOTHING = 1e-14  # a part of g smaller than this, beside all terms, is rounding
FAINT = 1e-6  # of the fall: what a slope that may be rounding error has to add to it
SECULAR = 80  # steps for the secular equation

# The interior-point method for quadratic programs.
PROXIMAL = 1e-11
CONVERGED = 1e-10
NEARLY, HASTE = 1e-8, 3  # below this error, so many steps without progress are enough: polishing does the rest
ROW = 1e-5  # a row is measured at least at this part of the largest, in equilibrated units
PROGRESS, STALLED = 0.7, 15  # an item stops when so many steps have not reduced its error by this factor
HARM = 0.9  # a step that leaves more of the gap than this was too bold: the next ones do without the correction,
CENTRE = 0.3  # aim at this part of the gap at least and go no further than it falls,
HELP = 0.4  # until a step leaves less than this
GIVE_UP = 1e-13  # a step length below this makes no progress
HEMMED, IN_A_ROW = 0.3, 2  # so many steps in a row that are cut to less than this: some s and z are far too small
AWAY, DEPARTURES = 10.0, 5  # then all grow by so many times the largest, so often at most

# Linear systems.
WEIGHT = 1e4  # of the equations' squares beside a matrix of unit size

# Solutions.
SOUND = 1e-9  # a point whose worst residual is larger is looked at again, by the method for all programs
WEAK = 1e-7  # slack and multiplier both below this share: weakly active
