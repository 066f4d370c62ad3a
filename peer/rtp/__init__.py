"""RTP: senders, receivers and what stands between packets and frames. Sans-IO."""
