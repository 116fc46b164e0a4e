"""Path templates: what wins, what is captured, what is refused, and what a look-up costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.openapi.paths import BadTemplate, Found, PathTable

TEMPLATES = [
    "/",
    "/orders",
    "/orders/mine",
    "/orders/{id}",
    "/orders/{id}/items/{item}",
    "/orders/mine/items/first",
    "/reports/{id}",
    "/reports/{id}.json",
    "/reports/{id}.tar.gz",
    "/reports/v{version}.json",
    "/at/{latitude},{longitude}",
    "/at/{a}-{b},{c}",
    "/files/a%20b/{name}",
    "/{tenant}/orders",
    "/api/{version}/orders",
]
FITS = [
    ("/", "/", ()),
    ("/orders", "/orders", ()),
    ("/orders/mine", "/orders/mine", ()),
    ("/orders/7", "/orders/{id}", ("7",)),
    ("/orders/7/items/8", "/orders/{id}/items/{item}", ("7", "8")),
    ("/orders/mine/items/8", "/orders/{id}/items/{item}", ("mine", "8")),  # the static branch ends, the other goes on
    ("/orders/mine/items/first", "/orders/mine/items/first", ()),
    ("/orders/%6Dine", "/orders/mine", ()),
    ("/orders/a%20b", "/orders/{id}", ("a%20b",)),
    ("/reports/7", "/reports/{id}", ("7",)),
    ("/reports/7.json", "/reports/{id}.json", ("7",)),
    ("/reports/v7.json", "/reports/v{version}.json", ("7",)),
    ("/reports/v.json", "/reports/{id}.json", ("v",)),
    ("/reports/.json", "/reports/{id}", (".json",)),
    ("/reports/7.tar.gz", "/reports/{id}.tar.gz", ("7",)),
    ("/at/48.1,11.5", "/at/{latitude},{longitude}", ("48.1", "11.5")),
    ("/at/1-2,3", "/at/{a}-{b},{c}", ("1", "2", "3")),
    ("/at/1,2,3", "/at/{latitude},{longitude}", ("1", "2,3")),
    ("/files/a%20b/x", "/files/a%20b/{name}", ("x",)),
    ("/acme/orders", "/{tenant}/orders", ("acme",)),
    ("/api/v1/orders", "/api/{version}/orders", ("v1",)),
]
UNKNOWN = [
    "/orders/",
    "/orders//",
    "/nothing",
    "/at/1",
    "/at/,2",
    "/at/1,",
    "/orders/7/items",
    "/Orders",
    "/orders;a=1",
]


@pytest.fixture(scope="module")
def table() -> PathTable[str]:
    made = PathTable[str]()
    for template in TEMPLATES:
        made.add("GET", template, template)
    return made


@pytest.mark.parametrize(("path", "template", "captured"), FITS, ids=[path for path, _, _ in FITS])
def test_the_most_concrete_template_wins(table, path, template, captured):
    assert table.find("GET", path) == Found(template, captured)


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_no_template_fits_is_unknown(table, path):
    assert table.find("GET", path) is None
    assert table.methods(path) == set()


def test_a_path_without_the_method_leaves_it_to_the_next():
    table = PathTable[str]()
    table.add("GET", "/users/me", "me")
    table.add("DELETE", "/users/{id}", "any")
    assert table.find("DELETE", "/users/me") == Found("any", ("me",))
    assert table.find("PUT", "/users/me") is None
    assert table.methods("/users/me") == {"GET", "DELETE"}


BAD = {
    "no slash": ("orders", "begins with /"),
    "touching": ("/{a}{b}", "touch"),
    "open brace": ("/{a", "brace"),
    "empty": ("/{}", "nothing between"),
    "twice": ("/{a}/{a}", "twice"),
}


@pytest.mark.parametrize(("template", "said"), BAD.values(), ids=list(BAD))
def test_bad_templates_are_refused(template, said):
    with pytest.raises(BadTemplate, match=said):
        PathTable[int]().add("GET", template, 1)


def test_the_same_path_under_other_names_is_refused():
    table = PathTable[int]()
    table.add("GET", "/a/{x}", 1)
    table.add("PUT", "/a/{y}", 2)
    with pytest.raises(BadTemplate, match="described twice"):
        table.add("GET", "/a/{z}", 3)


def test_many_operations_cost_as_little_as_few():
    """Not timed: counted, by the nodes that are asked."""
    few, many = _counting(10), _counting(2000)
    assert few == many


def _counting(size: int) -> int:
    table = PathTable[int]()
    for number in range(size):
        table.add("GET", f"/v1/resource{number}/{{id}}.json", number)
        table.add("GET", f"/v1/resource{number}/{{id}}/parts/{{part}}", number)
    asked = 0
    original = type(table._root).find

    def counted(self, *arguments):
        nonlocal asked
        asked += 1
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(table._root), "find", counted)
        assert table.find("GET", "/v1/resource7/8/parts/9") == Found(7, ("8", "9"))
    return asked


@given(st.text(alphabet="/{}.,-ab%41~", max_size=30))
def test_any_template_is_taken_or_refused(template):
    table = PathTable[int]()
    try:
        names = table.add("GET", template, 1)
    except BadTemplate:
        return
    assert len(names) == template.count("{")


@given(st.text(alphabet="/orders7.json,-%2Fmine", max_size=60))
def test_any_path_is_found_or_not(path):
    made = PathTable[str]()
    for template in TEMPLATES:
        made.add("GET", template, template)
    found = made.find("GET", "/" + path)
    assert found is None or found.value in TEMPLATES
    assert bool(made.methods("/" + path)) == (found is not None)
