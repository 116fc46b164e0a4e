"""`Checker`: one compiled schema. `Schemas` compiles those of a description for one direction."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import jsonschema_rs
import msgspec
from jsonschema_rs import Draft202012Validator, ValidationError

from stockade.openapi.faults import NO_FAULTS, Fault, pointer_of
from stockade.openapi.schemas.branching import FEW, MOST, Branching, cost
from stockade.openapi.schemas.explaining import explained
from stockade.openapi.schemas.keywords import BASE, Schema
from stockade.openapi.schemas.patterns import ENGINE
from stockade.openapi.schemas.rewriting import Direction, Rewriting

MOST_FAULTS = 20  # told of one value
_METASCHEMA = Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)
_EMAIL = jsonschema_rs.EmailOptions(allow_display_text=False)


class BadSchema(ValueError):
    """A schema that is none. The message says why; `pointer` is where in it."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class Checker:
    """`valid(value)` answers yes or no, quickly; `faults` says what is wrong."""

    __slots__ = ("_validator", "valid")

    def __init__(self, validator: Draft202012Validator) -> None:
        self._validator = validator
        self.valid: Callable[[Any], bool] = validator.is_valid

    def faults(self, value: Any, where: str, pointer: str = "", *, all_of_them: bool = True) -> tuple[Fault, ...]:
        """What is wrong, at most MOST_FAULTS; empty when all is well. all_of_them: False for the first alone.

        All costs some microseconds a fault, however many are then told: for large values the first must do.
        """
        if self.valid(value):
            return NO_FAULTS
        found = self._validator.iter_errors(value) if all_of_them else iter([self._first(value)])
        errors = list(islice(found, MOST_FAULTS))
        faults = dict.fromkeys(fault for error in _telling(errors) for fault in explained(error, where, pointer))
        return tuple(islice(faults, MOST_FAULTS))

    def _first(self, value: Any) -> ValidationError:
        try:
            self._validator.validate(value)
        except ValidationError as error:
            return error
        raise AssertionError("a value cannot be both valid and not")


def _telling(errors: list[ValidationError]) -> list[ValidationError]:
    """Without complaints of "unevaluated" properties that only another error has left so."""
    others = [error for error in errors if error.kind.name != "unevaluatedProperties"]
    return others or errors


class BranchingChecker(Checker):
    """The same for a schema whose alternatives hold themselves again. factor: see `Branching`."""

    __slots__ = ("_factor",)

    def __init__(self, validator: Draft202012Validator, factor: int) -> None:
        super().__init__(validator)
        self._factor = factor
        is_valid = validator.is_valid
        self.valid = lambda value: cost(value, factor) <= MOST and is_valid(value)

    def faults(self, value: Any, where: str, pointer: str = "", *, all_of_them: bool = True) -> tuple[Fault, ...]:
        price = cost(value, self._factor)
        if price > MOST:
            return (Fault(where, pointer, "depth", "is nested too deep for so many alternatives"),)
        if price > FEW:
            return (
                NO_FAULTS if self.valid(value) else (Fault(where, pointer, "oneOf", "fits none of the alternatives"),)
            )
        return super().faults(value, where, pointer, all_of_them=all_of_them)


class Schemas:
    """The schemas of a document as they hold for requests, or for responses. Raises BadSchema."""

    def __init__(self, document: dict[str, Any], direction: Direction, *, strict: bool) -> None:
        self.rewriting = Rewriting(document, direction, strict=strict)
        self._checkers: dict[bytes, Checker] = {}
        for name, schema in self.rewriting.named.items():
            _check_form(schema, f"/components/schemas/{name}")
        components = self.rewriting.components()
        self._branching = Branching(components)
        self._registry = jsonschema_rs.Registry(
            [(BASE, {"components": components})], draft=jsonschema_rs.Draft202012, retriever=_nothing
        )

    def checker(self, schema: Schema, pointer: str) -> Checker:
        """The schema that stands at the pointer of the document, compiled; once for all that are alike.

        Raises BadSchema.
        """
        _check_form(schema, "")
        try:
            enforced = self.rewriting.whole(schema, pointer)
            key = msgspec.json.encode(enforced)
        except (RecursionError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise BadSchema(f"the schema cannot be read: {type(error).__name__}") from None
        known = self._checkers.get(key)
        if known is None:
            known = self._checkers[key] = self._made(enforced)
        return known

    def _made(self, enforced: Schema) -> Checker:
        validator, factor = self._compiled(enforced), self._branching.factor(enforced)
        return Checker(validator) if factor == 1 else BranchingChecker(validator, factor)

    def _compiled(self, schema: Schema) -> Draft202012Validator:
        try:
            return Draft202012Validator(
                schema,
                registry=self._registry,
                validate_formats=True,
                pattern_options=ENGINE,
                email_options=_EMAIL,
                mask="it",
                offline=True,
            )
        except ValidationError as error:
            raise BadSchema(_reason(error), pointer_of(error.instance_path)) from None
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            raise BadSchema(str(error).partition("\n")[0]) from None


def _check_form(schema: Any, pointer: str) -> None:
    """Whether it is a schema at all, so that whoever walks it need not ask again. Raises BadSchema."""
    try:
        if isinstance(schema, dict | bool):
            _METASCHEMA.validate(schema)
            return
    except ValidationError as error:
        raise BadSchema(_reason(error), pointer + pointer_of(error.instance_path)) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise BadSchema(f"the schema cannot be read: {str(error)[:200]}", pointer) from None
    raise BadSchema("the schema is neither a mapping nor true or false", pointer)


def _reason(error: ValidationError) -> str:
    return f"this is no JSON Schema: {error.message}"


def _nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is not part of the description")
