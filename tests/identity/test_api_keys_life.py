"""The life of an API key, from issue to revocation; times are handed in."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.identity import ApiKeys, Issued, NoSuchKey
from stockade.networks import BadNetwork
from stockade.stores import KeyStore
from stockade.tokens import ApiKeyRecord, digest_api_key, make_api_key, matches, parse_api_key
from stockade.vocabulary import FindApiKey

HASH_KEY = b"h" * 32
NOW = 1_763_766_422.0
DAY = 86400.0


@pytest.fixture
def store(tmp_path):
    store = KeyStore(tmp_path / "keys.db")
    yield store
    store.close()


@pytest.fixture
def keys(store):
    return ApiKeys(store, HASH_KEY)


def found(store: KeyStore, issued: Issued) -> ApiKeyRecord:
    """What a worker finds."""
    record = store.find(FindApiKey(issued.record.id))
    assert record is not None
    assert matches(record, HASH_KEY, issued.text)
    return record


def works(store: KeyStore, issued: Issued, at: float) -> bool:
    return found(store, issued).refusal(at) is None


# Issue.


def test_an_issued_key_works_and_grants_what_was_said(store, keys):
    issued = keys.issue(
        "billing", NOW, scopes=["orders:read", "orders:write"], networks=["203.0.113.0/24"], expires=NOW + DAY
    )
    record = found(store, issued)
    assert record == issued.record
    assert (record.owner, record.scopes) == ("billing", frozenset({"orders:read", "orders:write"}))
    assert (record.networks, record.created, record.expires) == (("203.0.113.0/24",), NOW, NOW + DAY)
    assert (record.revoked, record.replaced_by, record.last_used) == (None, None, None)
    assert works(store, issued, NOW)
    assert works(store, issued, NOW + DAY - 1)
    assert not works(store, issued, NOW + DAY)


def test_a_key_without_an_end_has_none(store, keys):
    issued = keys.issue("billing", NOW)
    assert works(store, issued, NOW + 100 * 365 * DAY)


def test_the_key_is_well_formed_and_only_its_digest_is_kept(store, keys):
    issued = keys.issue("billing", NOW)
    parsed = parse_api_key(issued.text)
    assert parsed is not None
    assert parsed.id == issued.record.id
    assert issued.record.digest == digest_api_key(HASH_KEY, issued.text)
    secret = issued.text[17:].encode()
    kept = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert issued.record.id.encode() in kept
    assert secret not in kept


def test_nothing_that_is_printed_shows_a_key(keys):
    issued = keys.issue("billing", NOW)
    assert repr(issued) == f"Issued({issued.record.id})"
    assert issued.text[17:] not in f"{issued!r} {issued} {issued.record!r} {keys.list()}"


def test_every_key_is_another(keys):
    issued = [keys.issue("billing", NOW) for _ in range(20)]
    assert len({item.text[17:49] for item in issued}) == 20
    assert len({item.record.id for item in issued}) == 20


@pytest.mark.parametrize("owner", ["a", "Billing Service", "billing@example.com", "Zoë", "DOMAIN\\svc", "x" * 256])
def test_owners(keys, owner):
    assert keys.issue(owner, NOW).record.owner == owner


@pytest.mark.parametrize("owner", ["", " ", " a", "a ", "a\nb", "a\tb", "\x1b[31m", "x" * 257, "\ud800"])
def test_owners_that_no_header_can_carry(keys, owner):
    with pytest.raises(ValueError, match="1 to 256 printable"):
        keys.issue(owner, NOW)
    assert keys.list() == []


@pytest.mark.parametrize("scope", ["", " ", "a b", "a\nb", 'a"b', "a\\b", "é", "\x7f"])
def test_scopes_that_are_none(keys, scope):
    """The upstream gets them in one field, separated by blanks: "orders:read admin" would be two."""
    with pytest.raises(ValueError, match="is no scope"):
        keys.issue("billing", NOW, scopes=["orders:read", scope])
    assert keys.list() == []


@given(st.lists(st.from_regex(r"[!#-\[\]-~]{1,12}", fullmatch=True), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_scopes_of_the_standard(keys, scopes):
    assert keys.issue("billing", NOW, scopes=scopes).record.scopes == frozenset(scopes)


def test_a_network_that_is_none(keys):
    with pytest.raises(BadNetwork, match=r"'203\.0\.113\.0/33'"):
        keys.issue("billing", NOW, networks=["203.0.113.0/24", "203.0.113.0/33"])
    assert keys.list() == []


def test_all_are_listed_oldest_first(keys):
    ids = [keys.issue(f"owner-{number}", NOW + number).record.id for number in range(3)]
    assert [record.id for record in keys.list()] == ids


# Rotate.


def test_a_successor_has_the_same_rights_and_the_old_key_works_through_the_overlap(store, keys):
    old = keys.issue("billing", NOW, scopes=["orders:read"], networks=["203.0.113.0/24"], expires=NOW + 90 * DAY)
    new = keys.rotate(old.record.id, NOW + DAY, overlap=3600.0)
    assert new.text != old.text
    before, after = found(store, old), found(store, new)
    assert (after.owner, after.scopes, after.networks, after.expires) == (
        before.owner,
        before.scopes,
        before.networks,
        before.expires,
    )
    assert after.created == NOW + DAY
    assert before.replaced_by == after.id
    ends = NOW + DAY + 3600
    assert [works(store, old, at) for at in (NOW + DAY, ends - 1, ends)] == [True, True, False]
    assert [works(store, new, at) for at in (NOW + DAY, ends, NOW + 89 * DAY, NOW + 90 * DAY)] == [
        True,
        True,
        True,
        False,
    ]
    assert found(store, old).refusal(ends) == "revoked"


def test_without_overlap_the_old_key_ends_at_once(store, keys):
    old = keys.issue("billing", NOW)
    keys.rotate(old.record.id, NOW + 1, overlap=0.0)
    assert not works(store, old, NOW + 1)


def test_a_key_that_is_rotated_again_never_works_longer_than_it_was_to(store, keys):
    old = keys.issue("billing", NOW)
    first = keys.rotate(old.record.id, NOW, overlap=100.0)
    second = keys.rotate(old.record.id, NOW + 50, overlap=1000.0)
    assert found(store, old).revoked == NOW + 100
    assert found(store, old).replaced_by == second.record.id
    assert works(store, first, NOW + 5000)
    third = keys.rotate(old.record.id, NOW + 60, overlap=10.0)
    assert found(store, old).revoked == NOW + 70
    assert works(store, third, NOW + 5000)


def test_a_chain_of_rotations(store, keys):
    issued = [keys.issue("billing", NOW, scopes=["a"])]
    for number in range(1, 5):
        issued.append(keys.rotate(issued[-1].record.id, NOW + number * DAY, overlap=3600.0))
    assert [works(store, key, NOW + 5 * DAY) for key in issued] == [False, False, False, False, True]
    records = [found(store, key) for key in issued]
    assert [record.replaced_by for record in records[:-1]] == [record.id for record in records[1:]]
    assert {record.scopes for record in records} == {frozenset("a")}


@pytest.mark.parametrize("end", ["expired", "revoked", "rotated out"])
def test_a_key_that_works_no_more_has_no_successor(keys, end):
    old = keys.issue("billing", NOW, expires=NOW + DAY if end == "expired" else None)
    if end == "revoked":
        keys.revoke(old.record.id, NOW + 10)
    if end == "rotated out":
        keys.rotate(old.record.id, NOW, overlap=10.0)
    count = len(keys.list())
    with pytest.raises(NoSuchKey, match=f"the key {old.record.id} does not work any more"):
        keys.rotate(old.record.id, NOW + 2 * DAY, overlap=100.0)
    assert len(keys.list()) == count


# Revoke.


def test_a_revoked_key_is_refused_from_that_moment_in_every_worker(store, keys, tmp_path):
    issued = keys.issue("billing", NOW)
    worker = KeyStore(tmp_path / "keys.db")
    assert works(worker, issued, NOW + 5)
    revoked = keys.revoke(issued.record.id, NOW + 5)
    assert revoked.revoked == NOW + 5
    for reader in (store, worker):
        assert found(reader, issued).refusal(NOW + 5) == "revoked"
        assert works(reader, issued, NOW + 4.999)  # for the log: it was good when it was used
    worker.close()


def test_revoking_twice_keeps_the_first_moment(store, keys):
    issued = keys.issue("billing", NOW)
    keys.revoke(issued.record.id, NOW + 5)
    assert keys.revoke(issued.record.id, NOW + 50).revoked == NOW + 5
    assert found(store, issued).revoked == NOW + 5


def test_revoking_ends_an_overlap(store, keys):
    old = keys.issue("billing", NOW)
    new = keys.rotate(old.record.id, NOW, overlap=DAY)
    assert works(store, old, NOW + 20)
    assert keys.revoke(old.record.id, NOW + 10).revoked == NOW + 10
    assert not works(store, old, NOW + 20)
    assert works(store, new, NOW + 20)
    assert found(store, old).replaced_by == new.record.id


def test_a_leaked_key_can_be_revoked_by_its_text(store, keys):
    """It is what people have at hand; and one may rotate by it too."""
    issued, other = keys.issue("billing", NOW), keys.issue("shipping", NOW)
    keys.revoke(issued.text, NOW + 1)
    assert not works(store, issued, NOW + 1)
    assert works(store, other, NOW + 1)
    assert works(store, keys.rotate(other.text, NOW, overlap=0.0), NOW + 1)


# What is not there.

STRANGER = make_api_key(b"i" * 16, b"s" * 32)
SECRET = STRANGER[17:]


@pytest.mark.parametrize(
    "key_id", ["", "nobody", "ScG94NDpDCkh", STRANGER, STRANGER[:-1] + "~", STRANGER[:-3], STRANGER + " "]
)
@pytest.mark.parametrize("act", ["revoke", "rotate"])
def test_a_key_that_nobody_issued(keys, key_id, act):
    """And what was typed in its place may be most of a secret: the error shows no more than an id."""
    keys.issue("billing", NOW)
    with pytest.raises(NoSuchKey, match="no key has the id") as caught:
        keys.revoke(key_id, NOW) if act == "revoke" else keys.rotate(key_id, NOW, 1.0)
    assert SECRET[:8] not in str(caught.value)


def test_no_error_shows_a_key_that_exists(keys):
    issued = keys.issue("billing", NOW, expires=NOW + 1)
    with pytest.raises(NoSuchKey) as caught:
        keys.rotate(issued.text, NOW + 2, overlap=1.0)
    assert issued.text[17:] not in str(caught.value)
    assert issued.record.id in str(caught.value)


def test_a_short_hash_key_issues_nothing(store):
    with pytest.raises(ValueError, match="fewer than 16 bytes"):
        ApiKeys(store, b"short").issue("billing", NOW)
    assert store.all() == []
