"""Loading a base model, choosing what of it is trained, and saving it so that plain transformers loads it."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.engine.errors import MissingModel, UnsupportedModel
from training.engine.folders import require_space, whole_folder
from training.engine.packing import honours_block_mask
from training.engine.settings import _TrainingSettings
from training.engine.versions import default_device


def load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    _require_model(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # only fills batches; no end is ever read from it
    return tokenizer


def load_model(auto_class: Any, folder: Path, device: torch.device, **options: Any) -> Any:
    """A model in fp32 on `device`, with sdpa attention where the model has it. Raises `MissingModel`."""
    _require_model(folder)
    options["dtype"] = torch.float32
    with quiet_transformers():
        try:
            model = auto_class.from_pretrained(folder, attn_implementation="sdpa", **options)
        except ValueError:  # this architecture has no sdpa; packing is then checked, and left out if need be
            model = auto_class.from_pretrained(folder, **options)
    model.config.use_cache = False
    return model.to(device)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """No bars and no load report (a new score head is no news); what matters is in the run's own log."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def sampling_dtype(device: torch.device | None = None) -> torch.dtype:
    """bf16 where this machine multiplies it faster than fp32 (CUDA; CPUs with AVX512-BF16 or AMX), else fp32.

    For sampling alone: half the bytes a token, half as fast again on such a CPU. Training and every measured
    log-probability stay in fp32 on a CPU.
    """
    device = device or default_device()
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    # not public in torch 2.13; absent, we stay with what is always right
    fast = any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return torch.bfloat16 if fast else torch.float32


def load_policy(
    folder: Path, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> tuple[Any, Any]:
    """(causal language model, tokenizer) of a saved folder, ready to sample from (see `sampling_dtype`)."""
    from transformers import AutoModelForCausalLM

    model = load_model(AutoModelForCausalLM, Path(folder), device or default_device())
    return model.to(dtype).eval(), load_tokenizer(Path(folder))


def _require_model(folder: Path) -> None:
    if not (Path(folder) / "config.json").is_file():
        raise MissingModel(f"There is no model in {folder} (no config.json there).")


@contextlib.contextmanager
def precision(device: torch.device) -> Iterator[None]:
    """bf16 matrix products on CUDA hardware that has them; fp32 elsewhere. Weights and losses stay fp32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        with torch.autocast("cuda", dtype=torch.bfloat16):
            yield
    else:
        yield


def decoder_layers(backbone: nn.Module) -> nn.ModuleList:
    """The model's stack of layers: its longest ModuleList."""
    lists = [module for module in backbone.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise UnsupportedModel(f"{type(backbone).__name__} has no list of layers to train the last ones of.")
    return max(lists, key=len)


def linear_layer_names(backbone: nn.Module) -> list[str]:
    """Leaf names of all linear layers of the backbone (q_proj, up_proj, …): the places for LoRA."""
    from transformers.pytorch_utils import Conv1D

    names = {
        name.rpartition(".")[2] for name, module in backbone.named_modules() if isinstance(module, nn.Linear | Conv1D)
    }
    if not names:
        raise UnsupportedModel(f"{type(backbone).__name__} has no linear layer to put LoRA beside.")
    return sorted(names)


def add_adapter(model: Any, settings: _TrainingSettings, *, task: str, keep: list[str] | None = None) -> Any:
    """Make the part of `model` that `settings.adapter` names trainable and freeze the rest.

    task  peft's task type ("CAUSAL_LM" or "SEQ_CLS"); keep: modules trained in full beside the adapter (the
          score head). Returns the model, wrapped by peft for "lora" (arXiv 2106.09685).
    """
    if settings.adapter == "full":
        return model.requires_grad_(True)
    if settings.adapter == "last_n":
        model.requires_grad_(False)
        for layer in list(decoder_layers(model.base_model))[-settings.last_n :]:
            layer.requires_grad_(True)
        for name in keep or []:
            model.get_submodule(name).requires_grad_(True)
        return model
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(settings.seed)  # LoRA's A matrices are random
    config = LoraConfig(
        task_type=task,
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=linear_layer_names(model.base_model),
        modules_to_save=keep,
    )
    with warnings.catch_warnings():
        # peft asks transformers for a name that the next transformers will rename
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return get_peft_model(model, config)


def merged(model: Any) -> Any:
    """The plain transformers model with the adapter's change added to its weights; undoes the adapter."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def can_pack(model: Any, device: torch.device) -> bool:
    """Whether packed rows give this model's true numbers (see `honours_block_mask`)."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    with precision(device):
        return honours_block_mask(plain.base_model, device)


def save_model(model: Any, tokenizer: Any, folder: Path) -> Path:
    """Save model and tokenizer as a whole folder (safetensors), replacing an earlier one."""
    require_space(folder, 1_000_000 + sum(p.numel() * p.element_size() for p in model.parameters()))
    model.config.use_cache = True  # off while training, wanted by everyone who loads it
    with quiet_transformers(), whole_folder(folder, replace=True) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    return folder
