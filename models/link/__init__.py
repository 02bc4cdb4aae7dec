"""The host link: UART, frames, the device that answers them, boards."""
