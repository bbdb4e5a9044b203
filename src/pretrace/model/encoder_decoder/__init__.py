"""The Transformer of 2017: an encoder reads a source, and a decoder that attends to it writes a target."""

from pretrace.model.encoder_decoder.checkpoint import load_encoder_decoder, save_encoder_decoder
from pretrace.model.encoder_decoder.transformer import EncoderDecoder

__all__ = ["EncoderDecoder", "load_encoder_decoder", "save_encoder_decoder"]
