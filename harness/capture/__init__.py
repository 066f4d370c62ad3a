"""Wire evidence: every packet of a case, opened where secrets allow, asserted on by sentence and kept as pcapng.

    ring, bpf, sniffer     packets off the network, in a thread, bytes and kernel timestamps only
    tap                    the reference peer's own account: secrets, addresses; packets where raw sockets are refused
    recording              one case: frames, address book, key log; `Capture` decides between sniffer and tap
    datagram, kinds, frame UDP out of IP, what a datagram is by its first bytes, one captured packet
    addresses              (ip, port) -> endpoint, from SDP candidates and the USERNAME of connectivity checks
    dissector              frames -> items (the messages in a frame); follows DTLS connections and SRTP
    conversation           one DTLS connection seen from outside: records, reassembly, epochs
    protection, srtp       opening what was sealed, from logged secrets; independent of the peer's code
    items, layers/         a message, cheap until looked at; then a scapy packet
    matcher, match/        sentences: `stun.binding_request(use_candidate=True)`
    wire, doubt            expect / never / in_order / count / within, into the ledger; when nothing can be judged
    describe, transcript, ladder    words for people
    pcapng, export         `wire.pcapng` with the secrets inside, `wire.decrypted.pcapng`
    witnesses              capture against trace against getStats

scapy (GPL-2.0-only) is imported here and nowhere else. Import `harness.capture.recording` late: scapy takes a third of
a second.
"""
