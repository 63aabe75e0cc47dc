"""What this distribution tells the registry. Imports nothing heavy."""

from __future__ import annotations

from spatialdrama import CorpusSpec, hookimpl


@hookimpl
def register_corpora(register):
    """Readers of recorded corpora, of plain folders, and of the simulated corpus."""
    readers = "spatialdrama_corpora.readers"
    register(
        CorpusSpec(
            "mrsdrama",
            f"{readers}.mrsdrama:MRSDrama",
            summary="MRSDrama: binaural drama with poses, phones, prompts and video",
            licence="CC-BY-NC-SA-4.0",
        )
    )
    register(
        CorpusSpec(
            "binaural-speech",
            f"{readers}.binaural_speech:BinauralSpeech",
            summary="Binaural Speech (Richard et al. 2021): mono, binaural and positions",
            licence="CC-BY-NC-4.0",
        )
    )
    register(
        CorpusSpec(
            "folder",
            f"{readers}.folder:Folder",
            summary="any folder of sound files, with what lies beside them under the same name",
            licence="that of the files",
        )
    )
    register(
        CorpusSpec(
            "simulated",
            f"{readers}.simulated:Simulated",
            summary="a drama corpus that `spatialdrama corpus build` made",
            licence="told by its corpus.json",
        )
    )
