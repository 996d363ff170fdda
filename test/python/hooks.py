"""Makes requests that the document allows keep the rules that it cannot express.

The rules are those of the table in internal/api/contract_test.go, by the operation's id and the
place in the request. Requests that are meant to be wrong stay as they are."""

import json
import os
from collections.abc import MutableMapping

import schemathesis

RULES = json.loads(os.environ["PEAL_TEST_RULES"])


def keep(container, names, rule):
    for name in names[:-1]:
        if not isinstance(container, MutableMapping):
            return
        container = container.get(name)
    if not isinstance(container, MutableMapping):
        return
    if rule["add"] or names[-1] in container:
        if rule["value"] is None:
            container.pop(names[-1], None)
        else:
            container[names[-1]] = rule["value"]


@schemathesis.hook
def map_case(context, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    operation = case.operation.definition.raw.get("operationId")
    for rule in RULES:
        if rule["operations"] and operation not in rule["operations"]:
            continue
        part, *names = rule["place"].split(".")
        keep({"query": case.query, "header": case.headers, "body": case.body}[part], names, rule)
    return case
