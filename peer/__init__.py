"""The reference peer: a whole WebRTC endpoint, written to be seen and bent.

A sans-IO core with a thin W3C edge. Inside, imports go downwards only; names on one line do not know each other:

    api                                  the W3C surface and the only asyncio driver
    media        ice.edge                codecs by PyAV       sockets, TURN, mDNS
    session      jsep                    one bundle's transport stack        offer/answer as pure functions
    datachannel  rtp
    dtls   srtp   sctp   ice.agent       protocol machines
    wire   sdp                           bytes <-> frozen dataclasses        text <-> model
    errors  trace

Every machine speaks one dialect; time and entropy are arguments:

    def receive_datagram(self, data: bytes, now: float) -> list[Event]: ...
    def datagrams_to_send(self, now: float) -> list[bytes]: ...
    def next_timeout(self) -> float | None: ...
    def handle_timeout(self, now: float) -> list[Event]: ...

Drain `datagrams_to_send` after every call. `peer.testing` drives two machines against each other in virtual time.
"""
