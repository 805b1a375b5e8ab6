"""MQTT discovery: what Home Assistant is told of a station, so that it appears there by itself."""

from typing import Any

from ..station import Station

PREFIX = "homeassistant"

# Key of each entity: its kind, the topic that its value is taken from, and the rest of its configuration.
_ENTITIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "answer": (
        "sensor",
        "result",
        {
            "name": "Answer",
            "icon": "mdi:eye",
            "value_template": "{{ value_json.label[:255] }}",  # of a longer state Home Assistant takes nothing
            "json_attributes_topic": "result",
        },
    ),
    "score": (
        "sensor",
        "result",
        {
            "name": "Score",
            "icon": "mdi:percent",
            "value_template": "{{ (value_json.score * 100) | round(1) }}",
            "unit_of_measurement": "%",
            "suggested_display_precision": 1,
        },
    ),
    "source": (
        "binary_sensor",
        "state",
        {
            "name": "Camera",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "value_template": "{{ 'OFF' if value_json.trouble else 'ON' }}",
            "json_attributes_topic": "state",
        },
    ),
    "drift": (
        "binary_sensor",
        "state",
        {
            "name": "Unlike calibration",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "value_template": "{{ 'ON' if value_json.drift else 'OFF' }}",
        },
    ),
    "verified": (
        "binary_sensor",
        "state",
        {
            "name": "Model not verified",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "value_template": "{{ 'OFF' if value_json.verified.passed else 'ON' }}",
        },
    ),
    "temperature": (
        "sensor",
        "state",
        {
            "name": "Temperature",
            "device_class": "temperature",
            "entity_category": "diagnostic",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.temperature }}",  # None, of a machine that tells none, is "unknown"
        },
    ),
    "last_frame": (
        "sensor",
        "state",
        {
            "name": "Last frame",
            "device_class": "timestamp",
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.last_frame }}",  # None, before the first, is "unknown" to Home Assistant
        },
    ),
    "frames_per_second": (
        "sensor",
        "state",
        {
            "name": "Frames per second",
            "icon": "mdi:speedometer",
            "entity_category": "diagnostic",
            "state_class": "measurement",
            "unit_of_measurement": "fps",
            "value_template": "{{ value_json.frames_per_second }}",
        },
    ),
    "frames": (
        "sensor",
        "counters",
        {
            "name": "Frames",
            "icon": "mdi:counter",
            "entity_category": "diagnostic",
            "state_class": "total_increasing",
            "value_template": "{{ value_json.frames }}",
        },
    ),
    "doubtful": (
        "sensor",
        "counters",
        {
            "name": "Doubtful frames",
            "icon": "mdi:help-circle",
            "entity_category": "diagnostic",
            "state_class": "total_increasing",
            "value_template": "{{ value_json.doubtful }}",
        },
    ),
}


def discovery(device: str, base: str, station: Station) -> dict[str, dict[str, Any]]:
    """The configuration of every entity of a station.

    Args:
        device: its name.
        base: what its topics begin with, PREFIX/DEVICE.
        station: what runs on it.

    Returns:
        topic: configuration, as JSON.
    """
    identity = f"edgecnn_{device}"
    shared = {
        "availability_topic": f"{base}/availability",
        "device": {
            "identifiers": [identity],
            "name": device,
            "manufacturer": "edgecnn",
            "model": station.model,
            "sw_version": station.edgecnn,
        },
        "origin": {"name": "edgecnn", "sw_version": station.edgecnn},
    }
    configurations = {}
    for key, (kind, topic, own) in _ENTITIES.items():
        rest = {name: f"{base}/{value}" if name == "json_attributes_topic" else value for name, value in own.items()}
        configurations[f"{PREFIX}/{kind}/{device}/{key}/config"] = {
            "unique_id": f"{identity}_{key}",
            "state_topic": f"{base}/{topic}",
            **rest,
            **shared,
        }
    return configurations
