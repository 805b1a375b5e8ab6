"""TFLite flatbuffers: writing them with a scheme, and what is changed in them afterwards."""
