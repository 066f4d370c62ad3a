"""Media: tracks' frames to encoders and RTP, RTP to decoders and frames. The edge that drives PyAV.

Nothing here imports PyAV until a frame is encoded or decoded.
"""
