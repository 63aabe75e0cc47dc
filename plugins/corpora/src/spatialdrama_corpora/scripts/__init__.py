"""Public-domain drama to speak, English and Mandarin, cleaned, and who is cast for it.

`sources` reads the texts, `cut` and `clean` make the table that ships with the package,
`library` reads it, `castings` says who plays whom and how.
"""

from spatialdrama_corpora.scripts.castings import Character, Pool, cast, identity_pool
from spatialdrama_corpora.scripts.library import TextScene, library

__all__ = ["Character", "Pool", "TextScene", "cast", "identity_pool", "library"]
