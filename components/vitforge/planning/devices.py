"""What devices can do: an editable table."""

import difflib
from collections.abc import Mapping
from typing import Any

from vitforge.config import Section, parse
from vitforge.config.section import Positive
from vitforge.errors import ConfigError
from vitforge.planning.memory import Precision

USABLE = 0.8
"""Share of a device's memory that tensors can have; the rest is context, workspace and
fragmentation. The document's figure."""


class Device(Section):
    """One kind of device."""

    memory_gib: Positive
    """Memory, GiB."""
    tflops: dict[Precision, Positive]
    """Dense peak for each precision, 10^12 operations a second."""
    utilisation: Positive
    """Share of the peak that training reaches, (0, 1]."""

    @property
    def usable_bytes(self) -> int:
        """What tensors can have."""
        return int(self.memory_gib * 2**30 * USABLE)

    def speed(self, precision: Precision) -> float:
        """Operations a second that training reaches.

        Raises:
            ConfigError: if the device does not compute in that precision.
        """
        if precision not in self.tflops:
            raise ConfigError(
                f"the device does not compute in {precision}",
                mend=f"type --precision {' or '.join(self.tflops)}",
            )
        return self.tflops[precision] * 1e12 * self.utilisation


def read_devices(table: Mapping[str, Any]) -> dict[str, Device]:
    """Check a device table.

    Raises:
        ConfigError: naming what is wrong with which device.
    """
    return {name: parse(Device, row, where=f"device {name}") for name, row in table.items()}


def find_device(name: str, devices: Mapping[str, Device]) -> Device:
    """A device by name.

    Raises:
        ConfigError: if it is not in the table; the nearest names are told.
    """
    if name not in devices:
        near = difflib.get_close_matches(name.lower(), devices, n=3, cutoff=0.3) or list(devices)
        raise ConfigError(
            f"no device is called {name!r}",
            mend=f"type {' or '.join(near)}, or add it to a table of your own",
        )
    return devices[name]
