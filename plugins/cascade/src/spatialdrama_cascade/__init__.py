"""Script to drama in two steps: a voice speaks each line, a renderer places it.

Here lives the generator `cascade`, the timetable of a script and the level of stems. It knows
voices and renderers by their protocols only and imports no other plugin.
"""
