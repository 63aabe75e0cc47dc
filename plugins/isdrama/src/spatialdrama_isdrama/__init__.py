"""ISDrama: script, voice prompts and poses to binaural drama in one stage.

One room per part of the paper (sections 4.2 to 4.4, appendices A and C); nothing here is imported
before somebody asks for it, because everything here needs torch.
"""
