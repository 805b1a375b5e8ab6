"""Ten thousand devices on paper: a simulation of the broker and of the roll-out, from figures that were measured.

    python benchmarks/fleet_plan.py --devices 10000

What a message and a connection cost is what `benchmarks/fleet.py` measured; options say otherwise. The broker is one
queue with one server, as Mosquitto is one thread. Three things are simulated: stations that tell state and counters
every 30 seconds; all of them coming back at once when the broker was started anew, with the waits of `edgecnn live`;
and the stages of a roll-out. What writing the broker's file costs is not in it: that `benchmarks/fleet.py` measures.
"""

import argparse
import heapq
import json
import random

_PATIENCE_S, _LONGEST_WAIT_S = 5.0, 60.0  # as in device/live/outlets
_MOST_S = 3600.0
_MESSAGES_AT_CONNECTION = 14  # ten for Home Assistant, state, counters, result, availability


def telling(devices: int, interval_s: float, message_us: float, seconds: float = 120.0) -> dict[str, object]:
    """How late messages are confirmed."""
    draw = random.Random(1)  # noqa: S311
    arrivals = sorted(
        phase + number * interval_s + late
        for phase in (draw.uniform(0, interval_s) for _ in range(devices))
        for number in range(int(seconds / interval_s))
        for late in (0.0, 0.001)
    )
    cost, clock, late_s = message_us / 1e6, 0.0, []
    for moment in arrivals:
        clock = max(clock, moment) + cost
        late_s.append(clock - moment)
    late_s.sort()
    return {
        "messages_per_second": 2 * devices / interval_s,
        "work_per_second": round(2 * devices / interval_s * cost, 4),
        "p50_ms": round(1e3 * late_s[len(late_s) // 2], 2),
        "p99_ms": round(1e3 * late_s[len(late_s) * 99 // 100], 2),
    }


def coming_back(devices: int, connection_ms: float, message_us: float) -> dict[str, object]:
    """Until all are connected again after the broker was away for a moment.

    Who waits too long gives up and tries again later; the broker has worked for it all the same. After an hour it is
    given up.
    """
    draw = random.Random(2)  # noqa: S311
    cost = connection_ms / 1e3 + _MESSAGES_AT_CONNECTION * message_us / 1e6
    tries = [(draw.uniform(0.75, 1.25), number, 1.0) for number in range(devices)]
    heapq.heapify(tries)
    free, given_up, done = 0.0, 0, []
    while tries:
        moment, number, wait = heapq.heappop(tries)
        free = max(free, moment) + cost
        if moment > _MOST_S:
            break
        if free - moment <= _PATIENCE_S:
            done.append(free)
            continue
        given_up += 1
        wait = min(2 * wait, _LONGEST_WAIT_S)
        heapq.heappush(tries, (moment + _PATIENCE_S + wait * draw.uniform(0.75, 1.25), number, wait))
    done.sort()
    half, whole = (round(done[count - 1], 1) if len(done) >= count else None for count in (devices // 2, devices))
    return {"half_s": half, "all_s": whole, "tries_in_vain": given_up}


def rollout(devices: int, host_s: float, at_a_time: int) -> dict[str, object]:
    """One host, a quarter, all; each host's line is slower or faster by chance."""
    draw, clock, left, ends_s = random.Random(3), 0.0, devices, []  # noqa: S311
    for size in (1, devices // 4, devices):
        hosts = min(size, left)
        left -= hosts
        ends = [clock] * at_a_time
        for _ in range(hosts):
            heapq.heappush(ends, heapq.heappop(ends) + host_s * draw.lognormvariate(0, 0.6))
        clock = max(ends)
        ends_s.append(clock)
    return {"at_a_time": at_a_time, "one_s": round(ends_s[0], 1), "quarter_min": round(ends_s[1] / 60, 1),
            "all_min": round(ends_s[2] / 60, 1)}  # fmt: skip


def main() -> None:
    """Print a line for each thing that is simulated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between two messages of a station")
    parser.add_argument("--message-us", type=float, default=42.0, help="the broker's processor time for a message")
    parser.add_argument("--bytes", type=float, default=1300.0, help="of state and counters together, with topics")
    parser.add_argument("--connection-ms", type=float, default=2.1, help="its processor time for a TLS connection")
    parser.add_argument("--connection-kib", type=float, default=26.0, help="its memory for one")
    parser.add_argument("--host-s", type=float, default=1.7, help="seconds that deploy takes for a host")
    options = parser.parse_args()
    devices = options.devices
    rate = options.bytes * devices / options.interval
    print(json.dumps({"devices": devices, "bytes_per_second": round(rate), "gb_a_day": round(rate * 86400 / 1e9, 1),
                      "connections_mib": round(devices * options.connection_kib / 1024)}))  # fmt: skip
    print(json.dumps({"telling": telling(devices, options.interval, options.message_us)}))
    print(json.dumps({"coming back": coming_back(devices, options.connection_ms, options.message_us)}))
    for at_a_time in (5, 20, 50):
        print(json.dumps({"rollout": rollout(devices, options.host_s, at_a_time)}))


if __name__ == "__main__":
    main()
