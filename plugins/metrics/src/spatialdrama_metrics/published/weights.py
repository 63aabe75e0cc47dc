"""Where Spatial-AST's weights come from; read by the description too, so nothing is imported."""

from __future__ import annotations

#: Environment variable that names the checkpoint where no option does.
VARIABLE = "SPATIALDRAMA_SPATIAL_AST"
#: What tables say; the whole story is in the error of a metric without them.
BRING = f"weights: give weights='finetuned.pth' of Spatial-AST, or set {VARIABLE}"


def lacking(metric: str) -> str:
    """What to say where there are none.

    Examples
    --------
    >>> lacking("isdrama/ang_cos")[:44]
    'isdrama/ang_cos needs the weights of Spatial'
    """
    return (
        f"{metric} needs the weights of Spatial-AST, which are not ours to ship: fetch "
        "SpatialAST/finetuned.pth from https://huggingface.co/datasets/zhisheng01/SpatialAudio "
        "(CC-BY 4.0 by its README, CC BY-NC 4.0 by its LICENSE file) and give its path as the "
        f"option weights='finetuned.pth', or set {VARIABLE} to its path"
    )
