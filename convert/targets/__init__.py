"""What a file must be for the runtime or the chip that it is made for."""
