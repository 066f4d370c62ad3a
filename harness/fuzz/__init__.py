"""Fuzzing campaigns: hypothesis makes examples, a target plays them, oracles judge, findings are kept.

    target       what a target is: a strategy, a way to play one example, and what an oracle says against it
    edits        changes of bytes, as data
    sdp          session descriptions: the parser, and setRemoteDescription on an endpoint
    signalling   generated scripts of W3C calls against the transition table, or one endpoint against another
    wire         our machines in virtual time, one side bent
    media        RTP and RTCP, in the clear and through SRTP
    live         the wire targets on a browser, opposite a bent reference peer
    hosts        endpoints for targets that play scripts
    packets      what went over no network, as pcapng
    explained    what endpoints are known to do otherwise
    lines        line coverage of our own peer
    finding      a finding as a content-addressed folder, and what a replay says of it
    campaign     the loop: batches of examples, shrinking, confirming, the lock, resuming
    show         the live progress
    cli          `python -m harness fuzz` and `replay`

An example is JSON: what is stored is what is played. A strategy never depends on what the target answers.
"""
