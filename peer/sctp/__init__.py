"""SCTP over DTLS for WebRTC: RFC 9260 as RFC 8261 and 8831 use it, with every extension that a data channel can meet.

    association = Association(Config(remote_max_message_size=262_144), entropy=entropy)
    association.connect(now)                                   # both sides do
    association.send(stream_id, ppid, data, now=now, ordered=True, max_retransmits=None, lifetime=None)
    for packet in association.datagrams_to_send(now): ...      # through DTLS; after every other call
    for event in association.receive_datagram(packet, now): ...
    if now >= association.next_timeout(): association.handle_timeout(now)

Who does what:

    association     the public face, packets in and out, timers            (data path)
    control         handshake, heartbeat, errors, shutdown: the actions that states.ACTIONS names
    states          the state table          setup      cookies, offers, Table 12 of section 5.2.4
    outbound        messages that wait       schedulers who is next (RFC 8260)
    transmission    DATA out, SACK in        congestion, rto, ranges: its parts
    inbound         DATA in, SACK out        reassembly: from fragments to messages
    reset           RFC 6525                 pmtud      RFC 8899            seam    transforms and the trace

How to read it: follow `Association.receive_datagram` and `datagrams_to_send`; everything else hangs on them.

TSNs are plain integers that never wrap; only 32 bits of them go on the wire. SSNs and MIDs are small and do wrap.

Where the time goes
-------------------
Measured in memory, one process, CPython 3.11, one core of two; 16 KiB messages, reliable and ordered, both ends
together, microseconds a packet:

    packets of                   1188 bytes   1188, CRC32c   1412 bytes
    queueing (16 KiB a call)        0.1           0.15          0.1
    building packets of DATA        2.5           3.2           2.3
    taking packets of DATA          2.9           3.8           2.7
    SACKs, timers, events           0.55          0.65          0.5
    together                        6.0           7.8           5.6
    which is                      191 MB/s      147 MB/s      244 MB/s

The whole stack (API, DTLS 1.3, UDP sockets; both ends in one process, one core, 16 KiB messages):

    packets of                      1412 bytes    16,384 bytes
    CPU seconds for 100 MB             1.6            0.5
    MB/s                                62            152

A packet costs 21 microseconds there, of which 5 to 6 are `sendto`, 4 to 5 DTLS, 6 SCTP; nearly nothing depends on its
size. So what made the difference, in the order of what it brought:

- Larger packets. Loopback takes 64 KiB, a DTLS record holds 16: path MTU discovery goes there where the local link is
  known to take it (`Association.path_changed`) and the peer names PAD, that is, knows probes. Three times less CPU.
  Chromium is why a peer has to say so: after a record of more than 2 KiB it reads nothing any more.
- An answer and its acknowledgement in one packet: sockets are read until dry, then listeners run, then all that has to
  leave leaves. With the I bit only where half the congestion window waits, a question and its answer are two packets
  instead of four, and events of sending are taken with it instead of by a timer: an echo takes 0.19 ms, not 0.37.
- One SACK for everything that was received in a batch, by draining once after the batch. It also makes the sender's
  bursts match the receiver's reads. `Config.burst_limit` keeps a burst below what a socket's buffer holds (92 packets
  of 1200 bytes, ten of 16 KiB in Linux's default); without it a loopback transfer lives on its own losses.
- No chunk objects on the way: DATA is packed with one `struct`, joined with one `bytes.join`, unpacked in place. Each
  chunk that was sent costs one slotted `Sent` with its encoded bytes, which a retransmission sends again as they are.
- `outstanding` is a dict by TSN. A cumulative acknowledgement pops its front, a gap block is compared with the last one
  as ranges: a SACK costs what it newly acknowledges, whatever the window.
- Copying 1 KiB of bytes (60 ns) is cheaper than a memoryview and what handling it costs `join` later.
- The zero checksum (RFC 9653) saves 1.8 microseconds a packet at both ends together: the CRC itself is 0.15 each, the
  copies around it are the rest. `google_crc32c` takes `bytes` only.
- Messages of 1 KiB cost 20 microseconds each, whatever carries them: Event objects, the queue of tasks, `Message` and
  `Sent`. Bundled into large packets they make 40 MB/s.
- What was left: UDP_SEGMENT would save most of `sendto` on an Ethernet path, but then a capture on loopback shows one
  datagram of 64 KiB where the path has 45.
- What didn't pay: a shorter path for the middle fragments of a message, memoryviews on input, merging the two
  receiving functions (within the noise, all three).

Memory: a message in transit is held once at each end. Sending 256 MiB raises the peak by 2 MiB over the two copies that
the users themselves hold; sending 1 GiB in 16 KiB messages behind a 256 KiB threshold doesn't raise it at all.

Over 30 ms of round trip and 1 % loss it makes 0.72 MB/s in virtual time (the mean of a hundred seeds), 0.61 before the
last two of these. What bounds it is section 7.2: a loss halves the window, which then grows by a packet a round trip,
so that between two losses, a hundred packets apart, it swings from 11 to 18 packets. Mathis' 1.22 * MSS / (RTT *
sqrt(p)) = 0.57 leaves out what helps beyond it:

- Two packets at once after a recovery, which is slow start with L = 2 (RFC 3465): 12 %.
- Packets of 1448 bytes instead of 1412: 3 %.
- A shorter RTO doesn't: there are 0.3 time-outs in six seconds.
"""

from peer.sctp.association import Association
from peer.sctp.config import Config
from peer.sctp.events import (
    AssociationAborted,
    AssociationClosed,
    AssociationEstablished,
    AssociationRestarted,
    BufferedAmountChanged,
    Event,
    IncomingStreamsReset,
    MessageReceived,
    OutgoingStreamsReset,
    ReconfigurationFailed,
    StreamsAdded,
    TsnsReset,
)
from peer.sctp.schedulers import Scheduling
from peer.sctp.states import State

__all__ = [
    "Association",
    "AssociationAborted",
    "AssociationClosed",
    "AssociationEstablished",
    "AssociationRestarted",
    "BufferedAmountChanged",
    "Config",
    "Event",
    "IncomingStreamsReset",
    "MessageReceived",
    "OutgoingStreamsReset",
    "ReconfigurationFailed",
    "Scheduling",
    "State",
    "StreamsAdded",
    "TsnsReset",
]
