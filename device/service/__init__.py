"""`edgecnn live` as a service of systemd, for a station that nobody visits."""
