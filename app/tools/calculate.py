"""The tool `calculate`: arithmetic that comes out right, which is more than can be said of models."""

from typing import Annotated, Any

from msgspec import Meta

from app.tools import arithmetic
from app.tools.exact import ArithmeticProblem
from app.tools.functions import FUNCTIONS
from app.tools.interface import Arguments, Scope, Tool, ToolError

# A longer fraction tells nobody anything.
LONGEST_FRACTION = 40


class Calculation(Arguments, frozen=True, kw_only=True):
    """What `calculate` takes."""

    expression: Annotated[
        str,
        Meta(
            max_length=arithmetic.MOST_CHARACTERS,
            description="The expression, such as 12*7, 15% of 80, (1+5%)^10, sqrt(2)/3 or max(3, 4).",
        ),
    ]


async def run(arguments: Calculation, _scope: Scope) -> dict[str, Any]:
    """Work it out; `isExact` says whether `result` was rounded, `fraction` is the exact value if that is short."""
    try:
        number = arithmetic.evaluate(arguments.expression)
    except ArithmeticProblem as problem:
        raise ToolError(str(problem)) from None
    is_even = arithmetic.comes_out_even(number)
    result: dict[str, Any] = {"result": arithmetic.shown(number), "isExact": is_even}
    if number.is_exact and not is_even and len(fraction := str(number.value)) <= LONGEST_FRACTION:
        result["fraction"] = fraction
    return result


CALCULATE = Tool(
    name="calculate",
    description=(
        "Works out an arithmetic expression exactly. Use it for every calculation beyond the trivial, instead of "
        "calculating yourself. It knows + - * / ^, parentheses, %, factorials (!), mod, and the functions "
        f"{', '.join(FUNCTIONS)}, with pi and e; angles are in radians. "
        "80 + 15% is 92, and 15% of 80 is 12."
    ),
    arguments=Calculation,
    run=run,
    time_limit=2.0,
)
