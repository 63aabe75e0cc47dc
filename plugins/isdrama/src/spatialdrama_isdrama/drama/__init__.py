"""A whole drama from a script: lines, prompts, guidance, solving, mixing (paper 4.4, C.3).

`generator` is the door; `planning` gives every line its phones' frames and its time, `encoding` and
`whereabouts` ask the other rooms' encoders, `schedule` says what may be made when, `production`
makes it with `sampling`, `shelf` keeps it. No layer and no loss lives in here, and nothing here
knows how a network is trained.
"""
