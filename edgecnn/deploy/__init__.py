"""From this computer to a device, by the user's own ssh: the model, its program, and the proof on the device."""
