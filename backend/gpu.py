"""Name and use of the machine's first GPU, read through NVML; without torch, so that the app can read them too."""

from contextlib import suppress
from functools import lru_cache
from typing import Any


@lru_cache
def _handle() -> Any:
    """NVML's handle of GPU 0; None where nvidia-ml-py or a driver is missing."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByIndex(0)
    except Exception:  # the package, the driver or the device is missing
        return None


def gpu_name() -> str | None:
    """The GPU's name, such as ``NVIDIA L4``; None without a GPU."""
    if _handle() is None:
        return None
    import pynvml

    name = pynvml.nvmlDeviceGetName(_handle())
    return name.decode() if isinstance(name, bytes) else str(name)


def gpu_use() -> dict[str, float] | None:
    """``used_gb``, ``total_gb`` and ``busy`` (0 to 1) of the GPU now; None without one, or when it does not answer."""
    if _handle() is None:
        return None
    import pynvml

    with suppress(pynvml.NVMLError):
        memory = pynvml.nvmlDeviceGetMemoryInfo(_handle())
        busy = pynvml.nvmlDeviceGetUtilizationRates(_handle()).gpu / 100
        return {"used_gb": memory.used / 1e9, "total_gb": memory.total / 1e9, "busy": busy}
    return None
