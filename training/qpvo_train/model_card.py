# SPDX-License-Identifier: MIT
"""Model cards: README.md of a model folder. The description and the failures come from cards/<name>.md, the accuracy table survives a new export."""

from dataclasses import dataclass
from pathlib import Path

from .network import NetworkSizes, PatchNetwork
from .provenance import Provenance

CARDS = Path(__file__).parents[1] / "cards"
BEGIN, END = "<!-- accuracy: begin -->", "<!-- accuracy: end -->"
EARLIER_WEIGHTS = "**Measured with earlier weights, not with those of this folder.**"
# With the place that `npm run bench -- accuracy` fills.
NOT_MEASURED = "Not measured yet.\n\n<!-- odometry: begin -->\n<!-- odometry: end -->"

TEMPLATE = """# {name}

{description} {parameters:,} parameters. Licence {licence}.

| | |
|---|---|
| input | {input}, x = 2 I / 255 - 0.5, width and height multiples of 16 |
| encoder widths | {width}, then {double} channels; grid at a quarter of the image |
| matching features / hidden state | {features} / {hidden} |
| inner widths | {inner} |
| patch, correlation radius, levels | 3 x 3, 3, grid and a quarter of it |
| windows it is meant for | those of [manifest.json](manifest.json) |

Files: `features.onnx` and `context.onnx` (the two encoders), `update.onnx` (the update operator), `weights.safetensors` (the same weights under the names of the published
DPVO checkpoint), `golden.safetensors` (inputs and outputs of every stage, computed with PyTorch in fp32), `manifest.json` (sizes, training and checksums). The ONNX files are
made from the weights by the importer of this project, which gives the same bytes again. A model with INT8 parts has them beside: `*_int8.onnx` for
onnxruntime, `*_tensorrt_int8.onnx`, `weights_int8.safetensors` for the native kernels, `golden_int8.safetensors` and
`golden_tensorrt_int8.safetensors` (quantization simulated); see docs/numerics.md of the project.

## Training

| | |
|---|---|
| data | {data} |
| steps | {steps:,} |
| clips shown | {clips:,} |
| time | {hours:g} hours |
| machine | {machine} |
| configuration | `training/configs/{config}` |
| commit | `{commit}` |

{picture}

## Accuracy

{begin}
{accuracy}
{end}
{sections}"""


@dataclass(frozen=True)
class Card:
    """description: one paragraph; sections: the rest, from the first `## ` on."""

    description: str
    sections: str


def read_card(name: str, folder: Path = CARDS) -> Card:
    """The written part of a card; a plain one where there is none."""
    path = folder / f"{name}.md"
    if not path.exists():
        return Card(f"The network {name}.", "")
    description, heading, rest = path.read_text().partition("\n## ")
    return Card(" ".join(description.split()), f"\n## {rest}" if heading else "")


def write_card(
    path: Path,
    name: str,
    sizes: NetworkSizes,
    parameters: int,
    licence: str,
    provenance: Provenance,
    card: Card,
    *,
    picture: bool,
    old: Path,
    same_weights: bool,
) -> None:
    """Writes the card to `path`; the accuracy table is taken over from the card `old`, where there is one, whose model has the same weights or others."""
    text = TEMPLATE.format(
        name=name,
        description=card.description,
        parameters=parameters,
        licence=licence,
        input="grey image" if sizes.input_channels == 1 else "colour image (blue, green, red)",
        width=sizes.width,
        double=2 * sizes.width,
        features=sizes.feature_dim,
        hidden=sizes.hidden_dim,
        inner=inner_widths_text(sizes, parameters),
        picture="![Loss, patches within one pixel and learning rate over the steps](training.png)" if picture else "No log of the training was kept.",
        begin=BEGIN,
        accuracy=kept_accuracy(old, same_weights),
        end=END,
        sections=card.sections,
        **vars(provenance),
    )
    path.write_text(text)


def inner_widths_text(sizes: NetworkSizes, parameters: int) -> str:
    """Whether a network with these sizes has the widths that follow from them, or was pruned."""
    unpruned = sum(value.numel() for value in PatchNetwork(sizes).parameters())
    return "those of the sizes" if parameters == unpruned else f"pruned: {parameters:,} of {unpruned:,} parameters are left"


def kept_accuracy(old: Path, same_weights: bool) -> str:
    """What stands between the markers of a card; with other weights it says at its top that it was measured with earlier ones."""
    text = old.read_text() if old.exists() else ""
    begin, end = text.find(BEGIN), text.find(END)
    kept = text[begin + len(BEGIN) : end].strip() if 0 <= begin < end else ""
    if same_weights or kept in ("", NOT_MEASURED) or kept.startswith(EARLIER_WEIGHTS):
        return kept or NOT_MEASURED
    return f"{EARLIER_WEIGHTS}\n\n{kept}"
