"""RFC 9429 sections 5.8.3, 5.10 and 5.11: descriptions that parse, and make no sense."""

from __future__ import annotations

from cases.playing import PC, play, read, remote
from cases.speaking import audio, data, description, video
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import AddTransceiver, Call, SetLocalDescription, Step

OFFER = description(audio("a"), video("v"))


def without(start: str, sdp: str = OFFER) -> str:
    """A description without the lines that begin so."""
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(start))


async def refuses(endpoint: Endpoint, sdp: str, error: str = "InvalidAccessError", *before: Step) -> None:
    """An offer is refused, and changes nothing."""
    trace = await endpoint.play(
        [PC, *before, remote("offer", sdp), *read("pc.signalingState", "pc.pendingRemoteDescription")]
    )
    ended = [one.name for one in trace.failures]
    check(ended == [error], f"expected {error}, it threw {trace.failures}")
    check(trace.value(-2) == "stable", f"signalingState is {trace.value(-2)}")
    check(trace.value() is None, "pendingRemoteDescription is set")


async def test_sanity_the_offer_itself_is_taken(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, remote("offer", OFFER))).gave()


@clause("RFC9429-5.8.3-M1")
async def test_an_offer_has_ice_credentials(endpoint: Endpoint) -> None:
    await refuses(endpoint, without("a=ice-ufrag"))


@clause("RFC9429-5.8.3-M2")
async def test_a_username_fragment_has_four_characters_at_least(endpoint: Endpoint) -> None:
    await refuses(endpoint, description(audio("a"), ufrag="abc"))


@clause("RFC9429-5.8.3-M6")
async def test_an_offer_has_a_fingerprint(endpoint: Endpoint) -> None:
    await refuses(endpoint, without("a=fingerprint"))


@clause("RFC9429-5.8.3-M8")
async def test_an_offer_multiplexes_rtcp(endpoint: Endpoint) -> None:
    await refuses(endpoint, without("a=rtcp-mux"))


@clause("W3C-set-a-session-description-4.5.6")
async def test_keys_are_not_in_the_description(endpoint: Endpoint) -> None:
    key = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    await refuses(endpoint, without("a=fingerprint", description(audio("a", "sendrecv", key))))


@clause("W3C-set-a-session-description-4.5.6")
async def test_a_mid_stands_once(endpoint: Endpoint) -> None:
    await refuses(endpoint, description(audio("a"), video("a"), bundle=False))


@clause("W3C-set-a-session-description-4.5.3")
async def test_a_text_that_is_no_description_is_a_syntax_error(endpoint: Endpoint) -> None:
    await refuses(endpoint, "Invalid SDP", "OperationError")


@clause("W3C-set-a-session-description-4.5.3")
async def test_a_syntax_error_names_its_line(endpoint: Endpoint) -> None:
    trace = await endpoint.play([PC, remote("offer", OFFER.replace("t=0 0", "t:0 0"))])
    (failure,) = trace.failures
    seen = (failure.name, failure.detail.get("errorDetail"), failure.detail.get("sdpLineNumber"))
    check(seen == ("OperationError", "sdp-syntax-error", 4), f"it threw {seen}")


async def after_an_exchange(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, remote("offer", OFFER), SetLocalDescription())).gave()


@clause("W3C-set-a-session-description-4.5.6")
async def test_a_later_offer_keeps_every_section(endpoint: Endpoint) -> None:
    await after_an_exchange(endpoint)
    (await play(endpoint, remote("offer", description(audio("a"))))).threw("InvalidAccessError")


@clause("W3C-set-a-session-description-4.5.6")
async def test_a_later_offer_keeps_the_order_of_sections(endpoint: Endpoint) -> None:
    await after_an_exchange(endpoint)
    (await play(endpoint, remote("offer", description(video("v"), audio("a"))))).threw("InvalidAccessError")


@clause("W3C-set-a-session-description-4.4")
async def test_an_offer_after_an_offer_keeps_its_sections(endpoint: Endpoint) -> None:
    """As if the first one had been answered."""
    second = remote("offer", description(audio("a")))
    (await play(endpoint, PC, remote("offer", OFFER), second)).threw("InvalidAccessError")


@clause("W3C-set-a-session-description-4.4")
async def test_an_offer_after_an_offer_may_add_sections(endpoint: Endpoint) -> None:
    second = remote("offer", description(audio("a"), video("v"), data("d")))
    played = await play(endpoint, PC, remote("offer", OFFER), second, read("pc.signalingState"))
    played.gave({"pc.signalingState": "have-remote-offer"})


async def offered(endpoint: Endpoint, *before: Step, restart: bool = False) -> tuple[str, str]:
    """The endpoint offers audio: the offer, and the mid of its section."""
    options = ({"iceRestart": True},) if restart else ()
    made = Call("pc", "createOffer", options, "offer")
    played = await play(endpoint, *before, made, SetLocalDescription(), read("pc.localDescription.sdp"))
    played.gave()
    sdp = str(played["pc.localDescription.sdp"])
    return sdp, next(line.removeprefix("a=mid:") for line in sdp.split("\r\n") if line.startswith("a=mid:"))


def answer(mid: str, *more: str, ufrag: str = "ufrag") -> Call:
    return remote("answer", description(audio(mid, "recvonly", *more), setup="active", ufrag=ufrag))


@clause("RFC9429-5.8.3-M11")
async def test_an_answer_has_the_sections_of_the_offer(endpoint: Endpoint) -> None:
    _, mid = await offered(endpoint, PC, AddTransceiver("audio"))
    more = description(audio(mid), video("more"), setup="active")
    (await play(endpoint, remote("answer", more))).threw("InvalidAccessError")


@clause("RFC9429-5.8.3-M12")
async def test_an_answer_is_of_the_offered_kind(endpoint: Endpoint) -> None:
    _, mid = await offered(endpoint, PC, AddTransceiver("audio"))
    (await play(endpoint, remote("answer", description(video(mid), setup="active")))).threw("InvalidAccessError")


@clause("RFC9429-5.10-M4")
async def test_an_answer_without_a_restart_keeps_its_credentials(endpoint: Endpoint) -> None:
    _, mid = await offered(endpoint, PC, AddTransceiver("audio"))
    (await play(endpoint, answer(mid))).gave()
    await offered(endpoint)
    (await play(endpoint, answer(mid, ufrag="other"))).threw("InvalidAccessError")


@clause("RFC9429-5.10-M4")
async def test_an_answer_to_a_restart_has_other_credentials(endpoint: Endpoint) -> None:
    _, mid = await offered(endpoint, PC, AddTransceiver("audio"))
    (await play(endpoint, answer(mid))).gave()
    await offered(endpoint, restart=True)
    (await play(endpoint, answer(mid))).threw("InvalidAccessError")


@clause("RFC9429-5.11-M4")
async def test_an_answer_has_no_feedback_that_was_not_offered(endpoint: Endpoint) -> None:
    _, mid = await offered(endpoint, PC, AddTransceiver("audio"))
    (await play(endpoint, answer(mid, "rtcp-fb:111 case"))).threw("InvalidAccessError")
