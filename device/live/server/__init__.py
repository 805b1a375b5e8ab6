"""The page of `edgecnn live`: what the network sees, in a browser."""
