"""GraphQL, for reading: POST /api/v1/graphql with the same token, the same view of the world.

A root field reads its rows, then each relation that the question names for all rows at once: the number of
statements depends on the question, never on the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLSyntaxError,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    execute,
    get_directive_values,
    parse,
    validate,
)

from medloom.derive.filters import filters
from medloom.derive.graphql import FIRST_MOST, argument_of, graphql_schema
from medloom.interfaces.api.body import JSON, bytes_of, json_of, kind_of
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.limits import TOKENS_MOST, must_be_cheap
from medloom.interfaces.api.objects import row_of, shown
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.reading import after, asked, mark_of, order_of
from medloom.interfaces.api.request import json_answer, must_accept_json, one_of
from medloom.kernel.entity import Declared, catalogue

#: Field name -> what is asked of it.
Tree = dict[str, "Tree"]
_ERRORS_MOST = 5


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The schema, made once."""
    return graphql_schema(list(catalogue().values()))


def answer_graphql(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Answer one question. A question that is none, or costs too much, is a problem; nothing is read then."""
    must_accept_json(request)
    one_of(request, ())
    kind_of(request, (JSON,))
    told = json_of(bytes_of(request))
    if not isinstance(told, dict) or not isinstance(told.get("query"), str):
        raise Problem(400, "body_wrong", path="/query", expected="a GraphQL document")
    if unknown := told.keys() - {"query", "variables", "operationName"}:
        raise Problem(422, "member_unknown", path=f"/{min(unknown)}")
    variables, name = told.get("variables"), told.get("operationName")
    variables = {} if variables is None else variables
    if not isinstance(variables, dict) or not isinstance(name, str | None):
        raise Problem(400, "body_wrong", path="/variables", expected="an object")
    try:
        document = parse(told["query"], max_tokens=TOKENS_MOST, no_location=False)
    except GraphQLSyntaxError as error:
        code = "query_too_costly" if "tokens" in error.message else "query_wrong"
        raise Problem(400, code, path="/query", got=error.message) from None
    except RecursionError:
        raise Problem(400, "query_too_deep", path="/query") from None
    must_be_cheap(document, variables)
    if errors := validate(schema(), document, max_errors=_ERRORS_MOST):
        raise Problem(400, "query_wrong", path="/query", got=errors[0].message, errors=_told(errors))
    with caller.seeing():
        result = execute(
            schema(),
            document,
            context_value=caller,
            variable_values=variables,
            operation_name=name,
            field_resolver=_resolve,
        )
    errors = result.errors or []  # type: ignore[union-attr]
    for error in errors:
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    if errors:
        path = "/variables" if errors[0].message.startswith("Variable") else "/query"
        raise Problem(400, "query_wrong", path=path, got=errors[0].message, errors=_told(errors))
    return json_answer({"data": result.data})  # type: ignore[union-attr]


def _told(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    return [dict(error.formatted) for error in errors[:_ERRORS_MOST]]


def _resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """A root field by looking it up; everything below was looked up with it."""
    if info.parent_type.name != "Query":
        return source.get(info.field_name)
    caller: Caller = info.context
    tree = _tree((node.selection_set for node in info.field_nodes), info)
    known = catalogue()
    if info.field_name in known:
        return _one(caller, caller.type_of(info.field_name), tree, arguments)
    declared = caller.type_of(info.field_name.removesuffix("_page"))
    return _page(caller, declared, tree, arguments)


def _tree(selections: Iterable[SelectionSetNode | None], info: GraphQLResolveInfo) -> Tree:
    """What is asked below, fragments put in place and the same field under several aliases as one."""
    found: Tree = {}
    for each in selections:
        for node in each.selections if each is not None else ():
            if not _wanted(node, info):
                continue
            if isinstance(node, FieldNode):
                part = found.setdefault(node.name.value, {})
                _merge(part, _tree([node.selection_set], info))
            elif isinstance(node, FragmentSpreadNode):
                _merge(found, _tree([info.fragments[node.name.value].selection_set], info))
            elif isinstance(node, InlineFragmentNode):
                _merge(found, _tree([node.selection_set], info))
    return found


def _wanted(node: SelectionNode, info: GraphQLResolveInfo) -> bool:
    """Whether @skip and @include leave it in: what is not asked for is not read either."""
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return not (skip and skip["if"]) and not (include and not include["if"])


def _merge(into: Tree, other: Tree) -> None:
    for name, part in other.items():
        _merge(into.setdefault(name, {}), part)


def _one(caller: Caller, declared: Declared, tree: Tree, arguments: Mapping[str, Any]) -> Any:
    try:
        row = row_of(declared, arguments["id"], site=arguments.get("site"))
    except Problem as problem:
        if problem.status == 404:
            return None
        raise
    return _filled(caller, declared, [row], tree)[0]


def _page(caller: Caller, declared: Declared, tree: Tree, arguments: Mapping[str, Any]) -> dict[str, Any]:
    first = arguments.get("limit")
    if type(first) is not int or not 1 <= first <= FIRST_MOST:
        raise Problem(400, "limit_wrong", path="limit", expected=f"1 to {FIRST_MOST}", got=str(first))
    order = order_of(declared, arguments.get("sort"))
    names = {argument_of(name): name for name in filters(declared)}
    given = {names[n]: value for n, value in arguments.items() if n in names and value is not None}
    rows = list(after(asked(declared, given), order, arguments.get("cursor"))[: first + 1])
    items = _filled(caller, declared, rows[:first], tree.get("items", {}))
    return {"items": items, "next": mark_of(order, rows[first - 1]) if len(rows) > first else None}


def _filled(caller: Caller, declared: Declared, rows: Sequence[Any], tree: Tree) -> list[dict[str, Any]]:
    """The rows with what is asked of them; each relation is read for all rows at once."""
    keyed = {name for name in declared.refs if f"{name}_key" in tree}
    plain = [n for n in (*declared.fields, *declared.lines) if n in tree and n not in declared.refs]
    found = []
    for told in shown(declared, rows, names=[*plain, *keyed]):
        values = told.pop("fields")
        keys = {f"{name}_key": values.pop(name) for name in keyed}
        found.append({**told, **values, **keys})
    for name, ref in declared.refs.items():
        if name in tree:
            target = caller.type_of(ref.type) if caller.registrant else _relation(caller, ref.type)
            attribute = declared.fields[name].attname
            nums = {num for row in rows if (num := getattr(row, attribute)) is not None}
            there = list(target.model._default_manager.filter(num__in=nums)) if target and nums else []
            known = (
                dict(zip([r.num for r in there], _filled(caller, target, there, tree[name]), strict=True))
                if target
                else {}
            )
            for row, item in zip(rows, found, strict=True):
                item[name] = known.get(getattr(row, attribute))
    return found


def _relation(caller: Caller, name: str) -> Declared | None:
    """The type of a relation; None for the registrant's own, which a plant sees as empty."""
    try:
        return caller.type_of(name)
    except Problem as problem:
        if problem.status == 404:
            return None
        raise
