"""The host link: UART, frames, requests, and the tops of boards."""
