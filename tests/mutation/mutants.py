"""The small faults that a mutation run puts into a module, one at a time.

Not changed: strings, log calls, annotations, decorators, types in a union.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
UNCHANGED = {"annotation", "returns", "decorator_list", "bases", "type_params"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault: `new` instead of what stands in a field of a node."""

    file: str
    tree: ast.Module
    node: ast.AST
    field: str
    index: int | None
    """Where in the field, if that is a list."""
    new: ast.AST
    line: int
    function: str
    """Qualified name of the function around it; empty = the module."""
    change: str
    """Original → mutant, as text; numbered if a function has the same one again."""

    def code(self) -> CodeType:
        """Compile the module with the fault; its tree keeps the fault."""
        _put(self.node, self.field, self.index, self.new)
        return compile(ast.fix_missing_locations(self.tree), self.file, "exec")


def of(file: str) -> list[Mutant]:
    """Return all mutants of a file, in the order of its lines."""
    return of_source(Path(file).read_text(encoding="utf-8"), file)


def of_source(source: str, file: str) -> list[Mutant]:
    """Return all mutants of a module's text."""
    tree = ast.parse(source)
    met: Counter[tuple[str, str]] = Counter()
    found = []
    for place in _places(tree, ""):
        for new in _news(place):
            change = _text(place, new)
            met[place.function, change] += 1
            nth = met[place.function, change]
            found.append(
                Mutant(
                    file=file,
                    tree=tree,
                    node=place.node,
                    field=place.field,
                    index=place.index,
                    new=new,
                    line=getattr(place.child, "lineno", 0),
                    function=place.function,
                    change=change if nth == 1 else f"{change} ({nth})",
                )
            )
    return sorted(found, key=lambda mutant: mutant.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    node: ast.AST
    field: str
    index: int | None
    child: ast.AST
    function: str
    rebound: frozenset[str]
    """Names that the function binds more than once."""


def _places(
    node: ast.AST, function: str, rebound: frozenset[str] = frozenset()
) -> Iterator[_Place]:
    for field, value in ast.iter_fields(node):
        if _is_unchanged(node, field):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _is_left(child):
                continue
            yield _Place(
                node=node,
                field=field,
                index=index,
                child=child,
                function=function,
                rebound=rebound,
            )
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}".removeprefix(".")
                yield from _places(child, inner, _rebound(child))
            else:
                yield from _places(child, function, rebound)


def _is_unchanged(node: ast.AST, field: str) -> bool:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
        return True
    return field in UNCHANGED or (
        isinstance(node, ast.ClassDef) and field == "keywords"
    )


def _is_left(node: ast.AST) -> bool:
    """Whether nothing in it is changed: text, a log call, a type."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("TypeVar("):
        return True
    if isinstance(node, ast.Expr):
        value = node.value
        is_log = isinstance(value, ast.Call) and ast.unparse(value).startswith("logger")
        return is_log or isinstance(value, ast.Constant)
    if not isinstance(node, ast.BinOp):
        return False
    if isinstance(node.op, ast.BitOr):
        return ast.unparse(node.right).rpartition(".")[2][:1].isupper()
    sides = (node.left, node.right)
    is_text = (isinstance(s, ast.JoinedStr) or _is_text(s) for s in sides)
    return isinstance(node.op, ast.Add) and any(is_text)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _rebound(function: ast.AST) -> frozenset[str]:
    bound = Counter(
        node.arg if isinstance(node, ast.arg) else node.id
        for node in ast.walk(function)
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    )
    return frozenset(name for name, times in bound.items() if times > 1)


def _news(place: _Place) -> Iterator[ast.AST]:
    """What may stand there instead."""
    child = place.child
    made = [*_expressions(child, place), *_statements(child, place.rebound)]
    if place.field in {"test", "ifs"} and not isinstance(place.node, ast.IfExp):
        made += [ast.Constant(True), ast.Constant(False)]
    for new in made:
        # Without its walrus a name is unbound, which is no fault that anybody makes.
        is_never = isinstance(new, ast.Constant) and new.value is False
        if ast.dump(new) == ast.dump(child):
            continue
        if is_never or _walruses(new) == _walruses(child):
            yield new


def _walruses(node: ast.AST) -> int:
    return sum(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node))


def _expressions(node: ast.AST, place: _Place) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            for at, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield ast.Compare(
                        left, [*ops[:at], other(), *ops[at + 1 :]], others
                    )
        case ast.BoolOp(op=op, values=values):  # what `and` for `or` would show, too
            for at in range(len(values)):
                rest = [*values[:at], *values[at + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=None) if _is_default(place):
            yield ast.Constant(1)
        case ast.Name(id=name) if place.field == "func" and name in CALLS:
            yield ast.Name(CALLS[name], ast.Load())


def _is_default(place: _Place) -> bool:
    is_value = isinstance(place.node, ast.AnnAssign | ast.Return)
    return is_value or isinstance(place.node, ast.arguments)


def _statements(node: ast.AST, rebound: frozenset[str]) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=None) | ast.Raise() | ast.Delete() | ast.Expr():
            yield ast.Pass()
        case ast.Return(value=ast.Constant(value=None | bool())):
            pass
        case ast.Return():
            yield ast.Return(ast.Constant(None))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.Pass()
            if type(op) in OPERATORS:
                yield ast.AugAssign(target, OPERATORS[type(op)](), value)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)]) if name in rebound:
            yield ast.Pass()


def _text(place: _Place, new: ast.AST) -> str:
    """Original → mutant; of a small thing the text around it."""
    child = place.child
    if place.field in {"test", "ifs"} and isinstance(new, ast.Constant):
        return f"if {ast.unparse(child)} → if {ast.unparse(new)}"
    around = place.node if isinstance(child, ast.Constant | ast.Name) else child
    before = ast.unparse(around)
    if around is child:
        return f"{before} → {ast.unparse(new)}"
    _put(place.node, place.field, place.index, new)
    after = ast.unparse(around)
    _put(place.node, place.field, place.index, child)
    return f"{before} → {after}"


def _put(node: ast.AST, field: str, index: int | None, new: ast.AST) -> None:
    if index is None:
        setattr(node, field, new)
    else:
        getattr(node, field)[index] = new
