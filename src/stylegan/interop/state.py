"""What the authors' pickled Network objects hold."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from stylegan.errors import InputError, refuse
from stylegan.interop.pickles import NETWORK, Call, Malformed, PickledArray, array_of, short

FAMILIES = (("G_style", "D_basic", "G_style"), ("G_paper", "D_paper", "G_paper"))
ROLES = {name: {family[i] for family in FAMILIES} for i, name in enumerate(("G", "D", "Gs"))}  # what builds each
COMPONENTS = {"G_style": {"mapping": "G_mapping", "synthesis": "G_synthesis"}}


@dataclass(frozen=True)
class OfficialNetwork:
    """A network as the authors describe it: its build function, the arguments of that function, its variables.

    variables: includes those of the components, with the prefix of their build function (G_mapping/, G_synthesis/).
    """

    name: str
    function: str
    arguments: dict[str, Any]
    variables: dict[str, PickledArray]
    components: tuple["OfficialNetwork", ...]


def official_networks(value: Any) -> list[OfficialNetwork]:
    """G, D and Gs (the average of G) of a pickle's value. Raises InputError for everything else."""
    if not isinstance(value, tuple) or len(value) != 3:
        held = value if isinstance(value, Call) else type(value).__name__
        size = f" of {len(value)}" if isinstance(value, tuple | list) else ""
        raise InputError(f"holds one {held}{size}: must be a tuple of the three networks (G, D, Gs)")
    networks, problems = [], []
    for name, network in zip(("G", "D", "Gs"), value, strict=True):
        try:
            networks.append(_network(name, network, ROLES[name]))
        except InputError as e:
            problems.append(str(e))
    refuse(problems)
    functions = tuple(network.function for network in networks)
    if functions not in FAMILIES:
        raise InputError(
            f"(G, D, Gs) built by {functions}: must be by {FAMILIES[0]}, or Progressive GAN's {FAMILIES[1]}"
        )
    return networks


def _network(name: str, value: Any, functions: Collection[str]) -> OfficialNetwork:
    """The network, which must be built by one of `functions`. That is checked before its components are read, because
    in a hostile file a network may be a component of itself."""
    state: Any = value.state if isinstance(value, Call) and value.func in NETWORK else None
    match state:
        case {"version": 2 | 3, "build_func_name": str(function), "static_kwargs": dict(given), "variables": list(own)}:
            pass
        case _:
            raise InputError(f"{name}: not a Network of version 2 or 3 with build function, arguments and variables")
    if function not in functions:
        raise InputError(f"{name}: built by {short(function)}: must be {' or '.join(sorted(functions))}")
    components = _components(name, function, state.get("components") or {})
    arguments = {key: _plain(item) for key, item in given.items()}
    variables = _variables(name, own)
    for component in components:
        variables |= {f"{component.function}/{key}": array for key, array in component.variables.items()}
    return OfficialNetwork(name, function, arguments, variables, components)


def _components(name: str, function: str, given: Any) -> tuple[OfficialNetwork, ...]:
    wanted = COMPONENTS.get(function, {})
    if not isinstance(given, dict) or given.keys() != wanted.keys():
        raise InputError(f"{name}: the components of {function} must be {', '.join(wanted) or 'none'}")
    return tuple(_network(f"{name}'s {key}", given[key], {built_by}) for key, built_by in wanted.items())


def _variables(name: str, pairs: list[Any]) -> dict[str, PickledArray]:
    variables: dict[str, PickledArray] = {}
    problems = []
    for pair in pairs:
        match pair:
            case (str(key), value) if key not in variables:
                try:
                    variables[key] = array_of(value)
                except Malformed as e:
                    problems.append(f"{name}: {short(key)} {e}")
            case _:
                problems.append(f"{name}: a variable that is not a pair of a name, used once, and an array")
    refuse(problems)
    return variables


def _plain(value: Any) -> Any:
    """A NumPy number as a Python number; anything else unchanged."""
    try:
        return array_of(value).numpy().item() if isinstance(value, Call) else value
    except (Malformed, ValueError):
        return value
