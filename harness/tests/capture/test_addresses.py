"""Who is behind an address."""

from __future__ import annotations

from harness.capture.addresses import Address, AddressBook

A = Address("127.0.0.1", 5000)
B = Address("127.0.0.1", 6000)


def test_a_candidate_in_sdp_names_the_owner_of_its_address() -> None:
    book = AddressBook()
    book.learn_description("chromium", "a=candidate:1 1 udp 2122260223 127.0.0.1 5000 typ host generation 0\r\n")
    assert book.owner(A) == "chromium"
    assert book.owner(B) is None


def test_a_trickled_candidate_of_ipv6_is_learnt_without_the_attribute_prefix() -> None:
    book = AddressBook()
    book.learn_candidate("firefox", "candidate:0 1 UDP 2122187007 fd00::2 4711 typ host")
    assert book.owner(Address("fd00::2", 4711)) == "firefox"


def test_placeholders_and_mdns_names_own_nothing() -> None:
    book = AddressBook()
    book.learn_candidate("firefox", "candidate:0 1 tcp 1 127.0.0.1 9 typ host tcptype active")
    book.learn_candidate("firefox", "candidate:0 1 udp 1 127.0.0.1 9 typ host")
    book.learn_candidate("firefox", "candidate:0 1 udp 1 0b9b7d5e.local 5000 typ host")
    assert book.owner(Address("127.0.0.1", 9)) is None
    assert book.owner(Address("0b9b7d5e.local", 5000)) is None


def test_a_check_names_both_ends_once_their_ufrags_are_known_even_later() -> None:
    book = AddressBook()
    book.learn_username(A, B, "theirs:mine")
    assert book.owner(A) is None
    book.learn_description("sender", "a=ice-ufrag:mine\r\na=ice-pwd:secret\r\n")
    book.learn_description("receiver", "a=ice-ufrag:theirs\r\n")
    assert (book.owner(A), book.owner(B)) == ("sender", "receiver")
    assert book.passwords["mine"] == "secret"


def test_what_was_assigned_outweighs_what_was_learnt() -> None:
    book = AddressBook()
    book.learn_candidate("chromium", "candidate:0 1 udp 1 127.0.0.1 5000 typ host")
    book.assign("reference", "127.0.0.1", 5000)
    assert book.owner(A) == "reference"


def test_a_host_candidate_outweighs_an_address_announced_before_but_a_reflexive_one_does_not() -> None:
    book = AddressBook()
    book.learn_candidate("old", "candidate:0 1 udp 1 127.0.0.1 5000 typ host")
    book.learn_candidate("nat", "candidate:0 1 udp 1 127.0.0.1 5000 typ srflx raddr 10.0.0.1 rport 1")
    assert book.owner(A) == "old"
    book.learn_candidate("new", "candidate:0 1 udp 1 127.0.0.1 5000 typ host")
    assert book.owner(A) == "new"


def test_the_session_is_the_same_on_all_paths_and_after_an_ice_restart() -> None:
    book = AddressBook()
    other = Address("::1", 7000)
    book.learn_username(A, B, "theirs:mine")
    book.learn_username(other, B, "theirs:mine")
    assert book.session(A) == book.session(other)
    assert book.session(A) != book.session(B)
    before = book.session(A)
    book.learn_username(A, B, "theirs2:mine2")
    assert book.session(A) == before == book.session(other)


def test_an_address_nobody_claimed_is_its_own_session() -> None:
    assert AddressBook().session(A) == A


def test_a_username_without_a_colon_claims_nothing() -> None:
    book = AddressBook()
    book.learn_username(A, B, "turn-user")
    assert book.session(A) == A


def test_addresses_are_written_as_in_urls() -> None:
    assert (str(A), str(Address("::1", 9))) == ("127.0.0.1:5000", "[::1]:9")
