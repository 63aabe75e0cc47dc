"""Script to drama in two steps: a voice speaks each line, a renderer places it.

Here lives the generator `cascade`. It knows voices and renderers by their protocols only and
imports no other plugin; what every generator does around its model is `spatialdrama.staging`.
"""
