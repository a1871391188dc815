"""The GraphQL schema of the read side: a type for each model, read from its fields, without resolvers.

Names are those of the wire, so that one thing has one name at every door. A reference `item` is the object
itself, `item_key` its natural key alone; a filter `due.gte` is the argument `due_gte`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    print_schema,
)

from medloom.derive.filters import filters, orders
from medloom.kernel.entity import Declared
from medloom.kernel.fields import Count, Flag

#: Rows of a page unless asked for otherwise, and at most.
FIRST, FIRST_MOST = 50, 200
#: A whole number beyond GraphQL's 32 bits: JSON's own integer.
WHOLE = GraphQLScalarType("Whole", description="a whole number below 2^53")
_TEXT = GraphQLNonNull(GraphQLString)
_HEAD = {
    "id": (_TEXT, "opaque id"),
    "site": (_TEXT, "whose it is; empty for the network's own"),
    "key": (_TEXT, "natural key"),
    "version": (GraphQLNonNull(WHOLE), "count of accepted entries"),
    "entry": (GraphQLNonNull(WHOLE), "number of the last accepted entry"),
    "placeholder": (GraphQLNonNull(GraphQLBoolean), "known only from a reference so far"),
    "voided": (GraphQLNonNull(GraphQLBoolean), "taken back by a correcting operation"),
}


def type_name(type: str) -> str:
    """`work_order` as GraphQL writes types: `WorkOrder`."""
    return "".join(part.capitalize() for part in type.split("_"))


def argument_of(name: str) -> str:
    """A filter's name as an argument."""
    return name.replace(".", "_")


def _scalar(field: Any) -> Any:
    if isinstance(field, Count):
        return WHOLE
    return GraphQLBoolean if isinstance(field, Flag) else GraphQLString


def _fields(one: Declared, types: dict[str, GraphQLObjectType]) -> dict[str, GraphQLField]:
    found = {name: GraphQLField(kind, description=text) for name, (kind, text) in _HEAD.items()}
    if one.facts.lifecycle is not None:
        states = ", ".join(one.facts.lifecycle.states)
        found["state"] = GraphQLField(_TEXT, description=states)
    for name, field in one.fields.items():
        text = str(field.verbose_name)
        if name in one.refs:
            found[name] = GraphQLField(types[one.refs[name].type], description=text)
            found[f"{name}_key"] = GraphQLField(GraphQLString, description=f"{text}: its key alone")
        else:
            found[name] = GraphQLField(_scalar(field), description=f"{text}: {field.domain()}")
    for name, lines in one.lines.items():
        inner = {
            n: GraphQLField(_scalar(f) if n not in {r.name for r in lines.refs} else GraphQLString,
                            description=str(f.verbose_name))
            for n, f in lines.fields.items()
        }  # fmt: skip
        line = GraphQLObjectType(f"{type_name(one.type)}{type_name(name)}Line", inner)
        found[name] = GraphQLField(GraphQLNonNull(GraphQLList(GraphQLNonNull(line))))
    return found


def _page(one: Declared, type_: GraphQLObjectType) -> GraphQLField:
    items = GraphQLNonNull(GraphQLList(GraphQLNonNull(type_)))
    after = GraphQLField(GraphQLString, description="give it as `cursor` for the next page")
    page = GraphQLObjectType(f"{type_.name}Page", {"items": GraphQLField(items), "next": after})
    arguments = {
        argument_of(f.name): GraphQLArgument(GraphQLString, description=f.text) for f in filters(one).values()
    }
    if taken := arguments.keys() & {"sort", "limit", "cursor"}:
        raise ValueError(f"{one.type}: {sorted(taken)} are words of paging, no names for fields")
    legal = ", ".join(orders(one))
    arguments["sort"] = GraphQLArgument(GraphQLString, description=f"one of {legal}")
    arguments["limit"] = GraphQLArgument(GraphQLInt, FIRST, description=f"1 to {FIRST_MOST}")
    arguments["cursor"] = GraphQLArgument(GraphQLString)
    return GraphQLField(
        GraphQLNonNull(page), arguments, description=f"A page: {one.model._meta.verbose_name}"
    )


def _one(one: Declared, type_: GraphQLObjectType) -> GraphQLField:
    arguments = {"id": GraphQLArgument(_TEXT, description="its id or natural key")}
    if not one.facts.network:
        arguments["site"] = GraphQLArgument(GraphQLString, description="whose, where several have the key")
    return GraphQLField(type_, arguments, description=str(one.model._meta.verbose_name))


def graphql_schema(types: Sequence[Declared]) -> GraphQLSchema:
    """The schema: for each type one object by id or key, and pages."""
    named: dict[str, GraphQLObjectType] = {}
    for one in types:
        text = " ".join((one.model.__doc__ or "").split())
        named[one.type] = GraphQLObjectType(
            type_name(one.type), partial(_fields, one, named), description=text
        )
    roots: dict[str, GraphQLField] = {}
    for one in types:
        roots[one.type] = _one(one, named[one.type])
        roots[f"{one.type}_page"] = _page(one, named[one.type])
    return GraphQLSchema(GraphQLObjectType("Query", roots))


def graphql_document(types: Sequence[Declared]) -> str:
    """The schema in GraphQL's own language."""
    return print_schema(graphql_schema(types)) + "\n"
