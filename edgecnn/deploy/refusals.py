"""Why a device could not be reached, or refused, in one sentence each."""

from collections.abc import Sequence

# What OpenSSH's client says (the first that is found counts), and what that means; {host} is the device.
_SSH = (
    (
        "IDENTIFICATION HAS CHANGED",
        "{host} does not have the host key that ssh knows of it: it was installed anew, or something else answers in "
        "its place. If you know that it was installed anew, forget the old key with ssh-keygen -R and its name",
    ),
    (
        "you have requested strict checking",
        "ssh's settings take no host key that they do not know (StrictHostKeyChecking yes), and they know none of "
        "{host}: compare the one that ssh-keyscan prints with the one there, and add it to your known_hosts",
    ),
    (
        "Host key verification failed",
        "ssh has not seen {host} before and does not trust its key: connect once with ssh {host} and compare the "
        "fingerprint, or add --accept-new-host",
    ),
    ("Permission denied", "{host} does not let you in ({line}): give it your key with ssh-copy-id {host}"),
    ("Too many authentication failures", "{host} does not let you in ({line}): name one key with --ssh-option"),
    ("Could not resolve hostname", "there is no host {host} in the network ({line}): check the name, or ~/.ssh/config"),
    ("Connection refused", "{host} is there, but no ssh answers ({line}): switch ssh on there, or name its --port"),
    ("timed out", "{host} does not answer ({line}): is it on, and in the same network?"),
    ("No route to host", "{host} cannot be reached ({line}): is it on, and in the same network?"),
    ("Network is unreachable", "{host} cannot be reached ({line}): is this computer in a network?"),
)

# The kinds of refusal in on_the_pi.sh; {text} is what stands behind the kind.
_DEVICE = {
    "tool": "{host} has no program {text}, which a deployment needs: install it there (apt install util-linux "
    "coreutils tar)",
    "unwritable": "{host} does not let you write to {text}: let that folder be yours there",
    "busy": "another deployment to {host} is going on: wait for it to end, then deploy again",
    "unpack": "{host} could not unpack what was sent ({text}); nothing was changed there: free some space there, or "
    "deploy again",
    "damaged": "{text} was damaged on the way to {host}, by its SHA-256; nothing was changed there: deploy again",
    "environment": "no environment for edgecnn could be made on {host} ({text}); nothing was changed there",
    "commit": "{host} could not put the release into its place, {text}; nothing was changed there: deploy again",
    "health": "the service on {host} did not get well with this release, and the one before runs again: {text}",
    "health_first": "the service on {host} did not get well with this release, and was removed; nothing is deployed "
    "there, as before: {text}",
    "health_both": "the service on {host} did not get well with this release, and the one before, which is current "
    "again, did not either: {text}",
    "nothing": "there is no release before the current one on {host} to go back to",
}


# What ssh says last where what should bring it to the device (ProxyJump, ProxyCommand) has ended.
_NO_WAY = "UNKNOWN port 65535"


def ssh_refusal(host: str, said: Sequence[str], is_connected: bool) -> str:
    """The sentence for a connection that did not come about, or ended.

    Args:
        host: the device, as it was named.
        said: ssh's lines on standard error.
        is_connected: whether the device has answered before: then programs there may have said those lines.
    """
    text = "\n".join(said)
    if _NO_WAY in text and not is_connected:
        reason = next((line.rstrip(".") for line in said if _NO_WAY not in line), "it said nothing")
        return (
            f"there is no way to {host} through its jump host or ProxyCommand ({reason}): connect once "
            "with ssh by the same way, and see ~/.ssh/config"
        )
    for key, sentence in () if is_connected else _SSH:
        if key in text:
            line = next(line for line in reversed(said) if key in line).rstrip(".")
            return sentence.format(host=host, line=line)
    reason = said[-1].rstrip(".") if said else "it said nothing"
    return f"the connection to {host} ended ({reason}); deploy again: what has not been switched there is as it was"


def device_refusal(host: str, kind: str, text: str) -> str:
    """The sentence for what the device's half refused.

    Args:
        host: the device.
        kind: what stands behind `fail` in on_the_pi.sh.
        text: its reason.
    """
    if kind in ("unpack", "environment") and "No space left" in text:
        return f"there is no space left on {host}; nothing was changed there: free some space there and deploy again"
    return _DEVICE[kind].format(host=host, text=text.removeprefix("Error: ") or "without a reason")
