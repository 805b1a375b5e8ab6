"""Many stations at once: what they tell an MQTT broker, read, judged and compared. Nothing is ever sent to them."""
