"""The table of devices: the package's own, or one of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vitforge.errors import ConfigError

if TYPE_CHECKING:
    from vitforge.planning.devices import Device


def read_device_table(path: Path | None) -> dict[str, Device]:
    """Read a table of devices from YAML; None takes the package's.

    Raises:
        ConfigError: if the file cannot be read or a device in it is wrong.
    """
    from importlib import resources

    import yaml

    from vitforge.planning.devices import read_devices

    source = path or resources.files("vitforge.planning").joinpath("devices.yaml")
    try:
        table = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"the device table cannot be read: {error}", where=str(path)) from error
    if not isinstance(table, dict):
        raise ConfigError("the device table is no mapping of names to devices", where=str(path))
    return read_devices(table)
